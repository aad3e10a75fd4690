package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/portal/admin"
)

func TestWhoLogsInComesToThePageThatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin?lang=fr").want("/admin", 200).shows("h1", "Vue d'ensemble").shows(".who", "Ada admin").shows(".who", "Administration")
	if acts := w.journal.acts(); !slices.Equal(acts, []string{"admin operator.login"}) {
		t.Errorf("noted: %v", acts)
	}
}

func TestASessionOfTheConsoleIsNoneOfTheStudents(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	u, _ := url.Parse(base)
	var names []string
	for _, c := range b.jar.Cookies(u) {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, "__Host-entree-admin") || slices.Contains(names, "__Host-entree") {
		t.Errorf("cookies: %v", names)
	}
}

func TestWithoutARoleNobodyComesIn(t *testing.T) {
	w := newWorld(t)
	b := w.operator("somebody")
	p := b.get("/admin").shows("h1", "Votre compte n'a pas accès à la console")
	if p.status != http.StatusForbidden || len(w.rows.all) != 1 { // the one row prevents a second audit entry
		t.Errorf("%d, %d rows", p.status, len(w.rows.all))
	}
	if acts := w.journal.acts(); !slices.Equal(acts, []string{"operator.no_role"}) {
		t.Errorf("noted: %v", acts)
	}
	// A student who logs in again and again does not fill the audit.
	for range 20 {
		b.get("/admin")
	}
	if acts := w.journal.acts(); len(acts) != 0 {
		t.Errorf("noted again: %v", acts)
	}
	w.sleep(time.Hour)
	b.get("/admin")
	if acts := w.journal.acts(); !slices.Equal(acts, []string{"operator.no_role"}) {
		t.Errorf("an hour later: %v", acts)
	}
	b.claims["entreeRoles"] = []string{"auditor"}
	b.get("/admin/connexion").want("/admin", 200).shows(".who", "Audit")
}

func TestASessionEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		step   time.Duration
		times  int
		logins int
	}{
		"read all day long, eight hours": {20 * time.Minute, 24, 2},
		"left alone for half an hour":    {admin.Idle, 1, 2},
		"left alone for less":            {admin.Idle - time.Second, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.operator("admin")
			b.get("/admin")
			for range tt.times {
				w.sleep(tt.step)
				b.get("/admin").want("/admin", 200)
			}
			if b.logins != tt.logins {
				t.Errorf("%d logins, want %d", b.logins, tt.logins)
			}
		})
	}
}

func TestLogoutEndsBothSessions(t *testing.T) {
	w := newWorld(t)
	b := w.operator("helpdesk")
	p := b.submit(b.get("/admin"), "/admin/deconnexion")
	if to := p.header.Get("Location"); !strings.HasPrefix(to, w.provider.URL+"/logout?") || !strings.Contains(to, url.QueryEscape(base+"/admin")) {
		t.Errorf("led to %q", to)
	}
	if len(w.rows.all) != 0 {
		t.Error("the session is there")
	}
}

func TestAFormOfAnotherSessionIsRefused(t *testing.T) {
	w := newWorld(t)
	a, b := w.operator("admin"), w.operator("admin")
	p := a.get("/admin")
	b.get("/admin")
	if got := b.submit(p, "/admin/deconnexion"); got.status != http.StatusConflict {
		t.Errorf("%d", got.status)
	}
	if got := b.do("POST", "/admin/deconnexion", url.Values{}); got.status != http.StatusBadRequest {
		t.Errorf("without a token: %d", got.status)
	}
	if got := w.operator("admin").submit(p, "/admin/deconnexion"); got.status != http.StatusForbidden {
		t.Errorf("without a session: %d", got.status)
	}
}

func TestAnAddressThatIsNone(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	if p := b.get("/admin/nulle-part").shows("h1", "Cette page n'existe pas").shows(".who", "Ada"); p.status != http.StatusNotFound {
		t.Errorf("%d", p.status)
	}
}
