package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

const strong = "LesGirafesDansentSous3Parapluies"

// pictures is the folder that `make screenshots` sets; empty: no pictures are
// taken.
var pictures = os.Getenv("ENTREE_SCREENSHOTS")

// picture checks the page, and takes a picture if pictures is set.
func (b *tab) picture(name string) {
	b.t.Helper()
	b.accessible()
	if b.onPicture != nil {
		b.onPicture(name)
	}
	if pictures != "" && b.album != "" {
		b.shot(filepath.Join(pictures, b.album+"-"+name+".png"))
	}
}

// The how-to, line by line: a student who only reads the pages gets from / to
// the ENT.
func TestTheHowTo_InFrenchOnATelephone(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.album = "phone"
	b.walk(demo, demo.Person(t, "22502142"), walkOf{
		login: "o22502142", address: "jean-pierre.martin@etu.univ-orleans.example", choice: "Étudiant",
		reads: map[string][]string{
			"/": {"Bienvenue", "Mon ENT", "Étudiant", "Personnel", "Activer", "Se connecter"},
			"/activation": {"Gestion de Compte", "Etape 1 : Demande d'activation", "Sélectionnez votre profil pour activer votre compte",
				"Afin de vérifier votre identité, un code vous sera envoyé sur votre adresse mail personnelle.", "Veuillez ne pas le communiquer à autrui.",
				"Adresse mail personnelle", "Envoyer"},
			"/activation/identification": {"Un code vous a été envoyé sur votre adresse mail si elle existe et que votre compte est prêt à être activé.",
				"Veuillez ne pas le communiquer à autrui.", "Retour", "Envoyer"},
			"/activation/charte": {"Charte de l'établissement", "Valider"},
			"/activation/entre-mdp": {"Etape 3 : Définition du mot de passe", "premier mot de passe", "Vous souhaitez être guidé ? Vous ne savez pas comment choisir un mot de passe robuste ?",
				"Concevoir un bon mot de passe", "Automatiquement", "Manuellement", "Générateur de mots de passe", "Critères à respecter", "Plus de 15 caractères",
				"Majuscules et minuscules", "Une phrase aléatoire qui n'a pas de sens", "Tous les mots sont attachés", "Continuer"},
			"/activation/mot-de-passe": {"Étape 3 : Définition du mot de passe", "Votre mot de passe doit contenir au moins", "16 caractères", "1 majuscule",
				"1 minuscule", "1 chiffre", "Aucune information personnelle", "LesTicketsDeBusForr1CielBleu", "Mot de passe", "Confirmation du mot de passe", "Retour", "Valider"},
			"/activation/accueil-succes": {"Félicitations, votre compte a été activé avec succès !", "Informations importantes !", "Merci d'en prendre note :", "Identifiant",
				"Adresse mail universitaire", "Prochaines étapes ?", "Déposez vos pièces jointes", "Besoin d'aide ?", "Accéder à mon ENT"},
			"/ent": {"Bonjour Jean-Pierre Martin", "22502142", "student", "jean-pierre.martin@etu.univ-orleans.example", "o22502142@univ-orleans.example", "2026-09"},
		},
	})
	b.press("Se déconnecter")
	b.arrive("/")
}

// Another student of the same name, on a large screen with dark colours.
func TestTheHowTo_OnALargeScreenInTheDark(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 1280, height: 900, dark: true})
	b.album = "large-dark"
	b.walk(demo, demo.Person(t, "22502143"), walkOf{login: "o22502143", address: "jean-pierre.martin2@etu.univ-orleans.example", choice: "Étudiant"})
}

func TestTheHowTo_InEnglishInTheDark(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 360, height: 740, dark: true, lang: "en-GB,en"})
	b.album = "phone-dark"
	b.walk(demo, demo.Person(t, "22501003"), walkOf{login: "o22501003", address: "jeanne.darc@etu.univ-orleans.example", choice: "Student", reads: map[string][]string{
		"/":                          {"Welcome", "My workspace", "Activate", "Sign in"},
		"/activation":                {"Account management", "Personal email address"},
		"/activation/accueil-succes": {"Congratulations, your account is active!", "University email address"},
	}})
}

// A name without Latin letters, on the narrowest telephone.
func TestTheHowTo_At320Pixels(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 320, height: 600})
	b.walk(demo, demo.Person(t, "22501004"), walkOf{login: "o22501004", address: "22501004.22501004@etu.univ-orleans.example", choice: "Étudiant"})
}

// A member of staff, who is asked for a birth date, at 200 % zoom.
func TestTheHowTo_StaffWithASecondProof(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, look{width: 640, height: 512})
	b.album = "proof"
	b.walk(demo, demo.Person(t, "1001"), walkOf{login: "nbenali", address: "nadia.benali@univ-orleans.example", choice: "Personnel"})
}

// walkOf holds the expected results of a walk.
type walkOf struct {
	login, address string
	choice         string              // the profile's name in the page's language
	reads          map[string][]string // by page
}

