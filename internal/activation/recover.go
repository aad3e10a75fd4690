package activation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
)

const (
	// passwordDeadline limits the retries of replacing a password. It outlasts a
	// store of accounts that is unavailable over a long weekend.
	passwordDeadline = 4 * 24 * time.Hour
	// standingFor limits the question about an account while a page waits. The job
	// asks again.
	standingFor = 3 * time.Second
	// behindOlder is the wait of a password job while an older one of the person
	// runs.
	behindOlder = 2 * time.Second
	// freezeLife is how long the address in the notice of a new password is good.
	freezeLife = 30 * 24 * time.Hour
	// FreezePath is the path of the page that stops the recovery of an account. The
	// token of the notice follows it.
	FreezePath = "/mot-de-passe-oublie/pas-moi/"
)

// hasOtherProof reports whether the journey gave a proof besides the personal
// mailbox: a second proof, or an identity card.
func (s *Service) hasOtherProof(j domain.Journey) bool {
	birth, number := s.RequiredProofs(j)
	return j.Desk != "" || birth || number
}

// barred asks the store of accounts whether the password of the journey's person may
// be replaced, and parks the journey if not. A store that does not answer bars
// nothing: the job asks again.
func (s *Service) barred(ctx context.Context, j *domain.Journey) (bool, error) {
	p, err := s.Store.Person(ctx, j.Person)
	if err != nil {
		return false, err
	}
	ask, cancel := context.WithTimeout(ctx, standingFor)
	defer cancel()
	standing, err := s.Accounts.Standing(ask, p.AccountRef())
	if err != nil {
		return false, ctx.Err()
	}
	bar := standing.Bar
	if bar == "" && standing.HasFactor && !s.hasOtherProof(*j) {
		bar = domain.BarFactor
	}
	if bar == "" {
		return false, nil
	}
	return true, s.act(ctx, j, domain.StepGuide, func(j *domain.Journey, at time.Time) (domain.Effects, *domain.Refusal) {
		j.Bar(at, bar)
		e := s.eventOf(j, at, domain.EventRecoveryRefused)
		e.Events[0].Details = map[string]string{"why": string(bar)}
		return e, nil
	})
}

// unlessBarred returns the mail of a recovery's code or, if the only candidate's
// account must not be changed, the mail that names the help desk. The mail server's
// worker asks, so that a request takes the same time for every address.
func (s *Service) unlessBarred(ctx context.Context, job domain.Job, m domain.Message) domain.Message {
	j, err := s.Store.Journey(ctx, job.Journey)
	if err != nil || len(j.Candidates) != 1 {
		return m
	}
	p, err := s.Store.Person(ctx, j.Candidates[0])
	if err != nil {
		return m
	}
	ask, cancel := context.WithTimeout(ctx, standingFor)
	defer cancel()
	standing, err := s.Accounts.Standing(ask, p.AccountRef())
	if err != nil || standing.Bar == "" {
		return m
	}
	m.Kind, m.Code, m.Long = domain.MessageBarred, "", ""
	if m.Channel == domain.ChannelSMS {
		m.Kind = domain.MessageNobody // the mail that was sent before says it
	}
	return m
}

// intendPassword returns the effects that order the replacement of a password. The
// job becomes the person's newest one in the transaction that commits it, so that
// the order of the commits is the order of the passwords.
func (s *Service) intendPassword(j domain.Journey, p domain.Person, c domain.Credential) (domain.Effects, error) {
	now, proved := s.now(), j.Address
	if j.Desk != "" {
		proved = "" // an identity card, and no mailbox
	}
	change := domain.PasswordChange{Credential: c, Lang: j.Lang, OtherProof: s.hasOtherProof(j)}
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobPassword, change, now, now.Add(passwordDeadline))
	if err != nil {
		return domain.Effects{}, err
	}
	job.Person, job.Journey = p.ID, j.ID
	return domain.Effects{
		People: []domain.PersonChange{{
			Person: p.ID, From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, PasswordJob: job.ID, Address: proved,
		}},
		Jobs:   []domain.Job{job},
		Events: []domain.Event{{At: now, Kind: domain.EventRecoveryChosen, Person: p.ID, Journey: j.ID}},
	}, nil
}

