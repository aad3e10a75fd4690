package activation

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

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
	Store    Store
	Limits   Limits
	Runner   Runner
	Accounts Accounts
	Hasher   Hasher
	Mailer   Mailer
	Charters Charters
	News     News // may be nil: nobody listens
	Keys     secret.Keyring
	Clock    func() time.Time
	Random   io.Reader

	Profiles []Profile
	// Policy gives the rules a password must keep: the institution's, or the
	// realm's where they are stricter. It is asked each time, since a realm
	// changes.
	Policy   func() password.Policy
	Breached Breached // may be nil
	Words    []string // the institution's own words, in no password
	CodeLife time.Duration
	Idle     time.Duration // a journey ends when nothing was done for so long
	Absolute time.Duration // and at the latest so long after it began
	Wait     time.Duration // how long the last page waits for Keycloak
	Rates    Rates

	patterns map[string]patterns
}

type patterns struct{ login, address naming.Pattern }

// Rates are the limits that hold over all instances.
type Rates struct {
	Address Rate // mails asked for, per address
	Client  Rate // mails asked for, per network of the visitor: a whole campus can stand behind one
	Total   Rate // mails asked for, altogether
	Tries   Rate // codes compared, per address (S4)
	// Strikes is how many codes in a row may be wrong for one address over all
	// time; NIST SP 800-63B-4, 3.2.2 says 100. A right one clears it.
	Strikes Rate
	// Codes of the desk compared, per network of the visitor and altogether.
	// They name their person by themselves: there is nothing else to count by.
	DeskClient, DeskTotal Rate
}

// DefaultRates are the limits of the sample configuration.
func DefaultRates() Rates {
	return Rates{
		Address: Rate{Burst: 6, Per: time.Hour},
		Client:  Rate{Burst: 600, Per: 10 * time.Minute},
		Total:   Rate{Burst: 6000, Per: 10 * time.Minute},
		Tries:   Rate{Burst: MaxTries, Per: 10 * time.Minute},
		Strikes: Rate{Burst: 100, Per: 30 * 24 * time.Hour},

		DeskClient: Rate{Burst: 20, Per: 10 * time.Minute},
		DeskTotal:  Rate{Burst: 600, Per: 10 * time.Minute},
	}
}

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
func (s *Service) Profile(key string) (Profile, bool) {
	i := slices.IndexFunc(s.Profiles, func(p Profile) bool { return p.Key == key })
	if i < 0 {
		return Profile{}, false
	}
	return s.Profiles[i], true
}

// Journey gives a journey and the step that its person sees next, ErrNotFound
// where there is none, ErrExpired where its time is over. It changes nothing.
func (s *Service) Journey(ctx context.Context, id JourneyID) (Journey, Step, error) {
	j, err := s.Store.Journey(ctx, id)
	if err != nil {
		return Journey{}, "", err
	}
	if s.expired(j) {
		return Journey{}, "", ErrExpired
	}
	return j, s.Step(j), nil
}

// Ends tells when a journey ends if nothing more is done.
func (s *Service) Ends(j Journey) time.Time {
	idle := j.SeenAt.Add(s.Idle)
	if s.Step(j) == StepWaiting || idle.After(j.ExpiresAt) {
		return j.ExpiresAt // who waits for us does not have to do anything
	}
	return idle
}

func (s *Service) expired(j Journey) bool { return !s.Clock().Before(s.Ends(j)) }

// Step tells where a journey stands.
func (s *Service) Step(j Journey) Step {
	return j.Next(func(sha string) bool { return slices.Contains(s.Charters.Current(j.Profile), sha) })
}

// reread gives what a job made of a journey.
func (s *Service) reread(ctx context.Context, j *Journey) error {
	now, err := s.Store.Journey(ctx, j.ID)
	if err == nil {
		*j = now
	}
	return err
}

// stands refuses a journey that is over, or at another step (empty: any).
func (s *Service) stands(j *Journey, at Step) error {
	if s.expired(*j) {
		return ErrExpired
	}
	if at != "" && s.Step(*j) != at {
		return &Refusal{Reason: ReasonStep}
	}
	return nil
}

// Extend puts the idle end of a journey off: the visitor asked for more time.
// The absolute end stays.
func (s *Service) Extend(ctx context.Context, j *Journey) error {
	return s.act(ctx, j, "", func(*Journey, time.Time) (Effects, *Refusal) { return Effects{}, nil })
}

// act is the one way in which a journey changes. It takes the journey as it was
// read and leaves it as it is stored then, so that a press reads it once. A
// journey that stands elsewhere is refused; decide says what happens, and that is
// committed. A refusal is an outcome: it is committed with whatever decide
// changed, so that a wrong code costs its try.
func (s *Service) act(ctx context.Context, j *Journey, at Step, decide func(*Journey, time.Time) (Effects, *Refusal)) error {
	var refusal *Refusal
	var e Effects
	after, err := s.Store.Update(ctx, *j, func(j *Journey) (Effects, error) {
		e, refusal = Effects{}, nil // the function may run again
		if err := s.stands(j, at); err != nil {
			return Effects{}, err
		}
		now := s.now()
		j.SeenAt = now
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
func (s *Service) wake(e Effects) {
	for _, job := range e.Jobs {
		if job.Kind != JobAccount {
			s.Runner.Wake(job.Kind)
		}
	}
}

// news gives the jobs that tell relying parties of an event.
func (s *Service) news(v Event, p Person) ([]Job, error) {
	if s.News == nil {
		return nil, nil
	}
	return s.News.Tell(v, p)
}

// OpenJob reads what a job carries. One that no key opens may open later: while
// the secret is rotated another instance has the key, and a key that was taken
// away too soon can be put back. So that is no permanent error.
func (s *Service) OpenJob(job Job, into any) error {
	plain, err := s.Keys.Open(secret.UseJob, job.ID, job.Payload)
	if err != nil {
		return fmt.Errorf("%s job: %w", job.Kind, err)
	}
	if err := json.Unmarshal(plain, into); err != nil {
		return Permanent(fmt.Errorf("%s job: %w", job.Kind, err))
	}
	return nil
}

func (s *Service) now() time.Time { return s.Clock().UTC().Truncate(time.Microsecond) }

// newID draws 128 bits.
func (s *Service) newID() (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", fmt.Errorf("draw an id: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// newReference draws what a person reads out to the help desk: eight letters
// and digits that are not taken for one another.
func (s *Service) newReference() (string, error) {
	b := make([]byte, 5)
	if _, err := io.ReadFull(s.Random, b); err != nil {
		return "", fmt.Errorf("draw a reference: %w", err)
	}
	r := crockford.EncodeToString(b)
	return r[:4] + "-" + r[4:], nil
}

var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// take counts one act under each key and refuses with reason at the first
// limit that is spent.
func (s *Service) take(ctx context.Context, reason Reason, acts ...Act) error {
	refused, retry, err := s.Limits.TakeAll(ctx, acts, s.now())
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	if refused >= 0 {
		return &Refusal{Reason: reason, Retry: retry}
	}
	return nil
}

// addressKey hashes the address, so that the limits hold no list of who
// asked. It is not a MAC: a rotated key must not loosen a limit (I6).
func addressKey(name string, a Address) string {
	sum := sha256.Sum256([]byte(a))
	return name + ":" + hex.EncodeToString(sum[:16])
}
