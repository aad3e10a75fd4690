package activation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Request is the first page: who asks for a code.
type Request struct {
	Profile string
	Address string // as typed
	Lang    Lang
	Client  string // the visitor's network, for the limits
}

// Request begins a journey. Whether anybody has the address is not told: the
// same work is done and the same journey comes back. The mail tells.
func (s *Service) Request(ctx context.Context, r Request) (Journey, error) {
	profile, ok := s.Profile(r.Profile)
	if !ok {
		return Journey{}, &Refusal{Reason: ReasonProfileMissing}
	}
	address, err := ParseAddress(r.Address)
	if err != nil {
		return Journey{}, &Refusal{Reason: addressReason(err)}
	}
	if err := s.takeMail(ctx, address, r.Client); err != nil {
		return Journey{}, err
	}
	j, err := s.newJourney(profile.Key, address, r.Lang)
	if err != nil {
		return Journey{}, err
	}
	j.Client = r.Client
	effects, err := s.sendCode(ctx, &j, s.now())
	if err != nil {
		return Journey{}, err
	}
	effects.Events = append(effects.Events, Event{At: j.RequestedAt, Kind: EventRequested, Journey: j.ID, Details: map[string]string{"profile": j.Profile}})
	if err := s.Store.Begin(ctx, j, effects); err != nil {
		return Journey{}, err
	}
	s.wake(effects)
	return j, nil
}

func (s *Service) newJourney(profile string, address Address, lang Lang) (Journey, error) {
	id, err := s.newID()
	if err != nil {
		return Journey{}, err
	}
	reference, err := s.newReference()
	if err != nil {
		return Journey{}, err
	}
	now := s.now()
	return Journey{
		ID: JourneyID(id), Purpose: PurposeActivate, Profile: profile, Lang: lang, Address: address,
		Reference: reference, RequestedAt: now, SeenAt: now, ExpiresAt: now.Add(s.Absolute),
	}, nil
}

// Resend sends a new code; the one before is good no more, the tries stay.
func (s *Service) Resend(ctx context.Context, j *Journey, lang Lang, client string) error {
	if err := s.stands(j, StepCode); err != nil {
		return err
	}
	if at := s.ResendAt(*j); s.now().Before(at) {
		return &Refusal{Reason: ReasonResendTooSoon, Retry: at}
	}
	if err := s.takeMail(ctx, j.Address, client); err != nil {
		return err
	}
	return s.sendAgain(ctx, j, lang, Effects{})
}

// sendAgain draws a new code for a journey as it is now.
func (s *Service) sendAgain(ctx context.Context, j *Journey, lang Lang, effects Effects) error {
	next := *j
	next.Lang = lang
	mail, err := s.sendCode(ctx, &next, s.now())
	if err != nil {
		return err
	}
	effects.Jobs = append(effects.Jobs, mail.Jobs...)
	code, candidates := next.Code, next.Candidates
	return s.act(ctx, j, StepCode, func(j *Journey, now time.Time) (Effects, *Refusal) {
		if j.Code.Sent >= code.Sent { // a second click came first: one mail is enough
			return Effects{}, nil
		}
		code.Tries = j.Code.Tries
		j.Code, j.Candidates, j.Lang = code, candidates, lang
		effects.Events = s.tell(j, now, EventCodeResent).Events
		return effects, nil
	})
}

// ResendAt is when the next code may be asked for: half a minute after the
// first one, twice as long after each further one, five minutes at most.
func (s *Service) ResendAt(j Journey) time.Time {
	wait := 30 * time.Second << min(max(j.Code.Sent-1, 0), 4)
	return j.Code.SentAt.Add(min(wait, 5*time.Minute))
}

// sendCode draws a code for the journey and gives the job of the mail that
// tells the truth about the address.
func (s *Service) sendCode(ctx context.Context, j *Journey, now time.Time) (Effects, error) {
	people, err := s.Store.PeopleAt(ctx, j.Address)
	if err != nil {
		return Effects{}, err
	}
	digits, err := NewDigits(s.Random)
	if err != nil {
		return Effects{}, err
	}
	j.Code.MAC = codeMAC(s.Keys, j, digits.Reveal())
	j.Code.SentAt, j.Code.ExpiresAt = now, now.Add(s.CodeLife)
	j.Code.Sent++
	mine := slices.DeleteFunc(slices.Clone(people), func(p Person) bool { return p.Profile != j.Profile })
	j.Candidates = ids(eligible(mine))

	m := truth(mine)
	if len(mine) == 0 && len(people) > 0 { // a student who chose "Personnel"
		m = Message{Kind: MessageOtherProfile, To: people[0].Email, OtherProfile: people[0].Profile}
	}
	m.Lang, m.Profile, m.AskedAt, m.Reference = j.Lang, j.Profile, now, j.Reference
	deadline := now.Add(mailDeadline)
	if m.Kind == MessageCode {
		m.Code, m.Minutes, m.ExpiresAt = digits.Reveal(), int(s.CodeLife/time.Minute), j.Code.ExpiresAt
		deadline = j.Code.ExpiresAt // nobody can use it later
	}
	job, err := s.mailJob(m, "", j.ID, now, deadline)
	return Effects{Jobs: []Job{job}}, err
}

// truth chooses the mail for the people behind an address. Whoever may
// activate comes first; the others are told why not.
func truth(people []Person) Message {
	m := Message{Kind: MessageNobody}
	rank := 0
	for _, p := range people {
		kind, r := MessageNotReady, 1
		switch {
		case p.MayActivate():
			kind, r = MessageCode, 5
		case p.Account == AccountActive:
			kind, r = MessageActive, 4
		case p.Account == AccountCreating:
			kind, r = MessageCreating, 3
		case p.Account == AccountParked:
			kind, r = MessageParked, 2
		}
		switch {
		case r > rank:
			rank, m = r, Message{Kind: kind, To: p.Email, GivenName: p.GivenName, Login: p.Login}
		case r == rank:
			m.GivenName, m.Login = "", "" // several people: no name is shown
		}
	}
	return m
}

func eligible(people []Person) []Person {
	var out []Person
	for _, p := range people {
		if p.MayActivate() {
			out = append(out, p)
		}
	}
	return out
}

func ids(people []Person) []PersonID {
	var out []PersonID
	for _, p := range people {
		out = append(out, p.ID)
	}
	return out
}

// takeMail counts one asked-for mail against the limits (S13).
func (s *Service) takeMail(ctx context.Context, a Address, client string) error {
	// The one that everybody shares comes last: its row is held shortest.
	acts := []Act{{addressKey("mail-address", a), s.Rates.Address}, {"mail-client:" + client, s.Rates.Client}, {"mail-total", s.Rates.Total}}
	refused, retry, err := s.Limits.TakeAll(ctx, acts, s.now())
	switch {
	case err != nil:
		return fmt.Errorf("limits: %w", err)
	case refused == len(acts)-1:
		return &Refusal{Reason: ReasonBusy, Retry: retry}
	case refused >= 0:
		return &Refusal{Reason: ReasonTooManyRequests, Retry: retry}
	}
	return nil
}

func addressReason(err error) Reason {
	switch {
	case errors.Is(err, ErrAddressEmpty):
		return ReasonAddressEmpty
	case errors.Is(err, ErrAddressSeveral):
		return ReasonAddressSeveral
	default:
		return ReasonAddressSyntax
	}
}
