package activation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/internal/naming"
	"entree/internal/password"
	"entree/internal/secret"
)

// Service does what people ask for on the pages. It holds no state: any number
// of instances may stand before one store. What changes a journey takes it as it
// was read and leaves it as it is stored then, after a refusal too; where it was
// not done, the journey stays as it came.
type Service struct{ Options }

// Options is what a service is made of.
type Options struct {
	Store    domain.Store
	Limits   domain.Limits
	Runner   domain.Runner
	Accounts domain.Accounts
	Hasher   domain.Hasher
	Mailer   domain.Mailer
	Charters domain.Charters
	News     domain.News // may be nil: nobody listens
	Keys     secret.Keyring
	Clock    func() time.Time
	Random   io.Reader

	Profiles []domain.Profile
	// Policy gives the rules a password must keep: the institution's, or the
	// realm's where they are stricter. It is asked each time, since a realm
	// changes.
	Policy   func() password.Policy
	Breached domain.Breached // may be nil
	Words    []string        // the institution's own words, in no password
	CodeLife time.Duration
	Idle     time.Duration // a journey ends when nothing was done for so long
	Absolute time.Duration // and at the latest so long after it began
	Wait     time.Duration // how long the last page waits for Keycloak
	Rates    Rates

	patterns map[string]patterns
}

type patterns struct{ login, address naming.Pattern }

// ErrExpired says that a journey's time is over.
var ErrExpired = errors.New("activation: the journey's time is over")

// New checks the options and gives a service. The handlers of its jobs are
// [Service.MailJobs] and [Service.AccountJobs].
func New(o Options) (*Service, error) {
	o.patterns = make(map[string]patterns, len(o.Profiles))
	for _, p := range o.Profiles {
		login, err := naming.Parse(p.Login)
		if err != nil {
			return nil, fmt.Errorf("profile %q: login: %w", p.Key, err)
		}
		address, err := naming.Parse(p.Address)
		if err != nil {
			return nil, fmt.Errorf("profile %q: address: %w", p.Key, err)
		}
		o.patterns[p.Key] = patterns{login, address}
	}
	if len(o.patterns) == 0 {
		return nil, errors.New("no profile is configured")
	}
	return &Service{o}, nil
}

// Profile gives a configured profile by its key.
func (s *Service) Profile(key string) (domain.Profile, bool) {
	i := slices.IndexFunc(s.Profiles, func(p domain.Profile) bool { return p.Key == key })
	if i < 0 {
		return domain.Profile{}, false
	}
	return s.Profiles[i], true
}

// Journey gives a journey and the step that its person sees next, ErrNotFound
// where there is none, ErrExpired where its time is over. It changes nothing.
func (s *Service) Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, domain.Step, error) {
	j, err := s.Store.Journey(ctx, id)
	if err != nil {
		return domain.Journey{}, "", err
	}
	if s.expired(j) {
		return domain.Journey{}, "", ErrExpired
	}
	return j, s.Step(j), nil
}

// Ends tells when a journey ends if nothing more is done.
func (s *Service) Ends(j domain.Journey) time.Time {
	idle := j.SeenAt.Add(s.Idle)
	if s.Step(j) == domain.StepWaiting || idle.After(j.ExpiresAt) {
		return j.ExpiresAt // who waits for us does not have to do anything
	}
	return idle
}

func (s *Service) expired(j domain.Journey) bool { return !s.Clock().Before(s.Ends(j)) }

// Step tells where a journey stands.
func (s *Service) Step(j domain.Journey) domain.Step {
	return j.Next(func(sha string) bool { return slices.Contains(s.Charters.Current(j.Profile), sha) })
}

// reread gives what a job made of a journey.
func (s *Service) reread(ctx context.Context, j *domain.Journey) error {
	now, err := s.Store.Journey(ctx, j.ID)
	if err == nil {
		*j = now
	}
	return err
}

// stands refuses a journey that is over, or at another step (empty: any).
func (s *Service) stands(j *domain.Journey, at domain.Step) error {
	if s.expired(*j) {
		return ErrExpired
	}
	if at != "" && s.Step(*j) != at {
		return &domain.Refusal{Reason: domain.ReasonStep}
	}
	return nil
}

// Extend puts the idle end of a journey off: the visitor asked for more time.
// The absolute end stays.
func (s *Service) Extend(ctx context.Context, j *domain.Journey) error {
	return s.act(ctx, j, "", func(*domain.Journey, time.Time) (domain.Effects, *domain.Refusal) { return domain.Effects{}, nil })
}

// act is the one way in which a journey changes. It takes the journey as it was
// read and leaves it as it is stored then, so that a press reads it once. A
// journey that stands elsewhere is refused; decide says what happens, and that is
// committed. A refusal is an outcome: it is committed with whatever decide
// changed, so that a wrong code costs its try.
func (s *Service) act(ctx context.Context, j *domain.Journey, at domain.Step, decide func(*domain.Journey, time.Time) (domain.Effects, *domain.Refusal)) error {
	var refusal *domain.Refusal
	var e domain.Effects
	after, err := s.Store.Update(ctx, *j, func(j *domain.Journey) (domain.Effects, error) {
		e, refusal = domain.Effects{}, nil // the function may run again
		if err := s.stands(j, at); err != nil {
			return domain.Effects{}, err
		}
		now := s.now()
		j.Touch(now)
		e, refusal = decide(j, now)
		return e, nil
	})
	if err != nil {
		return err
	}
	*j = after
	s.wake(e)
	if refusal != nil {
		return refusal
	}
	return nil
}

// wake tells the runner of what was committed, and of nothing else: a runner
// that is woken asks the database. An account is made at once by whoever asked
// for it, with RunNow.
func (s *Service) wake(e domain.Effects) {
	for _, job := range e.Jobs {
		if job.Kind != domain.JobAccount {
			s.Runner.Wake(job.Kind)
		}
	}
}

// news gives the jobs that tell relying parties of an event.
func (s *Service) news(v domain.Event, p domain.Person) ([]domain.Job, error) {
	if s.News == nil {
		return nil, nil
	}
	return s.News.Tell(v, p)
}

// OpenJob reads the payload of a job.
func (s *Service) OpenJob(job domain.Job, into any) error { return job.Open(s.Keys, into) }

func (s *Service) now() time.Time { return domain.Instant(s.Clock()) }
