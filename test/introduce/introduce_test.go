// Package introduce follows docs/introduce.md on a realm that was in use before the
// portal.
package introduce

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/child"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

func TestMain(m *testing.M) { os.Exit(demotest.Run(m)) }

const (
	realmName = "ancien"
	page      = "../../docs/introduce.md"
	chief     = "chef" // the operator who decides
	phrase    = "Le chef de l’annuaire 1"
)

// world is a realm with a history on the demo's Keycloak, and an empty folder in
// which a newcomer works.
type world struct {
	t       *testing.T
	demo    *demotest.Demo
	realm   *realm.Realm
	dir     string
	environ []string
	box     *mailbox.Mailbox
	config  outside.Config
	listen  string
	history *history
	begun   time.Time
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) call(method, path string, body, result any) {
	w.t.Helper()
	_, err := w.realm.Call(w.t.Context(), method, path, body, result)
	w.must(err)
}

// step logs how long the test has taken.
func (w *world) step(what string) {
	w.t.Logf("%5.1f s  %s", time.Since(w.begun).Seconds(), what)
}

// newWorld creates the realm and the folder with what a newcomer has: a
// configuration, the file of the enrolment and the administrator's password.
func newWorld(t *testing.T) *world {
	w := &world{t: t, demo: demotest.Get(t), dir: t.TempDir(), history: newHistory()}
	w.begun = time.Now()
	w.realm = realm.New(w.demo.Keycloak, realmName, "admin", secret.New(w.demo.AdminPassword(t)))
	program, err := demotest.Program(w.dir)
	w.must(err)
	w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	w.must(err)
	t.Cleanup(func() { _ = w.box.Close() })
	w.listen, err = outside.FreeAddress()
	w.must(err)
	w.config = outside.Config{Dir: w.dir, Database: "sqlite:entree.db", BaseURL: "http://" + w.listen, Keycloak: w.demo.Keycloak, Realm: realmName, SMTP: w.box.SMTPAddr()}
	_, err = w.config.Write()
	w.must(err)
	w.file("admin-password", w.demo.AdminPassword(t))
	var people strings.Builder
	people.WriteString("numero;prenom;nom;profil;mail;naissance\n")
	for _, p := range w.history.people {
		fmt.Fprintf(&people, "%s;%s;%s;%s;%s;%s\n", p.Number, p.GivenName, p.FamilyName, p.Profile, p.Email, p.BirthDate)
	}
	w.file("people.csv", people.String())
	w.environ = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"), "ENTREE_SECRET="+secret.GenerateKey().Reveal(),
		"ENTREE_KEYCLOAK_CLIENT_SECRET=portal", "ENTREE_CONSOLE_CLIENT_SECRET=console", "ENTREE_PORTAL_LISTEN="+w.listen)
	w.make(w.history)
	w.step("the realm is made")
	return w
}

func (w *world) file(name, text string) {
	w.t.Helper()
	w.must(os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

func (w *world) read(name string) string {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(w.dir, name))
	w.must(err)
	return string(raw)
}

// run runs a block of commands in the folder and returns its output.
func (w *world) run(b block) (string, error) {
	text := b.program(&w.environ)
	cmd := exec.CommandContext(w.t.Context(), "sh", "-e", "-c", text)
	cmd.Dir, cmd.Env = w.dir, w.environ
	said, err := cmd.CombinedOutput()
	w.step(strings.TrimSpace(text))
	return string(said), err
}

// follow carries out the page. byHand holds what a section asks for besides its
// commands, which happens before them.
func (w *world) follow(byHand map[string]func()) {
	heading := ""
	for _, b := range blocks(w.t, page) {
		if b.heading != heading {
			heading = b.heading
			if act := byHand[heading]; act != nil {
				act()
			}
		}
		switch {
		case b.kind == "yaml":
			w.file("entree.yaml", w.read("entree.yaml")+b.text)
		case b.kind != "sh":
		case strings.TrimSpace(b.text) == "entree serve":
			w.serve()
		case strings.HasPrefix(b.text, "entree realm check"):
			w.check(w.run(b))
		default:
			if said, err := w.run(b); err != nil {
				w.t.Fatalf("%s%v\n%s", b.text, err, said)
			}
		}
	}
}

// check expects the findings of a realm with a directory, and those about Keycloak's
// own user profile, and no other.
func (w *world) check(said string, err error) {
	w.t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		w.t.Errorf("entree realm check: %v", err)
	}
	for line := range strings.Lines(said) {
		if !strings.Contains(line, "annuaire") && !strings.HasPrefix(line, "people may write their own ") {
			w.t.Errorf("an unexpected finding: %s", line)
		}
	}
}

