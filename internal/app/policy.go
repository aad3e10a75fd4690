package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/outage"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/keycloak"
)

// realmPolicy holds the realm's password policy as it was last read. Keycloak does
// not check a hashed credential, so the portal checks in its place (S25): it applies
// the stricter of its own rules and the realm's, hashes with the realm's algorithm,
// and accepts no password before it has read the policy once.
//
// Without Keycloak the portal's own rules are the policy.
type realmPolicy struct {
	realm  *keycloak.Client // nil without Keycloak
	own    password.Policy
	waived []string
	atOnce int // hashes that are computed in parallel
	seen   func(time.Duration)
	log    *slog.Logger
	fixed  credentialHasher // of the directory of accounts; nil: the realm says which
	now    atomic.Pointer[judged]
	queue  atomic.Int64 // passwords that are being hashed or wait for it

	failing outage.Tracker
}

type judged struct {
	rules  password.Policy
	hasher credentialHasher
}

// credentialHasher computes the credential of a password.
type credentialHasher interface {
	Hash(ctx context.Context, password secret.Text) (domain.Credential, error)
}

// policyEvery is the interval between two reads of the policy; policySoon is the
// interval until the first read succeeds.
const (
	policyEvery = 5 * time.Minute
	policySoon  = 5 * time.Second
)

// hashesQueued is the number of hashes that may wait per hash that is computed:
// about four seconds at 20 core-milliseconds each.
const hashesQueued = 200

func newRealmPolicy(realm *keycloak.Client, c config.Config, log *slog.Logger, seen func(time.Duration)) *realmPolicy {
	return &realmPolicy{realm: realm, own: c.Policy(), waived: c.Keycloak.WaivePolicy, atOnce: c.Limits.HashesAtOnce, log: log, seen: seen}
}

// Policy returns the rules in force: the portal's own until the realm was read.
func (p *realmPolicy) Policy() password.Policy {
	if j := p.now.Load(); j != nil {
		return j.rules
	}
	return p.own
}

// Ready returns a refusal until the realm's policy has been read once, and while more
// hashes wait than a student would wait for.
func (p *realmPolicy) Ready() error {
	if p.now.Load() == nil {
		return &domain.Refusal{Reason: domain.ReasonBusy, Retry: time.Now().Add(time.Minute)}
	}
	if p.queue.Load() >= int64(p.atOnce*hashesQueued) {
		return &domain.Refusal{Reason: domain.ReasonBusy, Retry: time.Now().Add(10 * time.Second)}
	}
	return nil
}

// Hash hashes with the realm's algorithm. It returns a Refusal with ReasonBusy
// before the first read of the realm and if too many passwords wait.
func (p *realmPolicy) Hash(ctx context.Context, text secret.Text) (domain.Credential, error) {
	if err := p.Ready(); err != nil {
		return domain.Credential{}, err
	}
	j := p.now.Load()
	// Each waiting call holds a password in memory, and a student does not wait
	// longer than a few seconds.
	defer p.queue.Add(-1)
	if p.queue.Add(1) > int64(p.atOnce*hashesQueued) {
		return domain.Credential{}, &domain.Refusal{Reason: domain.ReasonBusy, Retry: time.Now().Add(10 * time.Second)}
	}
	defer func(begun time.Time) { p.seen(time.Since(begun)) }(time.Now())
	return j.hasher.Hash(ctx, text)
}

// read reads the realm's policy. A rule that the portal cannot check and that the
// configuration does not waive is an error.
func (p *realmPolicy) read(ctx context.Context) error {
	if p.realm == nil {
		p.now.Store(&judged{p.own, p.fixed})
		return nil
	}
	policy, err := p.realm.ReadPolicy(ctx)
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(policy.Unjudgeable), func(rule string) bool { return slices.Contains(p.waived, rule) })
	if len(open) > 0 {
		return &unjudgeable{open}
	}
	rules := password.Max(p.own, policy.Rules)
	if p.fixed != nil {
		p.now.Store(&judged{rules, p.fixed})
		return nil
	}
	if old := p.now.Load(); old != nil {
		if h, ok := old.hasher.(*keycloak.Hasher); ok && h.Is(policy.HashAlgorithm, policy.HashIterations) {
			p.now.Store(&judged{rules, h}) // the hasher counts the hashes under way
			return nil
		}
	}
	hasher, err := keycloak.NewHasher(policy.HashAlgorithm, policy.HashIterations, p.atOnce, rand.Reader)
	if err != nil {
		return err
	}
	p.now.Store(&judged{rules, hasher})
	return nil
}

// unjudgeable ends the program at its start: without it, accounts would be created
// in breach of a rule of the institution.
type unjudgeable struct{ rules []string }

func (u *unjudgeable) Error() string {
	return fmt.Sprintf("the realm's password policy holds %s, which the portal cannot judge on a hashed password: "+
		"remove the rule from the realm, or name it under keycloak.waive_policy", strings.Join(u.rules, ", "))
}

// watch reads the policy at intervals until ctx ends. While Keycloak does not
// answer, the rules of the last read apply. watch returns an error only for a rule
// that the portal cannot check and that was found before any password was accepted.
func (p *realmPolicy) watch(ctx context.Context) error {
	if p.realm == nil {
		return p.read(ctx)
	}
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		err := p.read(ctx)
		wait = policyEvery
		logOnce(ctx, p.log, &p.failing, "reading the realm's password policy", err)
		if err == nil {
			continue
		}
		var u *unjudgeable
		if errors.As(err, &u) && p.now.Load() == nil {
			return u
		}
		if p.now.Load() == nil {
			wait = policySoon
		}
	}
}
