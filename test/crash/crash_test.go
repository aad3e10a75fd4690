// Package crash_test kills the program at each boundary of the journey and of
// its jobs, restarts it, and lets the student continue. It checks that nothing
// is lost, no person has two accounts, and every page and mail is correct.
package crash_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/failpoint"
	"entree/internal/mail/bounce"
	"entree/internal/secret"
	"entree/internal/store"
)

func TestMain(m *testing.M) { os.Exit(demotest.Run(m)) }

// points lists the failpoints that students pass, by kind of student. The test
// finds them by running one student per kind and compares the result with this
// table.
var points = map[string][]string{
	"activates": {
		"activation.requested-commit", "mail.send.code", "finish.mail.sent.code", "code.proven-commit",
		"charter.accepted-commit", "act-commit", "limit.hash-journey", "hash", "password.chosen-commit",
		"account.create", "finish.account.activated", "mail.send.activated", "finish.mail.sent.activated",
	},
	"slips":                {"code.wrong-commit"},
	"gets mail late":       {"lease.mail", "retry.mail"}, // the first try is leased with the commit
	"gets none":            {"give-up.mail.abandoned.code"},
	"is taken for another": {"account.parked-commit", "finish.account", "mail.send.parked", "finish.mail.sent.parked"},
}

// boundaries returns the two sides of a failpoint.
func boundaries(point string) []string {
	if event, ok := strings.CutSuffix(point, "-commit"); ok {
		return []string{event + ".before-commit", event + ".after-commit"}
	}
	if strings.HasSuffix(point, ".after") { // only one side
		return []string{point}
	}
	if strings.HasPrefix(point, "lease.") { // a loop polls for leases: only a received lease counts
		return []string{point + ".after"}
	}
	return []string{point + ".before", point + ".after"}
}

func TestI1toI7_AfterACrashAtEachBoundary(t *testing.T) {
	demo := demotest.Get(t)
	program, err := outside.Build(t.TempDir(), "failpoint")
	if err != nil {
		t.Fatal(err)
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	realm, err := outside.NewRealm(t.Context(), demo.Keycloak, "crash-"+strings.ToLower(rand.Text()[:8]), demo.AdminPassword(t), "http://"+listen, "client")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := realm.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Run("on", func(t *testing.T) { // the realm is deleted when both are done
		t.Run("sqlite", func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			crash(t, &world{dir: dir, program: program, realm: realm, keycloak: demo.Keycloak, dsn: "sqlite:" + filepath.Join(dir, "entree.db"), prefix: "78", family: "Ferrand"})
		})
		t.Run("postgres", func(t *testing.T) {
			t.Parallel()
			dsn := localpostgres.ForTest(t, "crash")
			crash(t, &world{dir: t.TempDir(), program: program, realm: realm, keycloak: demo.Keycloak, dsn: dsn, prefix: "79", family: "Granger", half: 1})
		})
		t.Run("what operators and relying parties wait for", func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			operators(t, &world{dir: dir, program: program, realm: realm, keycloak: demo.Keycloak, dsn: "sqlite:" + filepath.Join(dir, "entree.db"), prefix: "77", family: "Hamelin"})
		})
	})
}

// world is one portal with its people.
type world struct {
	dir, program, keycloak, dsn, prefix string
	family                              string // family name of all people, because an address belongs to one portal
	half                                int    // the side of each boundary at which this world kills; the other database uses the other side
	realm                               *realm.Realm
	box                                 *mailbox.Mailbox
	instance                            *outside.Instance
	armed                               string // path of the file that names the failpoint to die at
	people                              []scripted.Person
	students                            []*scripted.Student
	why                                 map[*scripted.Student]string
	going                               sync.WaitGroup

	mu   sync.Mutex
	late map[string]bool
}

// fault makes the mail server defer some mails once and refuse others.
func (w *world) fault(stage, address string) *smtp.SMTPError {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case stage != "rcpt":
		return nil
	case strings.Contains(address, "late") && !w.late[address]:
		w.late[address] = true
		return &smtp.SMTPError{Code: 450, Message: "later"}
	case strings.Contains(address, "none"):
		return &smtp.SMTPError{Code: 550, Message: "nobody here"}
	}
	return nil
}

