package app

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/matching"
	"entree/internal/store"
	"entree/keycloak"
)

// NewMatching returns the comparison of people with the accounts of the realm, for
// commands: a running portal does the jobs that it orders.
func NewMatching(c config.Config, s *store.Store) (*matching.Service, error) {
	client, err := keycloak.NewClient(keycloakConfig(c))
	if err != nil {
		return nil, err
	}
	return newMatching(c, s, client.Accounts(c.Institution.Scope), func(...string) {}), nil
}

func newMatching(c config.Config, s *store.Store, accounts *keycloak.Accounts, wake func(...string)) *matching.Service {
	newJob := func(kind string, payload any, now, deadline time.Time) (domain.Job, error) {
		return domain.NewJob(rand.Reader, c.Keys, kind, payload, now, deadline)
	}
	return matching.New(matching.Options{
		Store: s, Sources: []matching.Source{accounts}, Accounts: accounts,
		Rules: matching.Rules{Numbers: c.NumberAttributes(), Certain: c.CertainEvidence()},
		Mark:  c.Matching.Mark, Domains: c.AddressDomains(), Clock: time.Now, Random: rand.Reader, NewJob: newJob, Wake: wake,
		OpenJob: func(j domain.Job, into any) error { return j.Open(c.Keys, into) },
		Mail: func(m domain.Message, p domain.PersonID) (domain.Job, error) {
			now := domain.Instant(time.Now())
			m.AskedAt = now
			job, err := newJob(domain.JobMail, &m, now, now.Add(4*24*time.Hour))
			job.Person = p
			return job, err
		},
	})
}

// accountOrders are the comparisons that operators ask for in the console.
type accountOrders struct {
	*matching.Service
	orders chan accountOrder
}

type accountOrder struct {
	entry audit.Entry
	adopt bool
}

// Order asks for a comparison, which runs in the background. An order that is given
// while another waits has no effect.
func (o accountOrders) Order(e audit.Entry, adopt bool) {
	select {
	case o.orders <- accountOrder{e, adopt}:
	default:
	}
}

const (
	othersEvery  = time.Hour        // interval between two counts of the realm's accounts
	passLook     = time.Minute      // interval at which it is decided whether a pass is due
	passAgain    = 5 * time.Minute  // after a pass that failed
	afterImports = 15 * time.Minute // least time between two passes because of new people
)

// watchAccounts recognises a realm with accounts that the portal did not create, and
// compares them with the people of the registry: at once, then at intervals, and
// after imports. Of several instances one does it.
func (a *App) watchAccounts(ctx context.Context) error {
	var counted time.Time
	for {
		if now := time.Now(); now.Sub(counted) >= othersEvery {
			if err := a.recogniseOthers(ctx); err == nil {
				counted = now
			} else if ctx.Err() == nil {
				a.log.Warn("count the realm's accounts", "error", err)
			}
		}
		if err := a.passIfDue(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("compare people with the realm's accounts", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(passLook):
		case o := <-a.accountOrders.orders:
			if err := a.compareAccounts(ctx, o.entry, o.adopt); err != nil && ctx.Err() == nil {
				a.log.Error("compare people with the realm's accounts", "error", err)
			}
		}
	}
}

// recogniseOthers marks the store if the realm has more accounts than the portal
// created.
func (a *App) recogniseOthers(ctx context.Context) error {
	found, _, _, err := a.store.Others(ctx)
	if err != nil || !found.IsZero() {
		return err
	}
	there, err := a.realmAccounts.Count(ctx)
	if err != nil {
		return err
	}
	own, err := a.store.OwnAccounts(ctx)
	if err != nil || there <= own {
		return err
	}
	a.log.Info("the realm has accounts that the portal did not create", "accounts", there, "own", own, "see", "docs/introduce.md")
	return a.store.MarkOthers(ctx)
}

// passIfDue runs a pass if one is due, and adopts the certain matches if the
// configuration says so.
func (a *App) passIfDue(ctx context.Context, now time.Time) error {
	every := a.config.Matching.Every
	found, matched, unmatched, err := a.store.Others(ctx)
	if err != nil || found.IsZero() || every == 0 {
		return err
	}
	age := now.Sub(matched)
	if !matched.IsZero() && age < every && (!unmatched || age < afterImports) {
		return nil
	}
	if due, err := a.store.Due(ctx, "matching", now, passAgain); err != nil || !due {
		return err
	}
	return a.compareAccounts(ctx, audit.Entry{At: domain.Instant(now), By: audit.System}, a.config.Matching.Adopt == "certain")
}

// compareAccounts runs a pass, unless one runs already, and adopts the certain
// matches if adopt is set.
func (a *App) compareAccounts(ctx context.Context, by audit.Entry, adopt bool) error {
	p, err := a.accountOrders.Pass(ctx, by.By, matching.Told{})
	if errors.Is(err, domain.ErrConflict) {
		return nil // a command or another instance runs one
	}
	if err != nil {
		return err
	}
	a.log.Info("people were compared with the realm's accounts", "accounts", p.Accounts, "people", p.People, "certain", p.Certain, "likely", p.Likely,
		"contradictory", p.Contradictory, "seconds", p.Ended.Sub(p.Begun).Seconds())
	if !adopt || p.Certain == 0 {
		return nil
	}
	done, err := a.accountOrders.AdoptCertain(ctx, by, nil)
	a.log.Info("accounts were adopted", "adopted", done.Adopted, "refused", done.Refused, "changed", done.Changed)
	return err
}

// EachOpenMatch calls see with the open matches and their people, class by class, at
// most limit of each class, or all if limit is negative. A person who was erased
// meanwhile is zero. It holds one page of matches in memory.
func EachOpenMatch(ctx context.Context, s *store.Store, limit int, see func(domain.Match, domain.Person) error) error {
	const page = 500
	for _, class := range domain.MatchClasses() {
		left := limit
		for after := (domain.Match{}); left != 0; {
			size := page
			if left > 0 {
				size = min(page, left)
			}
			some, err := s.OpenMatches(ctx, class, after, size)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			after = some[len(some)-1]
			left -= len(some)
			ids := make([]domain.PersonID, len(some))
			for i, m := range some {
				ids[i] = m.Person
			}
			people, err := s.PeopleWith(ctx, ids)
			if err != nil {
				return err
			}
			for _, m := range some {
				if err := see(m, people[m.Person]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
