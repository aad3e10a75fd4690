package activation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/domain"
)

// charterDeadline limits the retries of writing a new acceptance into Keycloak.
// The evidence itself is in the portal's database.
const charterDeadline = 14 * 24 * time.Hour

// Reader returns the active person who logged in with an identifier and a
// Keycloak id, and whether they owe an acceptance of the charter in force. It
// returns ErrNotFound if the portal created no such account. As in FirstLogin,
// an empty accountID means that the single sign-on did not report the id.
func (s *Service) Reader(ctx context.Context, login, accountID string) (p domain.Person, owes bool, err error) {
	p, err = s.Store.PersonByLogin(ctx, strings.ToLower(login))
	if err != nil {
		return domain.Person{}, false, err
	}
	if accountID != "" && p.AccountID != accountID {
		owner, err := s.personOfAccount(ctx, login, accountID)
		if err == nil && owner.ID != p.ID {
			err = domain.ErrNotFound
		}
		if err != nil {
			return domain.Person{}, false, err
		}
		p = owner
	}
	if p.Account != domain.AccountActive {
		return domain.Person{}, false, domain.ErrNotFound
	}
	current := s.Charters.Current(p.Profile)
	if len(current) == 0 {
		return p, false, nil
	}
	accepted, err := s.Store.Accepted(ctx, p.ID, current...)
	return p, !accepted, err
}

// CharterOf returns the charter in force for a person.
func (s *Service) CharterOf(p domain.Person, lang domain.Lang) (domain.Charter, error) {
	return s.Charters.InForce(p.Profile, lang)
}

// AcceptAgain records that a person with an account accepted the charter whose
// text has this hash, with the same evidence as for the first acceptance. A
// receipt is mailed, and a job writes the version into the account. A second
// call for the same text changes nothing.
func (s *Service) AcceptAgain(ctx context.Context, login, accountID, sha256 string, lang domain.Lang) error {
	p, owes, err := s.Reader(ctx, login, accountID)
	if err != nil || !owes {
		return err
	}
	charter, err := s.asShown(ctx, p.Profile, lang, sha256)
	if err != nil {
		return err
	}
	now := s.now()
	receipt, err := s.mailJob(domain.Message{
		Kind: domain.MessageAccepted, Lang: lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), AskedAt: now,
		Charter: domain.Receipt{Version: charter.Version, SHA256: charter.SHA256, At: now},
	}, p.ID, "", now, now.Add(mailDeadline))
	if err != nil {
		return err
	}
	write, err := domain.NewJob(s.Random, s.Keys, domain.JobCharter, nil, now, now.Add(charterDeadline))
	if err != nil {
		return err
	}
	write.Person = p.ID
	accepted := domain.Event{At: now, Kind: domain.EventCharterAccepted, Person: p.ID, Details: map[string]string{
		"version": charter.Version, "sha256": charter.SHA256, "lang": string(charter.Lang), "again": "yes",
	}}
	news, err := s.notifyJobs(accepted, p)
	if err != nil {
		return err
	}
	err = s.Store.Apply(ctx, domain.Effects{
		Charter:     &domain.InForce{Profile: p.Profile, SHA256: charter.SHA256},
		Acceptances: []domain.Acceptance{{Person: p.ID, Profile: p.Profile, Lang: charter.Lang, Version: charter.Version, SHA256: charter.SHA256, At: now}},
		Events:      []domain.Event{accepted},
		Jobs:        append(news, receipt, write),
	})
	if err != nil {
		return s.replaced(ctx, err, domain.ReasonCharterChanged)
	}
	s.Runner.Wake()
	return nil
}

// CharterJobs returns the handler of the jobs that write a person's newest
// acceptance into the account. The job has no payload: in whichever order two
// jobs run, the account holds the newest acceptance.
func (s *Service) CharterJobs() domain.Handler { return charterJobs{s} }

type charterJobs struct{ *Service }

func (s charterJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, fmt.Errorf("charter job: %w", err)
	}
	last, err := s.Store.LastAcceptance(ctx, job.Person)
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Effects{}, domain.Permanent(fmt.Errorf("charter job: %w", err))
	}
	if err != nil {
		return domain.Effects{}, err
	}
	if err := s.Accounts.Accepted(ctx, p.AccountID, last); err != nil {
		return domain.Effects{}, err
	}
	// Keycloak replaces all attributes at once. An address that another job wrote
	// between the reading and the writing would be lost.
	return domain.Effects{}, s.writeAddress(ctx, p)
}

func (s charterJobs) Abandon(_ context.Context, job domain.Job, _ error) (domain.Effects, error) {
	return domain.Effects{Events: []domain.Event{{At: s.now(), Kind: domain.EventCharterPending, Person: job.Person}}}, nil
}
