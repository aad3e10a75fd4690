package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"entree/internal/devenv/demotest"
)

// renewed is the password that replaces another one.
const renewed = "LesPhoquesChantent9Sonates"

// freezeLink finds the link in a notice of a new password.
var freezeLink = regexp.MustCompile(`/mot-de-passe-oublie/pas-moi/[A-Za-z0-9_-]+`)

// recoverToPassword takes a person with an account from the first page of a recovery
// to the page of the password, and checks each page.
func (b *tab) recoverToPassword(demo *demotest.Demo, p demotest.Person) {
	b.t.Helper()
	b.arrive("/mot-de-passe-oublie")
	b.click(fmt.Sprintf(`label:has(input[value=%q])`, p.Profile))
	b.fill("#adresse", p.Email)
	b.picture("1-request")
	before := len(demo.Mails(b.t, p.Email))
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.picture("2-code")
	b.fill("#code", demo.Mail(b.t, p.Email, before+1).Code())
	b.click("form .primary")
	b.arrive("/activation/verification")
	b.fill("#numero", "1")
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null`)
	b.picture("3-proof-wrong")
	b.fill("#numero", p.Number)
	b.click("form .primary")
	b.arrive("/activation/entre-mdp")
	b.picture("4-guide")
	b.click("form .primary")
	b.arrive("/activation/mot-de-passe")
	b.fill("#mot-de-passe", renewed)
	b.fill("#confirmation", renewed)
	b.picture("5-password")
}

// The walk begins at the link of Keycloak's login page and ends in the ENT. Then the
// notice stops further changes, and the next one is refused by mail and on the page.
func TestRecovery_FromTheLoginPageToTheENT(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22501009")
	university := "camille.moreau@etu.univ-orleans.example"
	b := open(t, demo.Portal, look{width: 320, height: 640})
	b.album = "recover"
	b.atLogin("fr", "Mot de passe oublié ?")
	b.click("#entree-forgotten")
	b.arrive("/mot-de-passe-oublie")
	b.reads("Mot de passe ou identifiant oublié", "un code sera envoyé à votre adresse personnelle")
	told, toldThere := len(demo.Mails(t, p.Email)), len(demo.Mails(t, university))
	b.recoverToPassword(demo, p)
	b.reads("Nouveau mot de passe")
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	b.reads("Votre mot de passe est changé", "o22501009", university)
	b.picture("6-success")
	b.click(".success a.primary")
	b.login("o22501009", renewed)
	b.arrive("/ent")
	b.reads("Bonjour Camille Moreau")
	b.account("Mon compte", "Rien n'a été changé.", "o22501009", university, p.Email, "Le mot de passe a été changé.", "Charte d'usage du numérique")
	b.visit("/compte/adresse")
	b.reads("Changer d'adresse personnelle", p.Email)
	b.picture("9-address")

	notice := demo.Mail(t, p.Email, told+2)
	demo.Mail(t, university, toldThere+1)
	link := freezeLink.FindString(notice.Text)
	if link == "" || notice.Code() != "" {
		t.Fatalf("the notice says:\n%s", notice.Text)
	}
	b.visit(link + "?lang=en")
	b.reads("Wasn't it you?")
	b.picture("7-freeze")
	b.visit(link + "?lang=fr")
	b.reads("Ce n'était pas vous ?")
	b.click("main form .primary")
	b.until(`document.querySelector('main form') === null`)
	b.reads("Les changements de mot de passe sont bloqués")
	b.picture("8-frozen")
	b.visit(link[:len(link)-4] + "AAAA")
	b.reads("Cette page n'existe pas")

	told = len(demo.Mails(t, p.Email))
	b.visit("/mot-de-passe-oublie?profil=" + p.Profile)
	b.fill("#adresse", p.Email)
	b.click("form .primary")
	b.arrive("/activation/identification")
	if m := demo.Mail(t, p.Email, told+1); m.Code() != "" || !strings.Contains(m.Text, "assistance@univ-orleans.example") {
		t.Errorf("the mail to a person whose recovery is stopped says:\n%s", m.Text)
	}
}

// Keycloak stands still at Valider. The page says that the new password is on its way,
// and each contact gets a mail when it is in place.
func TestRecovery_KeycloakAway(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503020")
	b := open(t, demo.Portal, look{width: 320, height: 640, lang: "en-GB,en"})
	b.album = "recover-en"
	b.visit("/mot-de-passe-oublie")
	b.reads("Forgotten password or username")
	b.recoverToPassword(demo, p)
	b.reads("New password")
	before := len(demo.Mails(t, p.Email))
	goOn := suspendKeycloak(t, demo)
	b.click("form.choose .primary")
	b.arrive("/activation/en-cours")
	b.reads("Your new password is on its way", "the old one still works")
	b.picture("waiting")
	b.visit("/activation/accueil-succes")
	b.arrive("/activation/en-cours")
	goOn()
	b.arrive("/activation/accueil-succes")
	b.reads("Your password has been changed", "o22503020")
	b.picture("6-success")
	if m := demo.Mail(t, p.Email, before+1); !freezeLink.MatchString(m.Text) {
		t.Errorf("the mail says:\n%s", m.Text)
	}
	b.click(".success a.primary")
	b.login("o22503020", renewed)
	b.arrive("/ent")
	b.account("My account", "Nothing was changed.", "o22503020", p.Email, "The password was changed.", "Charter")
	b.changesAddress(demo, p, "cleo@example.org")
}

// account checks the page of the account: the login is a fresh one, so it opens at
// once. Keycloak's page to change the password leads back when it is cancelled.
func (b *tab) account(title, cancelled string, reads ...string) {
	b.t.Helper()
	b.click(`main a[href="/compte"]`)
	b.arrive("/compte")
	b.reads(append(reads, title)...)
	b.picture("9-account")
	b.click(`a[href$="changer=mot-de-passe"]`)
	b.loaded(`[name="cancel-aia"]`)
	b.click(`[name="cancel-aia"]`)
	b.arrive("/compte")
	b.reads(cancelled)
	b.accessible()
}

// A recovery without JavaScript, in both languages. The second one replaces the
// password of the first.
func TestRecovery_WithoutJavaScript(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503054")
	for _, lang := range []struct{ key, asked, done, old, password, address, saved string }{
		{"fr", "Mot de passe ou identifiant oublié", "Votre mot de passe est changé", "", renewed, "Changer d'adresse personnelle", "Votre nouvelle adresse est enregistrée."},
		{"en", "Forgotten password or username", "Your password has been changed", renewed, strong, "Change my personal address", "Your new address is saved."},
	} {
		b := newPlain(t)
		before := len(demo.Mails(t, p.Email))
		b.get(demo.Portal + "/.well-known/change-password?lang=" + lang.key)
		b.get(demo.Portal + "/mot-de-passe-oublie?lang=" + lang.key)
		b.want("/mot-de-passe-oublie", lang.asked)
		b.send("/mot-de-passe-oublie", map[string]string{"profil": p.Profile, "adresse": p.Email})
		b.want("/activation/identification")
		b.send("/activation/identification", map[string]string{"code": demo.Mail(t, p.Email, before+1).Code()})
		b.want("/activation/verification")
		b.send("/activation/verification", map[string]string{"numero": p.Number})
		b.want("/activation/entre-mdp")
		b.send("/activation/entre-mdp", nil)
		b.want("/activation/mot-de-passe")
		b.send("/activation/mot-de-passe", map[string]string{"mot-de-passe": lang.password, "confirmation": lang.password})
		b.want("/activation/accueil-succes", lang.done, "o22503054")
		demo.Mail(t, p.Email, before+2)
		ent, _ := b.Doc.Find("main a.primary").Attr("href")
		b.get(demo.Portal + ent)
		if lang.old != "" {
			b.send("/login-actions/authenticate", map[string]string{"password": lang.old})
			if b.At.Path == "/ent" {
				t.Error("the old password still logs in")
			}
		}
		b.send("/login-actions/authenticate", map[string]string{"password": lang.password})
		b.want("/ent")
		b.get(demo.Portal + "/compte")
		b.want("/compte", p.Number, p.Email)
		b.changesAddress(demo, p, lang.key+"-"+p.Email, lang.address, lang.saved)
		p.Email = lang.key + "-" + p.Email
		b.send("/compte/sessions", nil)
		b.want("/")
		b.get(demo.Portal + "/ent")
		if b.Doc.Find("[name=password]").Length() == 0 {
			t.Errorf("after every session was ended, the ENT opens at %s", b.At)
		}
		b.get(demo.Portal + "/compte")
		b.send("/login-actions/authenticate", map[string]string{"username": "o22503054", "password": lang.password})
		b.want("/compte")
	}
}
