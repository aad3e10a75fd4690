package keycloak_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// oldUsers is the number of accounts in the realm with a history: three pages.
const oldUsers = 130

// pageOfTest is smaller than the portal's page, so that the realm has several.
const pageOfTest = 50

// oldUser returns the representation of the user at an index.
func oldUser(i int) map[string]any {
	u := map[string]any{
		"username": fmt.Sprintf("old-%03d", i), "firstName": fmt.Sprintf("Zoé %d", i), "lastName": "L’Hôte", "enabled": i%7 != 0,
	}
	if i%3 != 0 {
		u["email"] = fmt.Sprintf("old-%03d@example.net", i)
	}
	attributes := map[string][]string{}
	switch {
	case i == 9: // the number of another user
		attributes["studentId"] = []string{"s0008"}
	case i%2 == 0:
		attributes["studentId"] = []string{fmt.Sprintf("s%04d", i)}
	case i%5 == 0:
		attributes["employeeNumber"] = []string{fmt.Sprintf("e%04d", i)}
	case i == 11: // two numbers
		attributes["studentId"] = []string{"s9001", "s9002"}
	case i == 13: // an account of the portal
		attributes["supannEtuId"], attributes["entreeProfile"], attributes["entreeActivationId"] = []string{"s9003"}, []string{"etudiant"}, []string{"mark-of-another"}
	}
	u["attributes"] = attributes
	return u
}

// historicRealm returns a realm that was in use before the portal, with its own
// attributes for numbers, and the ids of its users by login.
func historicRealm(t *testing.T) (*realm, map[string]string) {
	t.Helper()
	r := newRealm(t)
	var profile map[string]any
	r.call(http.MethodGet, "/users/profile", nil, &profile)
	for name, many := range map[string]bool{"studentId": true, "employeeNumber": false} {
		profile["attributes"] = append(profile["attributes"].([]any), map[string]any{
			"name": name, "multivalued": many, "permissions": map[string]any{"view": []string{"admin"}, "edit": []string{"admin"}},
		})
	}
	r.call(http.MethodPut, "/users/profile", profile, nil)
	for i := range oldUsers {
		r.call(http.MethodPost, "/users", oldUser(i), nil)
	}
	r.call(http.MethodPost, "/clients", map[string]any{"clientId": "a-batch", "serviceAccountsEnabled": true, "secret": "batch"}, nil)
	var all []user
	r.call(http.MethodGet, "/users?max=1000", nil, &all)
	ids := map[string]string{}
	for _, u := range all {
		ids[u.Username] = u.ID
	}
	if len(ids) != oldUsers {
		t.Fatalf("the realm has %d users", len(ids))
	}
	return r, ids
}

