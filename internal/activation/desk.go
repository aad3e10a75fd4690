package activation

import (
	"context"
	"errors"

	"entree/internal/domain"
	"entree/internal/secret"
)

// EnterDesk begins a journey with a code of the desk, which stands for the
// mailbox's proof and for nothing else: a second proof, the charter and the
// password come as they always do. A code that is wrong, spent or too old is
// refused in the same words.
func (s *Service) EnterDesk(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error) {
	code, ok := domain.CleanDeskCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonDeskFormat}
	}
	// Counted before the comparison (S3). A desk stands behind one address with
	// a whole campus, so the network may try more often than a person would.
	if err := s.take(ctx, domain.ReasonTooManyRequests, domain.Act{Key: "desk-client:" + client, Rate: s.Rates.DeskClient}, domain.Act{Key: "desk-total", Rate: s.Rates.DeskTotal}); err != nil {
		return domain.Journey{}, err
	}
	wrong := &domain.Refusal{Reason: domain.ReasonDeskWrong}
	given, err := s.Store.DeskCode(ctx, s.Keys.MACs(secret.UseDesk, code))
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Journey{}, errors.Join(s.Store.Apply(ctx, domain.Effects{Events: []domain.Event{{At: s.now(), Kind: domain.EventDeskWrong}}}), wrong)
	}
	if err != nil {
		return domain.Journey{}, err
	}
	p, err := s.Store.Person(ctx, given.Person)
	if err != nil {
		return domain.Journey{}, err
	}
	j, err := s.newJourney(domain.Beginning{Profile: p.Profile, Address: p.Email, Lang: lang})
	if err != nil {
		return domain.Journey{}, err
	}
	if !p.MayActivate() || !j.RequestedAt.Before(given.ExpiresAt) {
		return domain.Journey{}, wrong
	}
	j.ProveAtDesk(j.RequestedAt, given.Operator, p.ID)
	if birth, number := s.Asks(j); !birth && !number {
		j.Identify(j.RequestedAt, p.ID)
	}
	err = s.Store.Begin(ctx, j, domain.Effects{
		DeskSpent: &domain.DeskSpent{MAC: given.MAC, At: j.RequestedAt},
		Events: []domain.Event{{
			At: j.RequestedAt, Kind: domain.EventDeskProven, Person: p.ID, Journey: j.ID, Details: map[string]string{"operator": given.Operator},
		}},
	})
	if errors.Is(err, domain.ErrConflict) { // somebody else was first, or it ran out
		return domain.Journey{}, wrong
	}
	return j, err
}