// PasswordJobs returns the handler that replaces passwords. The newest password of a
// person wins, also if the accounts were slow or away:
//
//	newest? ── no ──► overtaken: nothing is sent
//	   │ yes
//	restored since? ── yes ──► given up: the backup may lack a newer password
//	   │ no
//	an older job runs? ── yes ──► later
//	   │ no
//	SetPassword ──┬─ done ──► notices to every contact
//	              ├─ barred ──► the help desk
//	              └─ outcome unknown ──► the same job again
func (s *Service) PasswordJobs() domain.Handler { return passwordJobs{s} }

type passwordJobs struct{ *Service }

var (
	errOlderRuns = errors.New("an older password of the person is being set")
	errRestored  = errors.New("the store was restored after the password was chosen")
)

// Run replaces the password and completes the journey. It is idempotent.
func (s passwordJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var change domain.PasswordChange
	if err := s.OpenJob(job, &change); err != nil {
		return domain.Effects{}, err
	}
	j, err := s.Store.Journey(ctx, job.Journey)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return domain.Effects{}, err
	}
	if !j.DoneAt.IsZero() { // done before; the student may have changed the password since
		return domain.Effects{}, nil
	}
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	switch {
	case p.PasswordJob != "" && p.PasswordJob != job.ID:
		return domain.Effects{}, s.end(ctx, job.Journey, s.event(job, domain.EventRecoveryOvertaken), func(j *domain.Journey) bool { return j.Overtake(s.now()) })
	case !p.HasLiveAccount():
		return domain.Effects{}, s.refuse(ctx, job, p, change.Lang, domain.BarDisabled)
	case !p.MayRecover() || p.PasswordJob == "": // the end of a stop clears the job
		return domain.Effects{}, s.refuse(ctx, job, p, change.Lang, domain.BarFrozen)
	}
	restored, err := s.Store.RestoredAt(ctx)
	if err != nil {
		return domain.Effects{}, err
	}
	if job.Created.Before(restored) { // the backup may lack a newer password that was set since
		return s.Abandon(ctx, job, errRestored)
	}
	_, runs, err := s.Store.OtherJobs(ctx, job)
	if err != nil {
		return domain.Effects{}, err
	}
	if runs {
		return domain.Effects{}, domain.Later(errOlderRuns, behindOlder)
	}
	err = s.Accounts.SetPassword(ctx, p.AccountRef(), change.Credential, change.OtherProof)
	var barred *domain.AccountBarred
	if errors.As(err, &barred) {
		return domain.Effects{}, s.refuse(ctx, job, p, change.Lang, barred.Bar)
	}
	if err != nil {
		return domain.Effects{}, err
	}
	effects := s.event(job, domain.EventPasswordReplaced)
	if j.MadeAt.IsZero() {
		effects.Jobs, err = s.notices(p, change.Lang, job.Journey)
	} else { // the account's first password
		effects.Jobs, err = s.welcome(j, p, false)
	}
	if err != nil {
		return domain.Effects{}, err
	}
	news, err := s.notifyJobs(effects.Events[0], p)
	if err != nil {
		return domain.Effects{}, err
	}
	effects.Jobs = append(effects.Jobs, news...)
	effects.End = &domain.JourneyEnd{Journey: job.Journey, Mark: func(j *domain.Journey) bool { return j.Complete(s.now()) }}
	return effects, nil
}

