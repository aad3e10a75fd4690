package sso_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/sso"
	"entree/internal/sso/ssotest"
)

// R10: each fault of a logout token is refused.
func TestR10_ALogoutTokenIsVerified(t *testing.T) {
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	drop := func(name string) func(map[string]any) { return func(claims map[string]any) { delete(claims, name) } }
	const event = "http://schemas.openid.net/event/backchannel-logout"
	provider, rp, clock := start(t)
	at := func(d time.Duration) int64 { return clock.at.Add(d).Unix() }
	for name, edit := range map[string]func(map[string]any){
		"another issuer":          set("iss", "https://evil.example"),
		"another audience":        set("aud", "entree-ent-2"),
		"no audience":             drop("aud"),
		"no event":                drop("events"),
		"another event":           set("events", map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}),
		"an event without object": set("events", map[string]any{event: "x"}),
		"an event that is null":   set("events", map[string]any{event: nil}),
		"events as text":          set("events", event),
		"a nonce":                 set("nonce", "n"),
		"an empty nonce":          set("nonce", ""),
		"a nonce that is null":    set("nonce", nil),
		"no token id":             drop("jti"),
		"no subject and no sid":   func(c map[string]any) { delete(c, "sub"); delete(c, "sid") },
		"expired":                 set("exp", at(-time.Minute)),
		"no end":                  drop("exp"),
		"issued an hour ago":      set("iat", at(-time.Hour)),
		"issued in an hour":       set("iat", at(time.Hour)),
		"no time of issue":        drop("iat"),
	} {
		if out, err := rp.Logout(t.Context(), provider.LogoutToken("f3b1", "s1", edit)); !errors.Is(err, sso.ErrToken) {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	good := provider.LogoutToken("f3b1", "s1", nil)
	out, err := rp.Logout(t.Context(), good)
	if err != nil || out.Subject != "f3b1" || out.SessionID != "s1" || out.ID == "" || !out.Expires.After(clock.at) {
		t.Errorf("a good one: %+v, %v", out, err)
	}
	for name, raw := range map[string]string{"nothing": "", "no token": "a.b.c", "a changed one": good[:len(good)-6] + "AAAAAA"} {
		if _, err := rp.Logout(t.Context(), raw); !errors.Is(err, sso.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	provider.Set(func(p *ssotest.Provider) { p.Alien = true })
	if _, err := rp.Logout(t.Context(), provider.LogoutToken("f3b1", "s1", nil)); !errors.Is(err, sso.ErrToken) {
		t.Errorf("signed with an unknown key: %v", err)
	}
}

// R10: an ID token is not accepted as a logout token.
func TestR10_AnIDTokenLogsNobodyOut(t *testing.T) {
	provider, rp, _ := start(t)
	to, state, err := rp.AuthURL(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	who, err := rp.Exchange(t.Context(), state, provider.Login(t, to))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rp.Logout(t.Context(), who.IDToken.Reveal()); !errors.Is(err, sso.ErrToken) {
		t.Errorf("an ID token: %v", err)
	}
}

// Anyone can send a forged logout token, and each one makes the verifier fetch the
// provider's keys. Sessions of operators can still be renewed during such a fetch,
// and the logged error contains no claim of the token.
func TestR10_ForgedLogoutTokensTakeNoPlace(t *testing.T) {
	hold := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(1)
	var once sync.Once
	provider, rp, _ := start(t, func(c *sso.Config) {
		c.HTTPClient = &http.Client{Transport: keysThat(func() {
			once.Do(waiting.Done)
			<-hold
		})}
	})
	to, state, err := rp.AuthURL(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	close(hold) // the login needs the keys
	who, err := rp.Exchange(t.Context(), state, provider.Login(t, to))
	if err != nil {
		t.Fatal(err)
	}
	hold = make(chan struct{})
	waiting.Add(1)
	once = sync.Once{}
	forged := provider.LogoutToken("f3b1", "", nil)
	forged = forged[:strings.LastIndexByte(forged, '.')+1] + strings.Repeat("A", 86)
	var done sync.WaitGroup
	for range 200 {
		done.Go(func() {
			if _, err := rp.Logout(t.Context(), forged); err == nil {
				t.Error("a forged logout token passed")
			}
		})
	}
	waiting.Wait()
	if _, err := rp.Renew(t.Context(), who.Subject, who.Refresh); err != nil {
		t.Errorf("a renewal meanwhile: %v", err)
	}
	close(hold)
	done.Wait()
	told := provider.LogoutToken("f3b1", "", func(claims map[string]any) { claims["aud"] = strings.Repeat("quoted", 1000) })
	if _, err := rp.Logout(t.Context(), told); err == nil || strings.Contains(err.Error(), "quoted") {
		t.Errorf("%.200v", err)
	}
}

// keysThat calls a function before each request for the provider's keys.
type keysThat func()

func (f keysThat) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/keys" {
		f()
	}
	return http.DefaultTransport.RoundTrip(r)
}

// R10: Renew returns the provider's current roles, and its refusal ends the
// session.
func TestR10_TheProviderIsAskedAgain(t *testing.T) {
	login := func(t *testing.T) (*ssotest.Provider, *sso.RelyingParty, sso.Identity) {
		provider, rp, _ := start(t)
		provider.Set(func(p *ssotest.Provider) {
			p.Edit = func(claims map[string]any) { claims["entreeRoles"] = []string{"admin"} }
		})
		to, state, err := rp.AuthURL(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		who, err := rp.Exchange(t.Context(), state, provider.Login(t, to))
		if err != nil || who.Refresh.Empty() || who.SessionID == "" {
			t.Fatalf("%+v, %v", who, err)
		}
		return provider, rp, who
	}
	provider, rp, who := login(t)
	provider.Set(func(p *ssotest.Provider) {
		p.Renew = func(claims map[string]any) { claims["entreeRoles"] = []string{"auditor"} }
	})
	next, err := rp.Renew(t.Context(), who.Subject, who.Refresh)
	if err != nil || len(next.Roles) != 1 || next.Roles[0] != "auditor" || next.Refresh.Reveal() == who.Refresh.Reveal() {
		t.Errorf("%+v, %v", next, err)
	}
	if _, err := rp.Renew(t.Context(), who.Subject, who.Refresh); !errors.Is(err, sso.ErrEnded) {
		t.Errorf("a spent token: %v", err)
	}
	for _, tt := range []struct {
		name   string
		change func(*ssotest.Provider)
		want   error
	}{
		{"account disabled", func(p *ssotest.Provider) { p.Ended["f3b1"] = true }, sso.ErrEnded},
		{"another subject", func(p *ssotest.Provider) { p.Renew = func(c map[string]any) { c["sub"] = "other" } }, sso.ErrToken},
		{"another audience", func(p *ssotest.Provider) { p.Renew = func(c map[string]any) { c["aud"] = "other" } }, sso.ErrToken},
		{"an unknown key", func(p *ssotest.Provider) { p.Alien = true }, sso.ErrToken},
		{"down", func(p *ssotest.Provider) { p.Down = true }, sso.ErrUnavailable},
	} {
		provider, rp, who := login(t)
		provider.Set(tt.change)
		if _, err := rp.Renew(t.Context(), who.Subject, who.Refresh); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
