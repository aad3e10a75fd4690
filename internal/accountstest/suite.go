// Package accountstest holds the tests that every implementation of
// domain.Accounts has to pass: the fake, the real Keycloak and the real directory.
package accountstest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/domain"
)

// Subject is the implementation under test, with the helpers of the tests.
type Subject struct {
	domain.Accounts
	// Occupy creates an account that does not belong to the portal.
	Occupy func(t *testing.T, login, email string)
	// Untouched fails unless the account that Occupy created is unchanged.
	Untouched func(t *testing.T, login string)
	// Attributes returns the version of the charter, the number and the personal
	// address in an account.
	Attributes func(t *testing.T, login string) (charter, number, personal string)
	// Count returns the number of accounts with a login.
	Count func(t *testing.T, login string) int
}

// New returns an account that does not exist yet.
func New() domain.Account {
	mark := make([]byte, 8)
	_, _ = rand.Read(mark)
	id := hex.EncodeToString(mark)
	return domain.Account{
		ActivationID: "activation-" + id, Login: "o" + id, UniversityAddress: "jean-pierre." + id + "@etu.example.org",
		GivenName: "Jean-Pierre", FamilyName: "d’Arc-Nuñez",
		Profile: "etudiant", Number: id, Affiliation: "student", Affiliations: []string{"student", "member"}, Groups: []string{"/etudiants"},
		Lang: domain.French, CharterVersion: "2026-09", CharterSHA256: strings.Repeat("ab", 32), CharterAcceptedAt: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC),
		Attributes: map[string]string{
			"supannMailPerso": "jp@example.net", "supannOIDCDateDeNaissance": "2007-03-17", domain.AttributeProfile: "etudiant",
		},
		Fields: map[string]string{
			"given_name": "Jean-Pierre", "family_name": "d’Arc-Nuñez", "number": id, "profile": "etudiant", "email": "jp@example.net", "birth_date": "2007-03-17",
		},
		Credential: domain.Credential{
			Data:   `{"hashIterations":5,"algorithm":"argon2","additionalParameters":{"hashLength":["32"],"memory":["7168"],"type":["id"],"version":["1.3"],"parallelism":["1"]}}`,
			Secret: `{"value":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","salt":"AAAAAAAAAAAAAAAAAAAAAA==","additionalParameters":{}}`,
		},
	}
}

