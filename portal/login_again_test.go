package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/sso"
	"entree/internal/sso/ssotest"
)

// begin opens /connexion and returns the address at the provider.
func (b *browser) beginLogin(t *testing.T) string {
	t.Helper()
	p := b.do("GET", "/connexion", nil)
	if p.status != http.StatusSeeOther {
		t.Fatalf("/connexion: %d", p.status)
	}
	return p.header.Get("Location")
}

func (b *browser) comeBack(q url.Values) *page {
	return b.do("GET", "/connexion/retour?"+q.Encode(), nil)
}

func TestV6_TwoLoginTabsEndBoth(t *testing.T) {
	w, provider := withSSO(t)
	b := w.browser(t)
	first, second := b.beginLogin(t), b.beginLogin(t)
	for name, to := range map[string]string{"the second tab": second, "the first tab": first} {
		if p := b.comeBack(provider.Login(t, to)); p.header.Get("Location") != "/ent" {
			t.Errorf("%s: %d %s", name, p.status, p.header.Get("Location"))
		}
	}
}

func TestV6_PrefetchesLeaveTheLoginAndFewCookies(t *testing.T) {
	w, provider := withSSO(t)
	b := w.browser(t)
	for range 20 {
		b.beginLogin(t)
	}
	to := b.beginLogin(t)
	states := 0
	base, err := url.Parse(w.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.jar.Cookies(base) {
		if strings.Contains(c.Name, "sso-") {
			states++
		}
	}
	if states > 4 {
		t.Errorf("%d cookies of logins are kept", states)
	}
	if p := b.comeBack(provider.Login(t, to)); p.header.Get("Location") != "/ent" {
		t.Errorf("after prefetches: %d", p.status)
	}
}

// Each of these responses has no valid state, although the password was right.
func TestV6_AnAnswerWithoutItsStateBeginsTheLoginAgainOnce(t *testing.T) {
	for name, change := range map[string]func(b *browser, q url.Values){
		"another state":           func(_ *browser, q url.Values) { q.Set("state", "x") },
		"no state":                func(_ *browser, q url.Values) { q.Del("state") },
		"a page open for an hour": func(b *browser, _ url.Values) { b.world.sleep(sso.StateLife + 30*time.Minute) },
		"authentication_expired": func(_ *browser, q url.Values) {
			q.Del("code")
			q.Set("error", "temporarily_unavailable")
			q.Set("error_description", "authentication_expired")
		},
		"the answer of before": func(b *browser, q url.Values) { b.comeBack(q) },
	} {
		t.Run(name, func(t *testing.T) {
			w, provider := withSSO(t)
			b := w.browser(t)
			q := provider.Login(t, b.beginLogin(t))
			change(b, q)
			provider.Set(func(p *ssotest.Provider) { p.Now = w.now })
			p := b.comeBack(q)
			if p.status != http.StatusSeeOther || p.header.Get("Location") != "/connexion" {
				t.Fatalf("%d %s, want the login again", p.status, p.header.Get("Location"))
			}
			if p := b.comeBack(provider.Login(t, b.beginLogin(t))); p.header.Get("Location") != "/ent" {
				t.Errorf("the second login: %d %s", p.status, p.header.Get("Location"))
			}
		})
	}
	w, _ := withSSO(t)
	b := w.browser(t)
	b.beginLogin(t)
	wrong := url.Values{"state": {"x"}, "code": {"y"}}
	b.comeBack(wrong)
	b.comeBack(wrong).want("/connexion/retour", 400).shows("h1", "error.sso_stale.title")
}

// as changes whose session the provider has.
func as(login, name string) func(*ssotest.Provider) {
	return func(p *ssotest.Provider) {
		p.Edit = func(claims map[string]any) {
			claims["preferred_username"], claims["sub"], claims["name"] = login, "of-"+login, name
		}
	}
}

func TestV2_AnotherPersonsSessionIsTold(t *testing.T) {
	w, provider := withSSO(t)
	provider.Set(as("o22502143", "Paul Martin"))
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	p := b.comeBack(provider.Login(t, b.beginLogin(t)))
	p.want("/connexion/retour", 200).shows("h1", "other.title").shows("main", "o22502142").shows("main", "o22502143")
	b.get("/activation/accueil-succes").want("/activation/accueil-succes", 200)

	form := p.fill("/connexion/changer")
	out := b.do("POST", "/connexion/changer", &form)
	if to := out.header.Get("Location"); !strings.HasPrefix(to, provider.URL+"/logout?") || !strings.Contains(to, "id_token_hint=ey") {
		t.Fatalf("changing leads to %q", to)
	}
	if back := b.do("GET", "/", nil); back.header.Get("Location") != "/connexion" {
		t.Errorf("back from the logout: %d %s", back.status, back.header.Get("Location"))
	}
	provider.Set(as("O22502142", "Jeanne Martin"))
	b.follow(b.comeBack(provider.Login(t, b.beginLogin(t)))).want("/ent", 200)
	b.get("/").want("/", 200)
}

func TestV2_TheOtherAccountMayGoOn(t *testing.T) {
	w, provider := withSSO(t)
	provider.Set(as("o22502143", "Paul Martin"))
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	p := b.comeBack(provider.Login(t, b.beginLogin(t)))
	on := p.Find("a.quiet").AttrOr("href", "")
	to := b.do("GET", on, nil).header.Get("Location")
	b.follow(b.comeBack(provider.Login(t, to))).want("/ent", 200)
}
