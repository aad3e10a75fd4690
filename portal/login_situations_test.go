package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/sso"
	"entree/internal/sso/castest"
	"entree/internal/sso/ssotest"
	"entree/portal"
)

// provider is a single sign-on at which a test decides whose session is alive.
type provider struct {
	t      *testing.T
	w      *world
	login  func(to string) url.Values
	become func(login, account string)
	breakS func() // the provider stops to answer
}

// bothProviders runs a test with OpenID Connect and with CAS.
func bothProviders(t *testing.T, run func(t *testing.T, p *provider), change ...func(*portal.Options)) {
	t.Helper()
	t.Run("oidc", func(t *testing.T) {
		w, s := withSSO(t, change...)
		s.Set(func(s *ssotest.Provider) { s.Now = w.now })
		run(t, &provider{t: t, w: w, login: func(to string) url.Values { return s.Login(t, to) },
			become: func(login, account string) {
				s.Set(func(s *ssotest.Provider) {
					s.Edit = func(claims map[string]any) {
						claims["preferred_username"], claims["sub"], claims["name"] = login, account, "Name of "+login
					}
				})
			},
			breakS: func() { s.Set(func(s *ssotest.Provider) { s.Down = true }) },
		})
	})
	t.Run("cas", func(t *testing.T) {
		w, s := withCAS(t, change...)
		run(t, &provider{t: t, w: w, login: func(to string) url.Values { return s.Login(t, to) },
			become: func(login, account string) {
				s.Set(func(s *castest.Server) { s.User, s.Attributes = login, [][2]string{{"sub", account}} })
			},
			breakS: func() {
				s.Set(func(s *castest.Server) {
					s.Answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
				})
			},
		})
	})
}

const (
	activatedLogin   = "o" + rightNumber
	activatedAccount = "f3b1"
)

