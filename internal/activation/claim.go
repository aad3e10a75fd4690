package activation

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/secret"
)

// ObjectPath is the path of the page on which the old address objects to an accepted
// claim. The token of the notice follows it.
const ObjectPath = "/adresse-perdue/pas-moi/"

// claimDeadline limits the retries of opening an accepted claim after its delay.
const claimDeadline = 4 * 24 * time.Hour

// ClaimRequest is the form of a person who cannot reach the address of the registry.
type ClaimRequest struct {
	Profile, GivenName, FamilyName string
	Number                         string // of the profile, or the national number
	BirthDate                      string // ISO 8601
	Address                        string // the new one, as typed
	Lang                           domain.Lang
	Client                         string
}

// AskClaim begins a journey that files a claim when the code that is sent to the new
// address is typed. It does the same work and answers the same for every number, name
// and birth date, known or unknown, right or wrong (S14).
func (s *Service) AskClaim(ctx context.Context, r ClaimRequest) (domain.Journey, error) {
	profile, ok := s.Profile(r.Profile)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonProfileMissing}
	}
	c := domain.Claim{Profile: profile.Key, Lang: r.Lang, Client: r.Client, State: domain.ClaimUnproven}
	for _, v := range []struct {
		to     *string
		typed  string
		clean  func(string) (string, error)
		reason domain.Reason
	}{
		{&c.Number, r.Number, clean.Number, domain.ReasonClaimNumber}, {&c.GivenName, r.GivenName, clean.Name, domain.ReasonClaimGivenName},
		{&c.FamilyName, r.FamilyName, clean.Name, domain.ReasonClaimFamilyName},
		{&c.BirthDate, r.BirthDate, func(d string) (string, error) { _, err := time.Parse(time.DateOnly, d); return d, err }, domain.ReasonClaimBirth},
	} {
		value, err := v.clean(v.typed)
		if err != nil || value == "" {
			return domain.Journey{}, &domain.Refusal{Reason: v.reason}
		}
		*v.to = value
	}
	var err error
	if c.Address, err = domain.ParseAddress(r.Address); err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: addressReason(err)}
	}
	if err := s.takeMail(ctx, domain.PurposeClaim, c.Address, r.Client); err != nil {
		return domain.Journey{}, err
	}
	p, err := s.Store.PersonByAnyNumber(ctx, c.Profile, c.Number)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		return domain.Journey{}, err
	}
	c.Person = p.ID // empty for an unknown number
	j, err := s.newJourney(domain.Beginning{Purpose: domain.PurposeClaim, Profile: c.Profile, Address: c.Address, Lang: r.Lang, Client: r.Client})
	if err != nil {
		return domain.Journey{}, err
	}
	e, err := s.sendCode(ctx, &j, r.Lang, false, s.now())
	if err != nil {
		return domain.Journey{}, err
	}
	if c.ID, err = domain.NewID(s.Random); err != nil {
		return domain.Journey{}, err
	}
	c.Journey, c.AskedAt = j.ID, j.RequestedAt
	e.Claim = &c
	if err := s.Store.Begin(ctx, j, e); err != nil {
		return domain.Journey{}, err
	}
	s.wake(e)
	return j, nil
}

// filedMail returns the job of the mail that confirms a proven claim. It says the same
// for every claim.
func (s *Service) filedMail(j domain.Journey) (domain.Job, error) {
	now := s.now()
	return s.mailJob(domain.Message{
		Kind: domain.MessageClaimFiled, Purpose: domain.PurposeClaim, Lang: j.Lang, To: j.Address, Profile: j.Profile, AskedAt: now, Reference: j.Reference,
		Note: strings.Trim(s.ClaimRules.Card[j.Lang]+"\n\n"+s.ClaimRules.CardURL, "\n"),
	}, "", j.ID, now, now.Add(mailDeadline))
}

// AgreeClaim returns the effects of the first of two acceptances, without the audit
// entry. No mail is sent before the second one.
func (s *Service) AgreeClaim(c domain.Claim, d domain.ClaimDecision) domain.Effects {
	now := s.now()
	return domain.Effects{
		ClaimMove: &domain.ClaimMove{ID: c.ID, From: domain.ClaimWaiting, To: domain.ClaimAgreed, At: now, By: d.By, Reason: d.Reason, CardSeen: d.CardSeen},
		Events:    []domain.Event{{At: now, Kind: domain.EventClaimAgreed, Person: c.Person, Details: map[string]string{"operator": d.By.Name}}},
	}
}

// AcceptClaim returns the effects of an operator's acceptance, without the audit entry.
// The new address is in use when the job has run: at once if no old address can be
// reached, and otherwise after the time in which the old addresses can object.
func (s *Service) AcceptClaim(c domain.Claim, p domain.Person, d domain.ClaimDecision) (domain.Effects, error) {
	now := s.now()
	opens := now
	var e domain.Effects
	for _, old := range p.Contacts() {
		to := domain.Address(old.Value)
		if old.Channel != domain.ChannelMail || !old.FailedAt.IsZero() || to == c.Address {
			continue
		}
		opens = now.Add(s.ClaimRules.ObjectionTime())
		token, err := s.objectToken(c.ID)
		if err != nil {
			return e, err
		}
		if err := s.tellContact(&e, p, domain.Message{Kind: domain.MessageClaimNotice, Lang: c.Lang, To: to, ExpiresAt: opens, TakeBack: ObjectPath + token}); err != nil {
			return e, err
		}
	}
	job, err := domain.NewJob(s.Random, s.Keys, domain.JobClaim, c.ID, now, opens.Add(claimDeadline))
	if err != nil {
		return e, err
	}
	job.RunAt, job.Person = opens, p.ID
	e.Jobs = append(e.Jobs, job)
	e.ClaimMove = &domain.ClaimMove{ID: c.ID, From: c.State, To: domain.ClaimAccepted, At: now, By: d.By, Reason: d.Reason, CardSeen: d.CardSeen || c.CardSeen, OpensAt: opens}
	e.Events = []domain.Event{{At: now, Kind: domain.EventClaimAccepted, Person: p.ID, Details: map[string]string{"operator": d.By.Name}}}
	return e, nil
}

