package app

import (
	"context"
	"crypto/rand"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/config"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localpostgres"
	"entree/internal/domain"
	"entree/internal/sso/ssotest"
	"entree/keycloak"
	"entree/keycloak/fake"
)

// tester is what a test and a walk of rapid's have in common.
type tester interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// asked reports whether the command line sets -rapid.checks.
var asked = sync.OnceValue(func() bool {
	n := flag.Lookup("rapid.checks")
	return n.Value.String() != n.DefValue
})

// onEachDatabase lets a test make so many walks, unless -rapid.checks says how
// many.
func onEachDatabase(t *testing.T, walks string, test func(*testing.T, *walk)) {
	if !asked() {
		if err := flag.Set("rapid.checks", walks); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newWalk(t, "sqlite:"+filepath.Join(t.TempDir(), "entree.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, newWalk(t, localpostgres.ForTest(t, "walk")))
	})
}

// walk is a portal with everything that goes on in it.
type walk struct {
	t        *testing.T
	app      *App
	base     string
	dir      string
	log      string // its file
	provider *ssotest.Provider
	accounts *fake.Accounts
	watch    *watch
	routes   []string // "METHOD /path" of the student's pages
	console  []string // "METHOD /path" of the console's pages

	mu        sync.Mutex
	mails     map[domain.Address][]domain.Message
	planted   []string // keys, which no page, log or database may contain
	passwords []string // passwords, which no page, log or database may contain

	reached        map[domain.PersonID]map[string]bool // contacts that a code proved, by the person who asked
	lives          map[string]int                      // acts of accounts that exist
	people         int
	numbers        int            // telephones so far
	versions       int            // of the charter
	ids            []string       // of people, for the console
	acts           map[string]int // of operators
	asked, spoiled int
	uploads        int            // that the console took
	met            map[string]int // of the console: addresses, and acts by role
}

func newWalk(t *testing.T, dsn string) *walk {
	t.Helper()
	i := demotest.Install(t)
	w := &walk{t: t, base: i.Base, dir: i.Dir, log: filepath.Join(i.Dir, "log"), accounts: fake.New(), mails: map[domain.Address][]domain.Message{}, reached: map[domain.PersonID]map[string]bool{}, met: map[string]int{}, acts: map[string]int{}, lives: map[string]int{}}
	w.provider = ssotest.New(t, time.Now)
	c, err := config.Load(i.Config, append(i.Environ,
		"ENTREE_DATABASE="+dsn, "ENTREE_SSO_ISSUER="+w.provider.URL, "ENTREE_SSO_CLIENT_SECRET="+ssotest.ClientSecret,
		"ENTREE_CONSOLE_CLIENT_SECRET="+ssotest.ClientSecret,
		"ENTREE_LIMITS_MAILS_PER_NETWORK_PER_10_MINUTES=1000000", "ENTREE_LIMITS_MAILS_ALTOGETHER_PER_10_MINUTES=1000000",
	))
	if err != nil {
		t.Fatal(err)
	}
	c.Console.ClientID = ssotest.ClientID // the provider knows one client
	w.planted = []string{strings.Repeat("0f", 32), ssotest.ClientSecret}
	log, err := os.Create(w.log)
	if err != nil {
		t.Fatal(err)
	}
	if w.app, err = New(t.Context(), c, slog.New(slog.NewJSONHandler(log, nil))); err != nil {
		t.Fatal(err)
	}
	hasher, err := keycloak.NewHasher("pbkdf2-sha256", 1, 2, rand.Reader) // how dear it is, is not the matter here
	if err != nil {
		t.Fatal(err)
	}
	w.app.policy.now.Store(&judged{c.Policy(), hasher})
	w.watch = &watch{Store: w.app.store, next: w.next}
	s := w.app.service
	s.Store, s.Accounts, w.app.desk.Accounts, s.Notifier, s.Wait = w.watch, w.accounts, w.accounts, w, 100*time.Millisecond
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.app.Close()
		_ = log.Close()
	})
	for _, r := range w.app.pages.Routes() {
		name := r.Method + " " + r.Path
		if r.Path == "/admin/deconnexion/fournisseur" {
			continue // the provider calls it: it answers with no page
		}
		if strings.HasPrefix(r.Path, "/admin") {
			w.console = append(w.console, name)
		} else {
			w.routes = append(w.routes, name)
		}
	}
	slices.Sort(w.routes)
	return w
}

// Send is the mail server.
func (w *walk) Send(_ context.Context, m domain.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mails[m.To] = append(w.mails[m.To], m)
	return nil
}

// code waits for the code that was sent last to an address.
func (w *walk) code(a domain.Address, after int) string {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		w.mu.Lock()
		all := w.mails[a]
		w.mu.Unlock()
		if len(all) > after {
			return all[len(all)-1].Code
		}
	}
	return ""
}

func (w *walk) sentTo(a domain.Address) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.mails[a])
}

func (w *walk) next(j domain.Journey) domain.Step {
	return j.Next(func(sum string) bool { return slices.Contains(w.app.charters.Cache.Current(j.Profile), sum) })
}

// answer is what came back.
type answer struct {
	*goquery.Document
	status int
	header http.Header
	body   string
}

// send sends an attempt with the mark by which the store knows it.
// reader records a response. With leaves, it ends the request when the first part of
// the response is sent.
type reader struct {
	*httptest.ResponseRecorder
	leaves bool
	leave  context.CancelFunc
}

func (r reader) Flush() {
	r.ResponseRecorder.Flush()
	if r.leaves {
		r.leave()
	}
}

func (w *walk) send(t tester, v *wanderer, a *attempt) answer {
	r := a.request(w.base)
	for name, value := range a.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
		if a.twice {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
	}
	ctx, leave := context.WithCancel(context.WithValue(r.Context(), attemptKey{}, a))
	defer leave()
	rec := httptest.NewRecorder()
	w.app.pages.ServeHTTP(reader{rec, a.leaves, leave}, r.WithContext(ctx))
	for _, c := range rec.Result().Cookies() {
		switch {
		case !a.own:
		case c.MaxAge < 0:
			delete(v.cookies, c.Name)
		default:
			v.cookies[c.Name] = c.Value
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Fatalf("S29: %s sets the cookie %s", a, c.Name)
		}
	}
	body := rec.Body.String()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token, ok := doc.Find("[name=jeton]").First().Attr("value"); ok && a.own {
		v.token = token
	}
	return answer{doc, rec.Code, rec.Header(), body}
}
