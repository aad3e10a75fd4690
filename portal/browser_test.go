package portal_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"html"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/portal"
	"entree/portal/web"
)

// world is a portal over fakes, with a fixed clock.
type world struct {
	portal  *portal.Portal
	service *fakeService
	rows    *fakeRows
	log     *syncBuffer
	base    string
	network http.RoundTripper // for a portal that listens; nil: requests are passed to the handler directly
	mu      sync.Mutex
	at      time.Time
}

// failer is the common subset of testing.T and rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newWorld(t failer, change ...func(*portal.Options)) *world {
	t.Helper()
	w := &world{base: "https://mon-compte.exemple.fr", at: time.Now(), log: &syncBuffer{}, rows: &fakeRows{rows: map[string]domain.SessionRow{}}}
	w.service = newFakeService(w.now)
	w.service.rows = w.rows
	w.rows.journey = w.service.stored
	keys, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatalf("keys: %v", err)
	}
	o := portal.Options{
		Service: w.service, Texts: w.service, Sessions: w.rows, Keys: keys, BaseURL: w.base,
		Institution: web.Institution{Name: "Université d'Exemple"},
		Theme:       web.Theme{Accent: "#0b5d4e", AccentDark: "#7fd1bf"},
		Profiles: []domain.Profile{
			{Key: "etudiant", Names: map[domain.Lang]string{"fr": "Étudiant", "en": "Student"}, Affiliation: "student"},
			{Key: "personnel", Names: map[domain.Lang]string{"fr": "Personnel"}, Affiliation: "staff"},
		},
		EntURL: "https://ent.exemple.fr/", Idle: idleLimit,
		Templates: os.DirFS("testdata/templates"), Static: os.DirFS("testdata/static"), Catalog: fakeCatalog{},
		Metrics: web.NewMetrics(web.Build{}, web.Figures{}), Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Now: w.now, Random: rand.Reader,
	}
	for _, f := range change {
		f(&o)
	}
	w.base = o.BaseURL
	if w.portal, err = portal.New(o); err != nil {
		t.Fatalf("portal: %v", err)
	}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

// fakeCatalog returns keys and arguments instead of texts.
type fakeCatalog struct{}

func (fakeCatalog) T(lang domain.Lang, key string, args ...any) template.HTML {
	s := "[" + string(lang) + " " + key
	for i := 0; i+1 < len(args); i += 2 {
		s += fmt.Sprintf(" %v=%s", args[i], html.EscapeString(fmt.Sprint(args[i+1])))
	}
	return template.HTML(s + "]")
}

func (fakeCatalog) Match(accept string) domain.Lang {
	if strings.HasPrefix(accept, "en") {
		return domain.English
	}
	return domain.French
}

// browser keeps cookies and the current page.
type browser struct {
	t      failer
	world  *world
	jar    *cookiejar.Jar
	header http.Header
	remote string
}

func (w *world) browser(t failer) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("jar: %v", err)
	}
	return &browser{t: t, world: w, jar: jar, header: http.Header{}, remote: "192.0.2.7:4711"}
}

// page is a parsed response.
type page struct {
	*goquery.Document
	t      failer
	path   string
	status int
	header http.Header
	body   string
}

// do sends one request and follows no redirect.
func (b *browser) do(method, path string, body *url.Values) *page {
	b.t.Helper()
	var r *http.Request
	target := b.world.base + path
	if body != nil {
		r = httptest.NewRequest(method, target, strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, target, nil)
	}
	for name, values := range b.header {
		r.Header[name] = values
	}
	r.RemoteAddr = b.remote
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) *page {
	b.t.Helper()
	var answer *http.Response
	if b.world.network != nil {
		r.RequestURI = ""
		var err error
		if answer, err = b.world.network.RoundTrip(r); err != nil {
			b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
		}
	} else {
		rec := httptest.NewRecorder()
		b.world.portal.ServeHTTP(rec, r)
		answer = rec.Result()
	}
	defer answer.Body.Close()
	b.jar.SetCookies(r.URL, answer.Cookies())
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return &page{Document: doc, t: b.t, path: r.URL.Path, status: answer.StatusCode, header: answer.Header, body: string(raw)}
}

