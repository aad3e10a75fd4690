package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// before runs a script in each page before the page's own scripts.
func (b *tab) before(script string) {
	b.t.Helper()
	call(b, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// A telephone's clock may be wrong by minutes or days, in either direction. The page
// neither reloads nor covers itself, and keeps what was typed.
func TestV1_ADevicesClockDecidesNothing(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22501005")
	for _, wrong := range []time.Duration{-24 * time.Hour, 29 * time.Minute, 31 * time.Minute, 24 * time.Hour} {
		b := open(t, demo.Portal, phone)
		b.before(fmt.Sprintf(`{ const now = Date.now; Date.now = () => now() + %d; }`, wrong.Milliseconds()))
		b.toCode(p.Profile, p.Email)
		b.do(chromedp.Evaluate[chromedp.Void](`window.untouched = true`))
		b.fill("#code", "123")
		time.Sleep(2500 * time.Millisecond) // two ticks of the page's own timer
		kept := get(b, chromedp.Evaluate[bool](`window.untouched === true && document.querySelector('#code').value === '123' && !document.querySelector('dialog[open]')`))
		if !kept {
			t.Errorf("with a clock that is wrong by %v the page reloaded or covered itself", wrong)
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

// The browser's Stop button ends a request and tells the page nothing.
func TestV8_AFormThatWasStoppedCanBeSentAgain(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.visit("/activation?profil=etudiant")
	b.do(chromedp.Evaluate[chromedp.Void](`addEventListener('submit', (e) => { if (!window.stopped) { window.stopped = true; e.preventDefault(); } })`))
	b.fill("#adresse", "nobody.knows@example.net")
	b.click("form .primary")
	b.until(`!document.querySelector('form .primary').hasAttribute('aria-busy') && !document.querySelector('form').dataset.sent`)
	b.click("form .primary")
	b.arrive("/activation/identification")
}

func TestV15_TheLanguageSwitchKeepsWhatWasTyped(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	b.visit("/activation?profil=etudiant")
	b.fill("#adresse", "zoe@example.net")
	b.click("a.lang")
	b.until(`document.documentElement.lang === 'en' && document.querySelector('#adresse').value === 'zoe@example.net'`)
	if got := get(b, chromedp.Evaluate[string](`document.querySelector('[name=profil]:checked')?.value ?? ''`)); got != "etudiant" {
		t.Errorf("the profile is %q", got)
	}
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
