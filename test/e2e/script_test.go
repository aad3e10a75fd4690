package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

// A script that arrives late, over a slow network, leaves the page as the student has it:
// the cursor stays in its field, and a ticked box stays ticked.
func TestV8_TheScriptComesLate(t *testing.T) {
	demo := demotest.Get(t)
	b := open(t, demo.Portal, phone)
	late := func(delay time.Duration) {
		call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: delay > 0})
		call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
			{URLPattern: "*://*:*/static/app.*.js", Latency: float64(delay.Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1},
		}})
	}
	p := demo.Person(t, "22501006")
	b.visit("/")
	late(2 * time.Second)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('a[href*="profil=` + p.Profile + `"]').click()`))
	b.until(`location.pathname === '/activation' && document.querySelector('#adresse') && !document.documentElement.classList.contains('js')`)
	b.do(chromedp.SendKeys(css("#adresse"), "zoe@"))
	b.until(`document.documentElement.classList.contains('js')`)
	b.until(`document.activeElement.id === 'adresse' && document.querySelector('#adresse').value === 'zoe@'`)

	late(0)
	b.toCode(p.Profile, p.Email)
	b.fill("#code", b.code(demo, p.Email))
	late(2 * time.Second)
	b.click("form .primary")
	b.until(`location.pathname === '/activation/charte' && document.querySelector('#charte') && !document.documentElement.classList.contains('js')`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#charte').click()`))
	b.until(`document.documentElement.classList.contains('js')`)
	b.until(`document.querySelector('#charte').checked && !document.querySelector('#charte').disabled && !document.querySelector('form.consent .primary').disabled`)
	b.click("form.consent .primary")
	b.arrive("/activation/entre-mdp")
}

// A browser translates each page, and the student presses each button twice: nothing is
// done twice, and values stay as they are.
func TestV21_ATranslatedPagePressedTwice(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503034")
	b := open(t, demo.Portal, phone)
	b.before(`addEventListener('DOMContentLoaded', () => {
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
		while (walk.nextNode()) if (walk.currentNode.data.trim() && !walk.currentNode.parentElement.closest('script, style, [translate=no]')) texts.push(walk.currentNode);
		for (const text of texts) {
			const outer = document.createElement('font'), inner = document.createElement('font');
			inner.textContent = 'x' + text.data;
			outer.append(inner);
			text.replaceWith(outer);
		}
	})`)
	twice := func(selector string) {
		b.do(chromedp.WaitVisible(css(selector)), chromedp.Evaluate[chromedp.Void](`{ const button = document.querySelector('`+selector+`'); button.click(); button.click(); button.form.requestSubmit(button); }`))
	}
	mails := len(demo.Mails(t, p.Email))
	b.visit("/activation?profil=" + p.Profile)
	b.fill("#adresse", p.Email)
	twice("form .primary")
	b.arrive("/activation/identification")
	b.fill("#code", b.code(demo, p.Email))
	twice("form .primary")
	b.arrive("/activation/charte")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	twice("form.consent .primary")
	b.arrive("/activation/entre-mdp")
	twice("form .primary")
	b.arrive("/activation/mot-de-passe")
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.until(`document.querySelectorAll('.rules .met').length === document.querySelectorAll('[data-rule]').length`)
	twice("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	if login := b.text(".facts .mono"); login != "o"+p.Number {
		t.Errorf("the identifier is shown as %q", login)
	}
	demo.Mail(t, p.Email, mails+2)
	if got := len(demo.Mails(t, p.Email)) - mails; got != 2 {
		t.Errorf("%d mails were sent, want the code and the news", got)
	}
}
