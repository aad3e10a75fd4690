package activation

import (
	"context"
	"errors"
	"time"

	"entree/internal/domain"
	"entree/internal/passkey"
	"entree/internal/secret"
)

const (
	// unfinishedAfter is the time after which a student whose account has neither a
	// passkey nor a password is told by mail.
	unfinishedAfter = 15 * time.Minute
	// passkeyDeadline limits the retries of adding a passkey. Until then the student
	// waits; afterwards the page asks for another one, or for a password.
	passkeyDeadline = 10 * time.Minute
)

// ChoosePasskey orders an account without a password. If it is made in time, the
// journey is at StepPasskey. It refuses with ReasonPasskeyAway, and orders nothing, if
// the store of accounts does not answer now, because a passkey names the account's id.
func (s *Service) ChoosePasskey(ctx context.Context, j *domain.Journey) error {
	if err := s.Charters.Refresh(ctx); err != nil {
		return err
	}
	at := s.Step(*j)
	if at != domain.StepOffer && at != domain.StepGuide && at != domain.StepPassword || !j.OffersPasskey || s.Passkeys == nil {
		return &domain.Refusal{Reason: domain.ReasonStep}
	}
	if err := s.requireStep(j, at); err != nil {
		return err
	}
	p, err := s.finisher(ctx, j)
	if err != nil {
		return err
	}
	if err := s.takeHash(ctx, *j, domain.ReasonBusy); err != nil {
		return err
	}
	ask, cancel := context.WithTimeout(ctx, standingFor)
	defer cancel()
	relyingParty, err := s.Passkeys.RelyingParty(ask)
	if err != nil || !passkey.Fits(s.Origin, relyingParty) {
		return s.passkeyFailed(ctx, j, at, domain.ReasonPasskeyAway)
	}
	intent, err := s.intend(*j, p, domain.Credential{})
	if err != nil {
		return err
	}
	return s.order(ctx, j, at, intent, func(j *domain.Journey, now time.Time) { j.ChoosePasskey(now, now.Add(s.Absolute), relyingParty) })
}

// PasskeyOptions returns the options of navigator.credentials.create for a journey at
// StepPasskey, as JSON.
func (s *Service) PasskeyOptions(ctx context.Context, j domain.Journey) ([]byte, error) {
	if err := s.requireStep(&j, domain.StepPasskey); err != nil {
		return nil, err
	}
	p, err := s.Store.Person(ctx, j.Person)
	if err != nil {
		return nil, err
	}
	return s.ceremony(j, p, s.challenges(j)[0]).Options()
}

// AddPasskey checks a device's answer and commits the job that adds the passkey to the
// account. label names a device whose model is not known. It refuses with
// ReasonPasskeyFailed an answer that is not to this journey's challenge.
func (s *Service) AddPasskey(ctx context.Context, j *domain.Journey, answer []byte, label string) error {
	if err := s.requireStep(j, domain.StepPasskey); err != nil {
		return err
	}
	p, err := s.finisher(ctx, j)
	if err != nil {
		return err
	}
	if err := s.takeHash(ctx, *j, domain.ReasonBusy); err != nil {
		return err
	}
	made, err := s.checked(*j, p, answer)
	if err != nil {
		return s.passkeyFailed(ctx, j, domain.StepPasskey, domain.ReasonPasskeyFailed)
	}
	made.Label = label
	if name := passkey.Name(made.Model); name != "" {
		made.Label = name
	}
	now := s.now()
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobPasskey, made, now, now.Add(passkeyDeadline))
	if err != nil {
		return err
	}
	job.Person, job.Journey = p.ID, j.ID
	intent := domain.Effects{Jobs: []domain.Job{job}}
	return s.order(ctx, j, domain.StepPasskey, intent, func(j *domain.Journey, at time.Time) { j.ChoosePassword(at, at.Add(s.Absolute)) })
}

// passkeyFailed records that no passkey could be registered, and returns the refusal.
func (s *Service) passkeyFailed(ctx context.Context, j *domain.Journey, at domain.Step, reason domain.Reason) error {
	return s.act(ctx, j, at, func(j *domain.Journey, _ time.Time) (domain.Effects, *domain.Refusal) {
		e := s.eventOf(j, s.now(), domain.EventPasskeyFailed)
		e.Events[0].Details = map[string]string{"why": string(reason)}
		return e, &domain.Refusal{Reason: reason}
	})
}

