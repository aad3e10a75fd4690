package directory

import (
	"context"
	"errors"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
)

// Signins is implemented by a Realm that can look at an account and end its
// sessions when the password of its entry is replaced.
type Signins interface {
	// Standing returns the standing of an account without regard to its federation.
	Standing(ctx context.Context, id string) (domain.Standing, error)
	// EndSessions ends the account's sessions and lifts a lock for wrong passwords.
	EndSessions(ctx context.Context, id string) error
}

// Factors is implemented by a Realm that holds second factors.
type Factors interface {
	// RemoveFactors deletes every credential of an account except the password, and ends
	// its sessions.
	RemoveFactors(ctx context.Context, id string) error
	// Factors, RenameFactor and RemoveFactor are those of domain.Factors, without the
	// check of the entry. HasPassword is that of the realm alone.
	Factors(ctx context.Context, account string) (domain.HeldFactors, error)
	RenameFactor(ctx context.Context, account, id, label string) error
	RemoveFactor(ctx context.Context, account, id string) error
}

// changeable returns the realm that holds the factors of an account, or nil if none
// does, and the realm's id of the account. It returns a permanent *domain.AccountBarred
// for an account that the portal must not change.
func (s *Store) changeable(ctx context.Context, a domain.AccountRef) (Factors, string, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return nil, "", s.meaning("connect", err)
	}
	defer release()
	_, id, standing, err := s.standing(ctx, conn, a)
	if err != nil {
		return nil, "", err
	}
	if standing.Bar != "" {
		return nil, "", domain.Permanent(&domain.AccountBarred{Bar: standing.Bar})
	}
	realm, _ := s.Realm.(Factors)
	return realm, id, nil
}

// Factors implements domain.Factors. An account has a password: that of its entry.
func (s *Store) Factors(ctx context.Context, a domain.AccountRef) (domain.HeldFactors, error) {
	realm, account, err := s.changeable(ctx, a)
	if err != nil || realm == nil {
		return domain.HeldFactors{HasPassword: true}, err
	}
	held, err := realm.Factors(ctx, account)
	held.HasPassword = true
	return held, err
}

// RenameFactor implements domain.Factors.
func (s *Store) RenameFactor(ctx context.Context, a domain.AccountRef, id, label string) error {
	realm, account, err := s.changeable(ctx, a)
	if err != nil {
		return err
	}
	if realm == nil {
		return domain.ErrNotFound
	}
	return realm.RenameFactor(ctx, account, id, label)
}

// RemoveFactor implements domain.Factors.
func (s *Store) RemoveFactor(ctx context.Context, a domain.AccountRef, id string) error {
	realm, account, err := s.changeable(ctx, a)
	if err != nil || realm == nil {
		return err
	}
	return realm.RemoveFactor(ctx, account, id)
}

// RemoveFactors implements domain.Accounts. A directory holds no second factors; those
// of Keycloak are removed if the entry has the mark.
func (s *Store) RemoveFactors(ctx context.Context, a domain.AccountRef) error {
	realm, id, err := s.changeable(ctx, a)
	if err != nil || realm == nil {
		return err
	}
	return realm.RemoveFactors(ctx, id)
}

// RealmID returns Keycloak's id of an account.
func (s *Store) RealmID(ctx context.Context, id string) (string, error) {
	if _, isEntry := domain.EntryOf(id); !isEntry {
		return id, nil
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return "", s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	if err != nil {
		return "", err
	}
	return s.realmID(ctx, id, e)
}

// Standing implements domain.Accounts. An entry without the activation's mark is
// foreign.
func (s *Store) Standing(ctx context.Context, a domain.AccountRef) (domain.Standing, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return domain.Standing{}, s.meaning("connect", err)
	}
	defer release()
	_, _, standing, err := s.standing(ctx, conn, a)
	return standing, err
}

// standing returns the entry of an account, Keycloak's id of it if there is a Keycloak
// and nothing bars the account, and its standing.
func (s *Store) standing(ctx context.Context, conn *ldap.Conn, a domain.AccountRef) (e entry, id string, standing domain.Standing, err error) {
	e, err = s.byID(ctx, conn, a.ID)
	switch {
	case errors.Is(err, errNoAccount):
		return e, "", domain.Standing{Bar: domain.BarGone}, nil
	case err != nil:
		return e, "", domain.Standing{}, err
	case a.ActivationID == "" || e.mark != a.ActivationID:
		return e, "", domain.Standing{Bar: domain.BarForeign}, nil
	}
	realm, ok := s.Realm.(Signins)
	if !ok {
		return e, a.ID, domain.Standing{}, nil
	}
	id, err = s.realmID(ctx, a.ID, e)
	if errors.Is(err, domain.ErrForeignAccount) { // a user of Keycloak's own has the login
		return e, "", domain.Standing{Bar: domain.BarForeign}, nil
	}
	if err != nil {
		return e, "", domain.Standing{}, err
	}
	standing, err = realm.Standing(ctx, id)
	return e, id, standing, err
}

// SetPassword implements domain.Accounts: one MODIFY, which the directory refuses if
// the entry has lost the mark by now.
func (s *Store) SetPassword(ctx context.Context, a domain.AccountRef, c domain.Credential, otherProof bool) error {
	scheme, password, err := UserPassword(c)
	if err != nil {
		return err
	}
	if err := s.Proven(ctx, scheme); err != nil {
		return err
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	e, id, standing, err := s.standing(ctx, conn, a)
	if err != nil {
		return err
	}
	if standing.Bar == "" && standing.HasFactor && !otherProof {
		standing.Bar = domain.BarFactor
	}
	if standing.Bar != "" {
		return domain.Permanent(&domain.AccountBarred{Bar: standing.Bar})
	}
	guard, err := assertion(is(s.MarkAttribute, s.MarkPrefix+a.ActivationID))
	if err != nil {
		return err
	}
	m := ldap.NewModifyRequest(e.dn, []ldap.Control{guard})
	m.Replace("userPassword", []string{password})
	if err := conn.Modify(m); err != nil {
		return s.meaning("replace the password", err)
	}
	if realm, ok := s.Realm.(Signins); ok {
		return realm.EndSessions(ctx, id)
	}
	return nil
}
