package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// operator returns the demo's operator with a role.
func operator(t *testing.T, demo *demotest.Demo, role string) demotest.Operator {
	t.Helper()
	for _, o := range demo.Operators {
		if o.Role == role {
			return o
		}
	}
	t.Fatalf("nobody is %s", role)
	return demotest.Operator{}
}

// console logs an operator in to the console and opens the requested page.
func (b *tab) console(o demotest.Operator, path string) {
	b.t.Helper()
	b.visit(path)
	b.signIn(o)
	b.arrive(path)
}

// signIn completes the page of the single sign-on; at a fresh login the user
// name is already filled in.
func (b *tab) signIn(o demotest.Operator) {
	b.t.Helper()
	b.loaded("#password")
	if get(b, chromedp.Evaluate[bool](`Boolean(document.querySelector('#username:not([type=hidden])')?.checkVisibility())`)) {
		b.fill("#username", o.Login)
	}
	b.fill("#password", o.Password)
	b.click("#kc-login")
}

// choose selects an option of a list.
func (b *tab) choose(selector, value string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(css(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = %q`, selector, value)))
}

// says waits until a live part of the page shows a text, without reloading it.
func (b *tab) says(selector, want string) {
	b.t.Helper()
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if strings.Contains(b.text(selector), want) {
			return
		}
	}
	b.t.Fatalf("%s never said %q; it reads:\n%.800s", selector, want, b.text("body"))
}

// arriveUnder waits until the path begins with prefix and differs from the
// current one.
func (b *tab) arriveUnder(prefix string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if strings.HasPrefix(b.path(), prefix) {
			b.do(chromedp.WaitReady(css("main")))
			return
		}
	}
	b.t.Fatalf("the browser is at %s, want %s…; it reads:\n%.600s", b.path(), prefix, b.text("body"))
}

// Each role logs in, sees the pages that it may see, and gets a clear page for
// the others.
func TestConsole_TheThreeRoles(t *testing.T) {
	demo := demotest.Get(t)
	for _, tt := range []struct {
		role, says string
		look       look
		audit      bool
	}{
		{"admin", "Administration", look{width: 1280, height: 900}, true},
		{"auditor", "Audit", look{width: 1280, height: 900, dark: true}, true},
		{"helpdesk", "Assistance", look{width: 360, height: 740}, false},
	} {
		b := open(t, demo.Portal, tt.look)
		b.album = "console-" + tt.role
		b.console(operator(t, demo, tt.role), "/admin")
		b.reads("Vue d'ensemble", tt.says, "Le parcours", "Importés", "Première connexion", "Aujourd'hui", "Se déconnecter")
		b.picture("overview")
		b.visit("/admin/audit")
		if tt.audit {
			b.reads("Journal", "operator.login")
			b.picture("audit")
		} else {
			b.reads("Votre rôle ne permet pas d'ouvrir cette page", "Cette demande a été inscrite au journal.")
			b.picture("refused")
			b.press("Retour à la vue d'ensemble")
			b.arrive("/admin")
		}
		b.visit("/admin/travaux")
		b.picture("jobs")
		b.press("English")
		b.reads("Jobs", "Sign out")
		b.press("Sign out")
		b.loaded("#kc-login") // both sessions have ended
	}
}

// With the keyboard alone: the skip link, the navigation, the filter of the
// overview.
func TestConsole_ByKeyboard(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 1280, height: 900})
	b.console(operator(t, demo, "admin"), "/admin")
	focus := func() string {
		return get(b, chromedp.Evaluate[string](`document.activeElement.className + ' ' + document.activeElement.textContent.trim() + ' ' + (document.activeElement.getAttribute('href') || document.activeElement.name || '')`))
	}
	tab := func() { b.do(chromedp.Evaluate[chromedp.Void](`0`), chromedp.KeyEvent("\t")) }
	b.do(chromedp.WaitReady(css(`[name="q"]:focus`))) // the page begins in the search field
	b.visit("/admin/travaux")                         // a page without the focus in the search field
	tab()
	if at := focus(); !strings.HasPrefix(at, "skip") {
		t.Errorf("the first stop is %q", at)
	}
	b.visit("/admin")
	var stops []string
	for range 14 {
		tab()
		stops = append(stops, focus())
	}
	for _, want := range []string{"Vue d'ensemble /admin", "Journal /admin/audit", "Se déconnecter", "profil"} {
		if !strings.Contains(strings.Join(stops, "\n"), want) {
			t.Errorf("no stop at %q, but at:\n%s", want, strings.Join(stops, "\n"))
		}
	}
}

// Without JavaScript: log in, narrow the overview, log out.
func TestConsole_WithoutJavaScript(t *testing.T) {
	demo := demotest.Get(t)
	o := operator(t, demo, "auditor")
	p := newPlain(t)
	p.get(demo.Portal + "/admin?profil=etudiant")
	p.send("/login-actions/authenticate", map[string]string{"username": o.Login, "password": o.Password})
	page := p.Doc
	if p.At.RequestURI() != "/admin?profil=etudiant" || page.Find("h1").Text() != "Vue d'ensemble" {
		t.Fatalf("at %s: %s", p.At, page.Find("h1").Text())
	}
	if rows := page.Find("#funnel ~ .table tbody tr"); rows.Length() == 0 || rows.FilterFunction(func(_ int, s *goquery.Selection) bool { return s.Find("th").Text() != "Étudiant" }).Length() > 0 {
		t.Errorf("%d rows", rows.Length())
	}
	if chosen := page.Find("option[selected]").AttrOr("value", ""); chosen != "etudiant" {
		t.Errorf("chosen: %q", chosen)
	}
	p.send("/admin/deconnexion", nil)
	if !p.asked() {
		t.Errorf("after the logout at %s", p.At)
	}
}
