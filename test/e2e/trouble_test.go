package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/mailbox"
)

// to takes a student to the password page.
func (b *tab) to(demo *demotest.Demo, p demotest.Person) {
	b.t.Helper()
	b.toCode(p.Profile, p.Email)
	b.fill("#code", b.code(demo, p.Email))
	b.click("form .primary")
	b.charterToPassword()
}

func (b *tab) toCode(profile, address string) {
	b.t.Helper()
	b.visit("/activation?profil=" + profile)
	b.fill("#adresse", address)
	b.click("form .primary")
	b.arrive("/activation/identification")
}

// code returns the newest code that arrived after the call.
func (b *tab) code(demo *demotest.Demo, address string) string {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if all := demo.Mails(b.t, address); len(all) > 0 && time.Since(all[0].At) < 5*time.Second {
			if code := all[0].Code(); code != "" {
				return code
			}
		}
	}
	b.t.Fatalf("no code came to %s", address)
	return ""
}

// refuses submits the form and expects the same page with a focused summary of
// these errors.
func (b *tab) refuses(path string, says ...string) {
	b.t.Helper()
	b.click("form .primary")
	b.until(`document.querySelector('.summary') !== null && document.activeElement === document.querySelector('.summary')`)
	b.arrive(path)
	b.reads(says...)
	if title := get(b, chromedp.Title()); !strings.HasPrefix(title, "Erreur") {
		b.t.Errorf("the title %q does not begin with the error", title)
	}
	b.accessible()
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.summary').remove()`)) // so that the next one is recognised as new
}

func TestBadInput_EachGetsAClearPageAndLosesNothing(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22501005")
	b := open(t, demo.Portal, phone)
	b.album = "error"

	b.visit("/activation?profil=etudiant")
	b.refuses("/activation", "Entrez votre adresse mail personnelle.")
	b.fill("#adresse", "pas une adresse")
	b.refuses("/activation", "Cette adresse n'est pas complète.")
	if got := get(b, chromedp.Value(css("#adresse"))); got != "pas une adresse" {
		t.Errorf("what was typed is lost: %q", got)
	}
	b.fill("#adresse", "a@example.org,b@example.org")
	b.refuses("/activation", "Entrez une seule adresse.")

	b.fill("#adresse", p.Email)
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.fill("#code", "12")
	b.refuses("/activation/identification", "Entrez les 6 chiffres reçus par mail.")
	code := b.code(demo, p.Email)
	wrong := "111111"
	if code == wrong {
		wrong = "222222"
	}
	b.fill("#code", wrong)
	b.click("form .primary")
	b.until(`document.querySelector('.summary')?.innerText.includes('4')`)
	b.reads("Ce n'est pas le bon code.", "Il vous reste 4 essais.")
	b.picture("code")
	call(b, page.Reload, page.ReloadParams{}) // asks for the page, and does not try the code again
	b.until(`!document.querySelector('.summary')`)
	b.reads("Il vous reste 4 essais.")
	b.fill("#code", code)
	b.click("form .primary")
	b.arrive("/activation/charte")

	for _, ahead := range []string{"/activation/mot-de-passe", "/activation/accueil-succes", "/activation/en-cours", "/activation/identification"} {
		b.visit(ahead)
		b.arrive("/activation/charte")
	}
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.refuses("/activation/charte", "Cochez la case pour accepter la charte.")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	b.click("form.consent .primary")
	b.arrive("/activation/entre-mdp")
	b.do(chromedp.NavigateBack()) // the charter is accepted, so the back button leads to the next step
	b.arrive("/activation/entre-mdp")
	b.click("form .primary")
	b.arrive("/activation/mot-de-passe")
	for password, says := range map[string]string{
		"court":                        "Ajoutez des caractères",
		"LesTicketsDeBusForr1CielBleu": "C'est l'exemple publié",
		"N-u-ñ-e-z-Girafe-7-Lune":      "Enlevez votre nom, même déguisé.",
		"MotDePasseMotDePasse1":        "Trop de gens choisissent ce genre de mot de passe.",
		strings.Repeat("Aa1", 100):     "C'est plus de 256 caractères",
	} {
		b.fill("#mot-de-passe", password)
		b.fill("#confirmation", password)
		b.refuses("/activation/mot-de-passe", says)
	}
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong+"!")
	b.refuses("/activation/mot-de-passe", "Les deux mots de passe sont différents.")
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	b.reads("o22501005", "lukasz.nunez@etu.univ-orleans.example")
	b.do(chromedp.NavigateBack()) // the account exists: every earlier page redirects here
	b.arrive("/activation/accueil-succes")
}

