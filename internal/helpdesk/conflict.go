package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/naming"
)

// JobAdopt is the kind of the jobs that mark an existing Keycloak account as a
// person's own.
const JobAdopt = "adopt"

// adoptDeadline limits the retries of an adoption.
const adoptDeadline = 24 * time.Hour

// Conflict returns the Keycloak accounts that hold the login or the address of
// a parked person.
func (d *Service) Conflict(ctx context.Context, p domain.Person) ([]domain.Existing, error) {
	if p.Account != domain.AccountParked || p.Login == "" {
		return nil, nil
	}
	found, err := d.Accounts.Holding(ctx, p.Login, p.UniversityAddress)
	if err != nil {
		return nil, errors.Join(&Refusal{Reason: AccountsSilent}, err)
	}
	return found, nil
}

// adoption is the sealed content of the job.
type adoption struct {
	ID      string // id of the account in Keycloak
	Account domain.Account
	Lang    domain.Lang
}

// Adopt makes an existing account the person's own: the account keeps its
// password and gets the portal's mark, attributes and groups. The registry
// takes over the account's login.
//
//	parked ── creating, with a job ── Keycloak ──► active, and a mail
//	   ▲                                │
//	   └────────── given up ────────────┘
func (d *Service) Adopt(ctx context.Context, e audit.Entry, seen Seen, account string) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Resolve })
	if err != nil {
		return err
	}
	found, err := d.Conflict(ctx, p)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(found, func(x domain.Existing) bool { return x.ID == account })
	if i < 0 {
		return &Refusal{Reason: NoSuchConflict}
	}
	// The registry is asked too, because an account cannot belong to two people.
	owner, err := d.Store.PersonByLogin(ctx, strings.ToLower(found[i].Login))
	switch {
	case err == nil && owner.ID != p.ID:
		return &Refusal{Reason: SomebodysOwn}
	case err != nil && !errors.Is(err, domain.ErrNotFound):
		return err
	}
	profile, journeys, err := d.profileAndJourneys(ctx, p)
	if err != nil {
		return err
	}
	after := p
	after.Account, after.Login = domain.AccountCreating, strings.ToLower(found[i].Login)
	if after.ActivationID, err = domain.NewID(d.Random); err != nil {
		return err
	}
	var accepted *domain.Journey
	for _, j := range journeys {
		if j.Person == p.ID && !j.AcceptedAt.IsZero() {
			accepted = &j
			break
		}
	}
	a := adoption{found[i].ID, domain.NewAccount(after, profile, "", accepted), lang(journeys)}
	job, err := domain.NewJob(d.Random, d.Keys, JobAdopt, a, e.At, e.At.Add(adoptDeadline))
	if err != nil {
		return err
	}
	job.Person = p.ID
	err = d.commit(ctx, domain.Effects{
		Edits: []domain.PersonEdit{{Before: p, After: after}}, Jobs: []domain.Job{job},
		Audit: done(e, ActAdopted, p, map[string]string{"login": after.Login, "account": found[i].ID}),
	})
	if errors.Is(err, domain.ErrTaken) {
		return &Refusal{Reason: SomebodysOwn}
	}
	if err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	if err := d.Runner.RunNow(wait, job.ID); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	// The job may have failed for good: then the person is parked again.
	if p, err = d.Store.Person(ctx, p.ID); err != nil {
		return err
	}
	if p.Account == domain.AccountParked {
		return &Refusal{Reason: NotAdopted}
	}
	return nil
}

// Rename assigns a parked person the next free identifier of the pattern, the
// next free address, or both, depending on which of them another account holds.
// The old ones stay reserved for the person for ever. The password was erased
// with the job, so the person must choose one again: the parked journey
// continues there while it lasts, and a mail says so.
func (d *Service) Rename(ctx context.Context, e audit.Entry, seen Seen) error {
	p, err := d.person(ctx, seen, func(c Can) bool { return c.Resolve })
	if err != nil {
		return err
	}
	profile, journeys, err := d.profileAndJourneys(ctx, p)
	if err != nil {
		return err
	}
	after := p
	after.Account, after.ActivationID = domain.NoAccount, ""
	parts := naming.Parts{GivenName: p.GivenName, FamilyName: p.FamilyName, Number: p.Number}
	for range 20 { // another person may reserve the same name at the same moment
		if err := d.free(ctx, p, &after, profile, parts); err != nil {
			return err
		}
		mail, err := d.MailJob(domain.Message{
			Kind: domain.MessageRenamed, Lang: lang(journeys), To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), Login: after.Login,
		}, p.ID)
		if err != nil {
			return err
		}
		err = d.commit(ctx, domain.Effects{
			Edits: []domain.PersonEdit{{Before: p, After: after}}, Jobs: []domain.Job{mail},
			Audit: done(e, ActRenamed, p, map[string]string{"from": p.Login, "to": after.Login, "address": after.UniversityAddress}),
		})
		if errors.Is(err, domain.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		return d.reopenJourneys(ctx, p.ID, journeys)
	}
	return &Refusal{Reason: NothingLeft}
}

func (d *Service) profileAndJourneys(ctx context.Context, p domain.Person) (domain.Profile, []domain.Journey, error) {
	profile, ok := d.Profile(p.Profile)
	if !ok {
		return profile, nil, fmt.Errorf("profile %q is no longer configured", p.Profile)
	}
	journeys, err := d.People.JourneysOf(ctx, p)
	return profile, journeys, err
}

