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

// refusedWait is the time between two tries of a creation that Keycloak refuses
// because of a value or a rule of the realm.
const refusedWait = 30 * time.Minute

// AccountJobs returns the handler that creates accounts. One account, ever (I1);
// docs/model has the same steps and checks every order of them:
//
//	creating ── POST /users ──┬─ created, or found with our mark ──► active
//	   ▲                      ├─ outcome unknown ──► the same job again
//	   └──────────────────────┼─ a value is refused ──► told once; the same job again
//	                          └─ the identifier is another account's, or refused ──► parked
func (s *Service) AccountJobs() domain.Handler { return accountJobs{s} }

type accountJobs struct{ *Service }

// Run creates the account and completes its journey. It is idempotent: Accounts
// recognises its own work by the activation's id, and a completed journey does
// not change. Names and birth date are those of the registry now, so that a
// correction helps a job that waits.
func (s accountJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var a domain.Account
	if err := s.OpenJob(job, &a); err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	if p.Account != domain.AccountCreating { // parked, or adopted meanwhile: docs/model, the step "take"
		return domain.Effects{}, nil
	}
	if a.Seek, err = s.Store.SeekFirst(ctx, p); err != nil {
		return domain.Effects{}, err
	}
	current := domain.NewAccount(p, domain.Profile{}, a.Lang, nil)
	a.GivenName, a.FamilyName, a.Attributes, a.Fields = current.GivenName, current.FamilyName, current.Attributes, current.Fields
	id, err := s.Accounts.Create(ctx, a)
	if errors.Is(err, domain.ErrForeignAccount) {
		return domain.Effects{}, s.park(ctx, job.Journey, job.Person, map[string]string{"why": "exists already"})
	}
	var refused *domain.AccountRefused
	if errors.As(err, &refused) {
		return domain.Effects{}, s.refused(ctx, job, p, refused)
	}
	if err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	effects := domain.Effects{
		People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountActive, AccountID: id, ActivatedAt: now}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountCreated, Person: p.ID, Journey: job.Journey}},
	}
	welcome := domain.Message{
		Kind: domain.MessageActivated, Lang: a.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(),
		Login: a.Login, UniversityAddress: a.UniversityAddress, AskedAt: now,
		Charter: domain.Receipt{Version: a.CharterVersion, SHA256: a.CharterSHA256, At: a.CharterAcceptedAt},
	}
	end, at := func(j *domain.Journey) bool { return j.Complete(now) }, now
	if a.Credential == (domain.Credential{}) { // the student registers a passkey now
		welcome.Kind, at = domain.MessageUnfinished, now.Add(unfinishedAfter)
		end = func(j *domain.Journey) bool { return j.Make(now) }
	}
	mail, err := s.mailJob(welcome, p.ID, job.Journey, at, at.Add(mailDeadline))
	if err != nil {
		return domain.Effects{}, err
	}
	p.Account, p.AccountID, p.ActivatedAt = domain.AccountActive, id, now
	news, err := s.notifyJobs(effects.Events[0], p)
	if err != nil {
		return domain.Effects{}, err
	}
	effects.Jobs, effects.End = append(news, mail), &domain.JourneyEnd{Journey: job.Journey, Mark: end}
	return effects, nil
}

// refused records a refusal of Keycloak once, tells the student by mail, and
// returns the error with which the job waits for a correction. A refused
// identifier cannot be corrected by the registry, so its person is parked and
// gets another one.
func (s accountJobs) refused(ctx context.Context, job domain.Job, p domain.Person, refused *domain.AccountRefused) error {
	details := map[string]string{"why": "refused", "field": refused.Field, "rule": refused.Rule, "class": refused.Class}
	if refused.Field == domain.FieldLogin || refused.Field == domain.FieldUniversityAddress {
		return s.park(ctx, job.Journey, job.Person, details)
	}
	now := s.now()
	_, err := s.Store.Update(ctx, domain.Journey{ID: job.Journey}, func(j *domain.Journey) (domain.Effects, error) {
		if !j.Refuse(now, refused.Field) {
			return domain.Effects{}, nil
		}
		mail, err := s.mailJob(domain.Message{
			Kind: domain.MessageRefused, Lang: j.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), AskedAt: now, Reference: j.Reference, Field: refused.Field,
		}, p.ID, j.ID, now, now.Add(mailDeadline))
		return domain.Effects{
			Jobs:   []domain.Job{mail},
			Events: []domain.Event{{At: now, Kind: domain.EventAccountRefused, Person: p.ID, Journey: j.ID, Details: details}},
		}, err
	})
	if err != nil && !errors.Is(err, domain.ErrNotFound) { // the journey may have been purged
		return err
	}
	return domain.Later(refused, refusedWait)
}

// Abandon parks the person after the deadline: an administrator sees who waits
// and why.
func (s accountJobs) Abandon(ctx context.Context, job domain.Job, cause error) (domain.Effects, error) {
	details := map[string]string{"why": "given up"}
	var refused *domain.AccountRefused
	if errors.As(cause, &refused) {
		details["field"], details["rule"], details["class"] = refused.Field, refused.Rule, refused.Class
	}
	return domain.Effects{}, s.park(ctx, job.Journey, job.Person, details)
}

// park stops a person's activation until an operator decides, tells the student
// by mail, and never changes anything in Keycloak. details are those of the
// event: why, and field, rule and class if Keycloak refused a value.
func (s *Service) park(ctx context.Context, id domain.JourneyID, person domain.PersonID, details map[string]string) error {
	p, err := s.Store.Person(ctx, person)
	if err != nil {
		return err
	}
	j, err := s.Store.Journey(ctx, id)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return err
	}
	now := s.now()
	details["reference"] = j.Reference
	kind := domain.MessageParked
	if details["field"] != "" {
		kind = domain.MessageRefused
	}
	mail, err := s.mailJob(domain.Message{
		Kind: kind, Lang: j.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(),
		AskedAt: now, Reference: j.Reference, Field: details["field"],
	}, p.ID, id, now, now.Add(mailDeadline))
	if err != nil {
		return err
	}
	return s.end(ctx, id, domain.Effects{
		People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{domain.NoAccount, domain.AccountCreating}, To: domain.AccountParked}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountParked, Person: p.ID, Journey: id, Details: details}},
		Jobs:   []domain.Job{mail},
	}, func(j *domain.Journey) bool {
		if details["field"] != "" {
			j.Refuse(now, details["field"])
		}
		return j.Park(now)
	})
}

// end commits effects that change a journey in a transaction of their own. A handler
// that returns its effects uses domain.Effects.End instead. end does nothing if mark
// returns false, because the journey is over, or if another transaction moved the
// person's account state on. The effects are committed alone if the journey was purged.
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