// notices returns the mails that tell the student of a new password: one to each
// contact, and one to the university address, which others may be able to read.
func (s *Service) notices(p domain.Person, lang domain.Lang, journey domain.JourneyID) ([]domain.Job, error) {
	now := s.now()
	token, err := s.freezeToken(p.ID, now)
	if err != nil {
		return nil, err
	}
	to := s.contacts(p)
	if a, err := domain.ParseAddress(p.UniversityAddress); err == nil {
		to = append(to, domain.Contact{Channel: domain.ChannelMail, Value: string(a)})
	}
	var jobs []domain.Job
	for _, c := range to {
		job, err := s.mailJob(domain.Message{
			Kind: domain.MessageReplaced, Purpose: domain.PurposeRecover, Lang: lang, Channel: c.Channel, To: domain.Address(c.Value), Profile: p.Profile, GivenName: p.GivenName,
			Login: p.Login, UniversityAddress: p.UniversityAddress, AskedAt: now, Freeze: FreezePath + token,
		}, p.ID, journey, now, now.Add(mailDeadline))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// refuse ends a recovery whose account must not be changed, and tells the student by
// mail.
func (s passwordJobs) refuse(ctx context.Context, job domain.Job, p domain.Person, lang domain.Lang, bar domain.Bar) error {
	e := s.event(job, domain.EventRecoveryRefused)
	e.Events[0].Details = map[string]string{"why": string(bar)}
	mail, err := s.outcomeMail(ctx, job, p, lang, domain.MessageBarred)
	if err != nil {
		return err
	}
	e.Jobs = mail
	return s.end(ctx, job.Journey, e, func(j *domain.Journey) bool { return j.Bar(s.now(), bar) })
}

// Abandon parks the journey after the deadline and notifies the student that the
// password stays as it was.
func (s passwordJobs) Abandon(ctx context.Context, job domain.Job, _ error) (domain.Effects, error) {
	p, err := s.Store.Person(ctx, job.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	e := s.event(job, domain.EventRecoveryAbandoned)
	if p.PasswordJob == job.ID {
		if e.Jobs, err = s.outcomeMail(ctx, job, p, "", domain.MessageUnreplaced); err != nil {
			return domain.Effects{}, err
		}
	}
	return domain.Effects{}, s.end(ctx, job.Journey, e, func(j *domain.Journey) bool { return j.Bar(s.now(), domain.BarAway) })
}

// outcomeMail returns the job of a mail to the personal address, or none if the
// person has no address. An empty lang is that of the journey.
func (s passwordJobs) outcomeMail(ctx context.Context, job domain.Job, p domain.Person, lang domain.Lang, kind domain.MessageKind) ([]domain.Job, error) {
	if p.Email == "" {
		return nil, nil
	}
	j, err := s.Store.Journey(ctx, job.Journey)
	if err == nil && lang == "" {
		lang = j.Lang
	}
	now := s.now()
	mail, err := s.mailJob(domain.Message{
		Kind: kind, Purpose: domain.PurposeRecover, Lang: lang, To: p.Email, Profile: p.Profile, GivenName: p.GivenName, AskedAt: now, Reference: j.Reference,
	}, p.ID, job.Journey, now, now.Add(mailDeadline))
	return []domain.Job{mail}, err
}

// event returns the event of a job's outcome.
func (s passwordJobs) event(job domain.Job, kind domain.EventKind) domain.Effects {
	return domain.Effects{Events: []domain.Event{{At: s.now(), Kind: kind, Person: job.Person, Journey: job.Journey}}}
}

// freezeRight is the content of the token in a notice: it stops the recovery of one
// account and can do nothing else.
type freezeRight struct {
	Person domain.PersonID
	At     time.Time
}

func (s *Service) freezeToken(p domain.PersonID, now time.Time) (string, error) {
	plain, err := json.Marshal(freezeRight{p, now})
	if err != nil {
		return "", err
	}
	box, err := s.Keys.Seal(secret.UseFreeze, "notice", plain)
	return base64.RawURLEncoding.EncodeToString(box), err
}

// MayFreeze returns an error that wraps domain.ErrNotFound unless token is one of a
// notice of the last 30 days.
func (s *Service) MayFreeze(token string) error {
	_, err := s.freezeRight(token)
	return err
}

func (s *Service) freezeRight(token string) (r freezeRight, err error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return r, fmt.Errorf("freeze token: %w", domain.ErrNotFound)
	}
	plain, err := s.Keys.Open(secret.UseFreeze, "notice", box)
	if err != nil || json.Unmarshal(plain, &r) != nil || !s.now().Before(r.At.Add(freezeLife)) {
		return r, fmt.Errorf("freeze token: %w", domain.ErrNotFound)
	}
	return r, nil
}

// Freeze stops the recovery of the account that a notice was about, until an
// operator ends that. A second call changes nothing. It returns an error that wraps
// domain.ErrNotFound for a token that MayFreeze refuses.
func (s *Service) Freeze(ctx context.Context, token string) error {
	r, err := s.freezeRight(token)
	if err != nil {
		return err
	}
	now := s.now()
	err = s.Store.Apply(ctx, domain.Effects{
		Freeze: &domain.Freeze{Person: r.Person, At: now},
		Events: []domain.Event{{At: now, Kind: domain.EventRecoveryFrozen, Person: r.Person}},
	})
	if errors.Is(err, domain.ErrConflict) { // it is stopped already
		return nil
	}
	return err
}
