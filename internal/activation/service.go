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

// Service performs the acts of students. It holds no state: any number of
// instances may share one store. Methods that change a journey take it by
// pointer and update it to the stored state, also when they refuse. If they
// return any other error, the journey is unchanged.
type Service struct{ Options }

// Options are the dependencies and settings of a Service.
type Options struct {
	Store       domain.Store
	Limits      domain.Limits
	Runner      domain.Runner
	Accounts    domain.Accounts
	Passkeys    domain.Passkeys // nil: the store of accounts has none
	Entries     domain.Entries  // nil: Keycloak holds the accounts
	Factors     domain.Factors  // nil: the store of accounts lists none
	Hasher      domain.Hasher
	Notifier    domain.Notifier
	Charters    domain.Charters
	Subscribers domain.Subscribers // may be nil: no relying parties
	Keys        secret.Keyring
	Origin      string // of the portal's pages, "https://mon-compte.univ.example"
	Institution string // shown by the browser when it registers a passkey
	Clock       func() time.Time
	Random      io.Reader

	Profiles []domain.Profile
	// Policy returns the rules that a password must keep: the institution's, or
	// the realm's if they are stricter. It is called for each check, because a
	// realm's policy can change.
	Policy   func() password.Policy
	Breached domain.Breached // may be nil
	Words    []string        // words of the institution that a password must not contain
	CodeLife time.Duration
	// ResendWait is the time until a second code may be requested. Zero means the
	// constant ResendWait.
	ResendWait time.Duration
	Idle       time.Duration // a journey expires after this time without an act
	Absolute   time.Duration // and at the latest this long after it began
	Wait       time.Duration // how long the last page waits for Keycloak
	Rates      Rates
	// SMSPrefixes are the beginnings, as "+33", of the numbers to which SMS are sent.
	SMSPrefixes []string
	// FactorDelay is the time in which the notice's link stops the removal of second
	// factors. Zero means domain.FactorDelay.
	FactorDelay time.Duration
	// ClaimRules are the rules for claims of another address.
	ClaimRules domain.ClaimRules

	// Avoid reports whether an identifier or a university address is not given to
	// people: it is reserved, or the realm refuses it. It may be nil.
	Avoid func(name string) bool

	patterns map[string]patterns
}

type patterns struct{ login, address naming.Pattern }

// ErrExpired is returned if the journey has expired.
var ErrExpired = errors.New("activation: the journey's time is over")

// New validates the options and returns a Service. The handlers of its jobs are
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
		o.patterns[p.Key] = patterns{login.Avoiding(o.Avoid), address.Avoiding(o.Avoid)}
	}
	if len(o.patterns) == 0 {
		return nil, errors.New("no profile is configured")
	}
	return &Service{o}, nil
}

// Profile returns the configured profile with this key.
func (s *Service) Profile(key string) (domain.Profile, bool) {
	i := slices.IndexFunc(s.Profiles, func(p domain.Profile) bool { return p.Key == key })
	if i < 0 {
		return domain.Profile{}, false
	}
	return s.Profiles[i], true
}

// Journey returns a journey and its next step. It returns ErrNotFound if there
// is none, and ErrExpired if it has expired. It changes nothing.
func (s *Service) Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, domain.Step, error) {
	j, err := s.Store.Journey(ctx, id)
	if err != nil {
		return domain.Journey{}, "", err
	}
	step, err := s.Open(j)
	if err != nil {
		return domain.Journey{}, "", err
	}
	return j, step, nil
}

// Open returns the next step of a journey that was just read. It returns ErrExpired if the
// journey has expired.
func (s *Service) Open(j domain.Journey) (domain.Step, error) {
	if s.expired(j) {
		return "", ErrExpired
	}
	return s.Step(j), nil
}

// Ends returns the time at which a journey expires without a further act.
func (s *Service) Ends(j domain.Journey) time.Time {
	idle := j.SeenAt.Add(s.Idle)
	if s.Step(j) == domain.StepWaiting || idle.After(j.ExpiresAt) {
		return j.ExpiresAt // a student who waits for the portal does not have to act
	}
	return idle
}

func (s *Service) expired(j domain.Journey) bool { return !s.Clock().Before(s.Ends(j)) }

// Step returns the journey's next step.
func (s *Service) Step(j domain.Journey) domain.Step {
	return j.Next(func(sha string) bool { return slices.Contains(s.Charters.Current(j.Profile), sha) })
}

// reread replaces the journey by its stored state, which a job may have
// changed.
func (s *Service) reread(ctx context.Context, j *domain.Journey) error {
	now, err := s.Store.Journey(ctx, j.ID)
	if err == nil {
		*j = now
	}
	return err
}

// requireStep returns ErrExpired if the journey has expired and a Refusal with
// ReasonStep if it is at another step. An empty step accepts any.
func (s *Service) requireStep(j *domain.Journey, at domain.Step) error {
	if s.expired(*j) {
		return ErrExpired
	}
	if at != "" && s.Step(*j) != at {
		return &domain.Refusal{Reason: domain.ReasonStep}
	}
	return nil
}

// Extend postpones the idle end of a journey at the visitor's request. The
// absolute end stays.
func (s *Service) Extend(ctx context.Context, j *domain.Journey) error {
	return s.act(ctx, j, "", func(*domain.Journey, time.Time) (domain.Effects, *domain.Refusal) { return domain.Effects{}, nil })
}

// act is the only function that changes a journey. It takes the journey as it
// was read and updates it to the stored state, so that a POST reads it once. It
// refuses a journey at another step. Otherwise it commits the result of decide.
// A refusal is an outcome: it is committed with the changes that decide made,
// so that a wrong code costs its try.
func (s *Service) act(ctx context.Context, j *domain.Journey, at domain.Step, decide func(*domain.Journey, time.Time) (domain.Effects, *domain.Refusal)) error {
	var refusal *domain.Refusal
	settle, committed := func(bool) {}, false
	defer func() { settle(committed) }() // also after a panic
	after, err := s.Store.Update(ctx, *j, func(j *domain.Journey) (domain.Effects, error) {
		settle(false) // the function may run again
		settle, refusal = func(bool) {}, nil
		if err := s.requireStep(j, at); err != nil {
			return domain.Effects{}, err
		}
		now := s.now()
		j.Touch(now)
		var e domain.Effects
		e, refusal = decide(j, now)
		settle = s.Runner.Lease(e.Jobs)
		return e, nil
	})
	if committed = err == nil; !committed {
		return err
	}
	*j = after
	if refusal != nil {
		return refusal
	}
	return nil
}

// wake wakes the runner only for the kinds of jobs that were committed, because
// a woken runner queries the database.
func (s *Service) wake(e domain.Effects) {
	for _, job := range e.Jobs {
		s.Runner.Wake(job.Kind)
	}
}

// notifyJobs returns the jobs that notify relying parties of an event.
func (s *Service) notifyJobs(v domain.Event, p domain.Person) ([]domain.Job, error) {
	if s.Subscribers == nil {
		return nil, nil
	}
	return s.Subscribers.Notify(v, p)
}

// OpenJob reads the payload of a job.
func (s *Service) OpenJob(job domain.Job, into any) error { return job.Open(s.Keys, into) }

func (s *Service) now() time.Time { return domain.Instant(s.Clock()) }
