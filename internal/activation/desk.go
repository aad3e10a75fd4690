package activation

import (
	"context"
	"errors"

	"entree/internal/domain"
	"entree/internal/secret"
)

// EnterDesk begins a journey with a help desk code, which replaces the proof of
// the mailbox and nothing else: a second proof, the charter and the password
// follow as always. A code that is wrong, spent or expired is refused in the same
// words, and only such a code is counted.
func (s *Service) EnterDesk(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error) {
	code, ok := domain.CleanDeskCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonDeskFormat}
	}
	// A help desk shares its network with a whole campus, so the network's own
	// wrong codes only decide whether it may use the reserve.
	acts := networkActs("desk-client", client, s.Rates.DeskClient, s.Rates.DeskClient.Burst)
	for i := range acts {
		acts[i].Soft = true
	}
	acts = append(acts, domain.Act{Key: "desk-total", Rate: s.Rates.DeskTotal, Reserve: s.Rates.DeskTotal.Burst / 2})
	given, err := s.Store.DeskCode(ctx, s.Keys.MACs(secret.UseDesk, code))
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Journey{}, s.wrongDesk(ctx, acts)
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
		return domain.Journey{}, s.wrongDesk(ctx, acts)
	}
	j.ProveAtDesk(j.RequestedAt, given.Operator, p.ID)
	if birth, number := s.Asks(j); !birth && !number {
		j.Identify(j.RequestedAt, p.ID)
	}
	err = s.Store.Begin(ctx, j, domain.Effects{
		Spend:     &domain.Spend{At: j.RequestedAt, Acts: acts},
		DeskSpent: &domain.DeskSpent{MAC: given.MAC, At: j.RequestedAt},
		Events: []domain.Event{{
			At: j.RequestedAt, Kind: domain.EventDeskProven, Person: p.ID, Journey: j.ID, Details: map[string]string{"operator": given.Operator},
		}},
	})
	if errors.Is(err, domain.ErrConflict) { // another browser used the code first, or it expired
		return domain.Journey{}, s.wrongDesk(ctx, acts)
	}
	return j, limited(err, domain.ReasonTooManyRequests)
}

// wrongDesk counts a wrong help desk code and returns its refusal.
func (s *Service) wrongDesk(ctx context.Context, acts []domain.Act) error {
	now := s.now()
	err := s.Store.Apply(ctx, domain.Effects{
		Spend:  &domain.Spend{At: now, Acts: acts, Count: true},
		Events: []domain.Event{{At: now, Kind: domain.EventDeskWrong}},
	})
	if err == nil {
		err = &domain.Refusal{Reason: domain.ReasonDeskWrong}
	}
	return limited(err, domain.ReasonTooManyRequests)
}
