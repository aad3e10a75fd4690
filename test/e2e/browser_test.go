// Package e2e tests the pages in a real browser, with real mail and a real
// login.
package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"entree/internal/devenv/demotest"
)

func TestMain(m *testing.M) {
	_ = os.Unsetenv("ENTREE_SCREENSHOTS") // a portal refuses a variable that is no key of its configuration
	code := demotest.Run(m)
	closeBrowser()
	closeDoors()
	os.Exit(code)
}

// axe-core 4.14.1 (MPL-2.0); its licence stands beside it.
//
//go:embed testdata/axe.min.js
var axe string

var (
	browserOnce  sync.Once
	browserCtx   context.Context
	browserErr   error
	closeBrowser = func() {}
)

// chromium starts one browser for all tests.
func chromium(t *testing.T) context.Context {
	t.Helper()
	browserOnce.Do(func() {
		var program string
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if program, browserErr = exec.LookPath(name); browserErr == nil {
				break
			}
		}
		if browserErr != nil {
			browserErr = fmt.Errorf("no Chromium: install it (on Debian: apt-get install chromium)")
			return
		}
		allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
			chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", true),
		)...)
		ctx, stop := chromedp.NewContext(allocator)
		closeBrowser = func() { stop(); stopAllocator() }
		browserCtx, browserErr = ctx, chromedp.Do(ctx)
	})
	if browserErr != nil {
		t.Fatal(browserErr)
	}
	return browserCtx
}

// look describes the browser of a visitor.
type look struct {
	width, height int
	dark          bool
	lang          string // Accept-Language; empty: French
}

var phone = look{width: 360, height: 740}

// tab is a separate browser; it shares no cookies with another.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	// prefix of the file names of this tab's pictures; empty: none are taken
	album string
	// onPicture, if not nil, is called at each page of which a picture can be taken.
	onPicture func(name string)
	// noHint says that the single sign-on does not pass the identifier on.
	noHint bool
	// isCAS says that a CAS server with a login page of its own is the single sign-on.
	isCAS bool

	mu       sync.Mutex
	problems []string
}

// open opens a tab. Messages of the browser, CSP violations included, fail the
// test at its end.
func open(t *testing.T, base string, l look) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(chromium(t), chromedp.WithNewBrowserContext())
	limit := 3 * time.Minute
	if lighthouse != "" { // which measures many pages
		limit = 30 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	b := &tab{t: t, ctx: ctx, base: base}
	b.do() // the tab exists from here on
	err := chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 4") {
				b.problems = append(b.problems, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			b.problems = append(b.problems, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if l.lang == "" {
		l.lang = "fr-FR,fr"
	}
	call(b, log.Enable, cdp.Empty{})
	b.seen(l)
	call(b, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/156 Mobile Safari/537.36", AcceptLanguage: l.lang,
	})
	t.Cleanup(func() {
		if t.Failed() {
			b.shot(filepath.Join(os.TempDir(), "entree-failed-"+strings.ReplaceAll(t.Name(), "/", "-")+".png"))
			t.Logf("at %s", b.path())
		}
		cancel()
		stop()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Errorf("the browser complains: %s", p)
		}
	})
	return b
}

// seen sets the size and the colour scheme of the window.
func (b *tab) seen(l look) {
	b.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(l.width), Height: int64(l.height), DeviceScaleFactor: 1, Mobile: l.width < 600,
	})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// css is the way to select elements in these tests.
type css = chromedp.CSS

// call sends one command of the DevTools protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// again opens a second tab of the same browser: the cookies are shared.
func (b *tab) again() *tab {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx)
	other := &tab{t: b.t, ctx: ctx, base: b.base}
	b.t.Cleanup(stop)
	other.do()
	return other
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("at %s: %v", b.path(), err)
	}
}

// get runs an action that returns a value.
func get[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, a)
	if err != nil {
		b.t.Fatalf("at %s: %v", b.path(), err)
	}
	return v
}

func (b *tab) visit(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	b.do(chromedp.Navigate(path), chromedp.WaitReady(css("body")))
}

