package app

import (
	"context"
	"database/sql"
	"encoding/binary"
	"html"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/config"
	"entree/internal/devenv/bench"
	"entree/internal/devenv/demopeople"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/domain"
	"entree/internal/overview"
	"entree/internal/secret"
)

// mostCommits is the number of commits that a whole activation costs: one for each of
// request, code, charter, guide, the limit of hashes, password and account, and one
// for each of the two mails.
const mostCommits = 9

// An activation through the real handler commits no more than mostCommits times.
// Each step is committed to disk before its answer, so commits determine the latency.
func TestAnActivationCostsFewCommits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "entree.db")
	c := newCosts(t, "sqlite:"+file)
	c.warmUp(2)
	w := &wal{file: file}
	least := math.MaxInt
	for range 3 { // a job of the portal may commit meanwhile
		c.settle()
		person := c.next()
		w.truncate(t)
		last := 0
		c.walk(person, func(step string) {
			n := w.commits(t)
			t.Logf("%-40s %d", step, n-last)
			last = n
		})
		c.settle()
		least = min(least, w.commits(t))
	}
	c.stop() // waits for the jobs that run
	if least > mostCommits {
		t.Errorf("%d commits, and %d are allowed", least, mostCommits)
	} else if least < 5 {
		t.Errorf("%d commits: they are not counted", least)
	}
}

// On PostgreSQL, a transaction of an activation begins with its first statement and is
// committed with its last ones, except for the limit of hashes, whose counters decide
// whether it is committed.
func TestATransactionWaitsForFewAnswers(t *testing.T) {
	w := newWire(t, localpostgres.ForTest(t, "cost"))
	c := newCosts(t, w.dsn)
	c.warmUp(2)
	const activations = 3
	people := []domain.Person{c.next(), c.next(), c.next()} // the enrolment is not counted
	c.settle()
	w.reset()
	for _, p := range people {
		c.walk(p, func(string) {})
	}
	c.settle()
	if n := w.alone.Load(); n > activations {
		t.Errorf("%d begins and commits were sent alone in %d activations", n, activations)
	}
	if n := w.commits.Load(); n < activations*5 {
		t.Errorf("%d commits: they are not counted", n)
	}
}

// BenchmarkActivation runs whole activations through the real handler, with a Keycloak
// that answers at once and a hash that costs nothing, and reports what does not depend on the load of the machine:
//
//	go test -run '^$' -bench Activation -benchtime 200x ./internal/app
//
// The processor time, allocations and bytes include the visitor's side and the mail
// server of the test. `entree-dev bench portal` measures the portal's process alone.
func BenchmarkActivation(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		file := filepath.Join(b.TempDir(), "entree.db")
		w := &wal{file: file}
		measure(b, newCosts(b, "sqlite:"+file), func(left int) {
			if left == 1 { // the log is cut when it is long
				w.truncate(b)
			}
		}, func() {
			commits, pages := w.frames(b)
			b.ReportMetric(float64(commits), "commits/op")
			b.ReportMetric(float64(pages), "pages/op") // written to the log
		})
	})
	b.Run("postgres", func(b *testing.B) {
		w := newWire(b, localpostgres.DurableForTest(b, "cost"))
		measure(b, newCosts(b, w.dsn), func(left int) {
			if left == b.N {
				w.reset()
			}
		}, func() {
			n := float64(b.N)
			b.ReportMetric(float64(w.commits.Load())/n, "commits/op")
			b.ReportMetric(float64(w.statements.Load())/n, "statements/op")
			b.ReportMetric(float64(w.trips.Load())/n, "trips/op")
		})
	})
}

// measure walks b.N times. It calls begin before each walk, with the number of those
// that are left, and end afterwards.
func measure(b *testing.B, c *costs, begin func(left int), end func()) {
	c.warmUp(30)
	people := make([]domain.Person, b.N)
	for i := range people {
		people[i] = c.next()
	}
	b.ReportAllocs()
	b.ResetTimer()
	begun, err := bench.OwnCPU()
	if err != nil {
		b.Fatal(err)
	}
	for i, p := range people {
		begin(b.N - i)
		c.walk(p, func(string) {})
	}
	b.StopTimer()
	used, err := bench.OwnCPU()
	if err != nil {
		b.Fatal(err)
	}
	c.stop()
	b.ReportMetric(float64((used-begun).Microseconds())/1000/float64(b.N), "core-ms/op")
	end()
}

// costs is a portal whose jobs run, and a visitor without a network between them.
type costs struct {
	t      testing.TB
	app    *App
	base   string
	box    *mailbox.Mailbox
	people int
	stop   func() // the jobs
}