func (w *world) serve() {
	cmd := exec.Command(filepath.Join(w.programDir(), "entree"), "serve")
	cmd.Dir, cmd.Env = w.dir, w.environ
	portal, err := child.Start(child.Program{Name: "the portal", Cmd: cmd, Log: filepath.Join(w.dir, "serve.log")})
	w.must(err)
	w.t.Cleanup(portal.Stop)
	w.must(portal.Ready(w.t.Context(), child.Answers(w.config.BaseURL+"/healthz")))
	w.step("entree serve")
}

func (w *world) programDir() string {
	for _, line := range slices.Backward(w.environ) {
		if path, is := strings.CutPrefix(line, "PATH="); is {
			return strings.Split(path, ":")[0]
		}
	}
	return ""
}

// K1: a newcomer who follows the page ends with one account for each person, and a
// realm whose own users, groups, roles, credentials, consents and clients are
// unchanged.
func TestK1_ThePageLeadsToOneAccountForEachPerson(t *testing.T) {
	w := newWorld(t)
	var before snapshot
	var began time.Time
	w.follow(map[string]func(){
		"Two days before: the people": func() {
			admin := keycloak.NewAdmin(w.demo.Keycloak, realmName, "admin", secret.New(w.demo.AdminPassword(t)))
			w.must(admin.AddOperator(t.Context(), "entree-console", keycloak.Operator{Login: chief, Email: "chef@old.example", GivenName: "Ada", FamilyName: "Chef", Role: "admin", Password: secret.New(phrase)}))
		},
		"A week before: the realm": func() {
			w.synchronise()
			w.step("the directory is imported")
			before, began = w.look(), time.Now()
			w.step("the realm is read")
		},
	})
	w.planned(before)
	w.decide()
	w.step("an operator has decided")
	w.activate()
	w.step("students have activated")
	w.compare(before, began)
	w.step("the realm is compared")
}

// planned checks what `entree accounts plan` printed and wrote.
func (w *world) planned(before snapshot) {
	count, known := map[string]int{}, map[string]bool{}
	for _, p := range w.history.people {
		count[p.class]++
		for _, login := range append(p.reject, p.account) {
			known[login] = true
		}
	}
	delete(known, "")
	others := []string{chief}
	for _, u := range before["users"] {
		if login := fmt.Sprint(u.(map[string]any)["username"]); !known[login] {
			others = append(others, login)
		}
	}
	want := fmt.Sprintf("people: %d certain, %d likely, %d contradictory, %d without a match; accounts without a person: %d\n", count["certain"], count["likely"], count["contradictory"], count[""], len(others))
	if said := w.read("matches.txt"); !strings.Contains(said, want) {
		w.t.Errorf("the plan lacks %q:\n…%s", want, said[max(0, len(said)-500):])
	}
	var told []string
	for line := range strings.Lines(w.read("rest.csv")) {
		if _, login, _ := strings.Cut(strings.TrimSpace(line), ","); login != "login" {
			told = append(told, login)
		}
	}
	slices.Sort(told)
	slices.Sort(others)
	if diff := cmp.Diff(others, told); diff != "" {
		w.t.Errorf("rest.csv (-want +got):\n%s", diff)
	}
}

// decide opens each person whose match an operator has to decide.
func (w *world) decide() {
	people, accounts := w.registry(), w.accounts()
	o := newOperator(w.t, chief, phrase)
	for _, f := range w.history.people {
		if f.class != "likely" && f.class != "contradictory" {
			continue
		}
		path := "/admin/comptes/personne/" + string(people[f.Number].ID)
		for _, login := range f.reject {
			o.open(w.config.BaseURL + path)
			o.press(path+"/rejeter", "compte", accounts[login], map[string]string{"motif": "ce n’est pas son compte"})
		}
		if f.account != "" {
			o.open(w.config.BaseURL + path)
			o.press(path+"/confirmer", "compte", accounts[f.account], map[string]string{"motif": "pièce d’identité"})
		}
	}
}