// K1: the portal's service account, with the roles that `realm apply` gives it,
// reads all accounts of a real Keycloak, finds them by number and marks them.
func TestK1_TheRealmsAccountsAreRead(t *testing.T) {
	r, ids := historicRealm(t)
	numbers := map[string][]string{"studentId": {"etudiant"}, "employeeNumber": {"personnel"}}
	accounts := r.accounts(r.url, 0).WithNumbers(numbers)

	t.Run("the count has no service accounts", func(t *testing.T) {
		if n, err := accounts.Count(t.Context()); err != nil || n != oldUsers {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("each account comes once, with its attributes", func(t *testing.T) {
		for page, want := range map[int]int{0: 1, pageOfTest: 3, oldUsers: 2, 7: 22} {
			seen, pages := readAll(t, accounts.WithPage(page), nil)
			if pages < want || page == 0 && pages != 1 {
				t.Errorf("pages of %d: %d pages", page, pages)
			}
			checkRead(t, ids, seen, page)
		}
	})
	t.Run("accounts that are created and deleted meanwhile hide no other", func(t *testing.T) {
		remove := func(from, to int) func() {
			return func() {
				for i := from; i <= to; i++ {
					login := fmt.Sprintf("old-%03d", i)
					r.call(http.MethodDelete, "/users/"+ids[login], nil, nil)
					delete(ids, login)
				}
			}
		}
		create := func(n int) func() {
			return func() {
				for i := range n {
					r.call(http.MethodPost, "/users", map[string]any{"username": fmt.Sprintf("aaa-%d-%d", n, i), "enabled": true}, nil)
				}
			}
		}
		// Each change happens after the first page that ends behind old-100.
		for _, c := range []struct {
			name   string
			size   int
			change func()
		}{
			{"fewer than a page deleted", pageOfTest, remove(0, 3)},
			{"more than a page deleted", 7, remove(80, 99)},
			{"fewer than a page created", pageOfTest, create(3)},
			{"more than a page created", 7, create(9)},
		} {
			done := false
			seen, _ := readAll(t, accounts.WithPage(c.size), func(some []domain.Existing) {
				if !done && some[len(some)-1].Login >= "old-100" {
					done = true
					c.change()
				}
			})
			if !done {
				t.Errorf("%s: nothing changed", c.name)
			}
			for login, id := range ids {
				if len(seen[id]) == 0 {
					t.Errorf("%s: %s is missing", c.name, login)
				}
			}
		}
		var last string // the account itself by which the pages are joined
		seen, _ := readAll(t, accounts.WithPage(pageOfTest), func(some []domain.Existing) {
			if last == "" {
				last = some[len(some)-1].Login
				r.call(http.MethodDelete, "/users/"+some[len(some)-1].ID, nil, nil)
				delete(ids, last)
			}
		})
		for login, id := range ids {
			if len(seen[id]) == 0 {
				t.Errorf("%s deleted: %s is missing", last, login)
			}
		}
	})
	t.Run("an error of the caller ends the read", func(t *testing.T) {
		stop, pages := errors.New("stop"), 0
		err := accounts.WithPage(pageOfTest).Each(t.Context(), func([]domain.Existing) error { pages++; return stop })
		if !errors.Is(err, stop) || pages != 1 {
			t.Errorf("%v after %d pages", err, pages)
		}
	})
	t.Run("a person is found by number", func(t *testing.T) { seekByNumber(t, r, accounts) })
	t.Run("one account is read", func(t *testing.T) { readOne(t, r, accounts, ids) })
	t.Run("the mark changes nothing else", func(t *testing.T) { markOne(t, r, accounts, ids) })
	t.Run("the roles suffice for the check", func(t *testing.T) {
		if found, err := r.service(portalSecret).CheckSelf(t.Context(), r.wanted); err != nil || len(found) > 0 {
			t.Errorf("%v, %v", err, lines(found))
		}
	})
}

// readAll returns the accounts that Each shows, by id, and the number of pages.
// after is called with each page, which is not empty.
func readAll(t *testing.T, accounts *keycloak.Accounts, after func([]domain.Existing)) (seen map[string][]domain.Existing, pages int) {
	t.Helper()
	seen = map[string][]domain.Existing{}
	err := accounts.Each(t.Context(), func(some []domain.Existing) error {
		pages++
		for _, x := range some {
			seen[x.ID] = append(seen[x.ID], x)
		}
		if after != nil && len(some) > 0 {
			after(some)
		}
		if pages > 10*oldUsers {
			return errors.New("the read does not end")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen, pages
}

// checkRead compares what was read with what was created.
func checkRead(t *testing.T, ids map[string]string, seen map[string][]domain.Existing, page int) {
	t.Helper()
	if len(seen) != oldUsers {
		t.Errorf("pages of %d: %d accounts", page, len(seen))
	}
	for i := range oldUsers {
		want := oldUser(i)
		login := want["username"].(string)
		id := ids[login]
		if len(seen[id]) != 1 {
			t.Errorf("pages of %d: %s comes %d times", page, login, len(seen[id]))
			continue
		}
		x := seen[id][0]
		address, _ := want["email"].(string)
		if x.Login != login || x.Address != address || x.GivenName != want["firstName"] || x.FamilyName != want["lastName"] || x.Enabled != want["enabled"] ||
			x.Federated || time.Since(x.CreatedAt).Abs() > time.Hour {
			t.Errorf("pages of %d: %+v, want %v", page, x, want)
		}
		attributes := want["attributes"].(map[string][]string)
		for name, values := range attributes {
			got := slices.Sorted(slices.Values(x.Attributes[name]))
			if !slices.Equal(got, values) {
				t.Errorf("pages of %d: %s: %s is %q, want %q", page, login, name, got, values)
			}
		}
		if mark := strings.Join(attributes["entreeActivationId"], ""); x.Mark != mark {
			t.Errorf("pages of %d: %s has the mark %q, want %q", page, login, x.Mark, mark)
		}
	}
}

// seekByNumber creates accounts of people who may have one.
func seekByNumber(t *testing.T, r *realm, accounts *keycloak.Accounts) {
	for _, c := range []struct {
		name, number, profile string
		found                 bool
	}{
		{"student's number", "s0050", "etudiant", true},
		{"number of two accounts", "s0008", "etudiant", true},
		{"second value", "s9002", "etudiant", true},
		{"disabled account", "s0070", "etudiant", true},
		{"account without an address", "s0060", "etudiant", true},
		{"portal's own attribute", "s9003", "etudiant", true},
		{"staff number", "e0025", "personnel", true},
		{"staff number of a student", "e0035", "etudiant", false},
		{"student's number of the staff", "s0052", "personnel", false},
		{"begin of a number", "s00", "etudiant", false},
		{"wildcard", "s005*", "etudiant", false},
		{"percent sign", "s005%", "etudiant", false},
		{"underscore", "s005_", "etudiant", false},
		{"ampersand", "s0050&username=old-050", "etudiant", false},
		{"number of no account", "s7777", "etudiant", false},
	} {
		a := accountstest.New()
		a.Number, a.Profile, a.Seek = c.number, c.profile, true
		a.Affiliation, a.Affiliations = "student", []string{"member", "student"}
		if c.profile != "etudiant" {
			a.Affiliation, a.Affiliations = "employee", []string{"member", "employee"}
		}
		id, err := accounts.Create(t.Context(), a)
		if there := len(r.users(a.Login)); c.found && (!errors.Is(err, domain.ErrForeignAccount) || there != 0) || !c.found && (err != nil || id == "" || there != 1) {
			t.Errorf("%s: %q, %v, %d accounts", c.name, id, err, there)
		}
		if c.found {
			continue
		}
		// The account of this activation is found again by its number.
		if again, err := accounts.Create(t.Context(), a); err != nil || again != id {
			t.Errorf("%s, again: %q, %v, want %q", c.name, again, err, id)
		}
	}
}

// readOne reads single accounts.
func readOne(t *testing.T, r *realm, accounts *keycloak.Accounts, ids map[string]string) {
	r.call(http.MethodPut, "/users/"+ids["old-012"]+"/reset-password", map[string]any{"type": "password", "value": theirs, "temporary": false}, nil)
	r.call(http.MethodPut, "/users/"+ids["old-012"], map[string]any{"email": "old-012@example.net"}, nil)
	if !r.canLogIn("old-012", theirs) {
		t.Fatal("the user cannot log in")
	}
	x, err := accounts.Account(t.Context(), ids["old-012"])
	if err != nil || x.Login != "old-012" || !x.Enabled || !slices.Equal(x.Attributes["studentId"], []string{"s0012"}) {
		t.Errorf("%+v, %v", x, err)
	}
	if time.Since(x.LastLogin).Abs() > time.Hour {
		t.Errorf("the last login was at %v", x.LastLogin)
	}
	if x, err := accounts.Account(t.Context(), ids["old-014"]); err != nil || x.Enabled || !x.LastLogin.IsZero() {
		t.Errorf("%+v, %v", x, err)
	}
	for _, id := range []string{"", "11111111-1111-4111-8111-111111111111", "../clients", "count", "profile"} {
		if x, err := accounts.Account(t.Context(), id); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %+v, %v", id, x, err)
		}
	}
}

// whole returns everything that Keycloak shows of a user.
func (r *realm) whole(id string) map[string]any {
	out := map[string]any{}
	for name, path := range map[string]string{
		"user": "?userProfileMetadata=false", "groups": "/groups", "roles": "/role-mappings", "credentials": "/credentials", "identities": "/federated-identity", "consents": "/consents",
		"unmanaged": "/unmanagedAttributes",
	} {
		var v any
		r.call(http.MethodGet, "/users/"+id+path, nil, &v)
		out[name] = v
	}
	return out
}

// markOne marks accounts and compares everything before and after.
func markOne(t *testing.T, r *realm, accounts *keycloak.Accounts, ids map[string]string) {
	// old-020 has everything that a user can have, an attribute among it that the
	// realm's user profile no longer shows.
	full := ids["old-020"]
	unmanaged := func(policy any) {
		var profile map[string]any
		r.call(http.MethodGet, "/users/profile", nil, &profile)
		if delete(profile, "unmanagedAttributePolicy"); policy != nil {
			profile["unmanagedAttributePolicy"] = policy
		}
		r.call(http.MethodPut, "/users/profile", profile, nil)
	}
	unmanaged("ENABLED")
	r.call(http.MethodPost, "/groups", map[string]any{"name": "anciens"}, nil)
	r.call(http.MethodPost, "/roles", map[string]any{"name": "lecteur"}, nil)
	var groups []struct{ ID string }
	r.call(http.MethodGet, "/groups?search=anciens", nil, &groups)
	var role map[string]any
	r.call(http.MethodGet, "/roles/lecteur", nil, &role)
	r.call(http.MethodPut, "/users/"+full+"/groups/"+groups[0].ID, nil, nil)
	r.call(http.MethodPost, "/users/"+full+"/role-mappings/realm", []any{role}, nil)
	var them map[string]any
	r.call(http.MethodGet, "/users/"+full, nil, &them)
	them["requiredActions"], them["emailVerified"] = []string{"UPDATE_PASSWORD", "TERMS_AND_CONDITIONS"}, true
	maps.Copy(them["attributes"].(map[string]any), map[string]any{"badge": []string{"12", "13"}, "quota": []string{"5 G: \"a\""}, "locale": []string{"de"}})
	r.call(http.MethodPut, "/users/"+full, them, nil)
	r.call(http.MethodPut, "/users/"+full+"/reset-password", map[string]any{"type": "password", "value": theirs, "temporary": false}, nil)

	logins := []string{"old-020", "old-021", "old-012", "old-025", "old-011"} // full; disabled and without an address; with a login; staff; two numbers
	for _, policy := range []any{"ENABLED", nil} {
		unmanaged("ENABLED")
		before := map[string]map[string]any{}
		for _, login := range logins {
			before[login] = r.whole(ids[login])
		}
		unmanaged(policy)
		for _, login := range logins {
			mark := fmt.Sprint("mark-", login)
			for range 2 { // a job may run again
				if err := accounts.Mark(t.Context(), ids[login], mark); err != nil {
					t.Errorf("%s: %v", login, err)
				}
			}
			if err := accounts.Mark(t.Context(), ids[login], mark+"-2"); !domain.IsPermanent(err) || !errors.Is(err, domain.ErrForeignAccount) {
				t.Errorf("%s, another mark: %v", login, err)
			}
			if x, err := accounts.Account(t.Context(), ids[login]); err != nil || x.Mark != mark {
				t.Errorf("%s: %+v, %v", login, x, err)
			}
		}
		unmanaged("ENABLED")
		for _, login := range logins {
			after := r.whole(ids[login])
			u := after["user"].(map[string]any)
			attributes, _ := u["attributes"].(map[string]any)
			delete(attributes, "entreeActivationId")
			if len(attributes) == 0 && before[login]["user"].(map[string]any)["attributes"] == nil {
				delete(u, "attributes") // Keycloak leaves an empty one out
			}
			if diff := cmp.Diff(before[login], after); diff != "" {
				t.Errorf("unmanaged attributes %v: %s changed (-before +after):\n%s", policy, login, diff)
			}
			// The next round begins without the mark.
			u["attributes"] = attributes // empty, not left out: Keycloak keeps all attributes then
			r.call(http.MethodPut, "/users/"+ids[login], u, nil)
		}
	}
	for _, id := range []string{"", "../clients", "11111111-1111-4111-8111-111111111111"} {
		if err := accounts.Mark(t.Context(), id, "a"); !domain.IsPermanent(err) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// A refusal of the roles is an error, never an empty realm: a pass over it would
// take all people for people without an account.
func TestK1_ARealmThatCannotBeReadIsNotEmpty(t *testing.T) {
	r := commonRealm(t)
	r.call(http.MethodPost, "/clients", map[string]any{"clientId": "no-roles", "serviceAccountsEnabled": true, "secret": "no-roles"}, nil)
	c, err := keycloak.NewClient(keycloak.Config{URL: r.url, Realm: r.name, ClientID: "no-roles", ClientSecret: secret.New("no-roles")})
	if err != nil {
		t.Fatal(err)
	}
	accounts := c.Accounts("example.org").WithNumbers(map[string][]string{"studentId": nil})
	if n, err := accounts.Count(t.Context()); err == nil {
		t.Errorf("%d accounts", n)
	}
	if err := accounts.Each(t.Context(), func(some []domain.Existing) error { t.Errorf("%d accounts", len(some)); return nil }); err == nil {
		t.Error("the read ended well")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.accounts(r.url, 0).Each(ctx, func([]domain.Existing) error { return nil }); err == nil {
		t.Error("a cancelled read ended well")
	}
}
