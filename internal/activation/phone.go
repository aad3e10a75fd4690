package activation

import (
	"context"
	"errors"
	"fmt"

	"entree/internal/clean"
	"entree/internal/domain"
)

// ChangeOfPhone asks for another telephone of a logged-in student.
type ChangeOfPhone struct {
	Login, AccountID string // of the login, as for Reader
	Number           string // as typed
	Lang             domain.Lang
}

// OffersPhone reports whether a person with an account can have a telephone.
func (s *Service) OffersPhone(p domain.Person) bool {
	profile, _ := s.Profile(p.Profile)
	return s.offersSMS(profile) && p.May(domain.PurposeAddress)
}

// ChangePhone begins a journey that puts another telephone in use when the code that is
// sent there is typed. Its address is the number. It returns an error that wraps
// domain.ErrNotFound if the person can have no telephone.
func (s *Service) ChangePhone(ctx context.Context, c ChangeOfPhone) (domain.Journey, error) {
	p, err := s.phoneOwner(ctx, c.Login, c.AccountID)
	if err != nil {
		return domain.Journey{}, err
	}
	phone, err := domain.ParsePhone(c.Number)
	switch {
	case err != nil:
		return domain.Journey{}, &domain.Refusal{Reason: phoneReason(err)}
	case !phone.Begins(s.SMSPrefixes):
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonPhonePrefix}
	case phone == p.Mobile():
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonPhoneSame}
	}
	if err := s.take(ctx, domain.ReasonChangesSpent, domain.Act{Key: personKey("phone", p.ID), Rate: s.Rates.SMSAddress}); err != nil {
		return domain.Journey{}, err
	}
	return s.beginChange(ctx, p, domain.Beginning{Address: domain.Address(phone), Lang: c.Lang}, domain.EventPhoneRequested)
}

func (s *Service) phoneOwner(ctx context.Context, login, account string) (domain.Person, error) {
	p, _, err := s.Reader(ctx, login, account)
	if err == nil && !s.OffersPhone(p) {
		err = fmt.Errorf("telephone: %w", domain.ErrNotFound)
	}
	return p, err
}

func phoneReason(err error) domain.Reason {
	var fault *clean.Fault
	if errors.As(err, &fault) && fault.Rule == clean.RuleNoMobile {
		return domain.ReasonPhoneNoMobile
	}
	return domain.ReasonPhoneSyntax
}

// RemovePhone puts a logged-in student's telephone out of use, also one of the
// enrolment. A second call changes nothing.
func (s *Service) RemovePhone(ctx context.Context, login, account string, lang domain.Lang) error {
	p, err := s.phoneOwner(ctx, login, account)
	if err != nil || p.Mobile() == "" {
		return err
	}
	e, err := s.phoneChange(p, domain.PhoneNone, lang, "")
	return s.applyOnce(ctx, e, err)
}

// phoneChange returns the effects of another telephone, or of PhoneNone. Each mailbox and
// the telephone that was in use are told. The mails hold the link that stops recoveries,
// since a code by SMS can begin one.
func (s *Service) phoneChange(p domain.Person, to string, lang domain.Lang, journey domain.JourneyID) (domain.Effects, error) {
	now := s.now()
	e := domain.Effects{
		Phone:  &domain.PhoneChange{Person: p.ID, Old: p.ChosenPhone, New: to},
		Events: []domain.Event{{At: now, Kind: domain.EventPhoneChanged, Person: p.ID, Journey: journey}},
	}
	token, err := s.freezeToken(p.ID, now)
	if err != nil {
		return domain.Effects{}, err
	}
	for _, c := range s.contacts(p) {
		m := domain.Message{Kind: domain.MessagePhoneChanged, Channel: c.Channel, Lang: lang, To: domain.Address(c.Value), Freeze: FreezePath + token}
		if err := s.tellContact(&e, p, m); err != nil {
			return domain.Effects{}, err
		}
	}
	return e, nil
}

// DropPhone returns the effects of an operator's removal of a person's telephone, also
// one of the enrolment, without the audit entry. Journeys of the person end: a stranger
// may have proven the number. Every mail address of the person is told.
func (s *Service) DropPhone(p domain.Person, lang domain.Lang) (domain.Effects, error) {
	after := p
	after.ChosenPhone = domain.PhoneNone
	mails, err := s.toEveryAddress(p, domain.Message{Kind: domain.MessagePhoneChanged, Lang: lang, ByDesk: true})
	return domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: after, Ends: s.now()}}, Jobs: mails}, err
}
