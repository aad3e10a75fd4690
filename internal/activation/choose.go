package activation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/internal/password"
	"entree/internal/secret"
)

// PasswordRules are the limits that a password must keep; 0 means no limit.
type PasswordRules = password.Policy

// Phrase is a suggested passphrase. Unit and Count estimate the time needed to
// guess it: ("century", 3).
type Phrase struct {
	Text  secret.Text
	Words []string // as drawn, with accents
	Bits  float64
	Unit  string
	Count int
}

// Rules returns the rules that a password must keep now.
func (s *Service) Rules(domain.Journey) PasswordRules { return s.Policy() }

// Fragments returns the parts of a person's names and addresses that a password
// may not contain, folded, for the browser, which ticks the rule while the student
// types. Birth date and number stay on the server.
func (s *Service) Fragments(p domain.Person) []string { return s.personal(p).Fragments() }

// Phrases draws n suggestions in a language that keep all rules for this person.
func (s *Service) Phrases(p domain.Person, lang domain.Lang, n int) ([]Phrase, error) {
	check := password.Checker(s.Policy(), s.personal(p))
	words := password.French
	if lang == domain.English {
		words = password.English
	}
	out := make([]Phrase, n)
	for i := range out {
		phrase, err := password.Generate(s.Random, words, func(text string) bool { return len(check(secret.New(text))) > 0 })
		if err != nil {
			return nil, err
		}
		unit, count := password.Strength(phrase.Bits)
		out[i] = Phrase{phrase.Text, phrase.Words, phrase.Bits, unit, count}
	}
	return out, nil
}

// Judge returns every rule that a password breaks, as ChoosePassword would. It
// changes nothing.
func (s *Service) Judge(ctx context.Context, j domain.Journey, chosen secret.Text) ([]domain.Finding, error) {
	if _, err := s.choosing(&j); err != nil {
		return nil, err
	}
	p, err := s.holder(ctx, j)
	if err != nil {
		return nil, err
	}
	return s.judge(password.Normalize(chosen), p)
}

// ChoosePassword checks and hashes the password, drops it, and commits the job
// that makes the account or, in a recovery, replaces its password. Then it waits a
// short time for Keycloak. If the job has not ended by then, the journey is at
// StepWaiting and the job continues without the visitor.
func (s *Service) ChoosePassword(ctx context.Context, j *domain.Journey, chosen, confirmation secret.Text) error {
	at, err := s.choosing(j)
	if err != nil { // the student may have accepted a charter that only another instance knows yet
		if err := s.Charters.Refresh(ctx); err != nil {
			return err
		}
		if at, err = s.choosing(j); err != nil {
			return err
		}
	}
	p, err := s.finisher(ctx, j)
	if err != nil {
		return err
	}
	found, err := s.judge(password.Normalize(chosen), p)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return &domain.Refusal{Reason: domain.ReasonPasswordRules, Findings: found}
	}
	if chosen.Reveal() != confirmation.Reveal() {
		return &domain.Refusal{Reason: domain.ReasonPasswordConfirm}
	}
	if err := s.Hasher.Ready(); err != nil {
		return err // before the limit: a press that is not hashed costs nothing
	}
	if err := s.takeHash(ctx, *j, domain.ReasonPasswordBusy); err != nil {
		return err
	}
	credential, err := s.Hasher.Hash(ctx, chosen)
	if err != nil {
		return err
	}
	intent, err := s.intend(*j, p, credential)
	if err != nil {
		return err
	}
	return s.order(ctx, j, at, intent, func(j *domain.Journey, at time.Time) { j.ChoosePassword(at, at.Add(s.Absolute)) })
}

// choosing returns the step of a journey at which a password may be chosen: its own
// step, or the registration of a passkey that the profile does not require.
func (s *Service) choosing(j *domain.Journey) (domain.Step, error) {
	at := domain.StepPassword
	if s.Step(*j) == domain.StepPasskey && !j.NeedsPasskey {
		at = domain.StepPasskey
	}
	return at, s.requireStep(j, at)
}

// order commits the effects of a chosen credential with its journey, which is at a
// step, and runs their first job. It waits a short time for the store of accounts.
func (s *Service) order(ctx context.Context, j *domain.Journey, at domain.Step, intent domain.Effects, choose func(*domain.Journey, time.Time)) error {
	err := s.act(ctx, j, at, func(j *domain.Journey, now time.Time) (domain.Effects, *domain.Refusal) {
		choose(j, now)
		return intent, nil
	})
	if errors.Is(err, domain.ErrConflict) {
		now, err := s.Store.Person(ctx, j.Person)
		if err == nil {
			err = s.mayFinish(ctx, j, now)
		}
		if err == nil && j.Purpose == domain.PurposeActivate && j.MadeAt.IsZero() {
			err = &domain.Refusal{Reason: domain.ReasonElsewhere}
		}
		return err
	}
	if err = s.replaced(ctx, err, domain.ReasonStep); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	if err := s.Runner.RunNow(wait, intent.Jobs[0].ID); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.reread(ctx, j)
}

