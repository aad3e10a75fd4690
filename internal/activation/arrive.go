package activation

import (
	"context"
	"errors"
	"strings"

	"entree/internal/domain"
)

// FirstLogin records that an account was used for the first time. It is told of
// the account by its id in Keycloak, by its login, or by both, which then have to
// be the same person's: a CAS server need not say the id, the realm's events say
// no login, and each of the two is one person's for ever. Later logins, and
// logins of people whom the portal does not know, change nothing, and of two
// reports at once one counts.
func (s *Service) FirstLogin(ctx context.Context, login, accountID string) error {
	login = strings.ToLower(login)
	p, err := s.used(ctx, login, accountID)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil || p.Account != domain.AccountActive || login != "" && p.Login != login || !p.FirstLoginAt.IsZero() {
		return err
	}
	now := s.now()
	first := domain.Event{At: now, Kind: domain.EventFirstLogin, Person: p.ID}
	p.FirstLoginAt = now
	news, err := s.news(first, p)
	if err != nil {
		return err
	}
	e := domain.Effects{
		People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, FirstLoginAt: now}},
		Events: []domain.Event{first},
		Jobs:   news,
	}
	err = s.Store.Apply(ctx, e)
	if errors.Is(err, domain.ErrConflict) {
		return nil
	}
	s.wake(e)
	return err
}

// used finds whose account a login was.
func (s *Service) used(ctx context.Context, login, accountID string) (domain.Person, error) {
	if accountID == "" {
		return s.Store.PersonByLogin(ctx, login)
	}
	return s.Store.PersonByAccount(ctx, accountID)
}
