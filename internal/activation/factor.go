package activation

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
)

// FactorPath is the path of the page that stops the removal of second factors. The token
// of the notice follows it.
const FactorPath = "/compte/second-facteur/pas-moi/"

// factorDeadline limits the retries of removing second factors.
const factorDeadline = 4 * 24 * time.Hour

func (s *Service) factorDelay() time.Duration {
	if s.FactorDelay == 0 {
		return domain.FactorDelay
	}
	return s.FactorDelay
}

// AskFactorRemoval returns the effects of an operator's request to remove the second
// factors of a person's account, without the audit entry. Every mail address of the
// person is told, with a link that stops the removal.
func (s *Service) AskFactorRemoval(p domain.Person, d domain.ClaimDecision, lang domain.Lang) (domain.Effects, error) {
	id, err := domain.NewID(s.Random)
	if err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	r := domain.FactorRemoval{ID: id, Person: p.ID, AskedBy: d.By.Name, AskedByID: d.By.Subject, Reason: d.Reason, AskedAt: now, DueAt: now.Add(s.factorDelay()), State: domain.FactorAsked}
	box, err := s.Keys.Seal(secret.UseFreeze, "factor", []byte(id))
	if err != nil {
		return domain.Effects{}, err
	}
	mails, err := s.toEveryAddress(p, domain.Message{Kind: domain.MessageFactorAsked, Lang: lang, ExpiresAt: r.DueAt, TakeBack: FactorPath + base64.RawURLEncoding.EncodeToString(box)})
	if err != nil {
		return domain.Effects{}, err
	}
	job, err := s.factorJob(r, r.DueAt, lang)
	return domain.Effects{
		FactorAsk: &r, Jobs: append(mails, job),
		Events: []domain.Event{{At: now, Kind: domain.EventFactorAsked, Person: p.ID, Details: map[string]string{"operator": d.By.Name}}},
	}, err
}

// AgreeFactorRemoval returns the effects of a second operator's agreement: the removal
// happens at once. lang is the language of the notices.
func (s *Service) AgreeFactorRemoval(r domain.FactorRemoval, d domain.ClaimDecision, lang domain.Lang) (domain.Effects, error) {
	now := s.now()
	job, err := s.factorJob(r, now, lang)
	return domain.Effects{
		FactorMove: &domain.FactorMove{ID: r.ID, From: domain.FactorAsked, To: domain.FactorAgreed, At: now, By: d.By}, Jobs: []domain.Job{job},
		Events: []domain.Event{{At: now, Kind: domain.EventFactorAgreed, Person: r.Person, Details: map[string]string{"operator": d.By.Name}}},
	}, err
}

// EndFactorRemoval returns the effects of the end of a removal that did not happen.
func (s *Service) EndFactorRemoval(r domain.FactorRemoval, to domain.FactorState, kind domain.EventKind) domain.Effects {
	now := s.now()
	return domain.Effects{
		FactorMove: &domain.FactorMove{ID: r.ID, From: r.State, To: to, At: now},
		Events:     []domain.Event{{At: now, Kind: kind, Person: r.Person}},
	}
}

// factorOrder is the payload of a JobFactor.
type factorOrder struct {
	Removal string
	Lang    domain.Lang // of the notices
}

func (s *Service) factorJob(r domain.FactorRemoval, at time.Time, lang domain.Lang) (domain.Job, error) {
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobFactor, factorOrder{r.ID, lang}, s.now(), at.Add(factorDeadline))
	job.RunAt, job.Person = at, r.Person
	return job, err
}