// build writes the configuration and starts the mail server.
func (w *world) build(t *testing.T, more string) outside.Config {
	t.Helper()
	w.late, w.why = map[string]bool{}, map[*scripted.Student]string{}
	var err error
	if w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0", Fault: w.fault}); err != nil {
		t.Fatal(err)
	}
	listen, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	config := outside.Config{
		Dir: w.dir, Database: w.dsn, BaseURL: "http://" + listen, Keycloak: w.keycloak, Realm: w.realm.Name, SMTP: w.box.SMTPAddr(),
		Secret: secret.GenerateKey().Reveal(), Client: "client", More: more,
	}
	if _, err := config.Write(); err != nil {
		t.Fatal(err)
	}
	w.armed = filepath.Join(w.dir, "point")
	w.instance = &outside.Instance{Program: w.program, Config: config, Listen: listen, Log: filepath.Join(w.dir, "entree.log"), Env: []string{failpoint.Variable + "=" + w.armed}}
	return config
}

// enrol imports people; each one's name contains their kind.
func (w *world) enrol(t *testing.T, config outside.Config, kinds ...string) {
	t.Helper()
	for i, kind := range kinds {
		number := fmt.Sprintf("%s%06d", w.prefix, i)
		w.people = append(w.people, scripted.Person{
			Number: number, GivenName: "Zoé", FamilyName: w.family, Profile: "etudiant", BirthDate: "2006-02-03",
			Email: fmt.Sprintf("%s.%s@example.org", strings.ReplaceAll(kind, " ", "-"), number),
		})
	}
	if err := config.Import(w.program, w.people); err != nil {
		t.Fatal(err)
	}
}

func crash(t *testing.T, w *world) {
	config := w.build(t, "limits: {mails_per_network_per_10_minutes: 6000}")
	defer w.box.Close()

	// One person of each kind activates, which finds the failpoints.
	kinds := []string{"activates", "slips", "gets mail late", "gets none", "is taken for another"}
	w.enrol(t, config, w.plan(kinds)...)
	w.start(t)
	seen := map[string]bool{}
	for i, kind := range kinds {
		s := w.student(t, i, kind, "no crash")
		if kind == "gets none" {
			w.abandoned(t, s)
		} else if err := s.Go(deadline(t, 30*time.Second)); err != nil {
			t.Fatalf("somebody who %s: %v", kind, err)
		}
		w.settle(t)
		raw, err := os.ReadFile(w.armed + ".seen")
		if err != nil {
			t.Fatal(err)
		}
		var passed, want []string
		for _, p := range points[kind] {
			want = append(want, boundaries(p)...)
		}
		for point := range strings.FieldsSeq(string(raw)) {
			// The loops compete for each job with the commit that writes it, and with
			// the last page: a lease counts only where the table has it.
			if seen[point] || strings.HasPrefix(point, "lease.") && !slices.Contains(want, point) {
				continue
			}
			seen[point] = true
			passed = append(passed, point)
		}
		slices.Sort(passed)
		slices.Sort(want)
		if d := cmp.Diff(want, passed); d != "" {
			t.Errorf("somebody who %s passes other points than the table says (-table +passed):\n%s", kind, d)
		}
	}

	// Then one student per boundary, with a kill there. Students who have not
	// finished continue through the later kills.
	i := len(kinds)
	for _, kind := range kinds {
		mine := w.mine(kind)
		for n := range mine {
			// The stride spreads the boundaries: a student who is killed at five
			// points of one request in a row has rightly used up the tries.
			boundary := mine[n*stride%len(mine)]
			if err := os.WriteFile(w.armed, []byte(boundary), 0o600); err != nil {
				t.Fatal(err)
			}
			s := w.student(t, i, kind, boundary)
			i++
			ctx := deadline(t, 4*time.Minute)
			w.going.Go(func() {
				if kind == "gets none" {
					_ = s.Until(ctx, "/activation/identification")
					return
				}
				_ = s.Go(ctx) // the outcome is checked below
			})
			select {
			case <-w.instance.Done():
			case <-time.After(time.Minute):
				t.Fatalf("nobody came to %s; the log is %s", boundary, w.instance.Log)
			}
			w.start(t)
		}
	}
	w.going.Wait()
	w.settle(t)
	w.check(t, config)
	w.instance.Stop()
}

