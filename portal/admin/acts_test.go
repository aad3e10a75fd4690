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

// An operator who types the address of another role's page receives an error
// page in the console, and the request is recorded in the audit.
func TestAnAddressOfAnotherRole(t *testing.T) {
	for _, tt := range []struct {
		role, method, path string
		status             int
	}{
		{"admin", "GET", "/admin/essai/lecture", 200},
		{"auditor", "GET", "/admin/essai/lecture", 200},
		{"helpdesk", "GET", "/admin/essai/lecture", 403},
		{"helpdesk", "POST", "/admin/essai/dangereux", 403},
		{"auditor", "POST", "/admin/essai/dangereux", 403},
		{"auditor", "POST", "/admin/essai/masse", 403},
	} {
		w := newWorld(t)
		b := w.operator(tt.role)
		token := b.get("/admin").Find("[name=jeton]").AttrOr("value", "")
		w.journal.acts()
		form := url.Values{"jeton": {token}, "motif": {"x"}}
		if tt.method == http.MethodGet {
			form = nil
		}
		p := b.do(tt.method, tt.path, form)
		if p.status != tt.status {
			t.Errorf("%s %s as %s: %d", tt.method, tt.path, tt.role, p.status)
		}
		if tt.status == 403 {
			p.shows("h1", "Votre rôle ne permet pas d'ouvrir cette page").shows(".who", "Ada")
			if acts := w.journal.acts(); !slices.Equal(acts, []string{tt.role + " operator.refused"}) {
				t.Errorf("noted: %v", acts)
			}
		}
	}
	if did := admin.TakeDone(); len(did) != 0 {
		t.Errorf("done: %v", did)
	}
}

func TestADangerousActWantsAFreshLogin(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	w.sleep(10 * time.Minute)
	typed := "plusieurs\nlignes «» & <b>"
	p := b.submit(b.get("/admin/essai"), "/admin/essai/dangereux", "motif", typed)
	p.want("/admin/confirmer", 200).shows("main", "Rien n'a encore été fait.")
	if did := admin.TakeDone(); len(did) != 0 || b.logins != 2 {
		t.Fatalf("done: %v after %d logins", did, b.logins)
	}
	p = b.submit(p, "/admin/essai/dangereux").want("/admin", 200).shows(".notice", "dans 2 minutes")
	if did := admin.TakeDone(); len(did) != 1 || !strings.HasPrefix(did[0], "/admin/essai/dangereux "+typed) || !strings.HasSuffix(did[0], "1\n2") {
		t.Errorf("done: %q", did)
	}
	if again := b.get("/admin"); again.Find(".notice").Length() != 0 {
		t.Error("the line is shown twice")
	}
	b.submit(p, "/admin/essai/annuler").shows(".notice", "dans 3 minutes")
	// No act is stored any more, and within five minutes no new login is
	// needed.
	b.get("/admin/confirmer").want("/admin", 200)
	w.sleep(4 * time.Minute)
	b.submit(b.get("/admin/essai"), "/admin/essai/dangereux", "motif", "y").want("/admin", 200)
	if did := admin.TakeDone(); b.logins != 2 || len(did) != 2 {
		t.Errorf("%d logins, done: %v", b.logins, did)
	}
}

func TestWhatWaitsForOneOperatorIsNotAnothers(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	w.sleep(10 * time.Minute)
	p := b.get("/admin/essai")
	b.claims["sub"] = "somebody-else"
	b.submit(p, "/admin/essai/dangereux", "motif", "x").want("/admin", 200)
	if did := admin.TakeDone(); len(did) != 0 {
		t.Errorf("done: %v", did)
	}
}

// A login is refused if the provider did not ask for the password again.
func TestALoginThatIsNotFreshIsNone(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	w.sleep(10 * time.Minute)
	form := b.get("/admin/essai")
	token := form.Find("[name=jeton]").First().AttrOr("value", "")
	old := b.claims["auth_time"]
	p := b.do("POST", "/admin/essai/dangereux", url.Values{"jeton": {token}, "motif": {"x"}})
	q := w.provider.Login(t, p.header.Get("Location"))
	b.claims["auth_time"] = old
	if p := b.do("GET", "/admin/connexion/retour?"+q.Encode(), nil); p.status != http.StatusBadGateway {
		t.Errorf("%d", p.status)
	}
}

func TestABulkActNamesWhatItMeetsFirst(t *testing.T) {
	w := newWorld(t)
	b := w.operator("helpdesk")
	p := b.submit(b.get("/admin/essai"), "/admin/essai/masse", "motif", "x").want("/admin/essai/masse", 200)
	if n := p.Find(`[name=id]`).Length(); n != 2 || len(admin.TakeDone()) != 0 {
		t.Fatalf("%d fields", n)
	}
	b.submit(p, "/admin/essai/masse").want("/admin", 200)
	if did := admin.TakeDone(); len(did) != 1 {
		t.Errorf("done: %v", did)
	}
	if p := b.submit(b.get("/admin/essai"), "/admin/essai/masse", "motif", ""); p.status != 422 || p.Find(".summary a").AttrOr("href", "") != "#motif" {
		t.Errorf("%d", p.status)
	}
}

func TestALivePartKeepsNoSessionAlive(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	w.sleep(admin.Idle - time.Second)
	if p := b.do("GET", "/admin/essai/direct", nil); p.status != 200 || !strings.HasPrefix(p.body, "data: <div class=") {
		t.Errorf("%d %.60q", p.status, p.body)
	}
	w.sleep(2 * time.Second)
	b.get("/admin")
	if b.logins != 2 {
		t.Errorf("%d logins", b.logins)
	}
}
