package app

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/config"
	"entree/internal/devenv/demotest"
	"entree/internal/domain"
)

// quiet returns an installed portal whose jobs do not run, with limits that one test
// machine does not reach.
func quiet(t testing.TB) (*App, string) {
	t.Helper()
	i := demotest.Install(t)
	c, err := config.Load(i.Config, append(i.Environ,
		"ENTREE_LIMITS_MAILS_PER_NETWORK_PER_10_MINUTES=1000000", "ENTREE_LIMITS_MAILS_ALTOGETHER_PER_10_MINUTES=1000000",
		"ENTREE_LIMITS_WRONG_CODES_PER_NETWORK_PER_10_MINUTES=1000000", "ENTREE_LIMITS_WRONG_CODES_ALTOGETHER_PER_DAY=1000000"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, i.Base
}

// Known and unknown addresses are asked for, guessed at, asked for again in the same
// browser and in another one, in random orders. The times of the answers are ranked:
// how well they tell the two apart is the area under the curve, 0.5 for not at all.
// Kratos 26.2.0 was measured at 0.72 to 0.96. With 1,000 addresses of each class, on a
// quiet machine:
//
//	go test -run '^$' -bench Enumeration -benchtime 1000x ./internal/app
func BenchmarkEnumeration(b *testing.B) {
	a, base := quiet(b)
	n := b.N
	type sample struct {
		known bool
		first *stranger
		again *stranger
	}
	// Drawn, so that neither the place in an index nor the order of creation differs
	// between the classes.
	all := make([]*sample, 2*n)
	for i := range all {
		all[i] = &sample{known: i < n, first: newStranger(b, a.pages, base), again: newStranger(b, a.pages, base)}
	}
	shuffle(b, all)
	var people []domain.Person
	for i, one := range all {
		address := strings.ToLower(rand.Text()) + "@example.com"
		one.first.address, one.again.address = address, address
		if one.known {
			people = append(people, domain.Person{
				ID: domain.PersonID(fmt.Sprint("p", i)), Profile: "etudiant", Number: fmt.Sprintf("2250%04d", i), GivenName: "Ada", FamilyName: "Martin",
				Email: domain.Address(address), Readiness: domain.Ready,
			})
		}
	}
	if err := a.store.Enrol(b.Context(), people...); err != nil {
		b.Fatal(err)
	}
	for i := range 20 { // statements are prepared, pages drawn for the first time
		s := newStranger(b, a.pages, base)
		s.request(fmt.Sprintf("warm%d@example.com", i))
		s.guess()
	}
	b.ResetTimer()
	now := a.service.Clock
	for _, act := range []struct {
		name  string
		after time.Duration
		do    func(*sample) time.Duration
	}{
		{"request-auc", 0, func(s *sample) time.Duration { return s.first.request(s.first.address) }},
		{"wrong-code-auc", 0, func(s *sample) time.Duration { return s.first.guess() }},
		{"resend-auc", 31 * time.Second, func(s *sample) time.Duration { return s.first.resend() }},
		{"second-request-auc", 0, func(s *sample) time.Duration { return s.again.request(s.again.address) }},
	} {
		if act.after > 0 {
			a.service.Clock = func() time.Time { return now().Add(act.after) }
		}
		shuffle(b, all)
		var took []timed
		for _, s := range all {
			took = append(took, timed{s.known, act.do(s)})
		}
		area, deviation := toldApart(took)
		b.ReportMetric(area, act.name)
		b.ReportMetric(1.96*deviation, "chance-±")
	}
}

type timed struct {
	known bool
	took  time.Duration
}

// toldApart returns the area under the curve of the times of two classes of equal
// size, and the standard deviation that it has by chance.
func toldApart(all []timed) (area, deviation float64) {
	slices.SortFunc(all, func(x, y timed) int { return int(x.took - y.took) })
	ranks, each := 0, 0
	for rank, one := range all {
		if one.known {
			each++
			ranks += rank + 1
		}
	}
	n := float64(each)
	return (float64(ranks) - n*(n+1)/2) / (n * n), math.Sqrt((2*n + 1) / (12 * n * n))
}

func TestToldApart_OfClassesThatDiffer(t *testing.T) {
	var apart, alike []timed
	for i := range 100 {
		apart = append(apart, timed{true, time.Duration(i)}, timed{false, time.Duration(i + 1000)})
		alike = append(alike, timed{i%2 == 0, time.Duration(2 * i)}, timed{i%2 == 1, time.Duration(2*i + 1)})
	}
	if area, _ := toldApart(apart); area != 0 {
		t.Errorf("known ones are always sooner: %.3f", area)
	}
	if area, _ := toldApart(alike); math.Abs(area-0.5) > 0.01 {
		t.Errorf("by turns: %.3f", area)
	}
}

// The answers for every state of an address are equal byte by byte, except for random
// values such as form tokens: page after page, through wrong codes to the end.
func TestS14_AnswersAreEqualByteByByte(t *testing.T) {
	a, base := quiet(t)
	person := func(n int, change func(*domain.Person)) domain.Person {
		p := domain.Person{ID: domain.PersonID(fmt.Sprint("p", n)), Profile: "etudiant", Number: fmt.Sprint(22500000 + n), GivenName: "Ada", FamilyName: "Martin",
			Email: domain.Address(fmt.Sprintf("state%d@example.com", n)), Readiness: domain.Ready, BirthDate: "2007-03-17"}
		change(&p)
		return p
	}
	states := []string{"unknown", "ready", "not ready", "held", "of another profile", "several people", "with a proof", "moved away"}
	people := []domain.Person{
		person(1, func(*domain.Person) {}), person(2, func(p *domain.Person) { p.Readiness = domain.NotReady }), person(3, func(p *domain.Person) { p.Readiness = domain.Held }),
		person(4, func(p *domain.Person) { p.Profile = "personnel" }), person(5, func(*domain.Person) {}), person(15, func(p *domain.Person) { p.Email = "state5@example.com" }),
		person(6, func(p *domain.Person) { p.Hold = "?" }), person(7, func(*domain.Person) {}),
	}
	if err := a.store.Enrol(t.Context(), people...); err != nil {
		t.Fatal(err)
	}
	now := a.service.Clock
	var want []string
	for n, state := range states {
		a.service.Clock = now
		s := newStranger(t, a.pages, base)
		s.keep = true
		s.request(fmt.Sprintf("state%d@example.com", n))
		if state == "moved away" {
			moved := people[len(people)-1]
			moved.Email = "elsewhere@example.com"
			if err := a.store.Enrol(t.Context(), moved); err != nil {
				t.Fatal(err)
			}
		}
		s.resend() // too soon
		s.guess()
		a.service.Clock = func() time.Time { return now().Add(31 * time.Second) }
		s.resend()
		for range domain.MaxTries {
			s.guess()
		}
		s.get("/activation/identification")
		s.get("/activation/charte")
		if len(want) == 0 {
			want = s.seen
		}
		if len(s.seen) != len(want) {
			t.Fatalf("%s: %d answers, %d for an unknown address", state, len(s.seen), len(want))
		}
		for i, answer := range s.seen {
			if answer != want[i] {
				t.Errorf("%s: answer %d differs from that for an unknown address:\n%s\n---\n%s", state, i, answer, want[i])
			}
		}
	}
	if len(want) != 13 || !strings.Contains(want[len(want)-1], "Location") {
		t.Errorf("%d answers were compared", len(want))
	}
}

func shuffle[T any](t testing.TB, all []T) {
	t.Helper()
	random := make([]byte, 2*len(all))
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	for k := len(all) - 1; k > 0; k-- {
		j := (int(random[2*k])<<8 + int(random[2*k+1])) * (k + 1) >> 16
		all[k], all[j] = all[j], all[k]
	}
}

// strangers is the number of strangers so far; each has a network of its own.
var strangers int

// stranger is a browser that asks for an address.
type stranger struct {
	t       testing.TB
	pages   http.Handler
	base    string
	remote  string
	address string
	cookies map[string]string
	token   string
	keep    bool     // answers are added to seen
	seen    []string // answers without their random values
}

func newStranger(t testing.TB, pages http.Handler, base string) *stranger {
	strangers++
	return &stranger{t: t, pages: pages, base: base, cookies: map[string]string{}, remote: fmt.Sprintf("10.%d.%d.1:9", strangers>>8&255, strangers&255)}
}

func (s *stranger) send(method, path string, form url.Values) (*httptest.ResponseRecorder, time.Duration) {
	s.t.Helper()
	r := httptest.NewRequest(method, s.base+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = s.remote
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range s.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	answer := httptest.NewRecorder()
	begun := time.Now()
	s.pages.ServeHTTP(answer, r)
	took := time.Since(begun)
	for _, cookie := range answer.Result().Cookies() {
		s.cookies[cookie.Name] = cookie.Value
	}
	if s.keep {
		s.seen = append(s.seen, s.plain(answer))
	}
	body := answer.Body.String()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token, ok := doc.Find("[name=jeton]").First().Attr("value"); ok {
		s.token = token
	}
	return answer, took
}

// random matches the values that differ between two answers for the same address: form
// tokens, ids of requests, references and cookies, and the seconds that go by.
var random = regexp.MustCompile(`value="[A-Za-z0-9_-]{43}"|[0-9A-Z]{4}(-[0-9A-Z]{4})+|entree=[^;]*|state\d|\b\d{1,2}[\s\x{a0}\x{202f}]?[h:][\s\x{a0}\x{202f}]?\d{2}\b|datetime="[^"]*"|"?data-[a-z-]*="\d+"|X-Session-Left: \[\d+\]|\b[23]\d\b|\b\d+[\s\x{a0}\x{202f}]secondes?`)

// plain returns status, headers and body without the values that random matches.
func (s *stranger) plain(answer *httptest.ResponseRecorder) string {
	var b strings.Builder
	fmt.Fprintln(&b, answer.Code)
	var names []string
	for name := range answer.Header() {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %v\n", name, answer.Header()[name])
	}
	b.WriteString(answer.Body.String())
	return random.ReplaceAllString(b.String(), "·")
}

func (s *stranger) get(path string) *httptest.ResponseRecorder {
	s.t.Helper()
	answer, _ := s.send(http.MethodGet, path, nil)
	return answer
}

// post sends a form with the token of the last page.
func (s *stranger) post(path string, form url.Values) (*httptest.ResponseRecorder, time.Duration) {
	s.t.Helper()
	form.Set("jeton", s.token)
	return s.send(http.MethodPost, path, form)
}

// request asks for a code as a new browser does, and opens the page that follows.
func (s *stranger) request(address string) time.Duration {
	s.t.Helper()
	s.get("/activation?profil=etudiant")
	answer, took := s.post("/activation", url.Values{"profil": {"etudiant"}, "adresse": {address}})
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/activation/identification" {
		s.t.Fatalf("%s: %d to %s", address, answer.Code, answer.Header().Get("Location"))
	}
	s.get("/activation/identification")
	return took
}

func (s *stranger) guess() time.Duration {
	s.t.Helper()
	_, took := s.post("/activation/identification", url.Values{"code": {"000000"}})
	return took
}

func (s *stranger) resend() time.Duration {
	s.t.Helper()
	_, took := s.post("/activation/renvoi", url.Values{})
	return took
}