// holder returns the person of a journey whose credential is chosen. An activation
// without an account reserves the person's names first.
func (s *Service) holder(ctx context.Context, j domain.Journey) (domain.Person, error) {
	if j.Purpose == domain.PurposeRecover || !j.MadeAt.IsZero() {
		return s.Store.Person(ctx, j.Person)
	}
	return s.reserve(ctx, j.Person)
}

// mayFinish refuses and ends a journey that may no longer reach its purpose: the
// person has an account now, the enrolment no longer allows one, the recovery was
// stopped, or the person's address was changed. The changed address does not matter if
// an operator checked the identity card: the journey does not rely on the mailbox.
func (s *Service) mayFinish(ctx context.Context, j *domain.Journey, p domain.Person) error {
	purpose := j.Purpose
	if !j.MadeAt.IsZero() {
		purpose = domain.PurposeRecover // the account exists
	}
	switch {
	case purpose == domain.PurposeActivate && p.Account != domain.NoAccount:
		return &domain.Refusal{Reason: domain.ReasonElsewhere}
	case p.May(purpose) && (j.Desk != "" || p.HasAddress(j.Address)):
		return nil
	}
	return s.act(ctx, j, "", func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		j.Revoke(p.ID, at)
		return domain.Effects{}, &domain.Refusal{Reason: domain.ReasonStep}
	})
}

// finisher returns the person of a journey whose credential is chosen, if the journey
// may still reach its purpose.
func (s *Service) finisher(ctx context.Context, j *domain.Journey) (domain.Person, error) {
	p, err := s.holder(ctx, *j)
	if err == nil {
		err = s.mayFinish(ctx, j, p)
	}
	return p, err
}

// takeHash counts one chosen credential. A password's hash is the most expensive work
// that a visitor can ask for. Presses beyond the limit are refused at once with the
// reason and wait for nothing.
func (s *Service) takeHash(ctx context.Context, j domain.Journey, reason domain.Reason) error {
	return s.take(ctx, reason,
		domain.Act{Key: "hash-journey:" + string(j.ID), Rate: s.Rates.HashJourney},
		domain.Act{Key: "hash-person:" + string(j.Person), Rate: s.Rates.HashPerson})
}

// judge returns every rule that a password breaks. A password that keeps all
// rules is also looked up in the list of breached passwords.
func (s *Service) judge(chosen secret.Text, p domain.Person) ([]domain.Finding, error) {
	found := password.Check(s.Policy(), chosen, s.personal(p))
	if len(found) > 0 || s.Breached == nil {
		return found, nil
	}
	leaked, err := s.Breached.Has(chosen)
	if err != nil {
		return nil, fmt.Errorf("search the list of breached passwords: %w", err)
	}
	if leaked {
		found = append(found, domain.Finding{Rule: "breached"})
	}
	return found, nil
}

// intend returns the effects that begin the creation of the account (step "intend" of
// the model) or, in a recovery, the replacement of its password. The person's state
// changes from none to creating, which only one journey can do, and the sealed job
// carries all data that Keycloak needs.
func (s *Service) intend(j domain.Journey, p domain.Person, c domain.Credential) (domain.Effects, error) {
	if j.Purpose == domain.PurposeRecover || !j.MadeAt.IsZero() {
		return s.intendPassword(j, p, c)
	}
	profile, ok := s.Profile(p.Profile)
	if !ok {
		return domain.Effects{}, fmt.Errorf("profile %q is no longer configured", p.Profile)
	}
	activationID, err := domain.NewID(s.Random)
	if err != nil {
		return domain.Effects{}, err
	}
	p.ActivationID = activationID
	account := domain.NewAccount(p, profile, j.Lang, &j)
	account.Credential = c
	now, proved := s.now(), j.Address
	if j.Desk != "" {
		proved = "" // an identity card, and no mailbox
	}
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobAccount, account, now, now.Add(accountDeadline))
	if err != nil {
		return domain.Effects{}, err
	}
	job.Person, job.Journey = p.ID, j.ID
	chosen := domain.EventPasswordChosen
	if c == (domain.Credential{}) {
		chosen = domain.EventPasskeyChosen
	}
	return domain.Effects{
		Charter: &domain.InForce{Profile: j.Profile, SHA256: j.Charter},
		People: []domain.PersonChange{{
			Person: p.ID, From: []domain.AccountState{domain.NoAccount}, To: domain.AccountCreating, ActivationID: activationID,
			MayActivate: true, Address: proved,
		}},
		Jobs:   []domain.Job{job},
		Events: []domain.Event{{At: now, Kind: chosen, Person: p.ID, Journey: j.ID}},
	}, nil
}

func (s *Service) personal(p domain.Person) password.Personal {
	return password.Personal{
		GivenName: p.GivenName, FamilyName: p.FamilyName, BirthDate: p.BirthDate, Number: p.Number, Login: p.Login,
		Addresses: []string{string(p.Email), string(p.SecondEmail), p.UniversityAddress}, Institution: s.Words,
	}
}
