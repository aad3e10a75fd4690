package keycloak_test

import (
	"errors"
	"testing"
	"time"

	"entree/internal/secret"
	"entree/keycloak"
)

// The service account, with the roles of the plan, sees in the realm's events a
// login that did not pass through the portal.
func TestLoginsAreReadFromTheRealm(t *testing.T) {
	r := newRealm(t)
	r.call("POST", "/users", map[string]any{
		"username": "somebody", "email": "somebody@example.org", "firstName": "Some", "lastName": "Body", "enabled": true,
		"credentials": []map[string]any{{"type": "password", "value": theirs, "temporary": false}},
	}, nil)
	c, err := keycloak.NewClient(keycloak.Config{URL: r.url, Realm: r.name, ClientID: "entree-portal", ClientSecret: secret.New(portalSecret)})
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Minute)
	// Keycloak refuses all logins of a user while it records a failed one.
	soon := func() (in bool) {
		for range 100 {
			if in = r.canLogIn("somebody", theirs); in {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		return in
	}
	if r.canLogIn("somebody", "wrong") || !soon() || !soon() {
		t.Fatal("the logins that the test needs went wrong")
	}
	read := func(since time.Time) (out []keycloak.Login) {
		t.Helper()
		err := c.Logins(t.Context(), since, func(page []keycloak.Login) error {
			out = append(out, page...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	id := r.users("somebody")[0].ID
	got := read(before)
	if len(got) != 2 || got[0].AccountID != id || got[1].AccountID != id || got[1].At.Before(got[0].At) || got[0].At.Before(before) {
		t.Errorf("%+v, want two logins of %s", got, id)
	}
	if later := read(got[1].At.Add(time.Millisecond)); len(later) != 0 {
		t.Errorf("read again from behind the last one: %+v", later)
	}
	stop := errors.New("enough")
	if err := c.Logins(t.Context(), before, func([]keycloak.Login) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}
