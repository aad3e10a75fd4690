package pages_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// fits loads each page into frames of the browser, sets the width and the size of the
// text, and returns the pages that would scroll sideways, with the last elements that
// stick out. Tables that scroll in a region of their own are no fault (WCAG 1.4.10).
const fits = `(async (names) => {
	const wide = [];
	const measure = async (frame) => {
		for (let name; (name = names.shift());) {
			await new Promise((loaded) => { frame.onload = loaded; frame.src = '/page/' + name; });
			const page = frame.contentDocument.documentElement;
			if (!frame.contentDocument.styleSheets.length || !frame.contentDocument.querySelector('main')) wide.push(name + ' was not drawn');
			for (const [width, text] of [[320, 100], [390, 100], [768, 100], [320, 200], [640, 200]]) {
				frame.style.width = width + 'px';
				page.style.fontSize = text + '%';
				const over = page.scrollWidth - page.clientWidth;
				if (over <= 0) continue;
				const out = [...page.querySelectorAll('body *')].filter((e) => !e.closest('.table, .sr') && e.getBoundingClientRect().right > page.clientWidth + .5);
				wide.push(name + ' at ' + width + ' px and ' + text + ' %: ' + over + ' px too wide; ' + out.slice(-3).map((e) => e.outerHTML.slice(0, 80)).join(' | '));
			}
		}
	};
	await Promise.all([...Array(4)].map(() => {
		const frame = document.createElement('iframe');
		frame.style = 'border: 0; height: 800px';
		document.body.append(frame);
		return measure(frame);
	}));
	return JSON.stringify(wide);
})`

// U16: no page, in any of its states, scrolls sideways: on the narrowest telephone, on
// a telephone, on a tablet, and with text at 200 %.
func TestU16_PagesFitNarrowWindowsAndLargeText(t *testing.T) {
	dir := t.TempDir()
	_, p := draw(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*-fr.html"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 150 {
		t.Fatalf("only %d pages were drawn", len(files))
	}
	names := []string{"too-wide.html"}
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	broken := `<!doctype html><link rel="stylesheet" href="/static/app.css"><main><p style="width: 50rem">x</p></main>`
	if err := os.WriteFile(filepath.Join(dir, names[0]), []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/page/", http.StripPrefix("/page", http.FileServer(http.Dir(dir))))
	mux.HandleFunc("/static/", func(w http.ResponseWriter, r *http.Request) {
		r.Host = "compte.example.org"
		p.ServeHTTP(w, r)
	})
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
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	said, err := chromedp.Run(ctx, chromedp.Evaluate[string](fits+"("+string(list)+")", chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var wide []string
	if err := json.Unmarshal([]byte(said), &wide); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, w := range wide {
		if len(w) > 13 && w[:13] == names[0] {
			found++
			continue
		}
		t.Error(w)
	}
	if found != 5 { // 800 px fit into none of the windows
		t.Errorf("the page that is too wide was found %d times:\n%q", found, wide)
	}
}