// free sets in after the next login and address that neither the registry nor
// Keycloak knows. A login or address that only this person holds stays.
func (d *Service) free(ctx context.Context, p domain.Person, after *domain.Person, profile domain.Profile, parts naming.Parts) error {
	held, err := d.Conflict(ctx, p)
	if err != nil {
		return err
	}
	has := func(of func(domain.Existing) string, name string) bool {
		return name == "" || slices.ContainsFunc(held, func(x domain.Existing) bool { return strings.EqualFold(of(x), name) })
	}
	loginHeld := has(func(x domain.Existing) string { return x.Login }, p.Login)
	addressHeld := has(func(x domain.Existing) string { return x.Address }, p.UniversityAddress)
	if !loginHeld && !addressHeld {
		loginHeld = true // the conflicting account is gone, but the operator wants another identifier
	}
	next := func(pattern string, had string, taken func(name string) (bool, error)) (string, error) {
		parsed, err := naming.Parse(pattern)
		if err != nil {
			return "", err
		}
		parsed = parsed.Avoiding(d.Avoid)
		// The candidates after the one that the person has; all of them if the name
		// or the pattern was changed since.
		passed := had == "" || !slices.Contains(slices.Collect(parsed.Candidates(parts)), had)
		for name := range parsed.Candidates(parts) {
			if !passed {
				passed = name == had
				continue
			}
			if is, err := taken(name); err != nil || !is {
				return name, err
			}
		}
		return "", &Refusal{Reason: NothingLeft}
	}
	there := func(login, address string) (bool, error) {
		found, err := d.Accounts.Holding(ctx, login, address)
		if err != nil {
			return false, errors.Join(&Refusal{Reason: AccountsSilent}, err)
		}
		return len(found) > 0, nil
	}
	if loginHeld {
		if after.Login, err = next(profile.Login, after.Login, func(name string) (bool, error) {
			_, err := d.Store.PersonByLogin(ctx, name)
			if err == nil {
				return true, nil
			}
			if !errors.Is(err, domain.ErrNotFound) {
				return false, err
			}
			return there(name, "")
		}); err != nil {
			return err
		}
	}
	if addressHeld {
		if after.UniversityAddress, err = next(profile.Address, after.UniversityAddress, func(name string) (bool, error) { return there("", name) }); err != nil {
			return err
		}
	}
	return nil
}

// reopenJourneys reopens the person's parked journeys, so that the password is chosen
// again. Journeys of others with the same address stay as they are.
func (d *Service) reopenJourneys(ctx context.Context, p domain.PersonID, journeys []domain.Journey) error {
	for _, j := range journeys {
		if read := j; j.Person != p || !read.Reopen(d.Clock()) {
			continue
		}
		_, err := d.Store.Update(ctx, j, func(j *domain.Journey) (domain.Effects, error) {
			j.Reopen(d.Clock())
			return domain.Effects{}, nil
		})
		if err != nil && !errors.Is(err, domain.ErrNotFound) {
			return err
		}
	}
	return nil
}

// AdoptJobs returns the handler of the adoption jobs.
func (d *Service) AdoptJobs() domain.Handler { return adoptJobs{d} }

type adoptJobs struct{ *Service }

// Run puts the portal's mark on the account. It is idempotent.
func (d adoptJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var a adoption
	if err := d.OpenJob(job, &a); err != nil {
		return domain.Effects{}, err
	}
	if err := d.Accounts.Adopt(ctx, a.ID, a.Account); err != nil {
		return domain.Effects{}, err
	}
	p, err := d.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	now := domain.Instant(d.Clock())
	mail, err := d.MailJob(domain.Message{
		Kind: domain.MessageAdopted, Lang: a.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), Login: a.Account.Login,
	}, p.ID)
	if err != nil {
		return domain.Effects{}, err
	}
	effects := domain.Effects{
		People: []domain.PersonChange{{
			Person: p.ID, From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountActive, AccountID: a.ID, ActivatedAt: now,
		}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountAdopted, Person: p.ID}},
		Jobs:   []domain.Job{mail},
	}
	if d.Subscribers != nil { // relying parties are notified as of any other account
		p.Account, p.AccountID, p.ActivatedAt = domain.AccountActive, a.ID, now
		news, err := d.Subscribers.Notify(domain.Event{At: now, Kind: domain.EventAccountCreated, Person: p.ID}, p)
		if err != nil {
			return domain.Effects{}, err
		}
		effects.Jobs = append(effects.Jobs, news...)
	}
	return effects, nil
}

// Abandon parks the person again, with the reason for which Keycloak refused.
func (d adoptJobs) Abandon(_ context.Context, job domain.Job, cause error) (domain.Effects, error) {
	now := domain.Instant(d.Clock())
	return domain.Effects{
		People: []domain.PersonChange{{Person: job.Person, From: []domain.AccountState{domain.AccountCreating}, To: domain.AccountParked}},
		Events: []domain.Event{{At: now, Kind: domain.EventAccountParked, Person: job.Person, Details: map[string]string{"why": "not adopted", "reason": cause.Error()}}},
	}, nil
}