// get follows redirects within the portal.
func (b *browser) get(path string) *page {
	b.t.Helper()
	return b.follow(b.do("GET", path, nil))
}

func (b *browser) follow(p *page) *page {
	b.t.Helper()
	for range 5 {
		to := p.header.Get("Location")
		if p.status != http.StatusSeeOther || !strings.HasPrefix(to, "/") {
			return p
		}
		p = b.do("GET", to, nil)
	}
	b.t.Fatalf("%s: redirects without end", p.path)
	return nil
}

// fill returns the values that a browser submits for a form of the page: the
// current values, replaced by the typed ones.
func (p *page) fill(action string, typed ...string) url.Values {
	p.t.Helper()
	form := p.Find(`form[action="` + action + `"]`)
	if form.Length() != 1 {
		p.t.Fatalf("%s: %d forms to %s; status %d, h1 %q", p.path, form.Length(), action, p.status, p.Find("h1").Text())
	}
	values := url.Values{}
	form.Find("input").Each(func(_ int, in *goquery.Selection) {
		name, kind := in.AttrOr("name", ""), in.AttrOr("type", "text")
		if _, checked := in.Attr("checked"); (kind == "radio" || kind == "checkbox") && !checked {
			return
		}
		values.Set(name, in.AttrOr("value", ""))
	})
	for i := 0; i+1 < len(typed); i += 2 {
		values.Set(typed[i], typed[i+1])
	}
	return values
}

// submit submits a form of the page and follows redirects.
func (b *browser) submit(p *page, action string, typed ...string) *page {
	b.t.Helper()
	values := p.fill(action, typed...)
	return b.follow(b.do("POST", action, &values))
}

func (p *page) want(path string, status int) *page {
	p.t.Helper()
	if p.path != path || p.status != status {
		p.t.Fatalf("at %s with %d, want %s with %d (h1 %q, summary %q)", p.path, p.status, path, status, p.Find("h1").Text(), p.Find(".summary").Text())
	}
	return p
}

func (p *page) shows(selector, text string) *page {
	p.t.Helper()
	if got := p.Find(selector).Text(); !strings.Contains(got, text) {
		p.t.Fatalf("%s: %s shows %q, want %q in it", p.path, selector, got, text)
	}
	return p
}

// begin requests a code.
func (b *browser) begin(address string) *page {
	b.t.Helper()
	p := b.get("/activation?profil=etudiant").want("/activation", 200)
	return b.submit(p, "/activation", "adresse", address).want("/activation/identification", 200)
}

// to runs the activation up to a page.
func (b *browser) to(path string) *page {
	b.t.Helper()
	p := b.begin(known)
	for _, step := range []struct {
		at    string
		typed []string
	}{
		{"/activation/identification", []string{"code", rightCode}},
		{"/activation/charte", []string{"charte", "oui"}},
		{"/activation/entre-mdp", nil},
		{"/activation/mot-de-passe", []string{"mot-de-passe", goodPhrase, "confirmation", goodPhrase}},
	} {
		if p.path == path {
			return p
		}
		p = b.submit(p.want(step.at, 200), step.at, step.typed...)
	}
	return p.want(path, 200)
}

func (b *browser) sessionCookie() string {
	b.t.Helper()
	u, err := url.Parse(b.world.base)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	for _, c := range b.jar.Cookies(u) {
		if c.Name == "__Host-entree" || c.Name == "entree" {
			return c.Value
		}
	}
	return ""
}

// setSession plants a session cookie.
func (b *browser) setSession(value string) {
	b.t.Helper()
	u, err := url.Parse(b.world.base)
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	name := "__Host-entree"
	if u.Scheme == "http" {
		name = "entree"
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: u.Scheme == "https"}})
}

// syncBuffer is a log buffer that is safe for concurrent use.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var _ failer = (*testing.T)(nil)
