package activation

import (
	"context"
	"errors"
	"time"
)

// accountDeadline is how long an account is tried for. After it a human has
// to look: Keycloak has been away for a fortnight.
const accountDeadline = 14 * 24 * time.Hour

// AccountJobs makes accounts. One account, ever (I1); docs/model has the same
// steps and checks every order of them:
//
//	creating ── POST /users ──┬─ made, or found with our mark ──► active
//	   ▲                      ├─ outcome unknown ──► the same job again
//	   └──────────────────────┘
//	                          └─ exists without our mark, or refused ──► parked
func (s *Service) AccountJobs() Handler { return accountJobs{s} }

type accountJobs struct{ *Service }

// Run creates the account and ends its journey. It may run again at any point:
// Accounts knows its own work by the activation's id, and a journey that is
// done stays as it is.
func (s accountJobs) Run(ctx context.Context, job Job) (Effects, error) {
	var a Account
	if err := s.OpenJob(job, &a); err != nil {
		return Effects{}, err
	}
	restored, err := s.Store.Restored(ctx)
	if err != nil {
		return Effects{}, err
	}
	a.Seek = restored
	id, err := s.Accounts.Create(ctx, a)
	if errors.Is(err, ErrForeignAccount) {
		return Effects{}, s.park(ctx, job.Journey, job.Person, "exists in Keycloak")
	}
	if err != nil {
		return Effects{}, err
	}
	now := s.now()
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return Effects{}, err
	}
	effects := Effects{
		People: []PersonChange{{Person: p.ID, From: []AccountState{AccountCreating}, To: AccountActive, AccountID: id, ActivatedAt: now}},
		Events: []Event{{At: now, Kind: EventAccountCreated, Person: p.ID, Journey: job.Journey}},
	}
	mail, err := s.mailJob(Message{
		Kind: MessageActivated, Lang: a.Lang, To: p.Email, Profile: p.Profile, GivenName: p.GivenName,
		Login: a.Login, UniversityAddress: a.UniversityAddress, AskedAt: now,
		Charter: Receipt{a.CharterVersion, a.CharterSHA256, a.CharterAcceptedAt},
	}, p.ID, job.Journey, now, now.Add(mailDeadline))
	if err != nil {
		return Effects{}, err
	}
	p.Account, p.AccountID, p.ActivatedAt = AccountActive, id, now
	news, err := s.news(effects.Events[0], p)
	if err != nil {
		return Effects{}, err
	}
	effects.Jobs = append(news, mail)
	return Effects{}, s.end(ctx, job.Journey, effects, func(j *Journey) { j.DoneAt, j.SeenAt = now, now })
}

// Abandon parks the person: an administrator sees who waits and why.
func (s accountJobs) Abandon(ctx context.Context, job Job, cause error) (Effects, error) {
	return Effects{}, s.park(ctx, job.Journey, job.Person, "given up")
}

// park stops a person's activation for a human to judge, tells the person so
// by mail, and never touches what is in Keycloak.
func (s *Service) park(ctx context.Context, id JourneyID, person PersonID, why string) error {
	p, err := s.Store.Person(ctx, person)
	if err != nil {
		return err
	}
	j, err := s.Store.Journey(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	now := s.now()
	mail, err := s.mailJob(Message{
		Kind: MessageParked, Lang: j.Lang, To: p.Email, Profile: p.Profile, GivenName: p.GivenName,
		AskedAt: now, Reference: j.Reference,
	}, p.ID, id, now, now.Add(mailDeadline))
	if err != nil {
		return err
	}
	return s.end(ctx, id, Effects{
		People: []PersonChange{{Person: p.ID, From: []AccountState{NoAccount, AccountCreating}, To: AccountParked}},
		Events: []Event{{At: now, Kind: EventAccountParked, Person: p.ID, Journey: id, Details: map[string]string{"why": why, "reference": j.Reference}}},
		Jobs:   []Job{mail},
	}, func(j *Journey) { j.ParkedAt, j.SeenAt = now, now })
}

// end commits how an account ended, once: a journey that is at its end, or a
// person whose state was moved on, stays as it is. A journey that was purged
// meanwhile is not needed for it.
func (s *Service) end(ctx context.Context, id JourneyID, effects Effects, mark func(*Journey)) error {
	_, err := s.Store.Update(ctx, Journey{ID: id}, func(j *Journey) (Effects, error) {
		if !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() {
			return Effects{}, nil
		}
		mark(j)
		return effects, nil
	})
	if errors.Is(err, ErrNotFound) {
		err = s.Store.Apply(ctx, effects)
	}
	if errors.Is(err, ErrConflict) {
		return nil
	}
	if err == nil {
		s.wake(effects)
	}
	return err
}
