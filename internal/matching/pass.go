package matching

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Source is a place that holds accounts: Keycloak, or the directory behind it.
type Source interface {
	// Count returns the number of accounts, which may be an estimate.
	Count(ctx context.Context) (int, error)
	// Each calls see with all accounts, in pages. An account that is created or
	// deleted meanwhile may be missing or come twice; all others are seen.
	Each(ctx context.Context, see func([]domain.Existing) error) error
}

// Accounts reads and marks single accounts.
type Accounts interface {
	// Account returns an account, or domain.ErrNotFound.
	Account(ctx context.Context, id string) (domain.Existing, error)
	// Mark writes the portal's mark into an account and changes nothing else. It
	// is idempotent. It returns domain.ErrForeignAccount, marked permanent, if
	// the account has another mark.
	Mark(ctx context.Context, id, activationID string) error
}

// Store keeps passes and matches.
type Store interface {
	BeginPass(ctx context.Context, p domain.MatchPass) error
	IndexAccounts(ctx context.Context, p domain.MatchPass, accounts []domain.MatchAccount) error
	IndexedAccounts(ctx context.Context) (int, error)
	PeopleWithoutAccount(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error)
	AccountsWith(ctx context.Context, keys []string) (map[string][]domain.MatchAccount, error)
	AccountOwners(ctx context.Context, accounts []string) (map[string]domain.PersonID, error)
	PutMatches(ctx context.Context, p domain.MatchPass, people []domain.PersonID, matches []domain.Match) error
	EndPass(ctx context.Context, p domain.MatchPass, unowned func(domain.MatchAccount) error) (domain.MatchPass, error)
	FailPass(ctx context.Context, p domain.MatchPass) error
	LastPass(ctx context.Context) (domain.MatchPass, error)
	OpenMatches(ctx context.Context, class domain.MatchClass, after domain.Match, limit int) ([]domain.Match, error)
	MatchesOf(ctx context.Context, p domain.PersonID) ([]domain.Match, error)
	MatchCounts(ctx context.Context) (map[domain.MatchClass]int, error)
	Person(ctx context.Context, id domain.PersonID) (domain.Person, error)
	PeopleWith(ctx context.Context, ids []domain.PersonID) (map[domain.PersonID]domain.Person, error)
	Apply(ctx context.Context, e domain.Effects) error
}

// Options are the dependencies and settings of a Service.
type Options struct {
	Store    Store
	Sources  []Source
	Accounts Accounts
	Rules    Rules
	// Mark makes an adoption write the portal's mark into the account, which a
	// recovery requires.
	Mark bool
	// Domains are the domains of university addresses, by profile: an adopted
	// account's address is recorded as the person's only if it is in one.
	Domains map[string]string
	Clock   func() time.Time
	Random  io.Reader
	// Mail returns the job of a mail.
	Mail func(m domain.Message, person domain.PersonID) (domain.Job, error)
	// NewJob seals a payload into a job.
	NewJob  func(kind string, payload any, now, deadline time.Time) (domain.Job, error)
	OpenJob func(job domain.Job, into any) error
	Wake    func(kinds ...string)
}

