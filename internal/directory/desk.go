package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
)

// Holding implements helpdesk.Accounts. Below a Keycloak it also returns the
// accounts that only Keycloak holds; they cannot be adopted. Neither can an entry
// that Keycloak does not find: it has no id.
func (s *Store) Holding(ctx context.Context, login, address string) ([]domain.Existing, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return nil, s.meaning("connect", err)
	}
	defer release()
	entries, err := s.search(conn, s.Search, "(|"+is(s.Login, login)+is(s.Address, address)+")")
	if err != nil {
		return nil, err
	}
	var out, last []domain.Existing
	for _, e := range entries {
		x := s.existing(e)
		if s.Realm != nil {
			x.ID, err = s.Realm.Imported(ctx, x.Login, e.dn, e.uuid)
			if err != nil && !errors.Is(err, domain.ErrForeignAccount) && !errors.Is(err, domain.ErrNotFound) {
				return nil, err
			}
		}
		if holds(e.login, login) {
			out = append(out, x)
		} else {
			last = append(last, x)
		}
	}
	out = append(out, last...)
	if s.Realm == nil {
		return out, nil
	}
	local, err := s.Realm.Holding(ctx, login, address)
	return append(out, local...), err
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// Adopt implements helpdesk.Accounts: it adds the mark to an entry that has none,
// and joins the groups. Nothing else of the entry changes. An account that only
// Keycloak holds cannot be adopted.
func (s *Store) Adopt(ctx context.Context, id string, a domain.Account) error {
	if id == "" || a.ActivationID == "" {
		return domain.Permanent(fmt.Errorf("directory: %q is no account's id", id))
	}
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	if err != nil {
		return err
	}
	if err := s.addMark(conn, e, a.ActivationID); err != nil {
		return err
	}
	if err := s.join(conn, e, a); err != nil || s.Realm == nil {
		return err
	}
	_, elsewhere := s.groups(a)
	return s.Realm.Describe(ctx, id, a, elsewhere)
}

// addMark adds the mark of an activation to an entry that has none, and changes
// nothing else. It returns domain.ErrForeignAccount, marked permanent, if the entry has
// the mark of another activation.
func (s *Store) addMark(conn *ldap.Conn, e entry, activationID string) error {
	if e.mark == activationID {
		return nil
	}
	if e.mark != "" {
		return domain.Permanent(domain.ErrForeignAccount)
	}
	guard, err := assertion("(!(" + s.MarkAttribute + "=" + ldap.EscapeFilter(s.MarkPrefix) + "*))")
	if err != nil {
		return err
	}
	m := ldap.NewModifyRequest(e.dn, []ldap.Control{guard})
	m.Add(s.MarkAttribute, []string{s.MarkPrefix + activationID})
	if err := conn.Modify(m); ldap.IsErrorWithCode(err, assertionFailed) {
		return errors.New("directory: the entry got a mark since it was read")
	} else if err != nil {
		return s.meaning("adopt the entry", err)
	}
	return nil
}
