package activation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"entree/internal/domain"
)

// Request is a request for a code, from the first page.
type Request struct {
	Purpose domain.Purpose // empty: an activation
	Profile string
	Address string // as typed
	Lang    domain.Lang
	Client  string // network of the visitor, for the rate limits
	// Session returns the rows of the session that has the journey, which are committed
	// with it. It may be nil.
	Session func(domain.Journey) ([]domain.SessionRow, error)
}

// Request begins a journey. It does the same work and returns the same kind of
// journey whether or not the address is known; only the mail differs.
func (s *Service) Request(ctx context.Context, r Request) (domain.Journey, error) {
	profile, ok := s.Profile(r.Profile)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonProfileMissing}
	}
	address, err := domain.ParseAddress(r.Address)
	if err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: addressReason(err)}
	}
	if r.Purpose == "" {
		r.Purpose = domain.PurposeActivate
	}
	j, err := s.newJourney(domain.Beginning{Purpose: r.Purpose, Profile: profile.Key, Address: address, Lang: r.Lang, Client: r.Client})
	if err != nil {
		return domain.Journey{}, err
	}
	mail, err := s.drawCode(ctx, &j, r.Lang, s.now())
	if err != nil {
		return domain.Journey{}, err
	}
	kind := domain.EventRequested
	if j.Purpose == domain.PurposeRecover {
		kind = domain.EventRecoveryRequested
	}
	effects := domain.Effects{Events: []domain.Event{{At: j.RequestedAt, Kind: kind, Journey: j.ID, Details: map[string]string{"profile": j.Profile}}}}
	if r.Session != nil {
		if effects.Sessions, err = r.Session(j); err != nil {
			return domain.Journey{}, err
		}
	}
	settle, committed := func(bool) {}, false
	defer func() { settle(committed) }() // also after a panic
	effects.Spend = &domain.Spend{At: j.RequestedAt, Acts: s.mailActs(r.Purpose, address, r.Client), Count: true, More: func(taken domain.Taken) (domain.Effects, error) {
		more, err := mail(ofAddress(taken) >= longFrom)
		settle = s.Runner.Lease(more.Jobs)
		return more, err
	}}
	err = s.Store.Begin(ctx, j, effects)
	if committed = err == nil; !committed {
		return domain.Journey{}, mailRefusal(err, effects.Spend.Acts)
	}
	return j, nil
}

func (s *Service) newJourney(b domain.Beginning) (domain.Journey, error) {
	now := s.now()
	return domain.NewJourney(s.Random, b, now, now.Add(s.Absolute))
}

