package activation

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"entree/internal/domain"
)

// FirstLogin records the first login to an account. The account is given by its
// Keycloak id, its login, or both, which must then belong to the same person: a
// CAS server may not report the id, and the realm's events do not report the
// login. Either of them belongs to one person for ever. Later logins, and
// logins of people whom the portal does not know, change nothing. Of two
// concurrent reports one is recorded.
func (s *Service) FirstLogin(ctx context.Context, login, accountID string) error {
	login = strings.ToLower(login)
	p, err := s.personOfAccount(ctx, login, accountID)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil || p.Account != domain.AccountActive || login != "" && p.Login != login || !p.FirstLoginAt.IsZero() {
		return err
	}
	now := s.now()
	first := domain.Event{At: now, Kind: domain.EventFirstLogin, Person: p.ID}
	p.FirstLoginAt = now
	news, err := s.notifyJobs(first, p)
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

// PasskeyAnswered records the answer to the offer of a passkey, by the kind of its
// event. An added passkey is told to every address of the person. An account that the
// portal does not know changes nothing.
func (s *Service) PasskeyAnswered(ctx context.Context, login, accountID string, answer domain.EventKind, lang domain.Lang) error {
	if answer == domain.EventPasskeyAdded {
		return s.FactorAdded(ctx, login, accountID, domain.FactorPasskey, lang)
	}
	return s.record(ctx, login, accountID, func(p domain.Person, now time.Time) (domain.Effects, error) {
		return domain.Effects{Events: []domain.Event{{At: now, Kind: answer, Person: p.ID}}}, nil
	})
}

// record applies the effects of what a person did at a login to an account. An account
// that the portal does not know changes nothing.
func (s *Service) record(ctx context.Context, login, accountID string, effects func(domain.Person, time.Time) (domain.Effects, error)) error {
	p, err := s.personOfAccount(ctx, strings.ToLower(login), accountID)
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	e, err := effects(p, s.now())
	if err != nil {
		return err
	}
	if err := s.Store.Apply(ctx, e); err != nil {
		return err
	}
	s.wake(e)
	return nil
}

// personOfAccount returns the person to whom the account of a login belongs. If the
// account was known by its directory entry only, it stores Keycloak's id of the account.
func (s *Service) personOfAccount(ctx context.Context, login, accountID string) (domain.Person, error) {
	if accountID == "" {
		return s.Store.PersonByLogin(ctx, login)
	}
	p, err := s.Store.PersonByAccount(ctx, accountID)
	if s.Entries == nil || !errors.Is(err, domain.ErrNotFound) {
		return p, err
	}
	// Keycloak is asked only while the answer can matter: most events of a realm with
	// other users are about them.
	if knows, err := s.Store.KnowsEntries(ctx); err != nil || !knows {
		return p, cmp.Or(err, domain.ErrNotFound)
	}
	// Keycloak says which entry stands behind the account: a user of Keycloak's own with
	// the same login is another one.
	uuid, entryErr := s.Entries.Entry(ctx, accountID)
	if domain.IsPermanent(entryErr) || entryErr == nil && uuid == "" {
		return p, err
	}
	if entryErr != nil {
		return p, entryErr
	}
	if p, err = s.Store.PersonByAccount(ctx, domain.EntryID(uuid)); err != nil {
		return p, err
	}
	p.AccountID = accountID
	return p, s.Store.Apply(ctx, domain.Effects{People: []domain.PersonChange{{Person: p.ID, From: []domain.AccountState{p.Account}, To: p.Account, AccountID: accountID}}})
}
