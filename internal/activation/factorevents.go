package activation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"entree/internal/domain"
)

const (
	// pageDelay is how long the news of an added factor waits for the record of a page of
	// the portal: the student comes back from Keycloak's page a moment after the event.
	pageDelay = 2 * time.Minute
	// clockSlack is how much earlier than the event the record may be dated: the clocks of
	// the two servers differ.
	clockSlack = 10 * time.Second
	// newsDeadline limits the retries of telling an added factor.
	newsDeadline = 4 * 24 * time.Hour
)

// NoteFactors records a page of events about factors, oldest first. Every address of a
// person is told of the changes after a time that no page of the portal recorded. Then
// each account with a removal is read once, since that calls Keycloak.
func (s *Service) NoteFactors(ctx context.Context, page []domain.FactorEvent, tellAfter time.Time) error {
	removals := map[string][]domain.FactorEvent{}
	for _, e := range page {
		if e.Removed {
			removals[e.AccountID] = append(removals[e.AccountID], e)
		} else if err := s.NoteFactor(ctx, e, e.At.After(tellAfter)); err != nil {
			return err
		}
	}
	for _, account := range slices.Sorted(maps.Keys(removals)) {
		if err := s.NoteRemovals(ctx, account, removals[account], tellAfter); err != nil {
			return err
		}
	}
	return nil
}

// NoteFactor records the addition that an event of the store of accounts reports. With
// tell, the job that tells the person is committed with it, once. An account that the
// portal does not know changes nothing, and neither does an event that was read before.
func (s *Service) NoteFactor(ctx context.Context, added domain.FactorEvent, tell bool) error {
	p, err := s.personOfAccount(ctx, "", added.AccountID)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	at := domain.Instant(added.At)
	e := domain.Effects{Factors: []domain.FactorNews{{Person: p.ID, At: at, Kinds: []domain.FactorKind{added.Kind}}}}
	if !tell {
		known, err := s.Store.KnownFactors(ctx, p.ID)
		if err != nil || slices.ContainsFunc(known, func(f domain.KnownFactor) bool { return f.Kind == added.Kind }) {
			return err
		}
		return s.Store.Apply(ctx, e)
	}
	if known, err := s.Store.HasFactorChange(ctx, added.Key()); err != nil || known {
		return err
	}
	now := s.now()
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobFactorNews, domain.FactorAddition{Kind: added.Kind, At: at}, now, now.Add(newsDeadline))
	if err != nil {
		return err
	}
	job.Person = p.ID
	if due := at.Add(pageDelay); due.After(now) {
		job.RunAt = due
	}
	e.FactorChanges = []domain.FactorChange{{Key: added.Key(), Person: p.ID, Kind: added.Kind, At: at, Jobs: []domain.Job{job}}}
	return s.Store.Apply(ctx, e)
}

// NoteRemovals reads which factors an account has left, after events that some were
// removed: an event does not say whether the account has another one of the kind. Each
// removal after a time becomes an event of the person and is told, once, unless the portal
// recorded the removal of that factor. If all of them were read before, it reads nothing.
func (s *Service) NoteRemovals(ctx context.Context, accountID string, removals []domain.FactorEvent, tellAfter time.Time) error {
	if s.Factors == nil {
		return nil
	}
	p, err := s.personOfAccount(ctx, "", accountID)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var e domain.Effects
	isNew := false
	for _, r := range removals {
		if !r.At.After(tellAfter) {
			isNew = true
			continue
		}
		if known, err := s.Store.HasFactorChange(ctx, r.Key()); err != nil {
			return err
		} else if known {
			continue
		}
		isNew = true
		change, err := s.removalNews(ctx, p, r)
		if err != nil {
			return err
		}
		e.FactorChanges = append(e.FactorChanges, change)
	}
	if !isNew {
		return nil
	}
	now := s.now() // an addition after the answer is newer than this reading
	held, err := s.Factors.Factors(ctx, p.AccountRef())
	var barred *domain.AccountBarred
	switch {
	case err == nil:
		e.Factors = []domain.FactorNews{{Person: p.ID, At: now, Kinds: held.Kinds(), All: true}}
	case !errors.As(err, &barred):
		return err
	}
	if err := s.Store.Apply(ctx, e); err != nil {
		return err
	}
	s.Runner.Wake(domain.JobMail)
	return nil
}

