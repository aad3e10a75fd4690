package portal_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/secret"
	"entree/internal/sso"
	"entree/internal/sso/ssotest"
	"entree/portal"
)

// withSSO returns a portal with a single sign-on and the stand-in ENT.
func withSSO(t *testing.T, change ...func(*portal.Options)) (*world, *ssotest.Provider) {
	t.Helper()
	provider := ssotest.New(t, time.Now)
	w := newWorld(t, append([]func(*portal.Options){func(o *portal.Options) {
		rp, err := sso.New(sso.Config{
			Issuer: provider.URL, ClientID: ssotest.ClientID, ClientSecret: secret.New(ssotest.ClientSecret),
			RedirectURL: o.BaseURL + "/connexion/retour", Now: o.Now, Random: rand.Reader,
		})
		if err != nil {
			t.Fatal(err)
		}
		o.SSO, o.EntURL = rp, ""
	}}, change...)...)
	return w, provider
}

// logIn logs in at the single sign-on. It returns the query that the portal sent
// there and the portal's page after the return.
func (b *browser) logIn(t *testing.T, provider *ssotest.Provider) (asked url.Values, back *page) {
	t.Helper()
	p := b.do("GET", "/connexion", nil)
	to := p.header.Get("Location")
	u, err := url.Parse(to)
	if p.status != http.StatusSeeOther || err != nil {
		t.Fatalf("/connexion: %d, Location %q", p.status, to)
	}
	return u.Query(), b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil)
}

func TestFromSuccessIntoTheENTAndOut(t *testing.T) {
	w, provider := withSSO(t)
	b := w.browser(t)
	p := b.to("/activation/accueil-succes")
	if to := p.Find("a.primary").AttrOr("href", ""); to != "/connexion" {
		t.Fatalf("the way into the ENT: %q", to)
	}
	activation := b.sessionCookie()
	asked, back := b.logIn(t, provider)
	if asked.Get("login_hint") != "o22502142" {
		t.Errorf("login_hint %q", asked.Get("login_hint"))
	}
	p = b.follow(back).want("/ent", 200).shows(".name", "Jeanne Martin").shows("dl", "member, student")
	if len(w.service.logins) != 1 || w.service.logins[0] != "o22502142" {
		t.Errorf("first login recorded: %v", w.service.logins)
	}
	thief := w.browser(t)
	thief.setSession(activation)
	thief.get("/activation/accueil-succes").want("/activation/accueil-succes", http.StatusGone)
	b.get("/activation/accueil-succes").want("/activation", 200)

	form := b.get("/ent").fill("/deconnexion")
	out := b.do("POST", "/deconnexion", &form)
	if to := out.header.Get("Location"); !strings.HasPrefix(to, provider.URL+"/logout?") || !strings.Contains(to, "id_token_hint=ey") {
		t.Errorf("logout leads to %q", to)
	}
	if rows := w.rows.sessions(); rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
	if p := b.do("GET", "/ent", nil); p.header.Get("Location") != "/connexion" {
		t.Errorf("/ent after the logout: %d %s", p.status, p.header.Get("Location"))
	}
	b.follow(b.do("POST", "/deconnexion", &form)).want("/", 200)
}

func TestS33_OnlyTheConfiguredENT(t *testing.T) {
	w, provider := withSSO(t, func(o *portal.Options) { o.EntURL = "https://ent.exemple.fr/" })
	b := w.browser(t)
	p := b.do("GET", "/connexion?redirect_uri=https://evil.example&url=https://evil.example", nil)
	to := p.header.Get("Location")
	if strings.Contains(to, "evil") {
		t.Errorf("login at %s", to)
	}
	p = b.do("GET", "/connexion/retour?url=https://evil.example&"+provider.Login(t, to).Encode(), nil)
	if got := p.header.Get("Location"); got != "https://ent.exemple.fr/" {
		t.Errorf("after the login: %q", got)
	}
}

// refusedLogin sends the answer of an identity provider and expects a page with a
// status and a title. It leads back to the login, and nothing is stored.
func (b *browser) refusedLogin(answer url.Values, status int, title string) {
	b.t.Helper()
	p := b.do("GET", "/connexion/retour?"+answer.Encode(), nil)
	p.want("/connexion/retour", status).shows("h1", title)
	if to := p.Find("a.on").AttrOr("href", ""); to != "/connexion" {
		b.t.Fatalf("the page leads to %q", to)
	}
	if _, writes := b.world.rows.count(); writes != 0 || len(b.world.service.logins) != 0 {
		b.t.Fatalf("a refused login left something")
	}
}

func TestS33_AnswersThatBelongToNoLoginHere(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(b *browser, q url.Values)
		status int
		key    string
	}{
		"denied":          {func(_ *browser, q url.Values) { q.Set("error", "access_denied") }, 403, "error.sso_denied.title"},
		"another browser": {func(b *browser, _ url.Values) { b.jar = b.world.browser(b.t).jar }, 400, "error.sso_stale.title"},
		"another code":    {func(_ *browser, q url.Values) { q.Set("code", "x") }, 502, "error.sso_stale.title"},
	} {
		t.Run(name, func(t *testing.T) {
			w, provider := withSSO(t)
			b := w.browser(t)
			q := provider.Login(t, b.do("GET", "/connexion", nil).header.Get("Location"))
			tt.change(b, q)
			b.refusedLogin(q, tt.status, tt.key)
		})
	}
}

func TestS33_AnAnswerIsTakenOnce(t *testing.T) {
	w, provider := withSSO(t)
	b := w.browser(t)
	q := provider.Login(t, b.do("GET", "/connexion", nil).header.Get("Location"))
	b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil)).want("/ent", 200)
	spent := provider.Requests()
	if p := b.do("GET", "/connexion/retour?"+q.Encode(), nil); p.header.Get("Location") != "/connexion" || provider.Requests() != spent {
		t.Errorf("the answer again: %d %s", p.status, p.header.Get("Location"))
	}
	b.get("/ent").want("/ent", 200)
}

func TestTheActivationOutlivesASingleSignOnThatIsDown(t *testing.T) {
	w, provider := withSSO(t)
	provider.Set(func(p *ssotest.Provider) { p.Down = true })
	b := w.browser(t)
	b.to("/activation/accueil-succes")
	b.get("/connexion").want("/connexion", 503).shows("h1", "error.sso.title")
	b.get("/activation/accueil-succes").want("/activation/accueil-succes", 200)
}

// S36 and the logout: Chromium applies form-action to the redirects of a form.
func TestS36_FormActionNamesTheSingleSignOn(t *testing.T) {
	w, provider := withSSO(t)
	csp := w.browser(t).get("/").header.Get("Content-Security-Policy")
	if !strings.HasSuffix(csp, "form-action 'self' "+provider.URL) {
		t.Errorf("policy %q", csp)
	}
}
