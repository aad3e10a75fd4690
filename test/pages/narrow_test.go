package pages_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// inFrames loads each page into frames of the browser, calls check with the page's
// document, its window and its frame, and returns what it finds.
const inFrames = `(async (names, check) => {
	const found = [];
	const one = async (frame) => {
		for (let name; (name = names.shift());) {
			await new Promise((loaded) => { frame.onload = loaded; frame.src = '/page/' + name; });
			const page = frame.contentDocument;
			if (!page.styleSheets.length || !page.querySelector('main')) found.push(name + ' was not drawn');
			for (const f of await check(page, frame.contentWindow, frame)) found.push(name + f);
		}
	};
	await Promise.all([...Array(4)].map(() => {
		const frame = document.createElement('iframe');
		frame.style = 'border: 0; height: 800px';
		document.body.append(frame);
		return one(frame);
	}));
	return JSON.stringify(found);
})`

// still keeps the script of a page from leaving the page while it is checked: some pages
// ask the portal again after some seconds.
const still = `<script>
	window.timers = [setTimeout, setInterval];
	setTimeout = setInterval = () => 0;
	fetch = () => new Promise(() => {});
	EventSource = class { addEventListener() {} };
</script>`

// fits sets the width and the size of the text, and finds pages that would scroll
// sideways, with the last elements that stick out. Tables that scroll in a region of
// their own are no fault (WCAG 1.4.10).
const fits = `async (page, window, frame) => {
	const wide = [], root = page.documentElement;
	for (const [width, text] of [[320, 100], [390, 100], [768, 100], [320, 200], [640, 200]]) {
		frame.style.width = width + 'px';
		root.style.fontSize = text + '%';
		const over = root.scrollWidth - root.clientWidth;
		if (over <= 0) continue;
		const out = [...root.querySelectorAll('body *')].filter((e) => !e.closest('.table, .sr') && e.getBoundingClientRect().right > root.clientWidth + .5);
		wide.push(' at ' + width + ' px and ' + text + ' %: ' + over + ' px too wide; ' + out.slice(-3).map((e) => e.outerHTML.slice(0, 80)).join(' | '));
	}
	return wide;
}`

// passes runs axe-core with the rules that the tests in the browser use, once for pages
// that differ in their words only.
const passes = `async (page, window, frame) => {
	const shape = [...page.querySelectorAll('*')].map((e) => e.tagName + e.id + e.className + e.getAttribute('role')).join();
	globalThis.shapes ??= new Set();
	if (shapes.has(shape)) return [];
	shapes.add(shape);
	frame.style.width = '390px';
	[window.setTimeout, window.setInterval] = window.timers;
	window.eval(await (globalThis.axe ??= fetch('/axe.js').then((r) => r.text())));
	const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'RGAAv4'];
	const said = await window.axe.run(page, {resultTypes: ['violations'], runOnly: {type: 'tag', values: rules}});
	return said.violations.map((v) => ': ' + v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map((n) => n.html + ' ' + n.failureSummary).join(' | '));
}`

// standsOut returns what a page loses where the system chooses the colours: elements that
// do not show that they have the focus, buttons without a border, and drawings that keep
// the colours of the theme. Pages with the same elements are checked once.
const standsOut = `async (page, window, frame) => {
	const shape = [...page.querySelectorAll('*')].map((e) => e.tagName + e.id + e.className).join();
	globalThis.outlines ??= new Set();
	if (outlines.has(shape)) return [];
	outlines.add(shape);
	const lost = [], style = (e) => window.getComputedStyle(e);
	const probe = page.body.appendChild(page.createElement('i'));
	const palette = ['Canvas', 'CanvasText', 'GrayText', 'Highlight', 'HighlightText', 'LinkText', 'ButtonBorder', 'ButtonText'].map((name) => {
		probe.style.color = name;
		return style(probe).color;
	});
	if (!window.matchMedia('(forced-colors: active)').matches) lost.push(': the colours are not forced');
	for (const e of page.querySelectorAll('svg *')) {
		for (const part of ['fill', 'stroke']) {
			const colour = style(e)[part];
			if (colour !== 'none' && !palette.includes(colour)) lost.push(': ' + part + ' ' + colour + ' of ' + e.outerHTML);
		}
	}
	for (const e of page.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')) {
		if (!e.checkVisibility() || e.disabled) continue;
		e.focus({focusVisible: true});
		const now = style(e);
		if (page.activeElement === e && (now.outlineStyle === 'none' || parseFloat(now.outlineWidth) < 2)) lost.push(': no focus is seen at ' + e.outerHTML.slice(0, 120));
		if (e.matches('.primary, .secondary, .dangerous, .copy, .reveal') && parseFloat(now.borderTopWidth) === 0) lost.push(': no border around ' + e.outerHTML.slice(0, 120));
	}
	return lost;
}`