// removalNews returns the change that a removal on a page of the store of accounts is.
func (s *Service) removalNews(ctx context.Context, p domain.Person, r domain.FactorEvent) (domain.FactorChange, error) {
	details := map[string]string{"kind": string(r.Kind), "by": domain.ByAccounts}
	if r.Credential != "" {
		details[detailFactor] = r.Credential
	}
	at := domain.Instant(r.At)
	mails, err := s.factorNotice(p, r.Kind, false, at, s.langOf(ctx, p))
	return domain.FactorChange{
		Key: r.Key(), Person: p.ID, Kind: r.Kind, Removed: true, At: at, Jobs: mails,
		Events: []domain.Event{{At: s.now(), Kind: domain.EventFactorDropped, Person: p.ID, Details: details}},
	}, err
}

// langOf returns the language in which a person accepted the charter last.
func (s *Service) langOf(ctx context.Context, p domain.Person) domain.Lang {
	if a, err := s.Store.LastAcceptance(ctx, p.ID); err == nil && a.Lang != "" {
		return a.Lang
	}
	return domain.French
}

// FactorNewsJobs returns the handler that tells people of factors that were added on a
// page of the store of accounts.
func (s *Service) FactorNewsJobs() domain.Handler { return newsJobs{s} }

type newsJobs struct{ *Service }

// Run returns the notices to every address of the person and the line of the history, or
// no effects if a page of the portal recorded the addition.
func (s newsJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var a domain.FactorAddition
	if err := s.OpenJob(job, &a); err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	additions, err := s.Store.FactorAdditions(ctx, p.ID, a.Kind, a.At.Add(-5*pageDelay))
	if err != nil {
		return domain.Effects{}, err
	}
	records, err := s.pageRecords(ctx, p.ID, a)
	if err != nil || isRecorded(a.At, additions, records) {
		return domain.Effects{}, err
	}
	e := factorAdded(p.ID, s.now(), a.Kind)
	e.Factors = nil // NoteFactor wrote it, and the factor may be gone again
	e.Events[0].Details = map[string]string{"kind": string(a.Kind), "by": domain.ByAccounts, "at": a.At.Format(time.RFC3339)}
	e.Jobs, err = s.factorNotice(p, a.Kind, true, a.At, s.langOf(ctx, p))
	return e, err
}

// Abandon leaves no trace: the console shows the job.
func (s newsJobs) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, nil
}

// pageRecords returns the times at which pages of the portal recorded additions of the
// kind that a student made at Keycloak, oldest first. A passkey of the activation is none:
// the portal added it, and Keycloak has no event of that.
func (s *Service) pageRecords(ctx context.Context, p domain.PersonID, a domain.FactorAddition) (at []time.Time, err error) {
	events, err := s.Store.EventsSince(ctx, p, addedEvent(a.Kind), a.At.Add(-6*pageDelay))
	for _, v := range events {
		if v.Details["by"] == "" && v.Journey == "" && (a.Kind == domain.FactorPasskey || v.Details["kind"] == string(a.Kind)) {
			at = append(at, v.At)
		}
	}
	return at, err
}

// isRecorded reports whether a record of a page is about the addition at a time. Each
// record is about one addition, the oldest in whose time it is, so that a factor that is
// added past the portal beside one by a page is still told. additions and records are in
// the order of their times, and additions contain at.
func isRecorded(at time.Time, additions, records []time.Time) bool {
	for _, added := range additions {
		i := slices.IndexFunc(records, func(record time.Time) bool {
			return !record.Before(added.Add(-clockSlack)) && !record.After(added.Add(pageDelay))
		})
		if added.Equal(at) {
			return i >= 0
		}
		if i >= 0 {
			records = slices.Delete(records, i, i+1)
		}
	}
	return false
}

// addedEvent returns the kind of the event of an added factor.
func addedEvent(kind domain.FactorKind) domain.EventKind {
	if kind == domain.FactorPasskey {
		return domain.EventPasskeyAdded
	}
	return domain.EventFactorAdded
}