// RefuseClaim returns the effects of an operator's refusal, without the audit entry.
// The mail says the same for every claim.
func (s *Service) RefuseClaim(c domain.Claim, d domain.ClaimDecision) (domain.Effects, error) {
	now := s.now()
	e := domain.Effects{ClaimMove: &domain.ClaimMove{ID: c.ID, From: c.State, To: domain.ClaimRefused, At: now, By: d.By, Reason: d.Reason, CardSeen: d.CardSeen || c.CardSeen}}
	if c.Person != "" {
		e.Events = []domain.Event{{At: now, Kind: domain.EventClaimRefused, Person: c.Person, Details: map[string]string{"operator": d.By.Name}}}
	}
	return e, s.tellContact(&e, domain.Person{Profile: c.Profile}, domain.Message{Kind: domain.MessageClaimRefused, Lang: c.Lang, To: c.Address})
}

// ClaimJobs returns the handler that puts the new address of an accepted claim in use.
func (s *Service) ClaimJobs() domain.Handler { return claimJobs{s} }

type claimJobs struct{ *Service }

// Run is idempotent: a claim that was opened, or objected to, is left alone.
func (s claimJobs) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var id string
	if err := s.OpenJob(job, &id); err != nil {
		return domain.Effects{}, err
	}
	c, err := s.Store.Claim(ctx, id)
	if errors.Is(err, domain.ErrNotFound) || err == nil && c.State != domain.ClaimAccepted {
		return domain.Effects{}, nil
	}
	if err != nil {
		return domain.Effects{}, err
	}
	p, err := s.Store.Person(ctx, c.Person)
	if err != nil {
		return domain.Effects{}, err
	}
	if !p.ErasedAt.IsZero() || !p.EraseAt.IsZero() || p.Hold != "" {
		return domain.Effects{}, domain.Later(errClosedPerson, time.Hour)
	}
	now := s.now()
	after := p
	after.Choose(c.Address)
	e := domain.Effects{
		Edits:     []domain.PersonEdit{{Before: p, After: after, Ends: now}},
		ClaimMove: &domain.ClaimMove{ID: c.ID, From: domain.ClaimAccepted, To: domain.ClaimDone, At: now, Old: p.Email},
		Events:    []domain.Event{{At: now, Kind: domain.EventContactChanged, Person: p.ID}},
	}
	if err := s.tellContact(&e, after, domain.Message{Kind: domain.MessageClaimOpen, Lang: c.Lang, To: c.Address, Recovers: p.Account == domain.AccountActive}); err != nil {
		return e, err
	}
	if err := s.CopyAddress(&e, after); err != nil {
		return e, err
	}
	news, err := s.notifyJobs(e.Events[0], after)
	e.Jobs = append(e.Jobs, news...)
	return e, err
}

var errClosedPerson = errors.New("the person is held, or about to be erased")

// Abandon leaves the claim accepted; the console shows it with its age.
func (claimJobs) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, nil
}

func (s *Service) objectToken(claim string) (string, error) {
	box, err := s.Keys.Seal(secret.UseTakeBack, "claim", []byte(claim))
	return base64.RawURLEncoding.EncodeToString(box), err
}

// NoticedClaim returns the claim that the token of a notice is about, and whether the
// old address can still object. It returns an error that wraps domain.ErrNotFound for
// any other token.
func (s *Service) NoticedClaim(ctx context.Context, token string) (c domain.Claim, open bool, err error) {
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		var id []byte
		if id, err = s.Keys.Open(secret.UseTakeBack, "claim", box); err == nil {
			c, err = s.Store.Claim(ctx, string(id))
			return c, c.State == domain.ClaimAccepted && s.now().Before(c.OpensAt), err
		}
	}
	return c, false, fmt.Errorf("objection token: %w", domain.ErrNotFound)
}

// Object ends an accepted claim with the right in the token of a notice. A second call
// changes nothing. It returns the claim as stored afterwards.
func (s *Service) Object(ctx context.Context, token string) (domain.Claim, error) {
	c, open, err := s.NoticedClaim(ctx, token)
	if err != nil || !open {
		return c, err
	}
	now := s.now()
	err = s.Store.Apply(ctx, domain.Effects{
		ClaimMove: &domain.ClaimMove{ID: c.ID, From: domain.ClaimAccepted, To: domain.ClaimObjected, At: now},
		Events:    []domain.Event{{At: now, Kind: domain.EventClaimObjected, Person: c.Person}},
	})
	if err == nil || errors.Is(err, domain.ErrConflict) {
		return s.Store.Claim(ctx, c.ID)
	}
	return c, err
}
