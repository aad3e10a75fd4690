package activation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"entree/internal/domain"
	"entree/internal/secret"
)

// TakeBackPath is the path of the page that takes a change of address back. The token
// of the notice follows it.
const TakeBackPath = "/compte/adresse/pas-moi/"

// ChangeOfAddress asks for another personal address of a logged-in student.
type ChangeOfAddress struct {
	Login, AccountID string // of the login, as for Reader
	Address          string // as typed
	Second           bool   // it becomes the second address
	Lang             domain.Lang
}

// ChangeAddress begins a journey that puts another personal address in use when the
// code that is sent there is typed. It returns an error that wraps domain.ErrNotFound
// if the portal did not create the account.
func (s *Service) ChangeAddress(ctx context.Context, c ChangeOfAddress) (domain.Journey, error) {
	p, _, err := s.Reader(ctx, c.Login, c.AccountID)
	if err != nil {
		return domain.Journey{}, err
	}
	if !p.May(domain.PurposeAddress) {
		return domain.Journey{}, fmt.Errorf("change of address: %w", domain.ErrNotFound)
	}
	address, err := domain.ParseAddress(c.Address)
	if err != nil {
		return domain.Journey{}, &domain.Refusal{Reason: addressReason(err)}
	}
	c.Second = c.Second && p.Email != ""
	if address == p.Email || c.Second && address == p.SecondEmail {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonAddressSame}
	}
	if isInside(p, address) {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonAddressInside}
	}
	asked := domain.EventContactRequested
	if c.Second {
		asked = domain.EventSecondRequested
	}
	return s.beginChange(ctx, p, domain.Beginning{Address: address, Second: c.Second, Lang: c.Lang}, asked)
}

// beginChange begins the journey of a logged-in person that proves another contact, an
// address or a telephone, with a code sent there. asked is the kind of its event.
func (s *Service) beginChange(ctx context.Context, p domain.Person, b domain.Beginning, asked domain.EventKind) (domain.Journey, error) {
	if err := s.takeContactMail(ctx, p.ID, b.Address); err != nil {
		return domain.Journey{}, err
	}
	b.Purpose, b.Profile = domain.PurposeAddress, p.Profile
	j, err := s.newJourney(b)
	if err != nil {
		return domain.Journey{}, err
	}
	j.For(p.ID)
	e, err := s.sendCode(ctx, &j, b.Lang, false, s.now())
	if err != nil {
		return domain.Journey{}, err
	}
	e.Events = append(e.Events, s.eventOf(&j, j.RequestedAt, asked).Events...)
	if err := s.Store.Begin(ctx, j, e); err != nil {
		return domain.Journey{}, err
	}
	s.wake(e)
	return j, nil
}

// isInside reports whether an address has the domain of the person's university
// address: its mailbox is behind the password that it would have to recover.
func isInside(p domain.Person, a domain.Address) bool {
	_, host, ok := strings.Cut(p.UniversityAddress, "@")
	return ok && strings.HasSuffix(strings.ToLower(string(a)), "@"+strings.ToLower(host))
}

// personKey returns the key of a limit that only the logged-in person can spend.
func personKey(name string, p domain.PersonID) string {
	return own(domain.PurposeAddress, name) + ":" + string(p)
}

// takeContactMail counts one mail with a code to a new address. The person alone
// spends the first limit. The second one protects the owner of the mailbox from many
// accounts; three tenths of it are left to people who have not asked for it.
func (s *Service) takeContactMail(ctx context.Context, p domain.PersonID, a domain.Address) error {
	name := func(n string) string { return s.addressKey(own(domain.PurposeAddress, n), a) }
	return s.take(ctx, domain.ReasonChangesSpent,
		domain.Act{Key: personKey("person", p), Rate: s.Rates.Address},
		domain.Act{Key: name("mail-from") + ":" + string(p), Rate: s.Rates.Address, Few: 1, Soft: true},
		domain.Act{Key: name("mail-address"), Rate: s.Rates.Address, Reserve: s.Rates.Address.Burst * 3 / 10})
}

