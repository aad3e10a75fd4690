package portal_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/devenv/outside"
	"entree/portal"
)

// step is one form of an activation: its page, and what the student types.
type step struct {
	at    string
	typed []string
}

var activation6 = []step{
	{"/activation", []string{"profil", "etudiant", "adresse", family}},
	{"/activation/identification", []string{"code", rightCode}},
	{"/activation/verification", []string{"naissance-jour", "17", "naissance-mois", "3", "naissance-annee", "2004", "numero", rightNumber}},
	{"/activation/charte", []string{"charte", "oui"}},
	{"/activation/entre-mdp", nil},
	{"/activation/mot-de-passe", []string{"mot-de-passe", goodPhrase, "confirmation", goodPhrase}},
}

// The network is lost while the answer to a form is on its way: what the form asked for
// was done, and the browser knows nothing of it. Sent again, as a reload does, it leads
// to the same page, and no mail, try or desk code is lost.
func TestV9_TheAnswerIsLost(t *testing.T) {
	for name, steps := range map[string][]step{
		"activation":           activation6,
		"a code of the desk":   {{"/activation/guichet", []string{"code", rightDesk}}, activation6[3], activation6[4], activation6[5]},
		"a long code":          {{"/activation/code-long", []string{"code", rightLong}}, activation6[3]},
		"a long code as short": {activation6[0], {"/activation/identification", []string{"code", rightLong}}, activation6[3]},
		"a forgotten password": {{"/mot-de-passe-oublie", activation6[0].typed}, activation6[1], activation6[2]},
	} {
		w := newWorld(t)
		b := w.browser(t)
		p := b.get(steps[0].at)
		for i, s := range steps {
			form := p.want(s.at, 200).fill(s.at, s.typed...)
			cookie := b.sessionCookie()
			there := b.follow(b.do("POST", s.at, &form)).path
			b = w.browser(t) // the browser as it was before the answer
			b.setSession(cookie)
			if p = b.follow(b.do("POST", s.at, &form)); p.path != there || p.status != http.StatusOK {
				t.Fatalf("%s: form %d sent again leads to %s with %d (%s), want %s", name, i+1, p.path, p.status, p.Find("h1, .summary").Text(), there)
			}
		}
		if _, mails := w.service.count(); mails > 2 {
			t.Errorf("%s: %d mails", name, mails)
		}
	}
}

// A code of the desk is used before the session is written. If that fails, the same form
// sent again leads on.
func TestV9_TheSessionOfACodeIsNotWritten(t *testing.T) {
	for at, code := range map[string]string{"/activation/guichet": rightDesk, "/activation/code-long": rightLong} {
		w := newWorld(t)
		b := w.browser(t)
		form := b.get(at).want(at, 200).fill(at, "code", code)
		w.rows.fails = true
		if p := b.do("POST", at, &form); p.status != http.StatusInternalServerError {
			t.Fatalf("%s: %d", at, p.status)
		}
		w.rows.fails = false
		b.follow(b.do("POST", at, &form)).want("/activation/charte", 200)
		if acts, _ := w.service.count(); acts != 1 {
			t.Errorf("%s: the code was used %d times", at, acts)
		}
	}
}

// The row that a lost answer leaves serves the holder of the code and of the form, once:
// with the cookie alone, with another code, or a second time it opens nothing (S28).
func TestV9_ALostAnswerOpensNothingToOthers(t *testing.T) {
	const code = "/activation/identification"
	for name, tt := range map[string]struct {
		change func(url.Values)
		wait   time.Duration
		before int // presses of the student before
	}{
		"another code":          {change: func(f url.Values) { f.Set("code", "999999") }},
		"no code":               {change: func(f url.Values) { f.Set("code", "") }},
		"a forged token":        {change: func(f url.Values) { f.Set("jeton", strings.Repeat("A", 43)) }},
		"no token":              {change: func(f url.Values) { f.Del("jeton") }},
		"later than it is kept": {wait: 11 * time.Minute},
		"a second time":         {before: 1},
	} {
		w := newWorld(t)
		b := w.browser(t)
		form := b.begin(known).fill(code, "code", rightCode)
		cookie := b.sessionCookie()
		for range 1 + tt.before {
			b = w.browser(t)
			b.setSession(cookie)
			b.follow(b.do("POST", code, &form)).want("/activation/charte", 200)
		}
		w.sleep(tt.wait)
		thief := w.browser(t)
		thief.setSession(cookie)
		if tt.change != nil {
			tt.change(form)
		}
		if p := thief.follow(thief.do("POST", code, &form)); titleKey(p) == "charter" {
			t.Errorf("%s opens the journey", name)
		}
		form.Set("code", rightCode)
		thief = w.browser(t)
		thief.setSession(cookie)
		if p := thief.follow(thief.do("POST", code, &form)); titleKey(p) == "charter" && name != "a forged token" && name != "no token" {
			t.Errorf("%s: the right code opens the journey afterwards", name)
		}
	}
}

