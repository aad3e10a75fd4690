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

// network switches the network on or off, and sets the delay of each answer. Pages do
// not see that it is off (navigator.onLine) until the test calls knows.
func (b *tab) network(there bool, delay time.Duration) {
	b.t.Helper()
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
		{URLPattern: "", Offline: !there, Latency: float64(delay.Milliseconds()), DownloadThroughput: -1, UploadThroughput: -1},
	}})
}

// trickle limits what arrives to some bytes per second; 0 means no limit.
func (b *tab) trickle(bytes float64) {
	b.t.Helper()
	if bytes == 0 {
		bytes = -1
	}
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
		{URLPattern: "", DownloadThroughput: bytes, UploadThroughput: -1},
	}})
}

// faster makes the timers of the pages and their clock run faster, so that a minute
// passes in two seconds.
const faster = `{
	const { setTimeout: later, setInterval: every } = window, now = performance.now.bind(performance);
	window.setTimeout = (f, wait = 0, ...rest) => later(f, wait / 30, ...rest);
	window.setInterval = (f, wait = 0, ...rest) => every(f, wait / 30, ...rest);
	performance.now = () => now() * 30;
}`

// knows sets whether the browser knows that the network is there.
func (b *tab) knows(there bool) {
	b.t.Helper()
	call(b, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !there, DownloadThroughput: -1, UploadThroughput: -1})
}

// forgiven drops what the browser complained about so far: requests without a network.
func (b *tab) forgiven() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = nil
}

// offline presses a button without a network: the page stays with what was typed, says
// so for more than a minute of the page's time (see faster), and the same button leads
// on when the network is back.
func (b *tab) offline(selector, kept string) {
	b.t.Helper()
	b.network(false, 0)
	b.knows(false)
	b.until(`navigator.onLine === false`)
	b.do(chromedp.Evaluate[chromedp.Void](`window.untouched = true; window.since = performance.now()`))
	b.click(selector)
	b.reads("Vous êtes hors connexion")
	b.until(`performance.now() - window.since > 65000 && !document.querySelector('dialog[open]')`)
	if kept != "" {
		b.until(`window.untouched === true && ` + kept)
	}
	b.network(true, 0)
	b.knows(true)
	b.until(`navigator.onLine === true && !document.body.innerText.includes('hors connexion')`)
	b.forgiven()
	b.click(selector)
}

// A student loses the network for a minute in the middle of each press: nothing that was
// typed is lost, and the page says what to do. At one press the answer arrives at 4 bytes
// per second for a while. A page of another network, which asks for a
// login there, does not take the place of the phrases.
func TestV8_TheNetworkIsAwayAtEachPress(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503024")
	b := open(t, demo.Portal, phone)
	b.before(faster)
	b.visit("/activation?profil=etudiant")
	b.fill("#adresse", p.Email)
	b.offline("form .primary", fmt.Sprintf(`document.querySelector('#adresse').value === %q`, p.Email))
	b.arrive("/activation/identification")
	code := b.code(demo, p.Email)
	b.fill("#code", code)
	b.offline("form .primary", fmt.Sprintf(`document.querySelector('#code').value === %q`, code))
	b.arrive("/activation/charte")
	b.click(".to-end")
	b.do(chromedp.WaitEnabled(css("#charte")))
	b.click("#charte")
	b.offline("form.consent .primary", `document.querySelector('#charte').checked`)
	b.arrive("/activation/entre-mdp")
	b.offline("form .primary", "")
	b.arrive("/activation/mot-de-passe")
	b.visit("/activation/entre-mdp")
	b.do(chromedp.Evaluate[chromedp.Void](`window.untouched = true; window.fetch = async () => new Response('<h1>Wi-Fi de la gare</h1>')`))
	b.click("[data-phrases]")
	b.until(`!window.untouched && document.querySelector('.phrase') && !document.body.innerText.includes('Wi-Fi')`)
	b.trickle(4)
	b.click("form .primary")
	time.Sleep(3 * time.Second) // the answer is on its way, or a part of its page is there
	b.trickle(0)
	b.arrive("/activation/mot-de-passe")
	b.fill("#mot-de-passe", strong)
	b.fill("#confirmation", strong)
	b.offline("form.choose .primary", fmt.Sprintf(`document.querySelector('#mot-de-passe').value === %q`, strong))
	b.arrive("/activation/accueil-succes")
}

// The browser does not always know that the network is away: its own error page then
// takes the place of the portal's. Loading it again sends the form again.
func TestV8_TheNetworkIsAwayAndTheBrowserDoesNotKnow(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503026")
	b := open(t, demo.Portal, phone)
	b.toCode(p.Profile, p.Email)
	b.fill("#code", b.code(demo, p.Email))
	b.network(false, 0)
	b.click("form .primary")
	b.until(`document.querySelector('main') === null && document.readyState === 'complete'`)
	b.network(true, 0)
	b.forgiven()
	call(b, page.Reload, page.ReloadParams{})
	b.arrive("/activation/charte")
}

// The Stop button, pressed while the answer is on its way: the page stays, and the
// same form can be sent again. The act that the server had done is not done twice. A right
// code leads on although its answer, with the new session, was lost.
func TestV8_TheStopButton(t *testing.T) {
	demo := demotest.Get(t)
	p := demo.Person(t, "22503028")
	b := open(t, demo.Portal, phone)
	b.before(faster)
	b.visit("/activation?profil=etudiant")
	b.fill("#adresse", p.Email)
	mails := len(demo.Mails(t, p.Email))
	b.network(true, 20*time.Second)
	b.click("form .primary")
	time.Sleep(time.Second) // the server begins the journey; the answer is held back
	call(b, page.StopLoading, cdp.Empty{})
	b.network(true, 0)
	b.until(`!document.querySelector('form .primary').hasAttribute('aria-busy') && !document.querySelector('form').dataset.sent`)
	b.until(fmt.Sprintf(`document.querySelector('#adresse').value === %q`, p.Email))
	b.click("form .primary")
	b.arrive("/activation/identification")
	b.fill("#code", b.code(demo, p.Email))
	b.network(true, 20*time.Second)
	b.click("form .primary")
	time.Sleep(time.Second) // the server proves the code; the answer is held back
	call(b, page.StopLoading, cdp.Empty{})
	b.network(true, 0)
	b.until(`!document.querySelector('form .primary').hasAttribute('aria-busy') && !document.querySelector('form').dataset.sent`)
	b.click("form .primary")
	b.arrive("/activation/charte")
	if got := len(demo.Mails(t, p.Email)) - mails; got > 2 {
		t.Errorf("%d mails were sent", got)
	}
}
