package portal_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entree/internal/sso"
	"entree/internal/sso/castest"
	"entree/portal"
)

// withCAS returns a portal behind a CAS server that delegates, and the stand-in
// ENT.
func withCAS(t *testing.T, change ...func(*portal.Options)) (*world, *castest.Server) {
	t.Helper()
	server := castest.New(t)
	return newWorld(t, append([]func(*portal.Options){func(o *portal.Options) {
		cas, err := sso.NewCAS(sso.CASConfig{URL: server.URL, ServiceURL: o.BaseURL + "/connexion/retour", Now: o.Now, Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		o.SSO, o.LogoutOrigin, o.EntURL = cas, "https://keycloak.exemple.fr", ""
	}}, change...)...), server
}

func TestCAS_FromSuccessIntoTheENTAndOut(t *testing.T) {
	w, server := withCAS(t)
	b := w.browser(t)
	if to := b.to("/activation/accueil-succes").Find("a.primary").AttrOr("href", ""); to != "/connexion" {
		t.Fatalf("the way into the ENT: %q", to)
	}
	q := server.Login(t, b.do("GET", "/connexion", nil).header.Get("Location"))
	p := b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil))
	p.want("/ent", 200).shows(".name", "Jeanne Martin").shows("dl", "member, student")
	if len(w.service.logins) != 1 || w.service.logins[0] != castest.Login {
		t.Errorf("first login recorded: %v", w.service.logins)
	}
	form := b.get("/ent").fill("/deconnexion")
	out := b.do("POST", "/deconnexion", &form)
	if to := out.header.Get("Location"); !strings.HasPrefix(to, server.URL+"/logout?service=") {
		t.Errorf("logout leads to %q", to)
	}
	if rows := w.rows.sessions(); rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
	// S36: the logout's redirects also pass through the server behind CAS.
	if csp := out.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' "+strings.TrimSuffix(server.URL, "/cas")+" https://keycloak.exemple.fr") {
		t.Errorf("policy %q", csp)
	}
}

func TestS33_CAS_TicketsOfOthersAndOfYesterday(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(t *testing.T, b *browser, s *castest.Server, q url.Values)
		status int
		key    string
	}{
		"another browser's login": {func(_ *testing.T, b *browser, _ *castest.Server, _ url.Values) { b.jar = b.world.browser(b.t).jar }, 400, "error.sso_stale.title"},
		"another login's ticket": {func(t *testing.T, b *browser, s *castest.Server, q url.Values) {
			other := b.world.browser(b.t)
			q.Set("ticket", s.Login(t, other.do("GET", "/connexion", nil).header.Get("Location")).Get("ticket"))
		}, 502, "error.sso_stale.title"},
		"an invented ticket": {func(_ *testing.T, _ *browser, _ *castest.Server, q url.Values) { q.Set("ticket", "ST-1-abc") }, 502, "error.sso_stale.title"},
		"no ticket":          {func(_ *testing.T, _ *browser, _ *castest.Server, q url.Values) { q.Del("ticket") }, 403, "error.sso_denied.title"},
		"a server that answers with a page": {func(_ *testing.T, _ *browser, s *castest.Server, _ url.Values) {
			s.Set(func(s *castest.Server) {
				s.Answer = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html><body>CAS</body></html>") }
			})
		}, 503, "error.sso.title"},
	} {
		t.Run(name, func(t *testing.T) {
			w, server := withCAS(t)
			b := w.browser(t)
			q := server.Login(t, b.do("GET", "/connexion", nil).header.Get("Location"))
			tt.change(t, b, server, q)
			b.refusedLogin(q, tt.status, tt.key)
		})
	}
}

func TestS33_CAS_ATicketIsTakenOnce(t *testing.T) {
	w, server := withCAS(t)
	b := w.browser(t)
	q := server.Login(t, b.do("GET", "/connexion", nil).header.Get("Location"))
	b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil)).want("/ent", 200)
	if again := b.do("GET", "/connexion/retour?"+q.Encode(), nil); again.header.Get("Location") != "/connexion" {
		t.Errorf("a spent ticket: %d %s", again.status, again.header.Get("Location"))
	}
	if server.Requests() != 1 {
		t.Errorf("the server was asked %d times", server.Requests())
	}
	b.get("/ent").want("/ent", 200)
}
