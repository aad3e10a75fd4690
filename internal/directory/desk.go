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
		x := domain.Existing{ID: e.uuid, Login: first(e.login), Address: first(e.address), GivenName: first(e.all["givenname"]), FamilyName: first(e.all["sn"]), Enabled: true, CreatedAt: e.created, Attributes: e.all, Mark: e.mark}
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
	if e.mark != "" && e.mark != a.ActivationID {
		return domain.Permanent(domain.ErrForeignAccount)
	}
	if e.mark == "" {
		guard, err := assertion("(!(" + s.Mark + "=" + ldap.EscapeFilter(s.MarkPrefix) + "*))")
		if err != nil {
			return err
		}
		m := ldap.NewModifyRequest(e.dn, []ldap.Control{guard})
		m.Add(s.Mark, []string{s.mark(a)})
		if err := conn.Modify(m); ldap.IsErrorWithCode(err, assertionFailed) {
			return errors.New("directory: the entry got a mark since it was read")
		} else if err != nil {
			return s.meaning("adopt the entry", err)
		}
	}
	if err := s.join(conn, e, a); err != nil || s.Realm == nil {
		return err
	}
	_, elsewhere := s.groups(a)
	return s.Realm.Describe(ctx, id, a, elsewhere)
}
