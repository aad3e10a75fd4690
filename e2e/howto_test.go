package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"entree/e2e/demotest"
)

const strong = "LesGirafesDansentSous3Parapluies"

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// pictures is where make screenshots wants them; empty: none are taken.
var pictures = os.Getenv("ENTREE_SCREENSHOTS")

// picture takes one for the README, and checks the page.
func (b *tab) picture(name string) {
	b.t.Helper()
	b.accessible()
	if pictures != "" {
		b.shot(filepath.Join(pictures, name+".png"))
	}
}

// The how-to, line by line: whoever reads only the seed gets from / to the ENT.
func TestTheHowTo_InFrenchOnATelephone(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22502142")
	before := len(demo.Mails(t, p.Email))
	b := open(t, demo.Portal, phone)

	b.visit("/")
	b.reads("Bienvenue", "Mon ENT", "Étudiant", "Personnel", "Activer", "Se connecter")
	b.picture("1-bienvenue")
	b.press("Activer")

	b.arrive("/activation")
	b.reads("Gestion de Compte", "Etape 1 : Demande d'activation", "Sélectionnez votre profil pour activer votre compte",
		"Afin de vérifier votre identité, un code vous sera envoyé sur votre adresse mail personnelle.", "Veuillez ne pas le communiquer à autrui.",
		"Adresse mail personnelle", "Envoyer")
	b.steps(1)
	b.fill("#adresse", strings.ToUpper(p.Email)+" ")
	b.picture("2-demande")
	b.press("Envoyer")

	b.arrive("/activation/identification")
	b.reads("Un code vous a été envoyé sur votre adresse mail si elle existe et que votre compte est prêt à être activé.", "Retour", "Envoyer")
	b.steps(1)
	b.picture("3-code")
	code := sixDigits.FindString(demo.Mail(t, p.Email, before+1).Text)
	b.fill("#code", code[:3]+" "+code[3:])
	b.press("Envoyer")

	b.arrive("/activation/charte")
	b.steps(2)
	b.reads("Charte de l'établissement")
	if !get(b, chromedp.Evaluate[bool](`document.querySelector('#charte').disabled && document.querySelector('form.consent .primary').disabled`)) {
		t.Error("the charter can be accepted before its end was reached")
	}
	b.picture("4-charte")
	b.press("Aller à la fin")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.reads("Vous êtes à la fin de la charte.")
	b.click("#charte")
	b.press("Valider")

	b.arrive("/activation/entre-mdp")
	b.steps(3)
	b.reads("Etape 3 : Définition du mot de passe", "premier mot de passe", "Concevoir un bon mot de passe", "Automatiquement", "Manuellement",
		"Générateur de mots de passe", "Critères à respecter", "Plus de 15 caractères", "Majuscules et minuscules", "Une phrase aléatoire qui n'a pas de sens", "Tous les mots sont attachés")
	b.picture("5-guide")
	b.press("Continuer")

	b.arrive("/activation/mot-de-passe")
	b.reads("Étape 3 : Définition du mot de passe", "Votre mot de passe doit contenir au moins", "16 caractères", "1 majuscule", "1 minuscule", "1 chiffre",
		"Aucune information personnelle", "LesTicketsDeBusForr1CielBleu", "Mot de passe", "Confirmation du mot de passe")
	b.fill("#mot-de-passe", "Martin")
	b.do(chromedp.WaitReady(css(`[data-rule=upper].met`)), chromedp.WaitReady(css(`[data-rule=personal].broken`)))
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	for _, rule := range []string{"length", "upper", "lower", "digit", "personal"} {
		b.do(chromedp.WaitReady(css(fmt.Sprintf(`[data-rule=%s].met`, rule))))
	}
	b.picture("6-mot-de-passe")
	b.press("Valider")

	b.arrive("/activation/accueil-succes")
	b.reads("Félicitations, votre compte a été activé avec succès !", "Informations importantes !", "Identifiant", "o22502142",
		"Adresse mail universitaire", "jean-pierre.martin@etu.univ-orleans.example", "Prochaines étapes ?", "Déposez vos pièces jointes", "Besoin d'aide ?", "Accéder à mon ENT")
	b.picture("7-succes")
	if m := demo.Mail(t, p.Email, before+2); !strings.Contains(m.Text, "o22502142") || sixDigits.MatchString(m.Text) {
		t.Errorf("the last mail says:\n%s", m.Text)
	}
	b.visit("/activation/accueil-succes") // a reload shows the same
	b.press("Accéder à mon ENT")

	b.login("o22502142", strong)
	b.arrive("/ent")
	b.reads("Bonjour Jean-Pierre Martin", "22502142", "student", "jean-pierre.martin@etu.univ-orleans.example", "o22502142@univ-orleans.example", "2026-09")
	b.picture("8-ent")
	b.visit("/activation/accueil-succes") // the journey is over: nothing of it is shown any more
	b.arrive("/activation")
	b.visit("/ent")
	b.press("Se déconnecter")
	b.arrive("/")
}

// login fills in Keycloak's own page; the identifier stands there already.
func (b *tab) login(identifier, password string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(css("#kc-login")))
	if got := get(b, chromedp.Value(css("#username"))); got != identifier {
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