func TestTwoPeopleAtOneAddress(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.album = "proof"
	b.toCode("etudiant", "famille.roy@example.com")
	b.fill("#code", b.code(demo, "famille.roy@example.com"))
	b.click("form .primary")
	b.arrive("/activation/verification")
	b.reads("Plusieurs personnes partagent cette adresse.")
	if text := b.text("body"); strings.Contains(text, "Anne") || strings.Contains(text, "Élise") {
		t.Error("the page shows who they are")
	}
	b.fill("#numero", "22501999")
	b.refuses("/activation/verification", "Cela ne correspond pas à votre inscription.")
	b.fill("#numero", "2250 1002")
	b.click("form .primary")
	b.arrive("/activation/charte")
}

func TestS23_PasswordManagersAndPasteWork(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	p := demo.Person(t, "22503015")
	b.to(demo, p)
	for field, token := range map[string]string{"identifiant": "username", "mot-de-passe": "new-password", "confirmation": "new-password"} {
		if got := get(b, chromedp.Evaluate[string](`document.getElementById('`+field+`').autocomplete`)); got != token {
			t.Errorf("%s has autocomplete %q, want %q", field, got, token)
		}
	}
	if got := get(b, chromedp.Value(css("#identifiant"))); got != "o"+p.Number {
		t.Errorf("a password manager would save the identifier %q", got)
	}
	const paste = `(() => {
		const field = document.getElementById('mot-de-passe');
		field.focus();
		const event = new ClipboardEvent('paste', {bubbles: true, cancelable: true, clipboardData: new DataTransfer()});
		return field.dispatchEvent(event);
	})()`
	if !get(b, chromedp.Evaluate[bool](paste)) {
		t.Error("the page refuses to be pasted into")
	}
	b.fill("#mot-de-passe", strong)
	b.press("Afficher")
	if got := get(b, chromedp.Evaluate[string](`document.getElementById('mot-de-passe').type`)); got != "text" {
		t.Errorf("shown, the field is of type %q", got)
	}
	b.press("Masquer")
	b.press("Une idée ? Trois phrases tirées au hasard")
	b.do(chromedp.WaitVisible(css(".phrases")))
	phrase := b.text(".phrases code")
	b.press("Utiliser cette phrase")
	b.until(`document.getElementById('mot-de-passe').value === ` + "`" + phrase + "`" + ` && document.getElementById('confirmation').value === ` + "`" + phrase + "`")
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
}

// The pages are the same for every address; only the mail discloses its state.
func TestTheTruthComesByMailOnly(t *testing.T) {
	demo := demotest.Get(t)
	for address, subject := range map[string]string{
		"chloe.dubois@example.com":   "votre compte n'est pas encore prêt",
		"camille.moreau@example.com": "votre compte est déjà activé",
		"nadia.benali@example.com":   "choisissez un autre profil",
		"nobody@example.com":         "",
	} {
		before := len(demo.Mails(t, address))
		b := open(t, demo.Portal, phone)
		b.toCode("etudiant", address)
		b.reads("Un code vous a été envoyé sur votre adresse mail si elle existe et que votre compte est prêt à être activé.")
		if subject == "" {
			continue
		}
		if m := demo.Mail(t, address, before+1); !strings.Contains(strings.ReplaceAll(m.Subject, "\u00a0", " "), subject) || (mailbox.Message{Text: m.Subject}).Code() != "" {
			t.Errorf("%s got %q", address, m.Subject)
		}
	}
}

// A journey that begins in a second tab ends the first one with a clear page.
func TestTwoTabs(t *testing.T) {
	demo := demotest.Get(t)
	first := open(t, demo.Portal, phone)
	first.toCode("etudiant", "first-tab@example.com")
	second := first.again()
	second.toCode("etudiant", "second-tab@example.com")
	first.fill("#code", "123456")
	first.click("form .primary")
	first.until(`document.body.innerText.includes("Cette page n'est plus à jour")`)
	first.accessible()
	first.click("main a.primary")
	first.arrive("/activation/identification")
	first.reads("second-tab@example.com")
}

