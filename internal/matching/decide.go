package matching

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Acts of operators in the audit.
const (
	ActAdopted   = "accounts.adopted" // in bulk; details: count and pass
	ActConfirmed = "person.match_confirmed"
	ActRejected  = "person.match_rejected"
)

// markDeadline limits the retries of a mark.
const markDeadline = 14 * 24 * time.Hour

// batch is the number of adoptions in one transaction.
const batch = 50

// ErrTaken is returned if the account's login is reserved for another person.
var ErrTaken = domain.ErrTaken

// unowned returns the function that EndPass calls with accounts without a person.
func (s *Service) unowned(told Told) func(domain.MatchAccount) error {
	if told.Unowned == nil {
		return nil
	}
	return func(found domain.MatchAccount) error {
		var a account
		if err := json.Unmarshal(found.Doc, &a); err != nil {
			return err
		}
		return told.Unowned(found.ID, a.Login)
	}
}

// Adopted counts the outcomes of AdoptCertain.
type Adopted struct {
	Adopted int `json:"adopted"` // people who have an account now
	Refused int `json:"refused"` // matches that became contradictory
	Changed int `json:"changed"` // people who changed meanwhile; the next pass decides
}

// AdoptCertain adopts all certain matches, each account for one person. An entry of
// the audit holds the count. tell receives the progress; it may be nil.
func (s *Service) AdoptCertain(ctx context.Context, e audit.Entry, tell func(Adopted)) (done Adopted, err error) {
	for after := (domain.Match{}); ; {
		some, err := s.Store.OpenMatches(ctx, domain.MatchCertain, after, batch)
		if err != nil {
			return done, err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1]
		if err := s.adoptSome(ctx, some, &done); err != nil {
			return done, err
		}
		if tell != nil {
			tell(done)
		}
	}
	if done.Adopted == 0 {
		return done, nil
	}
	e.Act, e.What = ActAdopted, map[string]string{"count": fmt.Sprint(done.Adopted)}
	return done, s.Store.Apply(ctx, domain.Effects{Audit: []audit.Entry{e}})
}

