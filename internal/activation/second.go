package activation

import (
	"context"
	"errors"
	"fmt"

	"entree/internal/domain"
)

// secondOwner returns the person of a login who may change the personal addresses.
func (s *Service) secondOwner(ctx context.Context, login, account string) (domain.Person, error) {
	p, _, err := s.Reader(ctx, login, account)
	if err == nil && !p.May(domain.PurposeAddress) {
		err = fmt.Errorf("second address: %w", domain.ErrNotFound)
	}
	return p, err
}

// RemoveSecond puts a logged-in student's second address out of use. A second call
// changes nothing.
func (s *Service) RemoveSecond(ctx context.Context, login, account string, lang domain.Lang) error {
	p, err := s.secondOwner(ctx, login, account)
	if err != nil || p.Second() == "" {
		return err
	}
	e, err := s.secondChange(p, "", lang, "")
	return s.applyOnce(ctx, e, err)
}

// PreferSecond makes a logged-in student's second address the first one, and the first
// one the second. It is a change of the address in use, which the old one can take back.
// It does nothing if there is no second address.
func (s *Service) PreferSecond(ctx context.Context, login, account string, lang domain.Lang) error {
	p, err := s.secondOwner(ctx, login, account)
	if err != nil || p.Second() == "" {
		return err
	}
	e, err := s.contactChange(p, p.Second(), lang, "")
	return s.applyOnce(ctx, e, err)
}

// applyOnce commits the effects of a press. It ignores a conflict: another press was
// first.
func (s *Service) applyOnce(ctx context.Context, e domain.Effects, err error) error {
	if err != nil {
		return err
	}
	err = s.Store.Apply(ctx, e)
	if errors.Is(err, domain.ErrConflict) {
		return nil
	}
	if err == nil {
		s.wake(e)
	}
	return err
}

// secondChange returns the effects of another second address, or of none. Every contact
// but the new one is told, with the link that stops recoveries, since a code to a second
// address can begin one.
func (s *Service) secondChange(p domain.Person, to domain.Address, lang domain.Lang, journey domain.JourneyID) (domain.Effects, error) {
	now := s.now()
	e := domain.Effects{
		Second: &domain.SecondChange{Person: p.ID, First: p.Email, Old: p.SecondEmail, New: to, At: now},
		Events: []domain.Event{{At: now, Kind: domain.EventSecondChanged, Person: p.ID, Journey: journey}},
	}
	token, err := s.freezeToken(p.ID, now)
	if err != nil {
		return domain.Effects{}, err
	}
	for _, c := range s.contacts(p) {
		m := domain.Message{Kind: domain.MessageSecondChanged, Channel: c.Channel, Lang: lang, To: domain.Address(c.Value), Freeze: FreezePath + token}
		if err := s.tellContact(&e, p, m); err != nil {
			return domain.Effects{}, err
		}
	}
	return e, nil
}