// Service compares people with accounts and carries out decisions. It holds no
// state: several instances can share a store.
type Service struct{ Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// Told receives what a pass finds while it runs. Each function may be nil.
type Told struct {
	Progress func(domain.MatchPass)
	// Unowned is called with the id and the login of each account without a person.
	Unowned func(id, login string) error
}

// page is the number of people who are compared at once, and of matches that are read
// at once.
const page = 500

// errStale is returned by a pass that made no progress for so long that another
// one began.
var errStale = errors.New("matching: another pass began, because this one made no progress for too long")

// Pass compares all accounts with all people who have none. It returns
// domain.ErrConflict while another pass runs.
func (s *Service) Pass(ctx context.Context, by audit.Operator, told Told) (domain.MatchPass, error) {
	now := domain.Instant(s.Clock())
	p := domain.MatchPass{By: by.Name, Begun: now, Seen: now, State: domain.PassRunning}
	if by.Subject == audit.System.Subject {
		p.By = ""
	}
	var err error
	if p.ID, err = domain.NewID(s.Random); err != nil {
		return p, err
	}
	if err := s.Store.BeginPass(ctx, p); err != nil {
		return p, err
	}
	if err = s.run(ctx, &p, told); err == nil {
		p.Seen = domain.Instant(s.Clock())
		p.Ended = p.Seen
		var done domain.MatchPass
		if done, err = s.Store.EndPass(ctx, p, s.unowned(told)); err == nil {
			return done, nil
		}
	}
	if errors.Is(err, domain.ErrConflict) {
		return p, errStale
	}
	p.Error, p.Ended = err.Error(), domain.Instant(s.Clock())
	return p, errors.Join(err, s.Store.FailPass(context.WithoutCancel(ctx), p))
}

func (s *Service) run(ctx context.Context, p *domain.MatchPass, told Told) error {
	tell := func() {
		p.Seen = domain.Instant(s.Clock())
		if told.Progress != nil {
			told.Progress(*p)
		}
	}
	for _, source := range s.Sources {
		n, err := source.Count(ctx)
		if err != nil {
			return fmt.Errorf("count the accounts: %w", err)
		}
		p.Expected += n
	}
	tell()
	for _, source := range s.Sources {
		err := source.Each(ctx, func(some []domain.Existing) error {
			var indexed []domain.MatchAccount
			for _, x := range some {
				entry, err := s.Rules.index(x)
				if err != nil {
					return err
				}
				indexed = append(indexed, entry)
			}
			p.Accounts += len(some)
			tell()
			return s.Store.IndexAccounts(ctx, *p, indexed)
		})
		if err != nil {
			return fmt.Errorf("read the accounts: %w", err)
		}
	}
	for after := domain.PersonID(""); ; {
		people, err := s.Store.PeopleWithoutAccount(ctx, after, page)
		if err != nil || len(people) == 0 {
			return err
		}
		after = people[len(people)-1].ID
		matches, err := s.compare(ctx, people)
		if err != nil {
			return err
		}
		p.People += len(people)
		tell()
		ids := make([]domain.PersonID, len(people))
		for i := range people {
			ids[i] = people[i].ID
		}
		if err := s.Store.PutMatches(ctx, *p, ids, matches); err != nil {
			return err
		}
	}
}

// compare returns the matches of some people.
func (s *Service) compare(ctx context.Context, people []domain.Person) ([]domain.Match, error) {
	var keys []string
	for _, p := range people {
		keys = append(keys, keysOf(p)...)
	}
	slices.Sort(keys)
	found, err := s.Store.AccountsWith(ctx, slices.Compact(keys))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, accounts := range found {
		for _, a := range accounts {
			ids = append(ids, a.ID)
		}
	}
	slices.Sort(ids)
	owners, err := s.Store.AccountOwners(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	var out []domain.Match
	for _, p := range people {
		matches, err := s.Rules.matchesOf(p, found, owners)
		if err != nil {
			return nil, err
		}
		out = append(out, matches...)
	}
	return out, nil
}

// EachOpen calls see with the open matches and their people, class by class, at
// most limit of each class, or all if limit is negative. A person who was erased
// meanwhile is zero. It holds one page of matches in memory.
func (s *Service) EachOpen(ctx context.Context, limit int, see func(domain.Match, domain.Person) error) error {
	for _, class := range domain.MatchClasses() {
		left := limit
		for after := (domain.Match{}); left != 0; {
			size := page
			if left > 0 {
				size = min(page, left)
			}
			some, err := s.Store.OpenMatches(ctx, class, after, size)
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
			people, err := s.Store.PeopleWith(ctx, ids)
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