// path returns the path and query of the current page.
func (b *tab) path() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		return "nowhere"
	}
	return strings.TrimPrefix(at, b.base)
}

// arrive waits until the browser is at a path.
func (b *tab) arrive(path string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if at, _, _ := strings.Cut(b.path(), "?"); at == path {
			b.do(chromedp.WaitReady(css("main, #kc-login")))
			return
		}
	}
	b.t.Fatalf("the browser is at %s, want %s; it reads:\n%.600s", b.path(), path, b.text("body"))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(css(selector)))
	b.still(selector)
	b.do(chromedp.Click(css(selector), chromedp.NodeVisible))
}

// loaded waits until a whole page has a visible element. After a press that leads to
// another page, chromedp may still look for the element in the page before.
func (b *tab) loaded(selector string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.readyState === "complete" && document.querySelector(%q)?.getClientRects().length`, selector))
}

// still waits until an element stops moving: a click goes to a position, and on
// a slow machine the layout may still change.
func (b *tab) still(selector string) {
	b.t.Helper()
	where := fmt.Sprintf(`JSON.stringify(document.querySelector(%q)?.getBoundingClientRect() ?? '')`, selector)
	before := ""
	for range 100 {
		now, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](where))
		if err == nil && now == before { // a page that is being unloaded returns an error
			return
		}
		before = now
		time.Sleep(30 * time.Millisecond)
	}
}

// press clicks the link, button or label with this text.
func (b *tab) press(text string) {
	b.t.Helper()
	const mark = `(() => {
		const plain = (s) => s.replace(/\s+/g, ' ').trim();
		const found = [...document.querySelectorAll('a, button, summary, label')].find((e) => plain(e.innerText) === %q && e.checkVisibility());
		document.querySelectorAll('[data-press]').forEach((e) => e.removeAttribute('data-press'));
		found?.setAttribute('data-press', '');
		return Boolean(found);
	})()`
	if !get(b, chromedp.Evaluate[bool](fmt.Sprintf(mark, text))) {
		b.t.Fatalf("%s has nothing to press that reads %q; it reads:\n%.1000s", b.path(), text, b.text("body"))
	}
	b.click("[data-press]")
}

func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(css(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = ''`, selector)), chromedp.SendKeys(css(selector), text))
}

// text returns the text of an element once it exists. A page that is being
// unloaded returns an error.
func (b *tab) text(selector string) string {
	b.t.Helper()
	script := fmt.Sprintf(`document.querySelector(%q)?.innerText ?? '\u0000'`, selector)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script)); err == nil && text != "\x00" {
			return strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(text)
		}
	}
	b.t.Fatalf("%s has no %s", b.path(), selector)
	return ""
}

// reads waits until a page contains all of these texts.
func (b *tab) reads(want ...string) {
	b.t.Helper()
	var text, lacks string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		text, lacks = strings.Join(strings.Fields(b.text("body")), " "), ""
		for _, w := range want {
			if !strings.Contains(text, w) {
				lacks = w
			}
		}
		if lacks == "" {
			return
		}
	}
	b.t.Errorf("%s does not say %q; it reads:\n%.1200s", b.path(), lacks, text)
}

// accessible runs axe-core with the rules of WCAG 2.2 AA, RGAA and good
// practice, and looks for a horizontal scroll bar.
func (b *tab) accessible() {
	b.t.Helper()
	out := get(b, chromedp.Evaluate[string](axe+`;axe.run(document, {resultTypes: ['violations'], runOnly: {type: 'tag', values: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice','RGAAv4']}})
		.then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | '))))`, chromedp.EvalAwaitPromise))
	var violations []string
	if err := json.Unmarshal([]byte(out), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("axe at %s: %s", b.path(), v)
	}
	if over := get(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`)); over > 0 {
		b.t.Errorf("%s is %d px too wide", b.path(), over)
	}
}

// shot writes a picture of the whole page.
func (b *tab) shot(file string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		b.t.Logf("no picture: %v", err)
	}
}
