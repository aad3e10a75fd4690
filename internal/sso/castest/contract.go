package castest

import (
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/sso"
)

// User is the session of a user at a CAS server, at the small one or at a
// real one.
type User interface {
	// Login requests the login page and returns the query of the redirect to
	// the portal.
	Login(t *testing.T, loginURL string) url.Values
}

// Contract tests the behaviour of a CAS server on which the portal relies.
// service is an address for which the server issues tickets. login is the
// expected user name. want holds some of the attributes that the server
// releases; several values are joined by ", " in any order.
func Contract(t *testing.T, prefix, service string, who User, login string, want map[string]string) {
	client, err := sso.NewCAS(sso.CASConfig{URL: prefix, ServiceURL: service, Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() (sso.State, url.Values) {
		t.Helper()
		to, state, err := client.AuthURL(t.Context(), "", "fr")
		if err != nil {
			t.Fatal(err)
		}
		return state, who.Login(t, to)
	}
	refused := func(what string, state sso.State, answer url.Values) {
		t.Helper()
		if _, err := client.Exchange(t.Context(), state, answer); !errors.Is(err, sso.ErrToken) {
			t.Errorf("%s: %v, want ErrToken", what, err)
		}
	}

	state, answer := begin()
	got, err := client.Exchange(t.Context(), state, answer)
	if err != nil {
		t.Fatal(err)
	}
	if got.Login != login {
		t.Errorf("login %q, want %q", got.Login, login)
	}
	values := map[string]string{}
	for _, c := range got.Claims {
		values[c.Name] = c.Value
	}
	for name, value := range want {
		if !slices.Equal(sorted(values[name]), sorted(value)) {
			t.Errorf("%s = %q, want %q", name, values[name], value)
		}
	}
	refused("a ticket a second time", state, answer)

	state, _ = begin()
	refused("a ticket that nobody gave out", state, url.Values{"state": {state.State}, "ticket": {"ST-1-" + rand.Text()}})

	_, foreign := begin()
	state, _ = begin()
	refused("a ticket of another login", state, url.Values{"state": {state.State}, "ticket": foreign["ticket"]})
}

func sorted(list string) []string { return slices.Sorted(slices.Values(strings.Split(list, ", "))) }