// contactChange returns the effects of a proven address that takes the place of the one
// in use: it is in use at once, and the old address can take it back for
// domain.TakeBackTime. A second address that becomes the first one leaves its place to
// the old one. journey may be empty.
func (s *Service) contactChange(p domain.Person, to domain.Address, lang domain.Lang, journey domain.JourneyID) (domain.Effects, error) {
	id, err := domain.NewID(s.Random)
	if err != nil {
		return domain.Effects{}, err
	}
	now := s.now()
	c := domain.ContactChange{ID: id, Person: p.ID, Old: p.Email, New: to, At: now, Until: now, KeepsOld: p.Email != "" && to == p.Second()}
	if c.Old != "" {
		c.Until = now.Add(domain.TakeBackTime)
	}
	e := domain.Effects{Contact: &c, Events: []domain.Event{{At: now, Kind: domain.EventContactChanged, Person: p.ID, Journey: journey}}}
	if c.Old != "" {
		token, err := s.takeBackToken(id)
		if err != nil {
			return domain.Effects{}, err
		}
		if err := s.tellContact(&e, p, domain.Message{Kind: domain.MessageContactChanged, Lang: lang, To: c.Old, ExpiresAt: c.Until, TakeBack: TakeBackPath + token}); err != nil {
			return domain.Effects{}, err
		}
	}
	freeze, err := s.freezeToken(p.ID, now)
	if err != nil {
		return domain.Effects{}, err
	}
	for _, other := range s.contacts(p) {
		m := domain.Message{Kind: domain.MessageContactChanged, Channel: other.Channel, Lang: lang, To: domain.Address(other.Value)}
		switch {
		case other.Channel == domain.ChannelSMS:
		case m.To == c.Old || m.To == c.New:
			continue
		default: // the second address, which cannot take the change back
			m.Kind, m.Freeze = domain.MessageSecondChanged, FreezePath+freeze
		}
		if err := s.tellContact(&e, p, m); err != nil {
			return domain.Effects{}, err
		}
	}
	if err := s.tellContact(&e, p, domain.Message{Kind: domain.MessageContactNew, Lang: lang, To: c.New, ExpiresAt: c.Until, Address: c.New}); err != nil {
		return domain.Effects{}, err
	}
	if err := s.CopyAddress(&e, p); err != nil {
		return domain.Effects{}, err
	}
	news, err := s.notifyJobs(e.Events[0], p)
	e.Jobs = append(e.Jobs, news...)
	return e, err
}

// tellContact adds the job of a mail about a change of address.
func (s *Service) tellContact(e *domain.Effects, p domain.Person, m domain.Message) error {
	now := s.now()
	m.Purpose, m.Profile, m.GivenName, m.AskedAt = domain.PurposeAddress, p.Profile, p.CalledBy(), now
	job, err := s.mailJob(m, p.ID, "", now, now.Add(mailDeadline))
	e.Jobs = append(e.Jobs, job)
	return err
}

// takeBackRight is the content of the token in a notice: it takes one change back and
// can do nothing else.
type takeBackRight struct{ Change string }

func (s *Service) takeBackToken(change string) (string, error) {
	plain, err := json.Marshal(takeBackRight{change})
	if err != nil {
		return "", err
	}
	box, err := s.Keys.Seal(secret.UseTakeBack, "notice", plain)
	return base64.RawURLEncoding.EncodeToString(box), err
}

// NoticedChange returns the change that the token of a notice is about, also if it can
// no longer be taken back, and whether it can. It returns an error that wraps
// domain.ErrNotFound for any other token.
func (s *Service) NoticedChange(ctx context.Context, token string) (c domain.ContactChange, open bool, err error) {
	none := fmt.Errorf("take-back token: %w", domain.ErrNotFound)
	box, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return c, false, none
	}
	var r takeBackRight
	plain, err := s.Keys.Open(secret.UseTakeBack, "notice", box)
	if err != nil || json.Unmarshal(plain, &r) != nil {
		return c, false, none
	}
	c, err = s.Store.ContactChange(ctx, r.Change)
	return c, c.MayTakeBack(s.now()), err
}

// TakeBack puts the old address in use again, with the right in the token of a notice,
// and removes the second one. All these addresses are told. A second call changes
// nothing. It returns the change as stored afterwards, and an error that wraps
// domain.ErrNotFound for a token that NoticedChange refuses.
func (s *Service) TakeBack(ctx context.Context, token string, lang domain.Lang) (domain.ContactChange, error) {
	c, open, err := s.NoticedChange(ctx, token)
	if err != nil || !open {
		return c, err
	}
	p, err := s.Store.Person(ctx, c.Person)
	if err != nil {
		return c, err
	}
	now := s.now()
	back := domain.Event{At: now, Kind: domain.EventContactBack, Person: p.ID}
	e := domain.Effects{ContactBack: &domain.ContactBack{ID: c.ID, At: now}, Events: []domain.Event{back}}
	told := map[domain.Address]bool{"": true}
	for _, to := range []domain.Address{c.Old, c.New, p.Email, p.SecondEmail} {
		if told[to] {
			continue
		}
		told[to] = true
		if err := s.tellContact(&e, p, domain.Message{Kind: domain.MessageContactBack, Lang: lang, To: to, Address: c.Old}); err != nil {
			return c, err
		}
	}
	if err := s.CopyAddress(&e, p); err != nil {
		return c, err
	}
	back.Kind = domain.EventContactChanged // relying parties read the address in use again
	news, err := s.notifyJobs(back, p)
	if err != nil {
		return c, err
	}
	e.Jobs = append(e.Jobs, news...)
	err = s.Store.Apply(ctx, e)
	if err == nil {
		s.wake(e)
	}
	if err == nil || errors.Is(err, domain.ErrConflict) { // a second press, or an operator, was first
		return s.Store.ContactChange(ctx, c.ID)
	}
	return c, err
}