// suspendKeycloak stops the demo's Keycloak until the returned function is called, or
// until the test ends.
func suspendKeycloak(t *testing.T, demo *demotest.Demo) (goOn func()) {
	t.Helper()
	pid, err := exec.Command("pgrep", "-f", "java.*"+demo.Dir+"/keycloak/h2").Output()
	if err != nil {
		t.Fatalf("find Keycloak's process: %v", err)
	}
	signal := func(name string) {
		if err := exec.Command("kill", "-"+name, strings.TrimSpace(string(pid))).Run(); err != nil {
			t.Errorf("kill -%s: %v", name, err)
		}
	}
	signal("STOP")
	goOn = sync.OnceFunc(func() { signal("CONT") })
	t.Cleanup(goOn)
	return goOn
}

// Keycloak is suspended at Valider: the page says so, the student may close the
// browser, and gets the account and a mail when Keycloak continues.
func TestI3_KeycloakAwayAtValider(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22501006")
	b := open(t, demo.Portal, phone)
	b.album = "away"
	b.to(demo, p)
	before := len(demo.Mails(t, p.Email))
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)

	goOn := suspendKeycloak(t, demo)
	b.click("form.choose .primary")
	b.arrive("/activation/en-cours")
	b.reads("Votre compte est en route", "Vous pouvez fermer cette page.")
	b.picture("waiting")
	b.network(false, 0) // the page's next look fails, and the browser's own page takes its place
	b.until(`document.querySelector('main') === null && document.readyState === 'complete'`)
	b.network(true, 0)
	b.forgiven()
	b.visit("/activation/accueil-succes")
	b.arrive("/activation/en-cours")

	goOn()
	b.arrive("/activation/accueil-succes") // without a click
	if m := demo.Mail(t, p.Email, before+1); !strings.Contains(m.Text, "o22501006") {
		t.Errorf("the mail says:\n%s", m.Text)
	}
}

func TestErrorPagesHaveAWayOn(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.album = "error"
	b.visit("/nothing-here")
	b.reads("Cette page n'existe pas", "Retour à l'accueil")
	b.picture("404")
	b.visit("/activation/charte") // without a journey
	b.arrive("/activation")
	b.visit("/nothing-here?lang=en")
	b.reads("This page does not exist")
	b.click("main a.primary")
	b.arrive("/")
	b.reads("Welcome")
}

// until waits until a JavaScript condition is true in the page.
func (b *tab) until(condition string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`Boolean(`+condition+`)`)); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("at %s: %s does not come true; it reads:\n%.800s", b.path(), condition, b.text("body"))
}

// The last try ends the journey; a new one can begin at once.
func TestAfterTheLastTry(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.album = "error"
	b.toCode("etudiant", "somebody-who-guesses@example.com")
	for left := 4; left >= 0; left-- {
		b.fill("#code", "123456")
		b.click("form .primary")
		if left > 0 {
			b.until(fmt.Sprintf(`document.querySelector('.summary')?.innerText.match(/%d|un essai/)`, left))
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.summary').remove()`))
		}
	}
	b.until(`document.querySelector('h1').innerText.includes('Les essais sont épuisés')`)
	b.reads("Besoin d'aide ?")
	b.picture("ended")
	b.press("Recommencer")
	b.arrive("/activation")
}

// Another account in Keycloak has the identifier: it is not changed, and the
// page names the help desk and a reference.
func TestS42_SomebodyElseHasTheIdentifier(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503018")
	demo.Occupy(t, "o"+p.Number)
	before := len(demo.Mails(t, p.Email))
	b := open(t, demo.Portal, phone)
	b.album = "error"
	b.to(demo, p)
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.click("form.choose .primary")
	b.arrive("/activation/en-cours")
	b.reads("Quelqu'un va regarder votre dossier")
	b.picture("parked")
	reference := b.text("strong.reference")
	if m := demo.Mail(t, p.Email, before+2); !strings.Contains(m.Text, reference) {
		t.Errorf("the page says %s, the mail:\n%s", reference, m.Text)
	}
}
