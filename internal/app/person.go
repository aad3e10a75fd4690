package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/store"
	"entree/keycloak"
)

// FindPerson returns the person with a number or identifier. An empty profile
// accepts any; the result must be unique.
func FindPerson(ctx context.Context, s *store.Store, name, profile string) (domain.Person, error) {
	found, err := s.PeopleCalled(ctx, name)
	if err != nil {
		return domain.Person{}, err
	}
	found = slices.DeleteFunc(found, func(p domain.Person) bool { return profile != "" && p.Profile != profile })
	switch len(found) {
	case 0:
		return domain.Person{}, fmt.Errorf("no person has the number or identifier %q", name)
	case 1:
		return found[0], nil
	default:
		return domain.Person{}, fmt.Errorf("%q matches %d people, with the profiles %s and %s among them: choose one with --profile", name, len(found), found[0].Profile, found[1].Profile)
	}
}

// ownAccount is what a person reads and does on the page of the account.
type ownAccount struct {
	*store.Store
	accounts  *keycloak.Accounts
	directory *directory.Store // nil if Keycloak keeps the accounts
}

// Export implements portal.Accounts. Requests that the person did not prove are left
// out: each holds the network of a visitor who may be another person.
func (o ownAccount) Export(ctx context.Context, id domain.PersonID, at time.Time) ([]byte, error) {
	d, err := o.Dossier(ctx, id)
	if err != nil {
		return nil, err
	}
	d.Journeys = slices.DeleteFunc(d.Journeys, func(j domain.Journey) bool { return !j.IsIdentified() || j.Person != id })
	return d.JSON(at)
}

// EndSessions implements portal.Accounts. Keycloak holds the sessions, also of accounts
// in a directory.
func (o ownAccount) EndSessions(ctx context.Context, p domain.Person) error {
	id := p.AccountID
	if o.directory != nil {
		var err error
		if id, err = o.directory.RealmID(ctx, id); err != nil {
			return err
		}
	}
	return o.accounts.EndSessions(ctx, id)
}

// ExportPerson returns all data about a person as JSON, and records the export
// in the audit.
func ExportPerson(ctx context.Context, s *store.Store, id domain.PersonID, e audit.Entry) ([]byte, error) {
	d, err := s.Dossier(ctx, id)
	if err != nil {
		return nil, err
	}
	raw, err := d.JSON(time.Now())
	if err != nil {
		return nil, err
	}
	return raw, s.Note(ctx, e)
}
