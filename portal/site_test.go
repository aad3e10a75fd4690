package portal_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entree/portal"
	"entree/portal/web"
)

func TestS50_WellKnown(t *testing.T) {
	w := newWorld(t, func(o *portal.Options) { o.ChangePassword = "https://sso.exemple.fr/account" })
	b := w.browser(t)
	if p := b.do("GET", "/.well-known/change-password", nil); p.status != 302 || p.header.Get("Location") != "https://sso.exemple.fr/account" {
		t.Errorf("change-password: %d %s", p.status, p.header.Get("Location"))
	}
	b.get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200").
		want("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200", 404)
	if p := newWorld(t).browser(t).do("GET", "/.well-known/change-password", nil); p.status != 302 || p.header.Get("Location") != "/mot-de-passe-oublie" {
		t.Errorf("without a configured one: %d %s", p.status, p.header.Get("Location"))
	}
}

func TestLanguage(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	b.get("/").shows("h1", "[fr welcome.title]")
	b.header.Set("Accept-Language", "en-GB")
	b.get("/").shows("h1", "[en welcome.title]")
	b.header.Del("Accept-Language")
	p := b.do("GET", "/activation?lang=en&profil=etudiant", nil)
	if to := p.header.Get("Location"); p.status != 303 || to != "/activation?profil=etudiant" {
		t.Errorf("switch: %d to %q", p.status, to)
	}
	b.get("/activation").shows("h1", "[en request.title]")
	b.get("/?lang=fr").shows("h1", "[fr welcome.title]")
	b.get("/?lang=de").shows("h1", "[fr welcome.title]")
	// No language switch for a foreign path: its link would lead elsewhere.
	for _, path := range []string{"//evil.example/?lang=en", "/nowhere?lang=en", "/%2f%2fevil.example?lang=en"} {
		p := b.do("GET", path, nil)
		if p.header.Get("Location") != "" || strings.Contains(p.Find("a.lang").AttrOr("href", ""), "evil") {
			t.Errorf("%s leads to %q", path, p.header.Get("Location"))
		}
	}
}

func TestStaticFiles(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	href := b.get("/").Find(`link[href*="app."]`).AttrOr("href", "")
	b.header.Set("Accept-Encoding", "gzip, br")
	p := b.get(href).want(href, 200)
	if p.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || p.header.Get("Content-Encoding") != "gzip" ||
		p.header.Get("Content-Type") != "text/css; charset=utf-8" || p.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%s: %v", href, p.header)
	}
	b.header.Set("If-None-Match", p.header.Get("ETag"))
	if p := b.do("GET", href, nil); p.status != http.StatusNotModified {
		t.Errorf("asked again: %d", p.status)
	}
	b.header = http.Header{"Accept-Encoding": {"gzip;q=0"}}
	if p := b.get(href); !strings.HasPrefix(p.body, "body{") {
		t.Errorf("gzip to who refuses it: %q", p.body[:min(20, len(p.body))])
	}
	theme := b.get("/").Find(`link[href*="theme."]`).AttrOr("href", "")
	if body := b.get(theme).body; body != ":root{--accent:#0b5d4e;--accent-dark:#7fd1bf}\n" {
		t.Errorf("theme: %q", body)
	}
	for _, path := range []string{"/static/", "/static/nothing.css", "/static/../go.mod", "/static/..%2f..%2fgo.mod"} {
		if p := b.do("GET", path, nil); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, p.status)
		}
	}
}

func TestReadiness(t *testing.T) {
	var database, keycloak error
	w := newWorld(t, func(o *portal.Options) {
		o.Checks = []web.Check{
			{Name: "database", Essential: true, Run: func(context.Context) error { return database }},
			{Name: "keycloak", Run: func(context.Context) error { return keycloak }},
		}
	})
	for _, tt := range []struct {
		database, keycloak error
		status             int
		body               string
	}{
		{nil, nil, 200, `{"status":"ready","parts":{"database":"ok","keycloak":"ok"}}`},
		{nil, errors.New("dial tcp 10.0.0.5"), 200, `{"status":"degraded","parts":{"database":"ok","keycloak":"failing"}}`},
		{errors.New("disk"), errors.New("dial"), 503, `{"status":"unready","parts":{"database":"failing","keycloak":"failing"}}`},
	} {
		database, keycloak = tt.database, tt.keycloak
		w.sleep(5e9)
		p := w.browser(t).get("/readyz")
		if p.status != tt.status || p.body != tt.body {
			t.Errorf("%d %s, want %d %s", p.status, p.body, tt.status, tt.body)
		}
	}
	if strings.Contains(w.browser(t).get("/readyz").body, "disk") || !strings.Contains(w.log.String(), "disk") {
		t.Error("a cause belongs into the log, not on the page")
	}
}

// findings is a part of the health check that reports lines of its own.
type findings []string

func (f findings) Error() string   { return f[0] }
func (f findings) Lines() []string { return f }

func TestReadiness_FindingsAreForOperatorsAlone(t *testing.T) {
	w := newWorld(t, func(o *portal.Options) {
		o.Checks = []web.Check{{Name: "realm", Run: func(context.Context) error { return findings{"registration is open", "events are off"} }}}
	})
	if p := w.browser(t).get("/readyz"); p.status != 200 || p.body != `{"status":"degraded","parts":{"realm":"failing"}}` {
		t.Errorf("the public reads %d %s", p.status, p.body)
	}
	rec := httptest.NewRecorder()
	w.portal.Ops().ServeHTTP(rec, httptest.NewRequest("GET", "/readyz", nil))
	want := `{"status":"degraded","parts":{"realm":"failing"},"findings":{"realm":["registration is open","events are off"]}}`
	if rec.Body.String() != want {
		t.Errorf("operators read %s, want %s", rec.Body, want)
	}
}
