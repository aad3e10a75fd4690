package activation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/passkey"
)

const (
	// factorsFor limits a question about the factors of an account while a page waits.
	factorsFor = 3 * time.Second
	// dropDeadline limits the retries of removing one factor. A removal that the student
	// asked for days ago would be a surprise.
	dropDeadline = time.Hour
	// behindDrop is the wait of a removal while an older one of the person has not
	// ended, so that two of them cannot both leave the other factor.
	behindDrop = time.Second
	// aheadDrop limits how long the oldest removal of a person waits for a newer one
	// that runs, and dropPoll is the time between two looks at it.
	aheadDrop = 10 * time.Second
	dropPoll  = 20 * time.Millisecond
)

var errOtherDrop = errors.New("another factor of the person is being removed")

// ListsFactors reports whether the store of accounts lists the factors of an account.
func (s *Service) ListsFactors() bool { return s.Factors != nil }

// FactorsOf returns the factors of a person's account, with the names of the
// authenticators that are known. It returns an error that wraps a
// *domain.AccountBarred if the portal must not change the account.
func (s *Service) FactorsOf(ctx context.Context, p domain.Person) (domain.HeldFactors, error) {
	if s.Factors == nil {
		return domain.HeldFactors{}, domain.ErrNotFound
	}
	ask, cancel := context.WithTimeout(ctx, factorsFor)
	defer cancel()
	held, err := s.Factors.Factors(ask, p.AccountRef())
	for i, f := range held.List {
		held.List[i].Device = passkey.Name(f.Model)
	}
	return held, err
}

// requiresFactor reports whether the person must have a second factor.
func (s *Service) requiresFactor(p domain.Person) bool {
	profile, _ := s.Profile(p.Profile)
	return profile.Factors == domain.FactorsRequired
}

// CheckDrop returns the factors that deleting one factor deletes, or a *domain.Refusal. The
// list is empty if the account does not have the factor.
func (s *Service) CheckDrop(p domain.Person, held domain.HeldFactors, id string) ([]domain.Factor, error) {
	if !p.RecoveryFrozenAt.IsZero() {
		return nil, &domain.Refusal{Reason: domain.ReasonFactorFrozen}
	}
	gone, reason := held.Removal(id, s.requiresFactor(p))
	if reason != "" {
		return nil, &domain.Refusal{Reason: reason}
	}
	return gone, nil
}

// RenameFactor changes the name of a factor of a logged-in student. It returns
// ErrNotFound if the account does not have the factor.
func (s *Service) RenameFactor(ctx context.Context, p domain.Person, id, typed string) error {
	label, err := clean.Text(typed)
	if err != nil || label == "" || utf8.RuneCountInString(label) > domain.MaxFactorLabel {
		return &domain.Refusal{Reason: domain.ReasonFactorLabel}
	}
	held, err := s.FactorsOf(ctx, p)
	if err != nil {
		return barredFactor(err)
	}
	// Keycloak refuses a name that another factor of the account has.
	if slices.ContainsFunc(held.List, func(f domain.Factor) bool { return f.ID != id && strings.EqualFold(f.Label, label) }) {
		return &domain.Refusal{Reason: domain.ReasonFactorTaken}
	}
	switch f, has := held.Find(id); {
	case !has:
		return domain.ErrNotFound
	case f.Label == label:
		return nil
	}
	ask, cancel := context.WithTimeout(ctx, factorsFor)
	defer cancel()
	return barredFactor(s.Factors.RenameFactor(ask, p.AccountRef(), id, label))
}

// barredFactor turns a *domain.AccountBarred into a Refusal.
func barredFactor(err error) error {
	var barred *domain.AccountBarred
	if errors.As(err, &barred) {
		return &domain.Refusal{Reason: domain.ReasonFactorBarred}
	}
	return err
}

// RemoveFactor orders the removal of one factor of a logged-in student, and waits for it
// as long as a page may. done is false if it is still to come. Every mail address of the
// person is told when it is done. It returns ErrNotFound if the account does not have the
// factor.
func (s *Service) RemoveFactor(ctx context.Context, p domain.Person, id string, lang domain.Lang) (done bool, err error) {
	held, err := s.FactorsOf(ctx, p)
	if err != nil {
		return false, barredFactor(err)
	}
	gone, err := s.CheckDrop(p, held, id)
	if err != nil {
		return false, err
	}
	if len(gone) == 0 {
		return false, domain.ErrNotFound
	}
	if err := s.take(ctx, domain.ReasonChangesSpent, domain.Act{Key: personKey("factor", p.ID), Rate: s.Rates.Address}); err != nil {
		return false, err
	}
	now := s.now()
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobDrop, domain.FactorDrop{ID: id, Kind: gone[0].Kind, Lang: lang}, now, now.Add(dropDeadline))
	if err != nil {
		return false, err
	}
	job.Person = p.ID
	if err := s.Store.Apply(ctx, domain.Effects{Jobs: []domain.Job{job}}); err != nil {
		return false, err
	}
	wait, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	if err := s.Runner.RunNow(wait, job.ID); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return false, err
	}
	if held, err = s.FactorsOf(ctx, p); err != nil {
		return false, nil
	}
	_, has := held.Find(id)
	return !has, nil
}

// DropJobs returns the handler that removes the factors that students do not want any
// more.
func (s *Service) DropJobs() domain.Handler { return dropJobs{s} }

type dropJobs struct{ *Service }