// toEveryAddress returns the jobs of one mail to each mail address of a person, the
// university address included. The mail is about now if m.AskedAt is zero.
func (s *Service) toEveryAddress(p domain.Person, m domain.Message) (jobs []domain.Job, err error) {
	now := s.now()
	if m.AskedAt.IsZero() {
		m.AskedAt = now
	}
	to := p.Contacts()
	if a, err := domain.ParseAddress(p.UniversityAddress); err == nil {
		to = append(to, domain.Contact{Channel: domain.ChannelMail, Value: string(a)})
	}
	for _, c := range to {
		if c.Channel != domain.ChannelMail {
			continue
		}
		m.To, m.Purpose, m.Profile, m.GivenName, m.Login = domain.Address(c.Value), domain.PurposeRecover, p.Profile, p.CalledBy(), p.Login
		job, err := s.mailJob(m, p.ID, "", now, now.Add(mailDeadline))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// FactorJobs returns the handler that removes second factors.
func (s *Service) FactorJobs() domain.Handler { return factorJobs{s} }

type factorJobs struct{ *Service }

// Run is idempotent: a removal that was stopped or done is left alone.
func (s factorJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var o factorOrder
	if err := s.OpenJob(job, &o); err != nil {
		return domain.Effects{}, err
	}
	r, err := s.Store.FactorRemoval(ctx, o.Removal)
	if errors.Is(err, domain.ErrNotFound) || err == nil && !r.IsOpen() {
		return domain.Effects{}, nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, r.Person)
	switch {
	case err != nil:
		return domain.Effects{}, err
	case !p.HasLiveAccount():
		return s.leave(r, domain.BarDisabled), nil
	case !p.RecoveryFrozenAt.IsZero():
		return s.leave(r, domain.BarFrozen), nil
	}
	err = s.Accounts.RemoveFactors(ctx, p.AccountRef())
	var barred *domain.AccountBarred
	if errors.As(err, &barred) {
		return s.leave(r, barred.Bar), nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	e := s.EndFactorRemoval(r, domain.FactorRemoved, domain.EventFactorRemoved)
	e.Factors = []domain.FactorNews{{Person: p.ID, At: s.now(), All: true}}
	token, err := s.freezeToken(p.ID, s.now())
	if err != nil {
		return domain.Effects{}, err
	}
	e.Jobs, err = s.toEveryAddress(p, domain.Message{Kind: domain.MessageFactorRemoved, Lang: o.Lang, Freeze: FreezePath + token})
	return e, err
}

// leave returns the effects of a removal from an account that must not be changed.
func (s factorJobs) leave(r domain.FactorRemoval, why domain.Bar) domain.Effects {
	e := s.EndFactorRemoval(r, domain.FactorLeft, domain.EventFactorLeft)
	e.Events[0].Details = map[string]string{"why": string(why)}
	return e
}

// Abandon ends a removal whose accounts were away for too long. A new one can be asked
// for.
func (s factorJobs) Abandon(ctx context.Context, job domain.Job, _ error) (domain.Effects, error) {
	var o factorOrder
	if err := s.OpenJob(job, &o); err != nil {
		return domain.Effects{}, nil
	}
	r, err := s.Store.FactorRemoval(ctx, o.Removal)
	if err != nil || !r.IsOpen() {
		return domain.Effects{}, nil
	}
	return s.leave(r, domain.BarAway), nil
}

// NoticedFactor returns the removal that the token of a notice is about. It returns an
// error that wraps domain.ErrNotFound for any other token.
func (s *Service) NoticedFactor(ctx context.Context, token string) (r domain.FactorRemoval, err error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		var id []byte
		if id, err = s.Keys.Open(secret.UseFreeze, "factor", box); err == nil {
			return s.Store.FactorRemoval(ctx, string(id))
		}
	}
	return r, fmt.Errorf("factor token: %w", domain.ErrNotFound)
}

// StopFactor stops a removal with the right in the token of a notice. A second call
// changes nothing. It returns the removal as stored afterwards.
func (s *Service) StopFactor(ctx context.Context, token string) (domain.FactorRemoval, error) {
	r, err := s.NoticedFactor(ctx, token)
	if err != nil || !r.IsOpen() {
		return r, err
	}
	err = s.Store.Apply(ctx, s.EndFactorRemoval(r, domain.FactorStopped, domain.EventFactorStopped))
	if err == nil || errors.Is(err, domain.ErrConflict) {
		return s.Store.FactorRemoval(ctx, r.ID)
	}
	return r, err
}
