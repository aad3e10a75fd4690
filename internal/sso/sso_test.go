package sso_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/secret"
	"entree/internal/sso"
	"entree/internal/sso/ssotest"
)

const back = "https://mon-compte.exemple.fr/connexion/retour"

// clock is a clock that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func start(t *testing.T, change ...func(*sso.Config)) (*ssotest.Provider, *sso.RelyingParty, *clock) {
	t.Helper()
	c := &clock{at: time.Now()}
	provider := ssotest.New(t, c.now)
	config := sso.Config{
		Issuer: provider.URL, ClientID: ssotest.ClientID, ClientSecret: secret.New(ssotest.ClientSecret),
		RedirectURL: back, Scopes: []string{"entree"}, Now: c.now, Random: rand.Reader,
	}
	for _, f := range change {
		f(&config)
	}
	rp, err := sso.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return provider, rp, c
}

func TestLogin(t *testing.T) {
	provider, rp, _ := start(t)
	to, state, err := rp.AuthURL(t.Context(), "o22502142", "fr")
	if err != nil {
		t.Fatal(err)
	}
	q := mustQuery(t, to)
	for name, want := range map[string]string{
		"login_hint": "o22502142", "ui_locales": "fr", "scope": "openid entree", "redirect_uri": back, "state": state.State, "nonce": state.Nonce,
	} {
		if q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q.Get(name), want)
		}
	}
	if strings.Contains(to, state.Verifier) {
		t.Error("the verifier stands in the address")
	}
	who, err := rp.Exchange(t.Context(), state, provider.Login(t, to))
	if err != nil {
		t.Fatal(err)
	}
	if who.Subject != "f3b1" || who.Login != "o22502142" || who.Name != "Jeanne Martin" || who.IDToken.Empty() {
		t.Errorf("identity %+v", who)
	}
	want := []sso.Claim{
		{Name: "eduPersonAffiliation", Value: "member, student"}, {Name: "name", Value: "Jeanne Martin"},
		{Name: "preferred_username", Value: "o22502142"}, {Name: "sub", Value: "f3b1"},
	}
	if diff := cmp.Diff(want, who.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// The level of a login is the claim acr, or that of a second factor if the claim amr
// reports one. Claims in another form are none.
func TestTheLevelOfALogin(t *testing.T) {
	for _, c := range []struct {
		acr, amr any
		want     string
	}{
		{"pwd", nil, "pwd"}, {"pwd", []string{"mfa"}, "mfa"}, {"pwd", []string{"pwd", "mfa"}, "mfa"}, {"mfa", []string{}, "mfa"}, {"pwd", []string{"pwd"}, "pwd"},
		{"pwd", "mfa", "pwd"}, {"pwd", map[string]any{"mfa": true}, "pwd"}, {"pwd", []any{"mfa", 1}, "pwd"},
	} {
		provider, rp, _ := start(t)
		provider.Edit = func(claims map[string]any) { claims["acr"], claims["amr"] = c.acr, c.amr }
		to, state, err := rp.AuthURL(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		who, err := rp.Exchange(t.Context(), state, provider.Login(t, to))
		if err != nil || who.Level != c.want {
			t.Errorf("acr %v, amr %v: %q, %v; want %q", c.acr, c.amr, who.Level, err, c.want)
		}
	}
}

// Each fault of a response is refused with the error that selects the right
// page.
func TestS33_WhatDoesNotHoldIsRefused(t *testing.T) {
	set := func(name string, value any) func(*ssotest.Provider) {
		return func(p *ssotest.Provider) { p.Edit = func(claims map[string]any) { claims[name] = value } }
	}
	put := func(name string, values ...string) func(url.Values, *sso.State, *clock) {
		return func(q url.Values, _ *sso.State, _ *clock) {
			q[name] = values
			if len(values) == 0 {
				q.Del(name)
			}
		}
	}
	for _, tt := range []struct {
		name     string
		provider func(*ssotest.Provider)
		answer   func(url.Values, *sso.State, *clock)
		want     error
	}{
		{"wrong state", nil, put("state", "x"), sso.ErrState},
		{"no state", nil, put("state"), sso.ErrState},
		{"state twice", nil, func(q url.Values, s *sso.State, _ *clock) { q["state"] = []string{s.State, s.State} }, sso.ErrState},
		{"no login begun", nil, func(q url.Values, s *sso.State, _ *clock) { *s = sso.State{}; q.Set("state", "") }, sso.ErrState},
		{"too slow", nil, func(_ url.Values, _ *sso.State, c *clock) { c.at = c.at.Add(sso.StateLife) }, sso.ErrState},
		{"from the future", nil, func(_ url.Values, _ *sso.State, c *clock) { c.at = c.at.Add(-time.Second) }, sso.ErrState},
		{"another issuer's answer", nil, put("iss", "https://evil.example"), sso.ErrToken},
		{"issuer not named", nil, put("iss"), sso.ErrToken},
		{"unknown code", nil, put("code", "x"), sso.ErrToken},
		{"wrong verifier", nil, func(_ url.Values, s *sso.State, _ *clock) { s.Verifier = strings.Repeat("v", 43) }, sso.ErrToken},
		{"denied", nil, put("error", "access_denied"), sso.ErrDenied},
		{"provider in trouble", nil, put("error", "temporarily_unavailable"), sso.ErrUnavailable},
		{"provider objects", nil, put("error", "invalid_scope"), sso.ErrToken},
		{"wrong nonce", set("nonce", "x"), nil, sso.ErrToken},
		{"no nonce", set("nonce", ""), nil, sso.ErrToken},
		{"wrong audience", set("aud", "another"), nil, sso.ErrToken},
		{"wrong issuer", set("iss", "https://evil.example"), nil, sso.ErrToken},
		{"expired", func(p *ssotest.Provider) {
			p.Edit = func(claims map[string]any) { claims["exp"] = p.Now().Add(-time.Minute).Unix() }
		}, nil, sso.ErrToken},
		{"signed by a stranger", func(p *ssotest.Provider) { p.Alien = true }, nil, sso.ErrToken},
		{"down at the exchange", func(p *ssotest.Provider) { p.Down = true }, nil, sso.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			provider, rp, clock := start(t)
			to, state, err := rp.AuthURL(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			query := provider.Login(t, to)
			if tt.provider != nil {
				provider.Set(tt.provider)
			}
			if tt.answer != nil {
				tt.answer(query, &state, clock)
			}
			who, err := rp.Exchange(t.Context(), state, query)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v (identity %+v)", err, tt.want, who)
			}
		})
	}
}

func TestS33_ACodeIsGoodOnce(t *testing.T) {
	provider, rp, _ := start(t)
	to, state, err := rp.AuthURL(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	query := provider.Login(t, to)
	if _, err := rp.Exchange(t.Context(), state, query); err != nil {
		t.Fatal(err)
	}
	if _, err := rp.Exchange(t.Context(), state, query); !errors.Is(err, sso.ErrToken) {
		t.Errorf("second time: %v", err)
	}
}

func TestTheProviderMayComeLate(t *testing.T) {
	provider, rp, clock := start(t)
	provider.Set(func(p *ssotest.Provider) { p.Down = true })
	for range 3 {
		if _, _, err := rp.AuthURL(t.Context(), "", ""); !errors.Is(err, sso.ErrUnavailable) {
			t.Fatalf("down: %v", err)
		}
	}
	if n := provider.Requests(); n != 1 {
		t.Errorf("asked %d times within a moment, want 1", n)
	}
	provider.Set(func(p *ssotest.Provider) { p.Down = false })
	clock.at = clock.at.Add(time.Minute)
	for range 3 {
		if _, _, err := rp.AuthURL(t.Context(), "", ""); err != nil {
			t.Fatalf("up again: %v", err)
		}
	}
	if n := provider.Requests(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

func TestASilentProviderIsGivenUp(t *testing.T) {
	_, rp, _ := start(t, func(c *sso.Config) {
		c.HTTPClient = &http.Client{Timeout: time.Millisecond, Transport: silent{}}
	})
	if _, _, err := rp.AuthURL(t.Context(), "", ""); !errors.Is(err, sso.ErrUnavailable) {
		t.Errorf("silent provider: %v", err)
	}
}

// silent answers no request: it waits until the caller cancels.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestLogoutURL(t *testing.T) {
	provider, rp, _ := start(t)
	to := rp.LogoutURL(t.Context(), secret.New("TOKEN"), "https://mon-compte.exemple.fr/")
	q := mustQuery(t, to)
	if !strings.HasPrefix(to, provider.URL+"/logout?") || q.Get("id_token_hint") != "TOKEN" || q.Get("client_id") != ssotest.ClientID ||
		q.Get("post_logout_redirect_uri") != "https://mon-compte.exemple.fr/" {
		t.Errorf("logout at %s", to)
	}
	_, lost, _ := start(t, func(c *sso.Config) { c.Issuer = provider.URL + "/none" })
	if to := lost.LogoutURL(context.Background(), secret.New("TOKEN"), "https://mon-compte.exemple.fr/"); to != "" {
		t.Errorf("unknown provider: logout at %s", to)
	}
}

func mustQuery(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
