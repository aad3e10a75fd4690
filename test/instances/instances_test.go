// Package instances_test puts two instances behind the nginx of deploy/ on one
// PostgreSQL: no stickiness, limits that hold over both, proxies that are
// trusted because they are configured.
package instances_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
	"entree/internal/store"
)

func TestMain(m *testing.M) { os.Exit(demotest.Run(m)) }

type world struct {
	t         *testing.T
	postgres  *localpostgres.Server
	dsn       string
	box       *mailbox.Mailbox
	realm     *realm.Realm
	keycloak  *toxiproxy.Proxy // between the instances and Keycloak
	proxy     *outside.Proxy
	instances [2]*outside.Instance
	people    []scripted.Person
}

// upgraded is the index of the first student of the upgrade.
const upgraded = 150

func newWorld(t *testing.T) *world {
	t.Helper()
	demo := demotest.Get(t)
	w := &world{t: t}
	dir := t.TempDir()
	program, err := demotest.Program(dir)
	w.must(err)
	server, err := localpostgres.Start()
	w.must(err)
	t.Cleanup(func() { _ = server.Stop() })
	w.postgres = server
	w.dsn, err = server.DSN("entree")
	w.must(err)
	w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	w.must(err)
	t.Cleanup(func() { _ = w.box.Close() })
	listen, err := outside.FreeAddress()
	w.must(err)
	w.realm, err = outside.NewRealm(t.Context(), demo.Keycloak, "instances-"+strings.ToLower(rand.Text()[:8]), demo.AdminPassword(t), "http://"+listen, "client")
	w.must(err)
	t.Cleanup(func() { w.must(w.realm.Remove(context.Background())) })
	upstream, err := url.Parse(demo.Keycloak)
	w.must(err)
	w.keycloak = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "keycloak", "127.0.0.1:0", upstream.Host)
	w.must(w.keycloak.Start())
	t.Cleanup(w.keycloak.Stop)
	config := outside.Config{
		Dir: dir, Database: w.dsn, BaseURL: "http://" + listen, Keycloak: "http://" + w.keycloak.Listen, Realm: w.realm.Name, SMTP: w.box.SMTPAddr(),
		Trusted: []string{"127.0.0.1"}, Secret: secret.GenerateKey().Reveal(), Client: "client", More: "limits: {mails_per_network_per_10_minutes: 30}",
	}
	_, err = config.Write()
	w.must(err)
	for i := range 220 {
		w.people = append(w.people, scripted.Person{
			Number: fmt.Sprint(66000000 + i), GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", BirthDate: "2006-02-03", Email: fmt.Sprintf("ines.%d@example.org", i),
		})
	}
	// A namesake would get the address of an account that a restored database does not know.
	w.people[upgraded+1].GivenName, w.people[upgraded+1].FamilyName = "Zoé", "Lambert"
	w.must(config.Import(program, w.people))
	w.proxy = &outside.Proxy{Dir: t.TempDir(), Listen: listen}
	for i := range w.instances {
		at, err := outside.FreeAddress()
		w.must(err)
		w.proxy.Instances = append(w.proxy.Instances, at)
		w.instances[i] = &outside.Instance{Program: program, Config: config, Listen: at, Log: filepath.Join(dir, fmt.Sprintf("instance%d.log", i+1))}
		w.start(w.instances[i])
		t.Cleanup(w.instances[i].Stop)
	}
	w.must(w.proxy.Start(w.soon()))
	t.Cleanup(w.proxy.Stop)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) soon() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) start(i *outside.Instance) {
	w.t.Helper()
	w.must(i.Start())
	w.must(i.Answers(w.soon()))
}