// An activation goes on after each of these events in the middle of each of its steps.
func TestV9_SituationsInTheMiddleOfEachStep(t *testing.T) {
	prefetch := func(purpose string) func(*browser, *page, int) {
		return func(b *browser, p *page, _ int) {
			b.header.Set("Sec-Purpose", purpose)
			p.Find("a[href^='/']").Each(func(_ int, a *goquery.Selection) {
				b.follow(b.do("GET", a.AttrOr("href", ""), nil))
			})
			b.header.Del("Sec-Purpose")
		}
	}
	for name, between := range map[string]func(b *browser, p *page, i int){
		"another network at each step":  func(b *browser, _ *page, i int) { b.remote = fmt.Sprintf("203.0.113.%d:5000", i) },
		"IPv6 instead of IPv4":          func(b *browser, _ *page, i int) { b.remote = "[2001:db8::9]:5000" },
		"the desktop site is asked for": func(b *browser, _ *page, i int) { b.header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (X11; %d)", i)) },
		"the languages change":          func(b *browser, _ *page, i int) { b.header.Set("Accept-Language", []string{"en", "fr", "de"}[i%3]) },
		"another tab switches language": func(b *browser, _ *page, i int) { b.get("/?lang=" + []string{"en", "fr"}[i%2]) },
		"every link is prefetched":      prefetch("prefetch"),
		"every link is prerendered":     prefetch("prefetch;prerender"),
		"the page is loaded again":      func(b *browser, p *page, _ int) { b.get(p.path); b.get(p.path) },
		"the page is asked for by HEAD": func(b *browser, p *page, _ int) { b.do("HEAD", p.path, nil) },
		"back to each earlier page": func(b *browser, _ *page, i int) {
			for j := range i {
				b.get(activation6[j].at)
			}
		},
		"forward to each later page": func(b *browser, _ *page, i int) {
			for _, s := range activation6[i:] {
				b.get(s.at)
			}
		},
		"the first page in another tab": func(b *browser, _ *page, _ int) {
			b.get("/activation")
			b.get("/mot-de-passe-oublie")
			b.get("/activation/guichet")
		},
		"the login begins in another tab": func(b *browser, _ *page, _ int) {
			b.do("GET", "/connexion", nil)
			b.do("GET", "/ent", nil)
			b.do("GET", "/compte", nil)
		},
		"a minute passes":                func(b *browser, _ *page, _ int) { b.world.sleep(time.Minute) },
		"nearly the idle limit passes":   func(b *browser, _ *page, _ int) { b.world.sleep(idleLimit - time.Second) },
		"the server's clock is set back": func(b *browser, _ *page, _ int) { b.world.sleep(-10 * time.Minute) },
		"it crashed and is restored": func(b *browser, p *page, _ int) {
			jar := b.sessionCookie()
			*b = *b.world.browser(b.t)
			b.setSession(jar)
			b.get(p.path)
		},
		"without Referer and Origin": func(b *browser, _ *page, _ int) { b.header.Del("Referer"); b.header.Del("Origin") },
		"a conditional request": func(b *browser, p *page, _ int) {
			b.header.Set("If-None-Match", "*")
			b.header.Set("If-Modified-Since", time.Now().UTC().Format(http.TimeFormat))
			b.get(p.path)
			b.header.Del("If-None-Match")
			b.header.Del("If-Modified-Since")
		},
		"a proxy that asks for a part": func(b *browser, p *page, _ int) {
			b.header.Set("Range", "bytes=0-99")
			b.do("GET", p.path, nil)
			b.header.Del("Range")
		},
		"cookies of other applications": func(b *browser, _ *page, i int) {
			u, _ := url.Parse(b.world.base)
			b.jar.SetCookies(u, []*http.Cookie{{Name: fmt.Sprintf("_shibsession_%d", i), Value: strings.Repeat("x", 3000), Path: "/"}})
		},
		"a proxy that speaks HTTP/1.0": func(b *browser, _ *page, _ int) {
			b.header.Set("Connection", "close")
			b.header.Set("Via", "1.0 squid")
		},
		"save data, do not track": func(b *browser, _ *page, _ int) {
			b.header.Set("Save-Data", "on")
			b.header.Set("Dnt", "1")
			b.header.Set("Sec-Gpc", "1")
		},
		"a stranger posts without cookie": func(b *browser, p *page, _ int) {
			b.world.browser(b.t).do("POST", p.path, &url.Values{"jeton": {"x"}, "code": {"1"}})
		},
		"help is asked for": func(b *browser, _ *page, _ int) {
			b.do("GET", "/robots.txt", nil)
			b.do("GET", "/favicon.ico", nil)
			b.do("GET", "/.well-known/change-password", nil)
		},
	} {
		w := newWorld(t)
		b := w.browser(t)
		p := b.get("/activation")
		for i, s := range activation6 {
			between(b, p, i)
			p = b.submit(p.want(s.at, 200), s.at, s.typed...)
		}
		if p.path != "/activation/accueil-succes" || p.status != http.StatusOK {
			t.Errorf("%s: the activation ends at %s with %d", name, p.path, p.status)
		}
		if _, mails := w.service.count(); mails != 1 {
			t.Errorf("%s: %d mails", name, mails)
		}
	}
}

// A password manager, an assistant or a translator adds fields, fills hidden ones and
// changes what the page only shows: the form is read as the student meant it.
func TestV9_WhatOtherSoftwareFillsIn(t *testing.T) {
	for name, change := range map[string]func(url.Values){
		"another identifier":       func(f url.Values) { f.Set("identifiant", "somebody-else") },
		"fields of its own":        func(f url.Values) { f.Set("username", "a"); f.Set("email", "b@example.org"); f.Set("__cf", "1") },
		"the language of a switch": func(f url.Values) { f.Set("lang", "") },
		"a button":                 func(f url.Values) { f.Set("submit", "Envoyer"); f.Set("submit.x", "3") },
		"spaces around the code": func(f url.Values) {
			if f.Has("code") {
				f.Set("code", "\u00a0"+f.Get("code")+" \r\n")
			}
		},
		"spaces around the address": func(f url.Values) {
			if f.Has("adresse") {
				f.Set("adresse", " "+f.Get("adresse")+"\t")
			}
		},
		"a capital at the beginning": func(f url.Values) {
			if f.Has("adresse") {
				f.Set("adresse", "F"+f.Get("adresse")[1:])
			}
		},
		"zeros before the date": func(f url.Values) {
			if f.Has("naissance-mois") {
				f.Set("naissance-mois", "03")
				f.Set("naissance-annee", " 2004")
			}
		},
		"spaces in the number": func(f url.Values) {
			if f.Has("numero") {
				f.Set("numero", " "+rightNumber+" ")
			}
		},
		"a charset beside the form": func(f url.Values) { f.Set("_charset_", "UTF-8") },
	} {
		w := newWorld(t)
		b := w.browser(t)
		p := b.get("/activation")
		for _, s := range activation6 {
			form := p.want(s.at, 200).fill(s.at, s.typed...)
			change(form)
			p = b.follow(b.do("POST", s.at, &form))
		}
		if p.path != "/activation/accueil-succes" {
			t.Errorf("%s: the activation ends at %s: %s", name, p.path, p.Find("h1, .summary").Text())
		}
	}
}

// A browser is opened the next day with the tabs of the day before: each page says that
// the session has ended and leads to a new beginning, by GET and by its form.
func TestV9_TabsOfTheDayBefore(t *testing.T) {
	w := newWorld(t)
	b := w.browser(t)
	p := b.get("/activation")
	type open struct {
		at   string
		form url.Values
	}
	var tabs []open
	for _, s := range activation6 {
		form := p.want(s.at, 200).fill(s.at, s.typed...)
		tabs = append(tabs, open{s.at, form})
		if s.at != "/activation/mot-de-passe" {
			p = b.follow(b.do("POST", s.at, &form))
		}
	}
	w.sleep(25 * time.Hour)
	for _, tab := range tabs {
		for _, p := range []*page{b.get(tab.at), b.follow(b.do("POST", tab.at, &tab.form))} {
			on := p.Find("a.on, form[action='/activation']").Length()
			if p.status >= 500 || on == 0 {
				t.Errorf("%s: %d, h1 %q, no way on", tab.at, p.status, p.Find("h1").Text())
			}
		}
	}
	b.begin(known)
}

// Two tabs of one browser stand at two steps and both press: the one that is behind is
// led to the journey's own page, and nothing is done twice.
func TestV9_TwoTabsAtTwoSteps(t *testing.T) {
	for ahead := 2; ahead < len(activation6); ahead++ {
		for behind := 1; behind < ahead; behind++ {
			w := newWorld(t)
			b := w.browser(t)
			p := b.get("/activation")
			var old url.Values
			for i := range ahead {
				s := activation6[i]
				form := p.want(s.at, 200).fill(s.at, s.typed...)
				if i == behind {
					old = form
				}
				p = b.follow(b.do("POST", s.at, &form))
			}
			at := activation6[behind].at
			late := b.follow(b.do("POST", at, &old))
			if on := late.Find("a.on").AttrOr("href", ""); late.path != p.path && on != p.path {
				t.Errorf("%s pressed while at %s: at %s with %d, which leads to %q", at, p.path, late.path, late.status, on)
			}
			s := activation6[ahead]
			b.submit(p, s.at, s.typed...)
			if _, mails := w.service.count(); mails != 1 {
				t.Errorf("%s pressed while at %s: %d mails", at, p.path, mails)
			}
		}
	}
}

// A page stays open while another version is installed: its files have other names.
func TestV9_FilesOfAnotherVersion(t *testing.T) {
	b := newWorld(t, delivered(t)).browser(t)
	for name, kind := range map[string]string{"app.0123456789.css": "text/css", "app.ffffffffff.js": "text/javascript", "theme.0000000000.css": "text/css", "favicon.abcdefabcd.svg": "image/svg"} {
		p := b.get("/static/" + name)
		if p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), kind) || p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %s, %s", name, p.status, p.header.Get("Content-Type"), p.header.Get("Cache-Control"))
		}
	}
	for _, name := range []string{"app.012345678.css", "app.0123456789.exe", "nothing.0123456789.css", "app.css.0123456789", "../app.0123456789.css"} {
		if p := b.get("/static/" + name); p.status != http.StatusNotFound {
			t.Errorf("%s: %d", name, p.status)
		}
	}
}

// Other applications of the university fill the browser with cookies of the whole
// domain. The portal bears them as far as nginx does; beyond, a page says what to do.
func TestV9_ManyCookiesOfTheUniversity(t *testing.T) {
	front, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	w, address := listening(t, func(o *portal.Options) { o.BaseURL, o.TrustedProxies = "http://"+front, []string{"127.0.0.1"} })
	proxy := &outside.Proxy{Dir: t.TempDir(), Listen: front, Instances: []string{address, address}}
	if err := proxy.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	b := w.browser(t)
	b.header.Set("Cookie", "_shibsession="+strings.Repeat("x", 24<<10))
	b.get("/activation").want("/activation", 200)
	r := httptest.NewRequest("GET", w.base+"/activation", nil)
	r.RequestURI = ""
	r.Header.Set("Cookie", "_shibsession="+strings.Repeat("x", 100<<10))
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte("trop de cookies")) || !bytes.Contains(body, []byte("too many cookies")) {
		t.Errorf("%s\n%.300s", answer.Status, body)
	}
}
