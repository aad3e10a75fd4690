package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
	"entree/internal/password"
	"entree/internal/secret"
)

// before runs a script in each page before the page's own scripts.
func (b *tab) before(script string) {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// A telephone's clock may be wrong by minutes or days, in either direction, and may jump
// while a page is open. The page neither reloads nor covers itself, and keeps what was
// typed.
func TestV1_ADevicesClockDecidesNothing(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22501005")
	b := open(t, demo.Portal, phone)
	b.before(`window.wrong = -86400000; { const now = Date.now; Date.now = () => now() + window.wrong; }`)
	b.toCode(p.Profile, p.Email)
	b.do(chromedp.Evaluate[chromedp.Void](`window.untouched = true`))
	b.fill("#code", "123")
	for _, wrong := range []time.Duration{-24 * time.Hour, 29 * time.Minute, 31 * time.Minute, 24 * time.Hour, -time.Hour} {
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`window.wrong = %d; window.since = performance.now()`, wrong.Milliseconds())))
		b.until(`performance.now() - window.since > 1200`) // the page's own timer has run
		kept := get(b, chromedp.Evaluate[bool](`window.untouched === true && document.querySelector('#code').value === '123' && !document.querySelector('dialog[open]')`))
		if !kept {
			t.Fatalf("with a clock that is wrong by %v the page reloaded or covered itself", wrong)
		}
	}
}

// The browser loses its cookies while the student reads the mail. The page says so,
// and the code in hand leads on after the address is typed again.
func TestV9_TheCodeInHandLeadsOn(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503016")
	b := open(t, demo.Portal, phone)
	b.toCode(p.Profile, p.Email)
	code := b.code(demo, p.Email)
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.fill("#code", code)
	b.click("form .primary")
	b.arrive("/activation")
	b.reads("Redonnez votre adresse")
	b.toCode(p.Profile, p.Email)
	b.fill("#code", code)
	b.click("form .primary")
	b.arrive("/activation/charte")
}

// The language switch keeps what was typed, on every form and in both directions; a
// password is not carried over, and another site cannot fill a form.
func TestV15_TheLanguageSwitchKeepsWhatWasTyped(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	for path, fields := range map[string]map[string]string{
		"/activation":          {"#adresse": "zoe@example.net"},
		"/adresse-perdue":      {"#numero": "22501234", "[name=prenom]": "Zoé", "[name=nom]": "d’Arc", "[name=naissance-jour]": "17", "#adresse": "zoe@example.net"},
		"/activation/guichet":  {"#code": "7K3F-9Q"},
		"/mot-de-passe-oublie": {"#adresse": "zoe@example.net"},
	} {
		b.visit(path + "?profil=etudiant")
		if path != "/activation/guichet" {
			b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('[name=profil][value=etudiant]').checked = true`))
		}
		for field, text := range fields {
			b.fill(field, text)
		}
		for _, lang := range []string{"en", "fr"} {
			b.click("a.lang")
			for field, text := range fields {
				b.until(fmt.Sprintf(`document.documentElement.lang === %q && document.querySelector(%q).value === %q && window.name === ''`, lang, field, text))
			}
			if path != "/activation/guichet" {
				b.until(`document.querySelector('[name=profil][value=etudiant]').checked`)
			}
		}
	}
	b.visit("about:blank")
	b.do(chromedp.Evaluate[chromedp.Void](`window.name = 'entree:{"page":"/activation","fields":[["adresse","eve@example.net",false]]}'`))
	b.visit("/activation")
	b.until(`document.documentElement.classList.contains('js') && document.querySelector('#adresse').value === ''`)
}

// The clipboard is refused in the browsers inside other apps; a pasted password may
// end with a space; a translated page must not change what is copied.
func TestV20_V22_V28_PhrasesAndSpaces(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.before(`Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new Error('refused')) } });`)
	b.to(demo, demo.Person(t, "22501005"))
	b.click("details.idea summary")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.phrase code').textContent = 'Translated'`))
	b.click(".phrase .copy")
	b.until(`getSelection().toString() === 'Translated'`)
	b.reads("Sélectionné")
	b.press("Utiliser cette phrase")
	b.until(`document.querySelector('#mot-de-passe').value === document.querySelector('.phrase .copy').dataset.copy`)
	b.fill("#mot-de-passe", "LaMerEstVerte7Fois ")
	b.until(`document.querySelector('#spaces-state').textContent !== ''`)
	if marked := get(b, chromedp.Evaluate[bool](`document.querySelector('.phrase code').translate === false && document.querySelector('#mot-de-passe').getAttribute('autocorrect') === 'off'`)); !marked {
		t.Error("phrases may be translated, or the password corrected")
	}
}

