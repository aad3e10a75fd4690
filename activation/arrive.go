package activation

import (
	"context"
	"errors"
	"strings"
)

// FirstLogin records that the account with this login and Keycloak id was used
// for the first time. Later logins, and logins of people whom the portal does
// not know, change nothing. A single sign-on that does not say the id, as CAS
// servers need not, gives "": then the login alone tells, which is one person's
// for ever.
func (s *Service) FirstLogin(ctx context.Context, login, accountID string) error {
	p, err := s.Store.PersonByLogin(ctx, strings.ToLower(login))
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil || p.Account != AccountActive || accountID != "" && p.AccountID != accountID || !p.FirstLoginAt.IsZero() {
		return err
	}
	now := s.now()
	return s.Store.Apply(ctx, Effects{
		People: []PersonChange{{Person: p.ID, From: []AccountState{AccountActive}, To: AccountActive, FirstLoginAt: now}},
		Events: []Event{{At: now, Kind: EventFirstLogin, Person: p.ID}},
	})
}
