package directory

import (
	"context"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/domain"
)

// WriteAddress implements domain.Accounts: one MODIFY of the attributes whose templates
// name the personal address, which the directory refuses if the entry has lost the mark
// by now. Attributes that also name the charter are left alone, and so are all in the
// way Activate, where the enrolment keeps them. The account in Keycloak follows.
func (s *Store) WriteAddress(ctx context.Context, id string, a domain.Account) error {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return s.meaning("connect", err)
	}
	defer release()
	e, err := s.byID(ctx, conn, id)
	switch {
	case errors.Is(err, errNoAccount):
		return domain.Permanent(&domain.AccountBarred{Bar: domain.BarGone})
	case err != nil:
		return err
	case a.ActivationID == "" || e.mark != a.ActivationID:
		return domain.Permanent(&domain.AccountBarred{Bar: domain.BarForeign})
	}
	guard, err := assertion(is(s.MarkAttribute, s.mark(a)))
	if err != nil {
		return err
	}
	m := ldap.NewModifyRequest(e.dn, []ldap.Control{guard})
	for _, t := range s.Attributes {
		if s.Way == Add && strings.Contains(t.Value, "{email}") && !strings.Contains(t.Value, "{charter_") {
			m.Replace(t.Name, values(t.Value, a))
		}
	}
	if len(m.Changes) > 0 {
		if err := conn.Modify(m); err != nil {
			return s.refusal("write the personal address", err, a)
		}
	}
	return s.inRealm(ctx, id, e, func(id string) error { return s.Realm.WriteAddress(ctx, id, a) })
}