// TestV2_WhoComesBack tries the ways back from the single sign-on after an activation,
// with both protocols. Either the activated account is logged in, or the page names it
// and the other account and offers to change.
func TestV2_WhoComesBack(t *testing.T) {
	const (
		workspace = "logged in"
		other     = "other account"
		stale     = "stale"
		denied    = "denied"
		away      = "away"
		refused   = "refused"
	)
	// back logs in with the session that is alive and follows the redirects, also
	// those that begin the login again.
	back := func(p *provider, b *browser, q url.Values) *page {
		page := b.comeBack(q)
		for range 3 {
			to := page.header.Get("Location")
			if page.status != http.StatusSeeOther || !strings.HasPrefix(to, "/connexion") {
				break
			}
			page = b.comeBack(p.login(b.do("GET", to, nil).header.Get("Location")))
		}
		return b.follow(page)
	}
	done := func(p *provider, b *browser) { b.to("/activation/accueil-succes") }
	now := func(p *provider, b *browser) *page { return back(p, b, p.login(b.beginLogin(p.t))) }
	as := func(login, account string) func(p *provider, b *browser) *page {
		return func(p *provider, b *browser) *page {
			done(p, b)
			p.become(login, account)
			return now(p, b)
		}
	}
	for name, c := range map[string]struct {
		run  func(p *provider, b *browser) *page
		want string
	}{
		"the student's own session":                     {as(activatedLogin, activatedAccount), workspace},
		"the identifier in capitals":                    {as("O22502142", activatedAccount), workspace},
		"the identifier with spaces around it":          {as(" o22502142 ", "another"), workspace},
		"the identifier in full width":                  {as("ｏ22502142", "another"), workspace},
		"named by the university address":               {as("jeanne.martin@etu.exemple.fr", "another"), workspace},
		"named by the university address in capitals":   {as("Jeanne.Martin@ETU.exemple.fr", "another"), workspace},
		"the account was renamed":                       {as("jmartin", activatedAccount), workspace},
		"the account was made again":                    {as(activatedLogin, "another"), workspace},
		"a sibling with the next number":                {as("o22502143", "sibling"), other},
		"a sibling whose identifier begins alike":       {as("o225021420", "sibling"), other},
		"a sibling at an address that begins alike":     {as("jeanne.martin@etu.exemple.fr.example", "sibling"), other},
		"an identifier with another accent":             {as("ó22502142", "sibling"), other},
		"a person whom the portal does not know":        {as("admin", "an-administrator"), other},
		"an operator of the help desk, logged in there": {as("guichet", "operator"), other},
		"the sibling's session, after which the student reloads the page three times": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			q := p.login(b.beginLogin(p.t))
			back(p, b, q)
			for range 3 {
				back(p, b, q).want("/connexion/retour", 200)
			}
			return back(p, b, q)
		}, other},
		"the sibling's session, changed": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			form := now(p, b).fill("/connexion/changer")
			b.do("POST", "/connexion/changer", &form)
			p.become(activatedLogin, activatedAccount)
			return back(p, b, p.login(b.do("GET", b.do("GET", "/", nil).header.Get("Location"), nil).header.Get("Location")))
		}, workspace},
		"the sibling's session, changed, and the sibling logs in again": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			form := now(p, b).fill("/connexion/changer")
			b.do("POST", "/connexion/changer", &form)
			return back(p, b, p.login(b.do("GET", b.do("GET", "/", nil).header.Get("Location"), nil).header.Get("Location")))
		}, other},
		"changed, and the session of the activation ended meanwhile": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			to := b.beginLogin(p.t)
			p.w.sleep(idleLimit + time.Minute)
			form := back(p, b, p.login(to)).fill("/connexion/changer")
			if to := b.do("POST", "/connexion/changer", &form).header.Get("Location"); !strings.Contains(to, "/logout?") {
				p.t.Errorf("the change leads to %q", to)
			}
			return back(p, b, p.login(b.do("GET", b.do("GET", "/", nil).header.Get("Location"), nil).header.Get("Location")))
		}, other},
		"the sibling goes on as such": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			on := now(p, b).Find("a.quiet").AttrOr("href", "")
			return back(p, b, p.login(b.do("GET", on, nil).header.Get("Location")))
		}, workspace},
		"two tabs, the sibling's answer first": {func(p *provider, b *browser) *page {
			done(p, b)
			first, second := b.beginLogin(p.t), b.beginLogin(p.t)
			p.become("o22502143", "sibling")
			back(p, b, p.login(first))
			p.become(activatedLogin, activatedAccount)
			return back(p, b, p.login(second))
		}, workspace},
		"two tabs, the sibling's answer last": {func(p *provider, b *browser) *page {
			done(p, b)
			first, second := b.beginLogin(p.t), b.beginLogin(p.t)
			p.become(activatedLogin, activatedAccount)
			back(p, b, p.login(first))
			p.become("o22502143", "sibling")
			return back(p, b, p.login(second))
		}, other},
		"a sibling began a login before, and the student uses that tab": {func(p *provider, b *browser) *page {
			sibling := p.w.browser(p.t)
			sibling.jar = b.jar
			sibling.to("/activation/accueil-succes")
			p.w.service.renumber("22502199")
			old := sibling.beginLogin(p.t)
			p.w.service.renumber("")
			done(p, b)
			p.become(activatedLogin, activatedAccount)
			return back(p, b, p.login(old))
		}, workspace},
		"the back button after the login": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become(activatedLogin, activatedAccount)
			q := p.login(b.beginLogin(p.t))
			back(p, b, q)
			return back(p, b, q)
		}, workspace},
		"the login page stays open for an hour": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			q := p.login(b.beginLogin(p.t))
			p.w.sleep(sso.StateLife + 10*time.Minute)
			return back(p, b, q)
		}, other},
		"the login page stays open for a day and more": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(b.beginLogin(p.t))
			p.w.sleep(25 * time.Hour)
			b.jar = p.w.browser(p.t).jar // the browser drops the cookie of the login
			return b.comeBack(q)
		}, stale},
		"two siblings activate, and the second uses the login page of the first": {func(p *provider, b *browser) *page {
			p.w.service.renumber("22502199")
			done(p, b)
			old := b.beginLogin(p.t)
			p.w.service.renumber("")
			p.become("o22502199", "of-22502199")
			return back(p, b, p.login(old))
		}, workspace},
		"an answer of another browser": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			q := p.login(p.w.browser(p.t).beginLogin(p.t))
			p.become(activatedLogin, activatedAccount)
			return back(p, b, q)
		}, workspace},
		"an answer of another browser, twice": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(p.w.browser(p.t).beginLogin(p.t))
			b.comeBack(q)
			return b.comeBack(q)
		}, stale},
		"cookies cleared during the login": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(b.beginLogin(p.t))
			b.jar = p.w.browser(p.t).jar
			return b.comeBack(q)
		}, stale},
		"the state twice in the address": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become(activatedLogin, activatedAccount)
			q := p.login(b.beginLogin(p.t))
			q.Add("state", "x")
			return back(p, b, q)
		}, workspace},
		"the login is cancelled": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(b.beginLogin(p.t))
			q.Del("ticket")
			q.Del("code")
			q.Set("error", "access_denied")
			return back(p, b, q)
		}, denied},
		"an invented answer": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(b.beginLogin(p.t))
			if q.Has("code") {
				q.Set("code", "x")
			} else {
				q.Set("ticket", "ST-1-x")
			}
			return back(p, b, q)
		}, refused},
		"the provider fails during the login": {func(p *provider, b *browser) *page {
			done(p, b)
			q := p.login(b.beginLogin(p.t))
			p.breakS()
			return back(p, b, q)
		}, away},
		"the account page of the student": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			to := b.do("GET", "/connexion?autre", nil).header.Get("Location")
			return back(p, b, p.login(to))
		}, workspace},
		"the charter's link in a mail opens the sibling's session": {func(p *provider, b *browser) *page {
			done(p, b)
			p.become("o22502143", "sibling")
			return back(p, b, p.login(b.do("GET", "/connexion?charte", nil).header.Get("Location")))
		}, other},
	} {
		t.Run(name, func(t *testing.T) {
			bothProviders(t, func(t *testing.T, p *provider) {
				b := p.w.browser(t)
				page := c.run(p, b)
				h1, got := page.Find("h1").Text(), ""
				switch {
				case page.path == "/ent" && page.status == 200:
					got = workspace
				case strings.Contains(h1, "other.title"):
					got = other
					if main := page.Find("main").Text(); !strings.Contains(main, activatedLogin) {
						t.Errorf("the page does not name the activated account: %s", main)
					}
					if page.Find(`form[action="/connexion/changer"]`).Length() != 1 {
						t.Error("the page offers no change")
					}
				case strings.Contains(h1, "sso_stale") && page.status == 400:
					got = stale
				case strings.Contains(h1, "sso_stale") && page.status == 502:
					got = refused
				case strings.Contains(h1, "sso_denied"):
					got = denied
				case strings.Contains(h1, "error.sso."):
					got = away
				}
				if got != c.want {
					t.Errorf("%d %s %q: %q, want %q", page.status, page.path, h1, got, c.want)
				}
				if got != workspace && got != other && page.Find("a.on").AttrOr("href", "") != "/connexion" {
					t.Errorf("the page does not say what to do next: %s", page.Find("main").Text())
				}
			})
		})
	}
}