func TestSeveralInstances(t *testing.T) {
	w := newWorld(t)

	t.Run("a journey goes on when an instance is killed at each step", func(t *testing.T) {
		s := scripted.NewStudent(w.people[0], w.address(), w.box, net.IPv4(127, 9, 0, 1))
		for i, page := range []string{"/activation/identification", "/activation/charte", "/activation/entre-mdp", "/activation/mot-de-passe", ""} {
			if err := s.Until(w.soon(), page); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				w.start(w.instances[(i+1)%2]) // the preceding instance is running again
			}
			if page != "" {
				w.instances[i%2].Kill()
			}
		}
		if s.Outcome != scripted.Success {
			t.Fatalf("the way ended at %q, %s", s.Outcome, s.Where())
		}
		if in, err := w.realm.LogsIn(t.Context(), s.Shown, s.Password); err != nil || !in {
			t.Errorf("I3: success was shown, and the login does not work: %v", err)
		}
	})

	t.Run("S4 sixty wrong codes over six journeys and two instances: five for each journey are compared", func(t *testing.T) {
		p := w.people[1]
		var mu sync.Mutex
		answers := map[scripted.Answer]int{}
		var all sync.WaitGroup
		for i := range 6 { // each journey costs one of the mails of the address
			s := scripted.NewStudent(p, w.address(), w.box, net.IPv4(127, 9, 1, byte(i)))
			s.Twice, s.Slips = 10, 100
			s.Submitted = func(sent scripted.Submit) {
				mu.Lock()
				defer mu.Unlock()
				answers[sent.Answer]++
			}
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_ = s.Go(ctx) // it ends when no tries are left
			})
		}
		all.Wait()
		if n := answers[scripted.Wrong]; n > 30 || n == 0 || answers[scripted.Won] > 0 {
			t.Errorf("the answers were %v: thirty at most are compared", answers)
		}
	})

	t.Run("jobs are taken once", func(t *testing.T) {
		db, err := store.Open(t.Context(), w.dsn, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		var all sync.WaitGroup
		for i, p := range w.people[2:6] {
			s := scripted.NewStudent(p, w.address(), w.box, net.IPv4(127, 9, 2, byte(i)))
			all.Go(func() {
				if err := s.Go(w.soon()); err != nil || s.Outcome != scripted.Success {
					t.Errorf("%q, %v", s.Outcome, err)
				}
			})
		}
		all.Wait()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			counts, err := db.JobCounts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(counts) == 0 || time.Now().After(end) {
				break
			}
		}
		for _, p := range w.people[2:6] {
			if n := len(w.box.Messages(p.Email)); n != 2 {
				t.Errorf("%s got %d mails, not a code and a welcome", p.Email, n)
			}
		}
	})

	t.Run("S13 S35 rotating X-Forwarded-For escapes no limit", func(t *testing.T) {
		statuses := map[int]int{}
		for i := range 36 {
			statuses[ask(t, w.address(), w.proxy.Listen, net.IPv4(127, 9, 3, 1), fmt.Sprintf("8.8.%d.%d", i, i), fmt.Sprintf("who.%d@example.net", i))]++
		}
		if statuses[http.StatusSeeOther] != 30 || statuses[http.StatusTooManyRequests] != 6 {
			t.Errorf("the answers were %v; thirty mails for one network were allowed", statuses)
		}
		// A request that bypasses the proxy cannot name another visitor.
		direct := "http://" + w.instances[0].Listen
		if status := ask(t, direct, w.proxy.Listen, net.IPv4(127, 9, 3, 1), "8.8.8.8", "past.the.proxy@example.net"); status != http.StatusTooManyRequests {
			t.Errorf("status %d: a header was believed that no configured proxy sent", status)
		}
	})

	t.Run("O6 a rolling restart behind nginx loses no request", w.restartOneByOne)

	t.Run("the secret is rotated under load", func(t *testing.T) { w.rotate(t, w.people[6:upgraded]) })

	t.Run("O2 one release follows another under load, and there is a way back", func(t *testing.T) {
		empty, err := w.postgres.DSN("restored")
		if err != nil {
			t.Fatal(err)
		}
		w.upgrade(t, w.people[upgraded:], empty)
	})

	t.Run("I7 with no instance at all the page says what to do", func(t *testing.T) {
		for _, i := range w.instances {
			i.Kill()
			defer w.start(i)
		}
		response, err := http.Get(w.address() + "/activation")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		doc, err := goquery.NewDocumentFromReader(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusBadGateway || !strings.Contains(doc.Find("h1").Text(), "revient dans un instant") || doc.Find(`a[href="/activation/identification"]`).Length() != 2 {
			t.Errorf("%s\n%s", response.Status, doc.Text())
		}
	})
}

func (w *world) address() string { return "http://" + w.proxy.Listen }

// ask requests a code from an address, with a header, and returns the status.
func ask(t *testing.T, portal, host string, from net.IP, header, address string) int {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	client := &http.Client{
		Jar: jar, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	do := func(method string, values url.Values) *http.Response {
		request, err := http.NewRequest(method, portal+"/activation", strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		request.Header.Set("X-Forwarded-For", header)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	page := do(http.MethodGet, nil)
	doc, err := goquery.NewDocumentFromReader(page.Body)
	_ = page.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	token, _ := doc.Find("input[name=jeton]").Attr("value")
	response := do(http.MethodPost, url.Values{"jeton": {token}, "profil": {"etudiant"}, "adresse": {address}})
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}