// The page says that a password is fine only after the server did: a year of birth
// never reaches the browser (R15). Accents in another form get a hint (V5).
func TestV10_ThePageSaysWhatTheServerWould(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.to(demo, demo.Person(t, "22501006")) // born in 2006
	for _, c := range []struct{ text, line, hint string }{
		{"LesGirafesDansent2006Ans", "année de naissance", ""},
		{"LesGirafesDansentSous3Parapluies", "Ce mot de passe convient", ""},
		{"LesTicketsDeBusForr1CielBleu", "exemple publié", ""},
		{"LesGirafesDansentSous3Mare\u0301es", "Ce mot de passe convient", "autre appareil"},
	} {
		// Keys that are sent one by one lose combining marks.
		b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{ const i = document.querySelector('#mot-de-passe'); i.value = %q; i.dispatchEvent(new Event('input')); }`, c.text)))
		b.until(fmt.Sprintf(`document.querySelector('.rules-line').textContent.includes(%q)`, c.line))
		if got := b.text("#spaces-state"); c.hint == "" && got != "" || !strings.Contains(got, c.hint) {
			t.Errorf("%q: the hint is %q", c.text, got)
		}
	}
}

// The page ticks and crosses out nothing that the server decides otherwise: 100,000
// pairs of people and passwords, with dates and numbers.
func TestV10_PageAndServerJudgeAlike(t *testing.T) {
	demo := demotest.Get(t)
	random := rand.New(rand.NewPCG(10, 17))
	broken := 0
	for f, family := range []string{"d’Arc", "Martin", "Straße", "Håkansson", "Иванов"} {
		t.Run(family, func(t *testing.T) { // each in a tab of its own, which has a time limit
			b := open(t, demo.Portal, phone)
			for g, given := range []string{"Zoé", "Jean-Pierre", "Aïcha", "Łukasz", "Nguyễn"} {
				i := f*5 + g
				broken += judgedAlike(t, b, random, password.Personal{
					GivenName: given, FamilyName: family,
					BirthDate: fmt.Sprintf("200%d-%02d-%02d", i%9, i%12+1, i+1), Number: fmt.Sprint(22500000 + i*7919), Login: fmt.Sprint("o", 22500000+i),
					Addresses: []string{"zoe.dubois@example.net"}, Institution: []string{"Université d’Orléans"},
				})
			}
		})
	}
	if broken < 1000 {
		t.Errorf("only %d of the passwords are crossed out by the page", broken)
	}
}

// judgedAlike compares the page and the server for 4,000 passwords of one person
// and returns how many the page crosses out for personal data.
func judgedAlike(t *testing.T, b *tab, random *rand.Rand, about password.Personal) (broken int) {
	t.Helper()
	b.visit("/activation")
	judge := password.Checker(password.Default(), about)
	texts := make([]string, 4000)
	for k := range texts {
		texts[k] = typed(random, about)
	}
	server := make([]map[string]bool, len(texts))
	var judged sync.WaitGroup
	judged.Go(func() { // while the page judges
		for k, text := range texts {
			server[k] = map[string]bool{}
			for _, f := range judge(password.Normalize(secret.New(text))) {
				server[k][f.Rule] = true
			}
		}
	})
	ticks := get(b, chromedp.Evaluate[[]string](fmt.Sprintf(pageJudges, b.body("/static/app.js"), strings.Join(about.Fragments(), " "), jsonOf(t, texts))))
	judged.Wait()
	for k, text := range texts {
		for at, rule := range []string{"length", "upper", "lower", "digit", "personal"} {
			unmet := ticks[k][at] == '0'
			if rule == "personal" && unmet {
				broken++
			}
			if unmet && !server[k][rule] || !unmet && server[k][rule] && rule != "personal" {
				t.Fatalf("%q: the page says %s for %v, the server %v (%+v)", text, ticks[k], rule, server[k], about)
			}
		}
	}
	return broken
}

// typed returns a text of words, pieces of a person's data and disguises.
func typed(random *rand.Rand, about password.Personal) string {
	pieces := []string{
		"Girafe", "Lune", "trésor", "Forêt", "ÉTÉ", "ß", "Œuvre", "mare\u0301e", "5o1o", "2oo7", "٢٠٠٧", "!", "€", " ", "Ж", "x", "7", "42", "😀",
		about.GivenName, about.FamilyName, strings.ToUpper(about.FamilyName), about.BirthDate, about.BirthDate[:4], about.BirthDate[5:7] + about.BirthDate[8:], about.Number, about.Number[2:6],
		strings.NewReplacer("a", "4", "e", "3", "i", "1", "o", "0").Replace(about.FamilyName), "dubois", "Orleans",
	}
	var out strings.Builder
	for range 1 + random.IntN(6) {
		out.WriteString(pieces[random.IntN(len(pieces))])
	}
	return out.String()
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pageJudges runs the page's script on a form of its own and returns for each
// password one character per rule: 1 if it is ticked.
const pageJudges = `(() => {
  document.body.innerHTML = '<h1></h1><ul class="rules" data-line="" data-personal=""><li data-rule="length" data-least="16"></li><li data-rule="upper" data-least="1"></li><li data-rule="lower" data-least="1"></li><li data-rule="digit" data-least="1"></li><li data-rule="personal"></li></ul><p id="rules-state"></p><form class="choose"><input id="mot-de-passe"><p class="rules-line"></p><p id="spaces-state"></p><label for="mot-de-passe"></label><input id="confirmation"><label for="confirmation"></label><p id="confirmation-state"></p></form>';
  const code = () => { %s };
  document.querySelector('.rules').dataset.personal = %q;
  code();
  const input = document.querySelector('#mot-de-passe');
  const out = %s.map((text) => {
    input.value = text;
    input.dispatchEvent(new Event('input'));
    return [...document.querySelectorAll('[data-rule]')].map((rule) => rule.classList.contains('met') ? '1' : '0').join('');
  });
  input.value = '';
  input.dispatchEvent(new Event('input'));
  return out;
})()`
