package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"entree/e2e/demotest"
)

var desk = look{width: 1280, height: 900}

// asOperator logs in to the console.
func (b *tab) asOperator(demo *demotest.Demo, role string) {
	b.t.Helper()
	for _, o := range demo.Operators {
		if o.Role == role {
			b.visit("/admin")
			b.do(chromedp.WaitVisible(css("#kc-login")))
			b.fill("#username", o.Login)
			b.fill("#password", o.Password)
			b.click("#kc-login")
			b.arrive("/admin")
			return
		}
	}
	b.t.Fatalf("the demo has no %s", role)
}

// find looks a person up and opens their page.
func (b *tab) find(p demotest.Person) {
	b.t.Helper()
	b.visit("/admin/personnes")
	b.fill("#q", p.Number)
	b.click(".filters .primary")
	b.until(`document.querySelectorAll('.people tbody tr').length === 1`)
	b.click(".people tbody th a")
	b.until(`location.pathname.startsWith('/admin/personnes/')`)
	b.reads(p.FamilyName, p.Number)
}

// charterToEnd accepts the charter, passes the guide and chooses a password.
func (b *tab) charterToEnd() {
	b.t.Helper()
	b.arrive("/activation/charte")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	b.click("form.consent .primary")
	b.arrive("/activation/entre-mdp")
	b.click("form .primary")
	b.arrive("/activation/mot-de-passe")
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
}

// Somebody stands at the desk: their address is corrected, they get a code,
// and activate the account on their own telephone.
func TestDesk_FromTheConsoleToTheAccount(t *testing.T) {
	t.Parallel()
	demo := demotest.Get(t)
	p := demo.Person(t, "22503102")
	b := open(t, demo.Portal, desk)
	b.album = "people"
	b.asOperator(demo, "helpdesk")
	b.visit("/admin/personnes")
	b.reads("Personnes", "200 personnes")
	b.picture("list")
	b.find(p)
	b.reads("Prêt à activer", "Le compte peut être activé, il ne l'a pas encore été.", "Inscrit")
	b.picture("person")

	b.fill("#piece", "carte d'identité")
	b.fill("#nouvelle", "pas une adresse")
	b.press("Remettre un code")
	b.until(`document.querySelector('.summary')`)
	b.reads("Cette adresse n'est pas complète.")
	b.accessible()
	if got := get(b, chromedp.Value(css("#piece"))); got != "carte d'identité" {
		t.Errorf("what was typed is lost: %q", got)
	}
	b.fill("#nouvelle", "desk-new@example.org")
	b.press("Remettre un code")
	b.until(`document.querySelector('.big-code')`)
	b.picture("code")
	code := strings.TrimSpace(b.text(".big-code span[aria-hidden]"))
	if strings.Contains(b.path(), code) || len(code) != 9 {
		t.Fatalf("the code is %q at %s", code, b.path())
	}

	student := open(t, demo.Portal, phone)
	student.album = "people"
	student.visit("/activation?profil=etudiant")
	student.press("J'ai un code du guichet")
	student.arrive("/activation/guichet")
	student.picture("desk")
	student.fill("#code", "0000-0000")
	student.click("form .primary")
	student.until(`document.querySelector('.summary')`)
	student.reads("Ce code n'est pas le bon, a déjà servi ou a expiré.")
	student.accessible()
	student.fill("#code", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	student.click("form .primary")
	student.charterToEnd()
	student.arrive("/activation/accueil-succes")
	student.reads("o" + p.Number)
	demo.Mail(t, "desk-new@example.org", 1)
	if m := demo.Mail(t, p.Email, 1); !strings.Contains(m.Text, "l'assistance a remplacé cette adresse") {
		t.Errorf("the old address reads:\n%s", m.Text)
	}
	b.press("Retour à la personne")
	b.until(`document.querySelector('.story')`)
	b.reads("Jamais connecté", "a remis un code du guichet", "Entrée avec un code du guichet", "Compte créé", "desk-new@example.org")
	b.picture("story")
}

// An account was there before: the two are compared, and it is adopted.
func TestConflict_TheAccountOfBeforeIsAdopted(t *testing.T) {
	t.Parallel()
	demo := demotest.Get(t)
	p := demo.Person(t, "22503106")
	demo.Occupy(t, "o"+p.Number)
	student := open(t, demo.Portal, phone)
	student.to(demo, p)
	before := len(demo.Mails(t, p.Email))
	student.fill("#mot-de-passe", strong)
	student.fill("#confirmation", strong)
	student.click("form.choose .primary")
	student.arrive("/activation/en-cours")
	demo.Mail(t, p.Email, before+1)

	b := open(t, demo.Portal, desk)
	b.album = "people"
	b.asOperator(demo, "admin")
	b.find(p)
	b.reads("Un compte existe déjà", "Somebody Else")
	b.picture("conflict")
	b.press("C'est son compte : adopter o" + p.Number)
	b.until(`document.querySelector('.notice')`)
	b.reads("Le compte est adopté.", "Jamais connecté")
	if m := demo.Mail(t, p.Email, before+2); !strings.Contains(m.Text, "o"+p.Number) || !strings.Contains(m.Text, "mot de passe que ce compte avait déjà") {
		t.Errorf("the mail says:\n%s", m.Text)
	}
}