// Resend sends a new code, which replaces the preceding one. The tries are not
// reset.
func (s *Service) Resend(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error {
	if err := s.requireStep(j, domain.StepCode); err != nil {
		return err
	}
	if at := s.ResendAt(*j); s.now().Before(at) {
		return &domain.Refusal{Reason: domain.ReasonResendTooSoon, Retry: at}
	}
	if j.Purpose == domain.PurposeAddress {
		if err := s.takeContactMail(ctx, j.Person, j.Address); err != nil {
			return err
		}
	} else if err := s.takeMail(ctx, j.Purpose, j.Address, client); err != nil {
		return err
	}
	return s.sendAgain(ctx, j, lang, domain.Effects{})
}

// sendAgain draws a new code for a journey as it is now. Its mail always has a
// long code too, since the six digits may be refused by a limit.
func (s *Service) sendAgain(ctx context.Context, j *domain.Journey, lang domain.Lang, effects domain.Effects) error {
	next := *j
	mail, err := s.sendCode(ctx, &next, lang, j.Purpose != domain.PurposeAddress && j.Purpose != domain.PurposeClaim, s.now())
	if err != nil {
		return err
	}
	return s.replaceCode(ctx, j, next, mail, effects)
}

// replaceCode commits the code that was issued to next, a copy of j, with the job that
// sends it.
func (s *Service) replaceCode(ctx context.Context, j *domain.Journey, next domain.Journey, mail, effects domain.Effects) error {
	effects.Jobs, effects.Long = append(effects.Jobs, mail.Jobs...), mail.Long
	return s.act(ctx, j, domain.StepCode, func(j *domain.Journey, now time.Time) (domain.Effects, *domain.Refusal) {
		if !j.TakeCode(next) { // a concurrent request was first: one mail is enough
			return domain.Effects{}, nil
		}
		effects.Events = s.eventOf(j, now, domain.EventCodeResent).Events
		return effects, nil
	})
}

// ResendWait is the time from the first code to the next one.
const ResendWait = 30 * time.Second

// ResendAt returns the time at which the next code may be requested: ResendWait
// after the first one, then twice as long after each further one, at most ten
// times as long. A clock that was set back makes the wait no longer.
func (s *Service) ResendAt(j domain.Journey) time.Time {
	first := cmp.Or(s.ResendWait, ResendWait)
	wait := first << min(max(j.Code.Sent-1, 0), 4)
	sent := j.Code.SentAt
	if now := s.now(); sent.After(now) {
		sent = now
	}
	return sent.Add(min(wait, 10*first))
}

// longFrom is the number of mails in an address's day from which on they hold a
// long code. It is below what any network is refused at, so that an address that
// gets no further mail has one.
const longFrom = 3

// sendCode draws a code for the journey, and a long one if long is set, and
// returns the effects: the job of the mail that tells the state of the address.
func (s *Service) sendCode(ctx context.Context, j *domain.Journey, lang domain.Lang, long bool, now time.Time) (domain.Effects, error) {
	mail, err := s.drawCode(ctx, j, lang, now)
	if err != nil {
		return domain.Effects{}, err
	}
	return mail(long)
}

// drawCode issues a new code in the journey. The returned function builds the effects:
// the mail job, and a long code if long is set. It does no I/O, so it may run in a
// transaction. The work is the same for every address, known or unknown (S14).
func (s *Service) drawCode(ctx context.Context, j *domain.Journey, lang domain.Lang, now time.Time) (mail func(long bool) (domain.Effects, error), err error) {
	people, err := s.peopleOf(ctx, j)
	if err != nil {
		return nil, err
	}
	digits, err := domain.NewDigits(s.Random)
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(slices.Clone(people), func(p domain.Person) bool { return p.Profile != j.Profile })
	j.IssueCode(j.CodeMAC(s.Keys, digits.Reveal()), ids(eligible(j.Purpose, mine)), lang, now, now.Add(s.CodeLife))

	m := messageFor(j.Purpose, mine, j.Address)
	if len(mine) == 0 && len(people) > 0 { // a student who chose "Personnel"
		m = domain.Message{Kind: domain.MessageOtherProfile, To: j.Address, OtherProfile: people[0].Profile}
	}
	if j.Purpose == domain.PurposeAddress || j.Purpose == domain.PurposeClaim {
		m.To, m.GivenName, m.Login = j.Address, "", "" // a mistyped address is a stranger's
		if j.Address.IsPhone() {
			m.Channel = domain.ChannelSMS
		}
	}
	m.Purpose, m.Lang, m.Profile, m.AskedAt, m.Reference = j.Purpose, j.Lang, j.Profile, now, j.Reference
	deadline := now.Add(mailDeadline)
	if m.HasCode() {
		m.Code, m.Minutes, m.ExpiresAt = digits.Reveal(), int(s.CodeLife/time.Minute), j.Code.ExpiresAt
		deadline = j.Code.ExpiresAt // the code is useless later
	}
	of := *j
	return func(long bool) (domain.Effects, error) {
		var e domain.Effects
		if long {
			text, kept, err := domain.NewLongCode(s.Random, s.Keys, of.Purpose, of.Profile, of.Address, now)
			if err != nil {
				return domain.Effects{}, err
			}
			e.Long = &kept
			if m.HasCode() {
				m.Long = text.Reveal()
			}
		}
		job, err := s.mailJob(m, of.Person, of.ID, now, deadline)
		e.Jobs = []domain.Job{job}
		return e, err
	}, nil
}

// messageFor returns the mail that matches the state of the people at an address, which
// is the first or the second one of each. A person for whom the purpose is possible takes
// precedence; otherwise the mail says why it is not.
func messageFor(purpose domain.Purpose, people []domain.Person, at domain.Address) domain.Message {
	m := domain.Message{Kind: domain.MessageNobody}
	rank := 0
	for _, p := range people {
		kind, r := domain.MessageNotReady, 1
		recovery := purpose == domain.PurposeRecover
		switch {
		case (purpose == domain.PurposeAddress || purpose == domain.PurposeClaim) && p.May(purpose):
			kind, r = domain.MessageContactCode, 6
		case purpose == domain.PurposeAddress: // held or erased since the login
			kind, r = domain.MessageNobody, 1
		case recovery && p.MayRecover():
			kind, r = domain.MessageRecover, 6
		case recovery && p.Account == domain.AccountActive:
			kind, r = domain.MessageBarred, 5
		case recovery && p.MayActivate():
			kind, r = domain.MessageNoAccount, 4
		case p.MayActivate():
			kind, r = domain.MessageCode, 6
		case p.Account == domain.AccountActive:
			kind, r = domain.MessageActive, 5
		case p.Account == domain.AccountCreating:
			kind, r = domain.MessageCreating, 3
		case p.Account == domain.AccountParked, p.Matching != "":
			kind, r = domain.MessageParked, 2
		}
		switch {
		case r > rank:
			rank, m = r, domain.Message{Kind: kind, To: at, GivenName: p.CalledBy(), Login: p.Login}
		case r == rank:
			m.GivenName, m.Login = "", "" // several people: the mail names none of them
		}
	}
	return m
}

// eligible returns the people for whom the purpose is possible.
func eligible(purpose domain.Purpose, people []domain.Person) []domain.Person {
	var out []domain.Person
	for _, p := range people {
		if p.May(purpose) {
			out = append(out, p)
		}
	}
	return out
}

func ids(people []domain.Person) []domain.PersonID {
	var out []domain.PersonID
	for _, p := range people {
		out = append(out, p.ID)
	}
	return out
}

// mailActs returns the acts of one mail that a visitor asks for (S13).
func (s *Service) mailActs(purpose domain.Purpose, a domain.Address, client string) []domain.Act {
	acts := []domain.Act{
		{Key: s.addressKey(own(purpose, "mail-from"), a) + ":" + widest(client), Rate: s.Rates.Address, Few: 1, Soft: true},
		{Key: s.addressKey(own(purpose, "mail-address"), a), Rate: s.Rates.Address, Reserve: s.Rates.Address.Burst * 3 / 10},
	}
	acts = append(acts, networkActs("mail-client", client, s.Rates.Client, 5)...)
	// The limit shared by all visitors comes last, so that its row is locked for
	// the shortest time.
	return append(acts, domain.Act{Key: "mail-total", Rate: s.Rates.Total, Reserve: s.Rates.Total.Burst / 4})
}

// ofAddress returns how many mails the address has been sent in its day, by the acts of
// mailActs.
func ofAddress(taken domain.Taken) int { return taken.Levels[1].Counted }

// mailRefusal turns the refusal of one of the acts of mailActs into a Refusal.
func mailRefusal(err error, acts []domain.Act) error {
	var spent *domain.LimitError
	switch {
	case !errors.As(err, &spent):
		return err
	case spent.Act == 1:
		return &domain.Refusal{Reason: domain.ReasonMailsSpent, Retry: spent.Retry}
	case spent.Act == len(acts)-1:
		return &domain.Refusal{Reason: domain.ReasonBusy, Retry: spent.Retry}
	}
	return &domain.Refusal{Reason: domain.ReasonTooManyRequests, Retry: spent.Retry}
}

// takeMail counts one mail that a visitor asks for, without any other effect.
func (s *Service) takeMail(ctx context.Context, purpose domain.Purpose, a domain.Address, client string) error {
	acts := s.mailActs(purpose, a, client)
	_, err := s.Limits.TakeAll(ctx, acts, s.now())
	return mailRefusal(err, acts)
}

func addressReason(err error) domain.Reason {
	switch {
	case errors.Is(err, domain.ErrAddressEmpty):
		return domain.ReasonAddressEmpty
	case errors.Is(err, domain.ErrAddressSeveral):
		return domain.ReasonAddressSeveral
	default:
		return domain.ReasonAddressSyntax
	}
}