func newCosts(t testing.TB, dsn string) *costs {
	t.Helper()
	keycloakServer := httptest.NewServer(bench.NewStandIn("universite"))
	t.Cleanup(keycloakServer.Close)
	i := demotest.Install(t)
	settings, err := config.Load(i.Config, append(i.Environ, "ENTREE_DATABASE="+dsn, "ENTREE_KEYCLOAK_URL="+keycloakServer.URL,
		"ENTREE_LIMITS_MAILS_PER_NETWORK_PER_10_MINUTES=1000000", "ENTREE_LIMITS_MAILS_ALTOGETHER_PER_10_MINUTES=1000000"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	a.policy.now.Store(&judged{settings.Policy(), noHash{}})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.runner.Run(ctx) }()
	c := &costs{t: t, app: a, base: i.Base, box: i.Box}
	stopped := false
	c.stop = func() {
		if stop(); stopped {
			return
		}
		stopped = true
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(c.stop)
	return c
}

// noHash replaces Argon2, whose cost is measured elsewhere.
type noHash struct{}

func (noHash) Hash(context.Context, secret.Text) (domain.Credential, error) {
	return domain.Credential{Data: "{}", Secret: "{}"}, nil
}

// next enrols a person.
func (c *costs) next() domain.Person {
	c.t.Helper()
	p := demopeople.Student(c.people)
	c.people++
	if err := c.app.store.Enrol(c.t.Context(), p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// warmUp lets statements be prepared and pages be drawn for the first time.
func (c *costs) warmUp(n int) {
	for range n {
		c.walk(c.next(), func(string) {})
	}
}

// settle waits until no mail and no account is under way.
func (c *costs) settle() {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		all, err := c.app.store.JobCounts(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		if !slices.ContainsFunc(all, func(j overview.JobStanding) bool {
			return j.Waiting > 0 && (j.Kind == domain.JobMail || j.Kind == domain.JobAccount)
		}) {
			return
		}
	}
	c.t.Fatal("a job does not end")
}

// value matches the value of a field of a form.
func value(name string) *regexp.Regexp {
	return regexp.MustCompile(`name="` + name + `"[^>]* value="([^"]*)"`)
}

var (
	tokenValue   = value("jeton")
	charterValue = value("empreinte")
	phraseValue  = regexp.MustCompile(`data-copy="([^"]+)"`)
)

// walk activates the account of a person, reads both mails, and calls step after each
// request.
func (c *costs) walk(p domain.Person, step func(string)) {
	c.t.Helper()
	cookies, token, page := map[string]string{}, "", ""
	send := func(method, path string, form url.Values) string {
		c.t.Helper()
		form.Set("jeton", token)
		body := ""
		if method == http.MethodPost {
			body = form.Encode()
		}
		r := httptest.NewRequest(method, c.base+path, strings.NewReader(body))
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for name, v := range cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: v})
		}
		answer := httptest.NewRecorder()
		c.app.pages.ServeHTTP(answer, r)
		for _, cookie := range answer.Result().Cookies() {
			cookies[cookie.Name] = cookie.Value
		}
		page = answer.Body.String()
		if m := tokenValue.FindStringSubmatch(page); m != nil {
			token = m[1]
		}
		step(method + " " + path)
		if answer.Code == http.StatusOK {
			return path
		}
		if answer.Code != http.StatusSeeOther {
			c.t.Fatalf("%s %s: %d\n%s", method, path, answer.Code, page)
		}
		return answer.Header().Get("Location")
	}
	get := func(path string) {
		c.t.Helper()
		for at := send(http.MethodGet, path, url.Values{}); at != path; at = send(http.MethodGet, at, url.Values{}) {
			path = at
		}
	}
	post := func(path, to string, form url.Values) {
		c.t.Helper()
		if at := send(http.MethodPost, path, form); at != to {
			c.t.Fatalf("%s led to %s", path, at)
		}
		get(to)
	}
	mail := func(n int) mailbox.Message {
		c.t.Helper()
		ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
		defer cancel()
		m, err := c.box.Wait(ctx, string(p.Email), n)
		if err != nil {
			c.t.Fatal(err)
		}
		return m
	}
	get("/")
	get("/activation?profil=" + p.Profile)
	post("/activation", "/activation/identification", url.Values{"profil": {p.Profile}, "adresse": {string(p.Email)}})
	code := mail(1).Code()
	step("mail")
	post("/activation/identification", "/activation/charte", url.Values{"code": {code}})
	post("/activation/charte", "/activation/entre-mdp", url.Values{"charte": {"oui"}, "empreinte": {charterValue.FindStringSubmatch(page)[1]}})
	post("/activation/entre-mdp", "/activation/mot-de-passe", url.Values{})
	phrase := html.UnescapeString(phraseValue.FindStringSubmatch(page)[1])
	post("/activation/mot-de-passe", "/activation/accueil-succes", url.Values{"mot-de-passe": {phrase}, "confirmation": {phrase}})
	mail(2)
	step("second mail")
}

// wal counts the commits of SQLite's write-ahead log.
type wal struct{ file string }

// truncate writes the log into the database, so that it is empty.
func (w *wal) truncate(t testing.TB) {
	t.Helper()
	db, err := sql.Open("sqlite", w.file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var busy, frames, written int
	if err := db.QueryRowContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &written); err != nil || busy != 0 {
		t.Fatalf("busy %d, %v", busy, err)
	}
}

// commits returns the number of commits since the log was empty.
func (w *wal) commits(t testing.TB) int {
	t.Helper()
	n, _ := w.frames(t)
	return n
}

// frames returns the numbers of commits and of pages since the log was empty. A frame that
// ends a transaction holds the size of the database
// (https://www.sqlite.org/fileformat.html, section 4.1).
func (w *wal) frames(t testing.TB) (commits, pages int) {
	t.Helper()
	raw, err := os.ReadFile(w.file + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	const header, frameHeader = 32, 24
	if len(raw) < header {
		return 0, 0
	}
	page := int(binary.BigEndian.Uint32(raw[8:]))
	for at := header; at+frameHeader+page <= len(raw); at += frameHeader + page {
		if string(raw[at+8:at+16]) != string(raw[16:24]) {
			continue // of an earlier use of the log
		}
		pages++
		if binary.BigEndian.Uint32(raw[at+4:]) != 0 {
			commits++
		}
	}
	return commits, pages
}
