package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// A student who opens the ENT first sees Keycloak's login page, which links to
// the activation and, after it, back to the login.
func TestTheLoginPageHasTheWayIn(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503047")
	b := open(t, demo.Portal, phone)
	b.album = "phone"
	b.atLogin("fr", "Connexion", "Identifiant ou adresse universitaire", "Première connexion ?", "Activer mon compte", "Besoin d’aide ?", "assistance@univ-orleans.example", "02 99 99 00 00")
	b.picture("0-login")
	b.do(chromedp.Click(css("#entree-activate")))
	b.arrive("/activation")
	b.reads("Etape 1 : Demande d'activation")

	b.to(demo, p)
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	login := b.text(".facts .mono")
	b.visit("/ent")
	b.loaded("#kc-login")
	b.fill("#username", login)
	b.fill("#password", "not the password")
	b.click("#kc-login")
	b.loaded(".pf-v5-c-form-control.pf-m-error")
	b.accessible()
	b.picture("0-login-refused")
	b.fill("#password", strong)
	b.click("#kc-login")
	b.arrive("/ent")
	b.reads(p.FamilyName)
}

// The same in English: the portal continues in English; with dark colours, and
// at 320 pixels.
func TestTheLoginPageHasTheWayIn_InEnglishInTheDark(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 1280, height: 900, dark: true, lang: "en"})
	b.album = "large-dark"
	b.atLogin("en", "Sign in", "Login or university address", "First time here?", "Activate my account", "Need help?")
	b.picture("0-login")
	b.do(chromedp.Click(css("#entree-activate")))
	b.arrive("/activation")
	if lang := get(b, chromedp.Evaluate[string](`document.documentElement.lang`)); lang != "en" {
		t.Errorf("the portal goes on in %q", lang)
	}
	narrow := open(t, demo.Portal, look{width: 320, height: 640})
	narrow.atLogin("fr", "Activer mon compte")
}

// atLogin opens the ENT, which leads to Keycloak's page, and checks that page.
func (b *tab) atLogin(lang string, reads ...string) {
	b.t.Helper()
	b.visit("/ent")
	b.loaded("#kc-login")
	text := get(b, chromedp.Evaluate[string](`document.documentElement.lang + "\n" + document.title + "\n" + document.body.innerText`))
	for _, want := range append(reads, lang+"\n", "Université d'Orléans") {
		if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), want) {
			b.t.Errorf("the login page does not say %q:\n%s", want, text)
		}
	}
	b.accessible()
}

// The tile that an institution copies into its ENT is accessible, and its links
// are paths of the portal.
func TestTheTileForTheENT(t *testing.T) {
	demo := demotest.Get(t)
	file, err := filepath.Abs("../../deploy/ent/tuile.html")
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, demo.Portal, phone)
	b.visit("file://" + file)
	b.accessible()
	links := get(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll('.entree-tuile a')].map((a) => a.pathname + a.search)`))
	if len(links) != 4 {
		t.Errorf("the links are %q", links)
	}
	for _, link := range links {
		b.visit(link)
		b.arrive("/activation")
		_, profile, _ := strings.Cut(link, "profil=")
		profile, lang, _ := strings.Cut(profile, "&lang=")
		got := get(b, chromedp.Evaluate[string](`document.documentElement.lang + " " + document.querySelector('input[name=profil]:checked')?.value`))
		if got != lang+" "+profile {
			t.Errorf("%s leads to %q", link, got)
		}
	}
}