// walk runs the complete activation, from the welcome page to the ENT.
func (b *tab) walk(demo *demotest.Demo, p demotest.Person, w walkOf) {
	b.t.Helper()
	before := len(demo.Mails(b.t, p.Email))
	b.visit("/")
	b.reads(w.reads["/"]...)
	b.picture("1-welcome")
	b.click(fmt.Sprintf(`a[href="/activation?profil=%s"]`, p.Profile))

	b.arrive("/activation")
	b.reads(w.reads["/activation"]...)
	b.steps(1)
	if !get(b, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector('input[value=%q]').checked`, p.Profile))) {
		b.t.Errorf("the profile %s of the link is not chosen", w.choice)
	}
	b.fill("#adresse", strings.ToUpper(p.Email)+" ")
	b.picture("2-request")
	b.click("form .primary")

	b.arrive("/activation/identification")
	b.reads(w.reads["/activation/identification"]...)
	b.steps(1)
	b.picture("3-code")
	code := demo.Mail(b.t, p.Email, before+1).Code()
	b.fill("#code", code[:3]+" "+code[3:])
	b.click("form .primary")

	if p.Profile == "personnel" {
		b.arrive("/activation/verification")
		b.steps(1)
		b.picture("3b-proof")
		year, month, day := p.BirthDate[:4], p.BirthDate[5:7], p.BirthDate[8:]
		b.fill("#naissance-jour", day)
		b.fill("#naissance-mois", month)
		b.fill("#naissance-annee", year)
		b.click("form .primary")
	}

	b.arrive("/activation/charte")
	b.reads(w.reads["/activation/charte"]...)
	b.steps(2)
	if !get(b, chromedp.Evaluate[bool](`document.querySelector('#charte').disabled && document.querySelector('form.consent .primary').disabled`)) {
		b.t.Error("the charter can be accepted before its end was reached")
	}
	b.picture("4-charter")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	b.click("form.consent .primary")

	b.arrive("/activation/entre-mdp")
	b.reads(w.reads["/activation/entre-mdp"]...)
	b.steps(3)
	first := b.text(".phrases code")
	b.click("[data-phrases]")
	b.until(fmt.Sprintf(`document.querySelector('.phrases code').textContent !== %q`, first))
	b.picture("5-guide")
	b.click("form .primary")

	b.arrive("/activation/mot-de-passe")
	b.reads(w.reads["/activation/mot-de-passe"]...)
	b.fill("#mot-de-passe", p.FamilyName)
	b.do(chromedp.WaitReady(css(`[data-rule=personal].broken`)))
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	for _, rule := range []string{"length", "upper", "lower", "digit", "personal"} {
		b.do(chromedp.WaitReady(css(fmt.Sprintf(`[data-rule=%s].met`, rule))))
	}
	b.picture("6-password")
	b.click("form.choose .primary")

	b.arrive("/activation/accueil-succes")
	b.reads(append(w.reads["/activation/accueil-succes"], w.login, w.address)...)
	b.picture("7-success")
	if m := demo.Mail(b.t, p.Email, before+2); !strings.Contains(m.Text, w.login) || !strings.Contains(m.Text, w.address) || m.Code() != "" {
		b.t.Errorf("the last mail says:\n%s", m.Text)
	}
	b.visit("/activation/accueil-succes") // a reload shows the same page
	b.click(".success a.primary")

	b.login(w.login, strong)
	b.arrive("/ent")
	b.reads(append(w.reads["/ent"], w.address)...)
	b.picture("8-ent")
	if figures := b.body("/metrics"); !strings.Contains(figures, activationFirstLogin) {
		b.t.Error("the first login was not seen")
	}
	b.visit("/activation/accueil-succes") // the journey has ended: none of it is shown any more
	b.arrive("/activation")
	b.visit("/ent")
}

// activationFirstLogin is the label of the first login in /metrics.
const activationFirstLogin = `"account.first_login"`

// body fetches a page without the browser.
func (b *tab) body(path string) string {
	b.t.Helper()
	response, err := http.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(raw)
}

// login completes Keycloak's login page, which shows the identifier already, or that of
// a CAS server.
func (b *tab) login(identifier, password string) {
	b.t.Helper()
	if b.isCAS {
		b.loaded("#fm1")
		b.fill("#username", identifier)
		b.fill("#password", password)
		b.click("#fm1 button[name=submitBtn]")
		return
	}
	b.loaded("#kc-login")
	if b.noHint {
		b.fill("#username", identifier)
	} else if got := get(b, chromedp.Value(css("#username"))); got != identifier {
		b.t.Errorf("Keycloak's page has the identifier %q, want %q", got, identifier)
	}
	b.fill("#password", password)
	b.click("#kc-login")
}

// steps checks the step bar.
func (b *tab) steps(current int) {
	b.t.Helper()
	got := get(b, chromedp.Evaluate[int](`[...document.querySelectorAll('ol.steps > li')].findIndex((li) => li.getAttribute('aria-current') === 'step') + 1`))
	if got != current {
		b.t.Errorf("%s: the step bar is at %d, want %d", b.path(), got, current)
	}
}
