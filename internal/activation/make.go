package activation

import (
	"context"
	"errors"
	"time"

	"entree/internal/domain"
)

// accountDeadline limits the retries of an account's creation. If Keycloak was
// unavailable for a fortnight, an administrator must look at the case.
const accountDeadline = 14 * 24 * time.Hour

// AccountJobs makes accounts. One account, ever (I1); docs/model has the same
// steps and checks every order of them:
//
//	creating ── POST /users ──┬─ made, or found with our mark ──► active
//	   ▲                      ├─ outcome unknown ──► the same job again
//	   └──────────────────────┘
//	                          └─ exists without our mark, or refused ──► parked
func (s *Service) AccountJobs() domain.Handler { return accountJobs{s} }

type accountJobs struct{ *Service }

// Run creates the account and completes its journey. It is idempotent: Accounts
// recognises the account by the activation's id, and a completed journey stays
// as it is.
func (s accountJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var a domain.Account
	if err := s.OpenJob(job, &a); err != nil {
		return domain.Effects{}, err
	}
	restored, err := s.Store.Restored(ctx)
	if err != nil {
		return domain.Effects{}, err
	}
	a.Seek = restored
	id, err := s.Accounts.Create(ctx, a)
	if errors.Is(err, domain.ErrForeignAccount) {
		return domain.Effects{}, s.park(ctx, job.Journey, job.Person, "exists in Keycloak")
	}
	if err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	effects := domain.Effects{
		People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountActive, AccountID: id, ActivatedAt: now}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountCreated, Person: p.ID, Journey: job.Journey}},
	}
	mail, err := s.mailJob(domain.Message{
		Kind: domain.MessageActivated, Lang: a.Lang, To: p.Email, Profile: p.Profile, GivenName: p.GivenName,
		Login: a.Login, UniversityAddress: a.UniversityAddress, AskedAt: now,
		Charter: domain.Receipt{Version: a.CharterVersion, SHA256: a.CharterSHA256, At: a.CharterAcceptedAt},
	}, p.ID, job.Journey, now, now.Add(mailDeadline))
	if err != nil {
		return domain.Effects{}, err
	}
	p.Account, p.AccountID, p.ActivatedAt = domain.AccountActive, id, now
	news, err := s.news(effects.Events[0], p)
	if err != nil {
		return domain.Effects{}, err
	}
	effects.Jobs = append(news, mail)
	return domain.Effects{}, s.end(ctx, job.Journey, effects, func(j *domain.Journey) bool { return j.Complete(now) })
}

// Abandon parks the person, so that an administrator sees the case and its
// reason.
func (s accountJobs) Abandon(ctx context.Context, job domain.Job, cause error) (domain.Effects, error) {
	return domain.Effects{}, s.park(ctx, job.Journey, job.Person, "given up")
}

// park stops a person's activation until an administrator decides, notifies the
// person by mail, and changes nothing in Keycloak.
func (s *Service) park(ctx context.Context, id domain.JourneyID, person domain.PersonID, why string) error {
	p, err := s.Store.Person(ctx, person)
	if err != nil {
		return err
	}
	j, err := s.Store.Journey(ctx, id)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	now := s.now()
	mail, err := s.mailJob(domain.Message{
		Kind: domain.MessageParked, Lang: j.Lang, To: p.Email, Profile: p.Profile, GivenName: p.GivenName,
		AskedAt: now, Reference: j.Reference,
	}, p.ID, id, now, now.Add(mailDeadline))
	if err != nil {
		return err
	}
	return s.end(ctx, id, domain.Effects{
		People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{domain.NoAccount, domain.AccountCreating}, To: domain.AccountParked}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountParked, Person: p.ID, Journey: id, Details: map[string]string{"why": why, "reference": j.Reference}}},
		Jobs:   []domain.Job{mail},
	}, func(j *domain.Journey) bool { return j.Park(now) })
}

// end commits the outcome of an account's creation, once. It does nothing if mark
// reports that the journey is over, or if another transaction moved the person's
// account state on. The effects are committed alone if the journey was purged.
func (s *Service) end(ctx context.Context, id domain.JourneyID, effects domain.Effects, mark func(*domain.Journey) bool) error {
	_, err := s.Store.Update(ctx, domain.Journey{ID: id}, func(j *domain.Journey) (domain.Effects, error) {
		if !mark(j) {
			return domain.Effects{}, nil
		}
		return effects, nil
	})
	if errors.Is(err, domain.ErrNotFound) {
		err = s.Store.Apply(ctx, effects)
	}
	if errors.Is(err, domain.ErrConflict) {
		return nil
	}
	if err == nil {
		s.wake(effects)
	}
	return err
}