// activate lets students activate: those without an account, and two who have one.
func (w *world) activate() {
	var group errgroup.Group
	group.SetLimit(4)
	active := 2
	for i, f := range w.history.people {
		if f.account != "" && active == 0 {
			continue
		}
		if f.account != "" {
			active--
		}
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
			defer cancel()
			s := scripted.NewStudent(f.Person, w.config.BaseURL, w.box, net.IPv4(127, 0, byte(1+i/200), byte(1+i%200)))
			if err := s.Go(ctx); err != nil {
				return err
			}
			want := scripted.Success
			switch {
			case f.account != "":
				if mail := w.box.Messages(f.Email)[0]; !strings.Contains(mail.Text, f.account) {
					w.t.Errorf("%s: the mail does not name the account %s:\n%s", f.Number, f.account, mail.Text)
				}
				want = scripted.Already
			case f.taken:
				want = scripted.Parked
			}
			if s.Outcome != want {
				w.t.Errorf("%s: %s at %s, want %s; %s", f.Number, s.Outcome, s.Where(), want, s.Lost)
			}
			return nil
		})
	}
	w.must(group.Wait())

	// A student is parked for a true reason: another account has the identifier. An
	// operator sees it beside the person and chooses another identifier, with which the
	// student begins again.
	people := w.registry()
	for _, f := range w.history.people {
		if !f.taken {
			if p := people[f.Number]; p.Account == domain.AccountParked {
				w.t.Errorf("%s is parked", f.Number)
			}
			continue
		}
		path := "/admin/personnes/" + string(people[f.Number].ID)
		o := newOperator(w.t, chief, phrase)
		o.open(w.config.BaseURL + path)
		if text := o.Text("main"); !strings.Contains(text, "Association") {
			w.t.Errorf("the account in the way is not shown: %.500s", text)
		}
		o.press(path+"/renommer", "", "", nil)
		ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
		s := scripted.NewStudent(f.Person, w.config.BaseURL, w.box, net.IPv4(127, 0, 9, 1))
		w.must(s.Go(ctx))
		cancel()
		if s.Outcome != scripted.Success || s.Shown == f.Login() {
			w.t.Errorf("with another identifier: %s as %q at %s", s.Outcome, s.Shown, s.Where())
		}
	}
}

// registry returns all people by number.
func (w *world) registry() map[string]domain.Person {
	w.t.Helper()
	c, err := config.Load(filepath.Join(w.dir, "entree.yaml"), w.environ)
	w.must(err)
	s, err := app.OpenStore(w.t.Context(), c)
	w.must(err)
	defer s.Close()
	all, err := s.People(w.t.Context())
	w.must(err)
	out := map[string]domain.Person{}
	for _, p := range all {
		out[p.Number] = p
	}
	return out
}

// accounts returns the ids of the realm's users by login.
func (w *world) accounts() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for id, u := range w.list(w.realm.At("users")+"?briefRepresentation=true&max=10000", "id") {
		out[fmt.Sprint(u.(map[string]any)["username"])] = id
	}
	return out
}

// compare checks that each person has exactly one account, and that the realm's own
// things are as they were.
func (w *world) compare(before snapshot, began time.Time) {
	t := w.t
	after := w.look()
	people, owners, logins := w.registry(), map[string]string{}, map[string]string{}
	for id, u := range after["users"] {
		logins[id] = fmt.Sprint(u.(map[string]any)["username"])
	}
	created := 0
	for _, f := range w.history.people {
		p := people[f.Number]
		_, old := before["users"][p.AccountID]
		if p.Account != domain.AccountActive || logins[p.AccountID] == "" || owners[p.AccountID] != "" || p.Matching != "" || p.Login != logins[p.AccountID] ||
			old != (f.account != "") || old && logins[p.AccountID] != f.account {
			t.Errorf("%s has %q of %q, state %q, match %q, want the account %q", f.Number, logins[p.AccountID], owners[p.AccountID], p.Account, p.Matching, f.account)
		}
		owners[p.AccountID] = f.Number
		if !old {
			created++
		}
	}
	if got, want := len(after["users"])-len(before["users"]), created+1; got != want {
		t.Errorf("%d users are new, want %d: one for each person without an account, and the operator", got, want)
	}
	if diff := cmp.Diff(before.within(before), after.within(before)); diff != "" {
		t.Errorf("the realm changed (-before +after):\n%.4000s", diff)
	}
	// Keycloak's own record of what administrators did holds each change of a user,
	// also of those whose credentials and consents were not read.
	var events []struct{ OperationType, ResourceType, ResourcePath string }
	w.call(http.MethodGet, w.realm.At("admin-events")+fmt.Sprintf("?max=10000&dateFrom=%d", began.UnixMilli()), nil, &events)
	for _, e := range events {
		segments := strings.Split(e.ResourcePath, "/")
		if _, old := before["users"][segments[min(1, len(segments)-1)]]; old && segments[0] == "users" {
			t.Errorf("%s %s", e.OperationType, e.ResourcePath)
		}
	}
	if len(events) < created {
		t.Errorf("%d events", len(events))
	}
}
