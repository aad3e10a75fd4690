package activation

import (
	"context"
	"errors"

	"entree/internal/domain"
	"entree/internal/secret"
)

// EnterDesk begins a journey with a help desk code, which replaces the proof of
// the mailbox and nothing else: a second proof, the charter and the password
// follow as always. For a person with an account it begins a recovery. A code that is
// wrong, spent or expired is refused in the same words, and only such a code is
// counted.
func (s *Service) EnterDesk(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error) {
	code, ok := domain.CleanDeskCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonDeskFormat}
	}
	acts := s.wrongDeskCode(client)
	given, err := s.Store.DeskCode(ctx, s.Keys.MACs(secret.UseDesk, code))
	if errors.Is(err, domain.ErrNotFound) {
		return domain.Journey{}, s.wrongDesk(ctx, domain.ReasonDeskWrong, acts)
	}
	if err != nil {
		return domain.Journey{}, err
	}
	p, err := s.Store.Person(ctx, given.Person)
	if err != nil {
		return domain.Journey{}, err
	}
	purpose := domain.PurposeActivate
	if p.Account == domain.AccountActive {
		purpose = domain.PurposeRecover
	}
	j, err := s.newJourney(domain.Beginning{Purpose: purpose, Profile: p.Profile, Address: p.Email, Lang: lang})
	if err != nil {
		return domain.Journey{}, err
	}
	if !p.May(purpose) || !j.RequestedAt.Before(given.ExpiresAt) {
		return domain.Journey{}, s.wrongDesk(ctx, domain.ReasonDeskWrong, acts)
	}
	j.ProveAtDesk(j.RequestedAt, given.Operator, p.ID)
	if birth, number := s.RequiredProofs(j); !birth && !number {
		j.Identify(j.RequestedAt, p.ID)
	}
	err = s.Store.Begin(ctx, j, domain.Effects{
		Spend:     &domain.Spend{At: j.RequestedAt, Acts: acts},
		DeskSpent: &domain.DeskSpent{MAC: given.MAC, At: j.RequestedAt},
		Events: []domain.Event{{
			At: j.RequestedAt, Kind: domain.EventDeskProven, Person: p.ID, Journey: j.ID, Details: map[string]string{"operator": given.Operator},
		}},
	})
	if errors.Is(err, domain.ErrConflict) { // another browser has used the code, or it has expired
		return domain.Journey{}, s.wrongDesk(ctx, domain.ReasonDeskWrong, acts)
	}
	return j, limited(err, domain.ReasonTooManyRequests)
}

// EnterLong begins a journey with the long code of a mail, which proves the
// mailbox in any browser. It is refused by no limit: 80 bits cannot be guessed.
func (s *Service) EnterLong(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error) {
	code, ok := domain.CleanLongCode(typed)
	if !ok {
		return domain.Journey{}, &domain.Refusal{Reason: domain.ReasonLongFormat}
	}
	wrong := func() (domain.Journey, error) {
		return domain.Journey{}, s.wrongDesk(ctx, domain.ReasonLongWrong, s.wrongDeskCode(client))
	}
	kept, err := s.Store.LongCode(ctx, s.Keys.MACs(secret.UseLong, code))
	if errors.Is(err, domain.ErrNotFound) {
		return wrong()
	}
	if err != nil {
		return domain.Journey{}, err
	}
	j, err := s.newJourney(domain.Beginning{Purpose: kept.Purpose, Profile: kept.Profile, Address: kept.Address, Lang: lang, Client: client})
	if err != nil {
		return domain.Journey{}, err
	}
	people, err := s.peopleAt(ctx, &j)
	if err != nil {
		return domain.Journey{}, err
	}
	candidates := ids(eligible(j.Purpose, people))
	if len(candidates) == 0 || !j.RequestedAt.Before(kept.ExpiresAt) {
		return wrong()
	}
	j.Prove(j.RequestedAt, candidates)
	if birth, number := s.RequiredProofs(j); !birth && !number {
		j.Identify(j.RequestedAt, candidates[0])
	}
	e := s.eventOf(&j, j.RequestedAt, domain.EventCodeProven)
	e.Events[0].Details = map[string]string{"code": "long"}
	e.LongSpent = &domain.LongSpent{MAC: kept.MAC, At: j.RequestedAt}
	e.Forget = []string{s.addressKey(own(j.Purpose, "strike"), j.Address)}
	err = s.Store.Begin(ctx, j, e)
	if errors.Is(err, domain.ErrConflict) { // another browser has used the code, or it has expired
		return wrong()
	}
	return j, err
}

// wrongDeskCode returns the acts that a wrong help desk code counts. A help desk
// shares its network with a whole campus, so the network's own wrong codes only
// decide whether it may use the reserve.
func (s *Service) wrongDeskCode(client string) []domain.Act {
	acts := networkActs("desk-client", client, s.Rates.DeskClient, s.Rates.DeskClient.Burst)
	for i := range acts {
		acts[i].Soft = true
	}
	return append(acts, domain.Act{Key: "desk-total", Rate: s.Rates.DeskTotal, Reserve: s.Rates.DeskTotal.Burst / 2})
}

// wrongDesk counts a wrong help desk code or long code and returns its refusal.
func (s *Service) wrongDesk(ctx context.Context, reason domain.Reason, acts []domain.Act) error {
	now := s.now()
	err := s.Store.Apply(ctx, domain.Effects{
		Spend:   &domain.Spend{At: now, Acts: acts, Count: true},
		Tallies: []domain.Event{{At: now, Kind: domain.EventDeskWrong}},
	})
	if err == nil {
		err = &domain.Refusal{Reason: reason}
	}
	return limited(err, domain.ReasonTooManyRequests)
}
