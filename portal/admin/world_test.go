package admin_test

import (
	"context"
	"crypto/rand"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/overview"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/internal/sso/ssotest"
	"entree/portal/admin"
	"entree/portal/i18n"
	"entree/portal/web"
	"entree/static"
	"entree/templates"
)

// world is a console over fakes and a small OpenID provider, with a clock that
// a test sets.
type world struct {
	t        *testing.T
	site     *web.Site
	console  *admin.Console
	provider *ssotest.Provider
	rows     *rows
	journal  *journal
	figures  figures
	record   record
	mu       sync.Mutex
	at       time.Time
}

const base = "https://mon-compte.exemple.fr"

func newWorld(t *testing.T, change ...func(*admin.Options)) *world {
	t.Helper()
	w := &world{t: t, at: time.Now().Truncate(time.Second), rows: &rows{all: map[string]row{}}, journal: &journal{}}
	w.provider = ssotest.New(t, w.now)
	keys, err := secret.ParseKeys(secret.GenerateKey())
	w.must(err)
	login, err := sso.New(sso.Config{
		Issuer: w.provider.URL, ClientID: ssotest.ClientID, ClientSecret: secret.New(ssotest.ClientSecret),
		RedirectURL: base + "/admin/connexion/retour", Now: w.now, Random: rand.Reader,
	})
	w.must(err)
	pages, err := fs.Sub(templates.FS, "admin")
	w.must(err)
	o := admin.Options{SSO: login, Journal: w.journal, Figures: &w.figures, Record: &w.record, Rights: &w.record, Templates: pages, Now: w.now}
	for _, f := range change {
		f(&o)
	}
	w.console, err = admin.New(o)
	w.must(err)
	catalog, err := i18n.Load()
	w.must(err)
	w.site, err = web.New(web.Config{
		BaseURL: base, FormTargets: []string{w.console.Origin()}, Institution: web.Institution{Name: "Université d'Exemple"},
		Theme: web.Theme{Accent: "#0b5d4e", AccentDark: "#7fd1bf"}, Templates: templates.FS, Static: static.FS, Catalog: catalog,
		ErrorPage: func(*web.Error, template.HTML) any { return nil }, Keys: keys, Sessions: w.rows, Metrics: web.NewMetrics(web.Build{}, web.Figures{}), AtOnce: 500,
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Now: w.now, Random: rand.Reader,
	})
	w.must(err)
	w.must(admin.MountForTests(w.console, w.site))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) now() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.at }

func (w *world) sleep(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

// journal stores the audit entries.
type journal struct {
	mu  sync.Mutex
	all []audit.Entry
}

func (j *journal) Note(_ context.Context, e audit.Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, e)
	return nil
}

// entries returns the entries since the last call of acts.
func (j *journal) entries() []audit.Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.all)
}

// acts returns the entries since the last call, as "role act".
func (j *journal) acts() (out []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.all {
		out = append(out, strings.TrimSpace(e.By.Role+" "+e.Act))
	}
	j.all = nil
	return out
}

// figures holds the data of the overview and the jobs.
type figures struct {
	all     overview.Overview
	since   time.Time
	jobs    []overview.JobLine
	again   []audit.Entry
	marks   []overview.WrongMarks
	without overview.WithoutQuery // of the last list of people without a factor
	cleared []overview.WrongMarks
	hurried []overview.WaitingJobs
}

func (f *figures) Overview(_ context.Context, since time.Time) (overview.Overview, error) {
	f.since = since
	return f.all, nil
}

func (f *figures) Refusals(context.Context, time.Time) ([]overview.MailRefusals, error) {
	return f.all.Refusals, nil
}

func (f *figures) FactorCounts(context.Context) ([]overview.FactorCount, error) {
	return []overview.FactorCount{{Profile: "etudiant", Cohort: "L1", Accounts: 3, Passkeys: 1, Without: 2}, {Profile: "etudiant", Cohort: "L2", Accounts: 9, Without: 9}}, nil
}

func (f *figures) WithoutFactor(_ context.Context, q overview.WithoutQuery, see func(overview.Without) error) error {
	f.without = q
	return see(overview.Without{ID: "p1", Profile: "etudiant", Number: "=1+1", GivenName: "Jeanne", FamilyName: "Martin", Cohort: "L1", ActivatedAt: time.Unix(0, 0)})
}

func (f *figures) WrongMarks(context.Context) ([]overview.WrongMarks, error) { return f.marks, nil }

func (f *figures) ClearWrong(_ context.Context, m overview.WrongMarks, _ string, entry audit.Entry) (int, error) {
	f.cleared = append(f.cleared, m)
	f.again = append(f.again, entry)
	return 3, nil
}

func (f *figures) Hurry(_ context.Context, w overview.WaitingJobs, by ...audit.Entry) (n int64, err error) {
	for _, j := range f.jobs {
		if j.Kind == w.Kind && (w.ID == "" || j.ID == w.ID) && (w.Reason == "" || j.Reason == w.Reason) && (w.Person == "" || j.Person == w.Person) {
			n++
		}
	}
	if n == 0 {
		return 0, domain.ErrNotFound
	}
	f.hurried = append(f.hurried, w)
	return n, nil
}

func (f *figures) SendAgain(_ context.Context, id string, _ time.Time, by ...audit.Entry) error {
	for i, j := range f.jobs {
		if j.ID == id && j.Letter {
			f.jobs[i].Letter, f.jobs[i].GivenUp = false, time.Time{}
			f.again = append(f.again, by...)
			return nil
		}
	}
	return domain.ErrNotFound
}

