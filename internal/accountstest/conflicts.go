package accountstest

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// RunConflicts tests how the help desk handles accounts that already existed.
func RunConflicts(t *testing.T, s Subject, desk helpdesk.Accounts) {
	t.Run("what holds a login or an address is found", func(t *testing.T) {
		a := New()
		if found, err := desk.Holding(t.Context(), a.Login, a.UniversityAddress); err != nil || len(found) != 0 {
			t.Errorf("%+v, %v", found, err)
		}
		s.Occupy(t, a.Login, "else-"+a.UniversityAddress)
		s.Occupy(t, "else-"+a.Login, a.UniversityAddress)
		found, err := desk.Holding(t.Context(), strings.ToUpper(a.Login), a.UniversityAddress)
		if err != nil || len(found) != 2 || found[0].Login != a.Login || found[1].Address != a.UniversityAddress || found[0].Mark != "" || !found[0].Enabled {
			t.Errorf("%+v, %v", found, err)
		}
		if found, err := desk.Holding(t.Context(), a.Login, ""); err != nil || len(found) != 1 {
			t.Errorf("%+v, %v", found, err)
		}
	})
	t.Run("S42 adopting marks it and leaves whose it was", func(t *testing.T) {
		a := New()
		s.Occupy(t, a.Login, a.UniversityAddress)
		held, err := desk.Holding(t.Context(), a.Login, "")
		if err != nil || len(held) != 1 {
			t.Fatalf("%+v, %v", held, err)
		}
		a.Credential = domain.Credential{}
		for range 2 { // a job may run again
			if err := desk.Adopt(t.Context(), held[0].ID, a); err != nil {
				t.Fatal(err)
			}
		}
		now, err := desk.Holding(t.Context(), a.Login, "")
		if err != nil || len(now) != 1 || now[0].Mark != a.ActivationID || now[0].GivenName != held[0].GivenName || now[0].Address != held[0].Address || !now[0].Enabled {
			t.Errorf("%+v, %v", now, err)
		}
		other := a
		other.ActivationID += "-2"
		if err := desk.Adopt(t.Context(), held[0].ID, other); !domain.IsPermanent(err) {
			t.Errorf("an account with another mark: %v", err)
		}
	})
	t.Run("S44 an id that is none", func(t *testing.T) {
		for _, id := range []string{"", "..", "x/../../clients", "11111111-1111-4111-8111-111111111111"} {
			if err := desk.Adopt(t.Context(), id, New()); !domain.IsPermanent(err) {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}