// broken is the name of a page with faults that each check must find.
const broken = "broken.html"

// eachPage calls a check with each page, in all its states: those of the students in
// French, those of the console in English, because only these have the menu, a notice and
// errors. The browser has the media features. It returns the findings in the broken page.
func eachPage(t *testing.T, check, faults string, features ...*emulation.MediaFeature) (found []string) {
	t.Helper()
	dir := t.TempDir()
	_, p := draw(t, dir)
	names := []string{broken}
	for _, pattern := range []string{"*-fr.html", "console-*-en.html"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) < 80 {
			t.Fatalf("only %d pages %s were drawn", len(files), pattern)
		}
		for _, file := range files {
			if name := filepath.Base(file); !strings.HasPrefix(name, "console-") || strings.HasSuffix(name, "-en.html") {
				names = append(names, name)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, broken), []byte(`<!doctype html><html lang="fr"><head><title>x</title><link rel="stylesheet" href="/static/app.css"></head><body><main>`+faults+`</main></body></html>`), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/page/{name}", func(w http.ResponseWriter, r *http.Request) {
		page, err := os.ReadFile(filepath.Join(dir, filepath.Base(r.PathValue("name"))))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(bytes.Replace(page, []byte("<head>"), []byte("<head>"+still), 1))
	})
	mux.HandleFunc("/static/", func(w http.ResponseWriter, r *http.Request) {
		r.Host = "compte.example.org"
		p.ServeHTTP(w, r)
	})
	mux.HandleFunc("/axe.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../e2e/testdata/axe.min.js") })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, "<!doctype html><title>x</title><body>")
	})
	server := httptest.NewServer(mux)
	defer server.Close()

	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no Chromium: install it (on Debian: apt-get install chromium)")
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("hide-scrollbars", true))...)
	defer stop()
	ctx, end := chromedp.NewContext(allocator)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	said, err := chromedp.Run(ctx, chromedp.Evaluate[string](inFrames+"("+string(list)+","+check+")", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	if err := json.Unmarshal([]byte(said), &all); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if strings.HasPrefix(f, broken) {
			found = append(found, f)
		} else {
			t.Error(f)
		}
	}
	return found
}

// U16: no page, in any of its states, scrolls sideways: on the narrowest telephone, on
// a telephone, on a tablet, and with text at 200 %.
func TestU16_PagesFitNarrowWindowsAndLargeText(t *testing.T) {
	found := eachPage(t, fits, `<p style="width: 50rem">x</p>`)
	if len(found) != 5 { // 800 px fit into none of the windows
		t.Errorf("the page that is too wide was found %d times:\n%q", len(found), found)
	}
}

// No page, in any of its states, breaks a rule of WCAG 2.2 AA or RGAA that axe-core
// checks.
func TestPages_PassAxe(t *testing.T) {
	found := strings.Join(eachPage(t, passes, `<img src="/x.png"><p style="color: #ccc; background: #fff">pale words</p>`), "\n")
	for _, rule := range []string{"image-alt", "color-contrast"} {
		if !strings.Contains(found, rule) {
			t.Errorf("axe does not find %s in the broken page: %s", rule, found)
		}
	}
}

// Where the system chooses the colours (forced-colors), no page, in any of its states,
// loses the focus, a button or a drawing.
func TestPages_KeepFocusAndDrawingsInForcedColours(t *testing.T) {
	found := strings.Join(eachPage(t, standsOut,
		`<a href="/" style="outline: none">x</a><a class="primary" href="/" style="border: 0">x</a><svg><rect style="fill: red"/></svg>`,
		&emulation.MediaFeature{Name: "forced-colors", Value: "active"}), "\n")
	for _, fault := range []string{"no focus is seen", "no border around", "fill rgb(255, 0, 0)"} {
		if !strings.Contains(found, fault) {
			t.Errorf("%q is not found in the broken page: %s", fault, found)
		}
	}
}