func (f *figures) Jobs(_ context.Context, _ string, givenUp bool, _, _ int) (out []overview.JobLine, _ error) {
	for _, j := range f.jobs {
		if !j.GivenUp.IsZero() == givenUp {
			out = append(out, j)
		}
	}
	return out, nil
}

type row struct {
	data    []byte
	expires time.Time
}

// rows stores sessions in memory.
type rows struct {
	mu  sync.Mutex
	all map[string]row
}

func (f *rows) Session(_ context.Context, id string) (domain.SessionRow, domain.Journey, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.all[id]
	if !ok {
		return domain.SessionRow{}, domain.Journey{}, domain.ErrNotFound
	}
	return domain.SessionRow{ID: id, Data: r.data, Expires: r.expires}, domain.Journey{}, nil
}

func (f *rows) SaveSession(_ context.Context, r domain.SessionRow) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[r.ID] = row{r.Data, r.Expires}
	return nil
}

func (f *rows) DeleteSession(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, id)
	return nil
}

func (f *rows) RenewSession(_ context.Context, r domain.SessionRow) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.all[r.Old]; !ok {
		return domain.ErrNotFound
	}
	delete(f.all, r.Old)
	f.all[r.ID] = row{r.Data, r.Expires}
	return nil
}

func (f *rows) ExtendSession(_ context.Context, id string, expires time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.all[id]; ok {
		f.all[id] = row{r.data, expires}
	}
	return nil
}

// browser stores cookies and follows redirects, including those to the provider
// and back.
type browser struct {
	w       *world
	jar     *cookiejar.Jar
	claims  map[string]any // claims of the provider's ID tokens for this user
	logins  int
	referer string // Referer header of POST requests
}

// operator returns a browser of an operator with these roles, who is not logged
// in yet.
func (w *world) operator(roles ...string) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	w.must(err)
	return &browser{w: w, jar: jar, claims: map[string]any{"sub": "s-" + strings.Join(roles, "-"), "name": "Ada " + strings.Join(roles, " "), "entreeRoles": roles}}
}

type page struct {
	*goquery.Document
	w      *world
	path   string
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, form url.Values) *page {
	b.w.t.Helper()
	r := httptest.NewRequest(method, base+path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", b.referer)
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	b.w.site.ServeHTTP(rec, r)
	b.jar.SetCookies(r.URL, rec.Result().Cookies())
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(rec.Body.String()))
	b.w.must(err)
	return &page{Document: doc, w: b.w, path: r.URL.RequestURI(), status: rec.Code, header: rec.Header(), body: rec.Body.String()}
}

// follow follows redirects, including those to the provider. The provider keeps
// the time of the password unless a fresh login is requested.
func (b *browser) follow(p *page) *page {
	b.w.t.Helper()
	for range 6 {
		to := p.header.Get("Location")
		switch {
		case p.status != http.StatusSeeOther:
			return p
		case strings.HasPrefix(to, b.w.provider.URL+"/auth"):
			asked, err := url.Parse(to)
			b.w.must(err)
			if asked.Query().Get("prompt") == "login" || b.claims["auth_time"] == nil {
				b.claims["auth_time"] = b.w.now().Unix()
			}
			b.logins++
			b.w.provider.Set(func(p *ssotest.Provider) {
				p.Edit = func(claims map[string]any) {
					for name, value := range b.claims {
						claims[name] = value
					}
				}
			})
			p = b.do("GET", "/admin/connexion/retour?"+b.w.provider.Login(b.w.t, to).Encode(), nil)
		case strings.HasPrefix(to, "/"):
			p = b.do("GET", to, nil)
		default:
			return p
		}
	}
	b.w.t.Fatalf("%s: redirects without end", p.path)
	return nil
}

func (b *browser) get(path string) *page { b.w.t.Helper(); return b.follow(b.do("GET", path, nil)) }

// submit submits a form of a page with the given field values.
func (b *browser) submit(p *page, action string, typed ...string) *page {
	b.w.t.Helper()
	form := p.Find(`form[action="` + action + `"]`)
	if form.Length() == 0 {
		b.w.t.Fatalf("%s has no form to %s; h1 %q", p.path, action, p.Find("h1").Text())
	}
	values := url.Values{}
	form.First().Find("input, textarea, select").Each(func(_ int, in *goquery.Selection) {
		if name := in.AttrOr("name", ""); name != "" {
			values.Add(name, in.AttrOr("value", in.Text()))
		}
	})
	for i := 0; i+1 < len(typed); i += 2 {
		values.Set(typed[i], typed[i+1])
	}
	return b.follow(b.do("POST", action, values))
}

func (p *page) want(path string, status int) *page {
	p.w.t.Helper()
	if p.path != path || p.status != status {
		p.w.t.Fatalf("at %s with %d, want %s with %d (h1 %q)", p.path, p.status, path, status, p.Find("h1").Text())
	}
	return p
}

func (p *page) shows(selector, text string) *page {
	p.w.t.Helper()
	plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ")
	if got := plain.Replace(p.Find(selector).Text()); !strings.Contains(got, text) {
		p.w.t.Fatalf("%s: %s shows %q, want %q in it", p.path, selector, got, text)
	}
	return p
}