// Run tests a subject.
func Run(t *testing.T, s Subject) {
	t.Run("a new account has an id", func(t *testing.T) {
		if id, err := s.Create(t.Context(), New()); err != nil || id == "" {
			t.Errorf("%q, %v", id, err)
		}
	})
	t.Run("I1 a person under another name has an account already", func(t *testing.T) {
		a := New()
		if _, err := s.Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		again := New() // after a restored backup: another login, another mark
		again.Number, again.Seek = a.Number, true
		if _, err := s.Create(t.Context(), again); !errors.Is(err, domain.ErrForeignAccount) || s.Count(t, again.Login) != 0 {
			t.Errorf("%v, %d accounts", err, s.Count(t, again.Login))
		}
		again.Profile = "invite" // this profile has its own numbers
		if _, err := s.Create(t.Context(), again); err != nil {
			t.Errorf("the same number in another profile: %v", err)
		}
	})
	t.Run("S42 the same activation again is the same account", func(t *testing.T) {
		a := New()
		first, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Create(t.Context(), a)
		if err != nil || again != first || s.Count(t, a.Login) != 1 {
			t.Errorf("%q and then %q, %v; %d accounts", first, again, err, s.Count(t, a.Login))
		}
	})
	t.Run("I1 eight at once make one account", func(t *testing.T) {
		a := New()
		ids := make([]string, 8)
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i], errs[i] = s.Create(t.Context(), a) })
		}
		wg.Wait()
		for i := range ids {
			if errs[i] != nil || ids[i] != ids[0] {
				t.Errorf("%q, %v; the first one is %q", ids[i], errs[i], ids[0])
			}
		}
		if n := s.Count(t, a.Login); n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
	for name, taken := range map[string]func(a domain.Account) (login, email string){
		"the login": func(a domain.Account) (string, string) { return a.Login, "else-" + a.UniversityAddress },
		"the login in capitals": func(a domain.Account) (string, string) {
			return strings.ToUpper(a.Login), "else-" + a.UniversityAddress
		},
		"the address":               func(a domain.Account) (string, string) { return "else-" + a.Login, a.UniversityAddress },
		"the login and the address": func(a domain.Account) (string, string) { return a.Login, a.UniversityAddress },
	} {
		t.Run("S42 somebody else has "+name, func(t *testing.T) {
			a := New()
			login, email := taken(a)
			s.Occupy(t, login, email)
			if id, err := s.Create(t.Context(), a); !errors.Is(err, domain.ErrForeignAccount) {
				t.Errorf("%q, %v; want ErrForeignAccount", id, err)
			}
			s.Untouched(t, login)
		})
	}
	t.Run("a new charter is written beside everything else", func(t *testing.T) {
		a := New()
		id, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		newer := domain.Acceptance{Version: "2027-01", SHA256: strings.Repeat("cd", 32), At: time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)}
		for range 2 {
			if err := s.Accepted(t.Context(), id, newer); err != nil {
				t.Fatal(err)
			}
		}
		if version, number, personal := s.Attributes(t, a.Login); version != newer.Version || number != a.Number || personal != "jp@example.net" {
			t.Errorf("charter %q, number %q, address %q", version, number, personal)
		}
		if again, err := s.Create(t.Context(), a); err != nil || again != id {
			t.Errorf("its mark is lost: %q, %v", again, err)
		}
		if err := s.Accepted(t.Context(), "../users", newer); !domain.IsPermanent(err) {
			t.Errorf("S44 an id of no account: %v, want a permanent error", err)
		}
	})
	t.Run("a personal address is written beside everything else, and into no other account", func(t *testing.T) {
		a := New()
		id, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		is := func(want string) {
			t.Helper()
			if version, number, personal := s.Attributes(t, a.Login); version != a.CharterVersion || number != a.Number || personal != want {
				t.Errorf("charter %q, number %q, address %q; want %q", version, number, personal, want)
			}
		}
		with := func(address string) domain.Account {
			newer := a
			newer.Attributes, newer.Fields = maps.Clone(a.Attributes), maps.Clone(a.Fields)
			newer.Attributes[domain.AttributeAddress], newer.Fields["email"] = address, address
			newer.CharterVersion, newer.CharterSHA256 = "", "" // the caller does not know them
			return newer
		}
		for range 2 {
			if err := s.WriteAddress(t.Context(), id, with("new@example.org")); err != nil {
				t.Fatal(err)
			}
			is("new@example.org")
		}
		for name, other := range map[string]func(*domain.Account){
			"another mark": func(a *domain.Account) { a.ActivationID += "-2" },
			"no mark":      func(a *domain.Account) { a.ActivationID = "" },
		} {
			stranger := with("stranger@example.org")
			other(&stranger)
			var barred *domain.AccountBarred
			if err := s.WriteAddress(t.Context(), id, stranger); !errors.As(err, &barred) || barred.Bar != domain.BarForeign || !domain.IsPermanent(err) {
				t.Errorf("%s: %v", name, err)
			}
			is("new@example.org")
		}
		for _, none := range []string{"", "../users", "11111111-1111-4111-8111-111111111111"} {
			var barred *domain.AccountBarred
			if err := s.WriteAddress(t.Context(), none, with("x@example.org")); !errors.As(err, &barred) || barred.Bar != domain.BarGone {
				t.Errorf("S44 the id %q: %v", none, err)
			}
		}
		if err := s.WriteAddress(t.Context(), id, with("")); err != nil {
			t.Fatal(err)
		}
		is("")
		if again, err := s.Create(t.Context(), a); err != nil || again != id {
			t.Errorf("its mark is lost: %q, %v", again, err)
		}
	})
	t.Run("second factors are removed from an account that bears the mark, and from no other", func(t *testing.T) {
		a := New()
		id, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		ref := domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
		for range 2 { // an account without a factor stays as it is
			if err := s.RemoveFactors(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		if standing, err := s.Standing(t.Context(), ref); err != nil || standing != (domain.Standing{}) {
			t.Errorf("standing: %+v, %v", standing, err)
		}
		ref.ActivationID += "-2"
		var barred *domain.AccountBarred
		if err := s.RemoveFactors(t.Context(), ref); !errors.As(err, &barred) || barred.Bar != domain.BarForeign || !domain.IsPermanent(err) {
			t.Errorf("another mark: %v", err)
		}
	})
	t.Run("a password is replaced in an account that bears the mark, and in no other", func(t *testing.T) {
		a := New()
		id, err := s.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		ref := domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
		if standing, err := s.Standing(t.Context(), ref); err != nil || standing != (domain.Standing{}) {
			t.Errorf("standing: %+v, %v", standing, err)
		}
		newer := a.Credential
		newer.Secret = strings.ReplaceAll(newer.Secret, "AAAAAAAAAAAAAAAAAAAAAA==", "BBBBBBBBBBBBBBBBBBBBBA==")
		for range 2 {
			if err := s.SetPassword(t.Context(), ref, newer, false); err != nil {
				t.Fatal(err)
			}
		}
		if version, number, personal := s.Attributes(t, a.Login); version != a.CharterVersion || number != a.Number || personal != "jp@example.net" {
			t.Errorf("the attributes changed: charter %q, number %q, address %q", version, number, personal)
		}
		if again, err := s.Create(t.Context(), a); err != nil || again != id {
			t.Errorf("its mark is lost: %q, %v", again, err)
		}
		for name, other := range map[string]struct {
			ref  domain.AccountRef
			want domain.Bar
		}{
			"another mark": {domain.AccountRef{ID: id, ActivationID: a.ActivationID + "-2", Login: a.Login}, domain.BarForeign},
			"no mark":      {domain.AccountRef{ID: id, Login: a.Login}, domain.BarForeign},
			"no account":   {domain.AccountRef{ID: "11111111-1111-4111-8111-111111111111", ActivationID: a.ActivationID, Login: "nobody" + a.Login}, domain.BarGone},
			"no id":        {domain.AccountRef{ActivationID: a.ActivationID, Login: "nobody" + a.Login}, domain.BarGone},
			"S44 a path":   {domain.AccountRef{ID: "../clients", ActivationID: a.ActivationID, Login: "nobody" + a.Login}, domain.BarGone},
		} {
			var barred *domain.AccountBarred
			if err := s.SetPassword(t.Context(), other.ref, newer, true); !errors.As(err, &barred) || barred.Bar != other.want || !domain.IsPermanent(err) {
				t.Errorf("%s: %v, want %s", name, err, other.want)
			}
			if standing, err := s.Standing(t.Context(), other.ref); err != nil || standing.Bar != other.want {
				t.Errorf("%s: standing %+v, %v", name, standing, err)
			}
		}
	})
	t.Run("S42 an earlier activation of the same login is not ours", func(t *testing.T) {
		a := New()
		if _, err := s.Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		a.ActivationID += "-of-a-restored-database"
		if _, err := s.Create(t.Context(), a); !errors.Is(err, domain.ErrForeignAccount) {
			t.Errorf("%v; want ErrForeignAccount", err)
		}
	})
}