const stride = 7

// mine returns the boundaries at which this world kills the process while it
// handles a kind: either before or after each failpoint. The world with the other
// database kills on the other side.
func (w *world) mine(kind string) []string {
	var out []string
	for i, point := range points[kind] {
		sides := boundaries(point)
		out = append(out, sides[(i+w.half)%len(sides)])
	}
	return out
}

// plan returns the kind of each person, in order.
func (w *world) plan(kinds []string) []string {
	out := slices.Clone(kinds)
	for _, kind := range kinds {
		out = append(out, slices.Repeat([]string{kind}, len(points[kind]))...)
	}
	return out
}

func (w *world) start(t *testing.T) {
	t.Helper()
	if err := w.instance.Start(); err != nil {
		t.Fatal(err)
	}
	if err := w.instance.Answers(deadline(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) student(t *testing.T, i int, kind, why string) *scripted.Student {
	t.Helper()
	s := scripted.NewStudent(w.people[i], w.instance.Config.BaseURL, w.box, net.IPv4(127, 0, 0, 1))
	switch kind {
	case "slips":
		s.Slips = 1
	case "is taken for another":
		if err := w.realm.Occupy(t.Context(), s.Login()); err != nil {
			t.Fatal(err)
		}
	}
	w.students = append(w.students, s)
	w.why[s] = why
	return s
}

// abandoned runs a student whose mail is refused as far as possible.
func (w *world) abandoned(t *testing.T, s *scripted.Student) {
	t.Helper()
	if err := s.Until(deadline(t, 30*time.Second), "/activation/identification"); err != nil {
		t.Fatal(err)
	}
}

// settle waits until no job waits.
func (w *world) settle(t *testing.T) {
	t.Helper()
	db := w.open(t)
	defer db.Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		counts, err := db.JobCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		waiting := int64(0)
		for _, c := range counts {
			if c.Kind != bounce.JobKind { // that job reads its mailbox periodically and never ends
				waiting += c.Waiting
			}
		}
		if waiting == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("jobs that do not come to their end: %+v; the log is %s", counts, w.instance.Log)
		}
	}
}

func (w *world) open(t *testing.T) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), w.dsn, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (w *world) check(t *testing.T, config outside.Config) {
	t.Helper()
	db := w.open(t)
	defer db.Close()
	var walked []*scripted.Student
	var planted []string
	abandoned := 0
	for _, s := range w.students {
		if strings.Contains(s.Email, "none") {
			abandoned++
			continue
		}
		walked = append(walked, s)
		planted = append(planted, s.Password)
		if s.Outcome != scripted.Success && s.Outcome != scripted.Already && s.Outcome != scripted.Parked {
			t.Errorf("after %s a student ends at %q, %s", w.why[s], s.Outcome, s.Where())
		}
	}
	for _, m := range w.box.Messages("") {
		planted = append(planted, code(m.Text))
	}
	breaks, checked, err := outside.Check(t.Context(), w.realm, db, walked)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := db.JobCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		if c.Kind == "mail" && c.GivenUp < int64(abandoned) {
			breaks = append(breaks, fmt.Sprintf("I5: %d mails were refused for ever, and %d are seen", abandoned, c.GivenUp))
		}
	}
	left := []string{filepath.Join(w.dir, "entree.log.*")}
	if strings.HasPrefix(w.dsn, "sqlite:") {
		left = append(left, filepath.Join(w.dir, "entree.db*"))
	}
	found, err := outside.Secrets(append(planted, config.Secret), left...)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range append(breaks, found...) {
		t.Error(b)
	}
	t.Logf("%d students, %d checked", len(w.students), checked)
}

func code(text string) string {
	for word := range strings.FieldsSeq(text) {
		if len(word) == 6 && strings.Trim(word, "0123456789") == "" {
			return word
		}
	}
	return ""
}

func deadline(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