// Run removes the factor unless it has become the last one by now. It is idempotent: a
// retry that finds the factor gone tells the removal, whose answer was lost.
func (s dropJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var drop domain.FactorDrop
	if err := s.OpenJob(job, &drop); err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	if !p.HasLiveAccount() {
		return s.keep(p, string(domain.BarDisabled)), nil
	}
	if err := s.awaitTurn(ctx, job); err != nil {
		return domain.Effects{}, err
	}
	held, err := s.Factors.Factors(ctx, p.AccountRef())
	if err != nil {
		return s.orKeep(p, err)
	}
	gone, err := s.CheckDrop(p, held, drop.ID)
	var refused *domain.Refusal
	if errors.As(err, &refused) {
		return s.keep(p, string(refused.Reason)), nil
	}
	if len(gone) == 0 && job.Attempts < 2 { // another act was first; later, the answer to this one was lost
		return domain.Effects{}, nil
	}
	left := domain.HeldFactors{List: slices.DeleteFunc(held.List, func(f domain.Factor) bool { return slices.Contains(gone, f) })}
	for _, f := range slices.Backward(gone) { // recovery codes first: they are never left alone
		if err := s.Factors.RemoveFactor(ctx, p.AccountRef(), f.ID); err != nil {
			return s.orKeep(p, err)
		}
	}
	now := s.now()
	change := domain.FactorChange{
		Key: domain.DropKey(drop.ID), Person: p.ID, Kind: drop.Kind, Removed: true, At: now,
		Events: []domain.Event{{At: now, Kind: domain.EventFactorDropped, Person: p.ID, Details: map[string]string{"kind": string(drop.Kind), detailFactor: drop.ID}}},
	}
	change.Jobs, err = s.factorNotice(p, drop.Kind, false, now, drop.Lang)
	return domain.Effects{
		Factors:       []domain.FactorNews{{Person: p.ID, At: now, Kinds: left.Kinds(), All: true}},
		FactorChanges: []domain.FactorChange{change},
	}, err
}

// detailFactor is the detail of EventFactorDropped with the factor's id.
const detailFactor = "factor"

// awaitTurn returns nil if no other removal of the person runs or has to run first. A
// removal steps aside, by the error of [domain.Later], for every older one. The oldest one
// stays: a newer one that runs steps aside, or ends, in a moment. If both stepped aside,
// neither page would show that its removal is done.
func (s dropJobs) awaitTurn(ctx context.Context, job domain.Job) error {
	ctx, cancel := context.WithTimeout(ctx, aheadDrop)
	defer cancel()
	tick := time.NewTicker(dropPoll)
	defer tick.Stop()
	for {
		older, runs, err := s.Store.OtherJobs(ctx, job)
		switch {
		case err != nil:
			return err
		case older:
			return domain.Later(errOtherDrop, behindDrop)
		case !runs:
			return nil
		}
		select {
		case <-ctx.Done():
			return errOtherDrop
		case <-tick.C:
		}
	}
}

// keep returns the effects of a removal that is not done.
func (s dropJobs) keep(p domain.Person, why string) domain.Effects {
	return domain.Effects{Events: []domain.Event{{At: s.now(), Kind: domain.EventFactorKept, Person: p.ID, Details: map[string]string{"why": why}}}}
}

// orKeep ends a removal from an account that must not be changed.
func (s dropJobs) orKeep(p domain.Person, err error) (domain.Effects, error) {
	var barred *domain.AccountBarred
	if errors.As(err, &barred) {
		return s.keep(p, string(barred.Bar)), nil
	}
	return domain.Effects{}, err
}

// Abandon ends a removal for which the store of accounts was away for too long. The
// student can ask again.
func (s dropJobs) Abandon(_ context.Context, job domain.Job, _ error) (domain.Effects, error) {
	return s.keep(domain.Person{ID: job.Person}, string(domain.BarAway)), nil
}

// FactorLater records that a student declined a second factor for now.
func (s *Service) FactorLater(ctx context.Context, p domain.Person) error {
	now := s.now()
	return s.Store.Apply(ctx, domain.Effects{
		Factors: []domain.FactorNews{{Person: p.ID, At: now, Kinds: []domain.FactorKind{domain.FactorDeclined}}},
		Events:  []domain.Event{{At: now, Kind: domain.EventFactorLater, Person: p.ID}},
	})
}

// factorNotice returns the mails that tell every address of a person that a factor was
// added or removed at a time, with the link that stops recoveries and removals.
func (s *Service) factorNotice(p domain.Person, kind domain.FactorKind, added bool, at time.Time, lang domain.Lang) ([]domain.Job, error) {
	token, err := s.freezeToken(p.ID, s.now())
	if err != nil {
		return nil, err
	}
	return s.toEveryAddress(p, domain.Message{Kind: domain.MessageFactorNotice, Lang: lang, Factor: kind, Added: added, AskedAt: at, Freeze: FreezePath + token})
}

// FactorAdded records a factor that the student added on a page of Keycloak, and tells
// every address of the person. An account that the portal does not know changes nothing.
func (s *Service) FactorAdded(ctx context.Context, login, accountID string, kind domain.FactorKind, lang domain.Lang) error {
	return s.record(ctx, login, accountID, func(p domain.Person, now time.Time) (domain.Effects, error) {
		e := factorAdded(p.ID, now, kind)
		var err error
		e.Jobs, err = s.factorNotice(p, kind, true, now, lang)
		return e, err
	})
}

// factorAdded returns the effects of a factor that the student added.
func factorAdded(p domain.PersonID, now time.Time, kind domain.FactorKind) domain.Effects {
	event := domain.Event{At: now, Kind: addedEvent(kind), Person: p}
	if kind != domain.FactorPasskey {
		event.Details = map[string]string{"kind": string(kind)}
	}
	return domain.Effects{Factors: []domain.FactorNews{{Person: p, At: now, Kinds: []domain.FactorKind{kind}}}, Events: []domain.Event{event}}
}