// checked checks an answer against the challenges of the journey, one for each key
// while the secret is rotated.
func (s *Service) checked(j domain.Journey, p domain.Person, answer []byte) (made domain.Passkey, err error) {
	for _, challenge := range s.challenges(j) {
		if made, err = s.ceremony(j, p, challenge).Check(answer); err == nil {
			return made, nil
		}
	}
	return made, err
}

// challenges returns the challenge of a journey's registration for each key, the
// current one first. A journey has one registration, which ends with the first right
// answer, so the challenge needs no place of its own.
func (s *Service) challenges(j domain.Journey) [][]byte {
	return s.Keys.MACs(secret.UsePasskey, string(j.ID), j.MadeAt.Format(time.RFC3339Nano))
}

func (s *Service) ceremony(j domain.Journey, p domain.Person, challenge []byte) passkey.Ceremony {
	return passkey.Ceremony{
		RelyingParty: j.RelyingParty, Origin: s.Origin, Institution: s.Institution,
		Handle: p.AccountID, Login: p.Login, Name: p.GivenName + " " + p.FamilyName, Challenge: challenge,
	}
}

// welcome returns the mail of an account whose first credential was chosen after it
// was made: a passkey or a password.
func (s *Service) welcome(j domain.Journey, p domain.Person, passkey bool) ([]domain.Job, error) {
	now := s.now()
	mail, err := s.mailJob(domain.Message{
		Kind: domain.MessageActivated, Lang: j.Lang, To: p.Email, Profile: p.Profile, GivenName: p.CalledBy(), Login: p.Login, UniversityAddress: p.UniversityAddress,
		AskedAt: now, Passkey: passkey, Charter: domain.Receipt{Version: j.CharterName, SHA256: j.Charter, At: j.AcceptedAt},
	}, p.ID, j.ID, now, now.Add(mailDeadline))
	return []domain.Job{mail}, err
}

// PasskeyJobs returns the handler that adds passkeys to accounts.
func (s *Service) PasskeyJobs() domain.Handler { return passkeyJobs{s} }

type passkeyJobs struct{ *Service }

// Run adds the passkey and completes the journey. It is idempotent.
func (s passkeyJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var made domain.Passkey
	if err := s.OpenJob(job, &made); err != nil {
		return domain.Effects{}, err
	}
	j, err := s.Store.Journey(ctx, job.Journey)
	if errors.Is(err, domain.ErrNotFound) || err == nil && !j.DoneAt.IsZero() {
		return domain.Effects{}, nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	if s.Passkeys == nil {
		return domain.Effects{}, domain.Permanent(errors.New("the store of accounts takes no passkeys"))
	}
	if !p.MayRecover() { // held or stopped meanwhile
		return domain.Effects{}, domain.Permanent(&domain.AccountBarred{Bar: domain.BarFrozen})
	}
	if err := s.Passkeys.AddPasskey(ctx, p.AccountRef(), made); err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	effects := domain.Effects{
		Factors: []domain.FactorNews{{Person: p.ID, At: now, Kinds: []domain.FactorKind{domain.FactorPasskey}}},
		Events:  []domain.Event{{At: now, Kind: domain.EventPasskeyAdded, Person: p.ID, Journey: j.ID}},
	}
	if effects.Jobs, err = s.welcome(j, p, true); err != nil {
		return domain.Effects{}, err
	}
	effects.End = &domain.JourneyEnd{Journey: job.Journey, Mark: func(j *domain.Journey) bool { return j.Complete(now) }}
	return effects, nil
}

// Abandon returns the journey to the registration, or parks it if the account must not
// be changed.
func (s passkeyJobs) Abandon(ctx context.Context, job domain.Job, cause error) (domain.Effects, error) {
	now := s.now()
	effects := domain.Effects{Events: []domain.Event{{At: now, Kind: domain.EventPasskeyFailed, Person: job.Person, Journey: job.Journey}}}
	return domain.Effects{}, s.end(ctx, job.Journey, effects, func(j *domain.Journey) bool {
		var barred *domain.AccountBarred
		if errors.As(cause, &barred) {
			return j.Bar(now, barred.Bar)
		}
		return j.Unmake()
	})
}