// adoptSome adopts matches in one transaction, or one by one if the transaction is
// refused because of one of them.
func (s *Service) adoptSome(ctx context.Context, some []domain.Match, done *Adopted) error {
	var together domain.Effects
	for _, m := range some {
		e, err := s.adoption(ctx, m)
		if err != nil {
			return err
		}
		together = join(together, e)
	}
	err := s.apply(ctx, together)
	if err == nil {
		done.Adopted += len(some)
		return nil
	}
	for _, m := range some {
		err := s.adoptOne(ctx, m)
		switch {
		case err == nil:
			done.Adopted++
		case errors.Is(err, domain.ErrTaken):
			done.Refused++
			err = s.apply(ctx, domain.Effects{Matches: []domain.MatchDecision{{Person: m.Person, Account: m.Account, Against: domain.AgainstLogin}}})
		case errors.Is(err, domain.ErrConflict), errors.Is(err, domain.ErrNotFound):
			done.Changed++
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// adoptOne adopts one match. The account's address is left out if another person
// has it.
func (s *Service) adoptOne(ctx context.Context, m domain.Match, with ...audit.Entry) error {
	e, err := s.adoption(ctx, m)
	if err != nil {
		return err
	}
	e.Audit = with
	err = s.apply(ctx, e)
	if m.Address != "" && errors.Is(err, domain.ErrTaken) {
		m.Address = ""
		return s.adoptOne(ctx, m, with...)
	}
	return err
}

// adoption returns the effects of an adoption. They are refused with
// domain.ErrConflict if the person changes before.
func (s *Service) adoption(ctx context.Context, m domain.Match) (domain.Effects, error) {
	p, err := s.Store.Person(ctx, m.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	if p.Account != domain.NoAccount && p.Account != domain.AccountParked || !p.ErasedAt.IsZero() {
		return domain.Effects{}, domain.ErrConflict
	}
	now := domain.Instant(s.Clock())
	after := p
	after.Account, after.AccountID, after.ActivatedAt, after.Login, after.Matching = domain.AccountActive, m.Account, now, m.Login, ""
	if p.UniversityAddress == "" && m.Address != "" && strings.HasSuffix(m.Address, "@"+s.Domains[p.Profile]) {
		after.UniversityAddress = m.Address
	}
	words := make([]string, len(m.Evidence))
	for i, e := range m.Evidence {
		words[i] = string(e)
	}
	e := domain.Effects{
		Matches: []domain.MatchDecision{{Person: p.ID, Account: m.Account, Adopted: true}},
		Events:  []domain.Event{{At: now, Kind: domain.EventAccountAdopted, Person: p.ID, Details: map[string]string{"login": m.Login, "evidence": strings.Join(words, " ")}}},
		Reached: []domain.Reached{{Person: p.ID, Stage: domain.StageAccount}},
	}
	if s.Mark {
		if after.ActivationID, err = domain.NewID(s.Random); err != nil {
			return e, err
		}
		job, err := s.NewJob(domain.JobMark, markOrder{m.Account, after.ActivationID}, now, now.Add(markDeadline))
		if err != nil {
			return e, err
		}
		job.Person = p.ID
		e.Jobs = append(e.Jobs, job)
	}
	if p.Account == domain.AccountParked { // the student waits for an answer
		mail, err := s.Mail(domain.Message{Kind: domain.MessageAdopted, Lang: domain.French, To: p.Email, Profile: p.Profile, GivenName: p.GivenName, Login: m.Login}, p.ID)
		if err != nil {
			return e, err
		}
		e.Jobs = append(e.Jobs, mail)
	}
	e.Edits = []domain.PersonEdit{{Before: p, After: after}}
	return e, nil
}

func join(a, b domain.Effects) domain.Effects {
	a.Edits, a.Matches, a.Events = append(a.Edits, b.Edits...), append(a.Matches, b.Matches...), append(a.Events, b.Events...)
	a.Reached, a.Jobs = append(a.Reached, b.Reached...), append(a.Jobs, b.Jobs...)
	return a
}

func (s *Service) apply(ctx context.Context, e domain.Effects) error {
	err := s.Store.Apply(ctx, e)
	if err == nil {
		for _, job := range e.Jobs {
			s.Wake(job.Kind)
		}
	}
	return err
}

// Confirm adopts an account for a person, as an operator decided. It returns
// domain.ErrConflict if the match is no longer open, and ErrTaken if the account or
// its login belongs to another person.
func (s *Service) Confirm(ctx context.Context, e audit.Entry, p domain.PersonID, account, reason string) error {
	m, err := s.open(ctx, p, account)
	if err != nil {
		return err
	}
	owners, err := s.Store.AccountOwners(ctx, []string{account})
	if err != nil {
		return err
	}
	if owner := owners[account]; owner != "" && owner != p {
		return ErrTaken
	}
	e.Act, e.Whom, e.What = ActConfirmed, string(p), map[string]string{"login": m.Login, "account": m.Account, "reason": reason}
	return s.adoptOne(ctx, m, e)
}

// Reject records that an account is not the person's. When the person has no open
// match left, an activation creates an account. It returns domain.ErrConflict if
// the match is no longer open.
func (s *Service) Reject(ctx context.Context, e audit.Entry, p domain.PersonID, account, reason string) error {
	m, err := s.open(ctx, p, account)
	if err != nil {
		return err
	}
	e.Act, e.Whom, e.What = ActRejected, string(p), map[string]string{"login": m.Login, "account": m.Account, "reason": reason}
	return s.apply(ctx, domain.Effects{
		Matches: []domain.MatchDecision{{Person: p, Account: account}}, Audit: []audit.Entry{e},
		Events: []domain.Event{{At: domain.Instant(s.Clock()), Kind: domain.EventMatchRejected, Person: p, Details: map[string]string{"login": m.Login}}},
	})
}

func (s *Service) open(ctx context.Context, p domain.PersonID, account string) (domain.Match, error) {
	all, err := s.Store.MatchesOf(ctx, p)
	if err != nil {
		return domain.Match{}, err
	}
	for _, m := range all {
		if m.Account == account {
			return m, nil
		}
	}
	return domain.Match{}, domain.ErrConflict
}

// Candidate is an open match with its account as the realm has it now.
type Candidate struct {
	domain.Match
	domain.Existing
	Gone bool // the account no longer exists
}

// Case returns a person with the open matches, and reads each account.
func (s *Service) Case(ctx context.Context, id domain.PersonID) (domain.Person, []Candidate, error) {
	p, err := s.Store.Person(ctx, id)
	if err != nil {
		return p, nil, err
	}
	all, err := s.Store.MatchesOf(ctx, id)
	if err != nil {
		return p, nil, err
	}
	var out []Candidate
	for _, m := range all {
		c := Candidate{Match: m}
		c.Existing, err = s.Accounts.Account(ctx, m.Account)
		if c.Gone = errors.Is(err, domain.ErrNotFound); err != nil && !c.Gone {
			return p, nil, err
		}
		out = append(out, c)
	}
	return p, out, nil
}

// markOrder is the sealed content of a mark job.
type markOrder struct{ Account, ActivationID string }

// MarkJobs returns the handler of the jobs that write marks.
func (s *Service) MarkJobs() domain.Handler { return markJobs{s} }

type markJobs struct{ *Service }

// Run writes the mark. It is idempotent.
func (s markJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var o markOrder
	if err := s.OpenJob(job, &o); err != nil {
		return domain.Effects{}, err
	}
	return domain.Effects{}, s.Accounts.Mark(ctx, o.Account, o.ActivationID)
}

// Abandon records that the account has no mark. The account stays the person's.
func (s markJobs) Abandon(_ context.Context, job domain.Job, cause error) (domain.Effects, error) {
	return domain.Effects{Events: []domain.Event{{
		At: domain.Instant(s.Clock()), Kind: domain.EventMarkNotWritten, Person: job.Person, Details: map[string]string{"reason": cause.Error()},
	}}}, nil
}
