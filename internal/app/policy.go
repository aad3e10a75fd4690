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
	"entree/internal/password"
	"entree/internal/secret"
	"entree/keycloak"
)

// realmPolicy holds what the realm asks of a password, as last read. Keycloak
// does not judge a hashed credential, so the portal judges in its place (S25):
// it takes the stricter of its own rules and the realm's, hashes with the
// realm's algorithm, and takes no password before it has read the policy once.
type realmPolicy struct {
	realm  *keycloak.Client
	own    password.Policy
	waived []string
	atOnce int // hashes
	seen   func(time.Duration)
	log    *slog.Logger
	now    atomic.Pointer[judged]
	queue  atomic.Int64 // passwords that are hashed or wait for it
}

type judged struct {
	rules  password.Policy
	hasher *keycloak.Hasher
}

// policyEvery is how often the realm is asked again; policySoon how often
// while it does not answer.
const (
	policyEvery = 5 * time.Minute
	policySoon  = 5 * time.Second
)

// hashesQueued is how many hashes may wait for each one that is computed: some
// four seconds, at 20 core-milliseconds each.
const hashesQueued = 200

func newRealmPolicy(realm *keycloak.Client, c config.Config, log *slog.Logger, seen func(time.Duration)) *realmPolicy {
	return &realmPolicy{realm: realm, own: c.Policy(), waived: c.Keycloak.WaivePolicy, atOnce: c.Limits.HashesAtOnce, log: log, seen: seen}
}

// Policy gives the rules in force; the portal's own until the realm was read.
func (p *realmPolicy) Policy() password.Policy {
	if j := p.now.Load(); j != nil {
		return j.rules
	}
	return p.own
}

// Hash hashes as the realm does. While the realm was never read nobody knows
// how, and the visitor is asked to wait.
func (p *realmPolicy) Hash(ctx context.Context, text secret.Text) (domain.Credential, error) {
	j := p.now.Load()
	if j == nil {
		return domain.Credential{}, &domain.Refusal{Reason: domain.ReasonBusy, Retry: time.Now().Add(time.Minute)}
	}
	// A queue that takes longer than the visitor's patience helps nobody, and
	// each of them holds a password in memory.
	defer p.queue.Add(-1)
	if p.queue.Add(1) > int64(p.atOnce*hashesQueued) {
		return domain.Credential{}, &domain.Refusal{Reason: domain.ReasonBusy, Retry: time.Now().Add(10 * time.Second)}
	}
	defer func(begun time.Time) { p.seen(time.Since(begun)) }(time.Now())
	return j.hasher.Hash(ctx, text)
}

// read asks the realm. A rule that cannot be judged here, and is not waived by
// name, is an error.
func (p *realmPolicy) read(ctx context.Context) error {
	policy, err := p.realm.ReadPolicy(ctx)
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(policy.Unjudgeable), func(rule string) bool { return slices.Contains(p.waived, rule) })
	if len(open) > 0 {
		return &unjudgeable{open}
	}
	rules := password.Max(p.own, policy.Rules)
	if old := p.now.Load(); old != nil && old.hasher.Is(policy.HashAlgorithm, policy.HashIterations) {
		p.now.Store(&judged{rules, old.hasher}) // the hasher counts what is under way
		return nil
	}
	hasher, err := keycloak.NewHasher(policy.HashAlgorithm, policy.HashIterations, p.atOnce, rand.Reader)
	if err != nil {
		return err
	}
	p.now.Store(&judged{rules, hasher})
	return nil
}

// unjudgeable stops the program at its start: accounts would pass a rule that
// the institution set.
type unjudgeable struct{ rules []string }

func (u *unjudgeable) Error() string {
	return fmt.Sprintf("the realm's password policy holds %s, which the portal cannot judge on a hashed password: "+
		"remove the rule from the realm, or name it under keycloak.waive_policy", strings.Join(u.rules, ", "))
}

// watch keeps the policy fresh. Keycloak may be away; the rules last read
// stand. It ends the program only on a rule that cannot be judged and that was
// there before anything was accepted.
func (p *realmPolicy) watch(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		err := p.read(ctx)
		wait = policyEvery
		if err == nil {
			continue
		}
		var u *unjudgeable
		if errors.As(err, &u) && p.now.Load() == nil {
			return u
		}
		if ctx.Err() == nil {
			p.log.Error("read the realm's password policy", "error", err)
		}
		if p.now.Load() == nil {
			wait = policySoon
		}
	}
}
