// Package demotest runs a demo for tests: a real Keycloak, a real mail
// server, a registry with people and the portal.
//
// One demo serves all test packages of a run: `make test` starts it and sets
// ENTREE_TEST_DEMO. A test that is run by hand starts its own demo.
package demotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/secret"
)

// Variable is the environment variable with the folder of a running demo.
const Variable = "ENTREE_TEST_DEMO"

// Demo is a running demo, as demo.json describes it.
type Demo struct {
	Portal    string
	Keycloak  string
	Realm     string
	Mailbox   string
	Operators []Operator
	People    []Person
	Dir       string `json:"-"`
}

// Person is a person of the demo's registry.
type Person struct {
	Number     string
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	BirthDate  string `json:"birth_date"`
	Email      string
	Phone      string // +262639980000; empty: none
	Profile    string
	State      string
}

// Operator is a user of the console with one of the roles admin, helpdesk,
// registrar and auditor.
type Operator struct{ Login, Role, Password string }

var (
	once   sync.Once
	shared *Demo
	failed error
	end    = func() {}
)

// Run runs a package's tests and stops the demo that they may have started.
// TestMain calls it.
func Run(m *testing.M) int {
	code := m.Run()
	end()
	return code
}

// Get returns the demo. A demo that cannot be started fails the test.
func Get(t testing.TB) *Demo {
	t.Helper()
	once.Do(func() {
		if dir := os.Getenv(Variable); dir != "" {
			shared, failed = Read(dir)
			return
		}
		var dir string
		if dir, failed = os.MkdirTemp("", "entree-demo-"); failed != nil {
			return
		}
		var p *Process
		if p, failed = Start(dir, "--passkeys=false"); failed != nil {
			return
		}
		end = func() {
			if err := p.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "stop the demo:", err)
			}
			_ = os.RemoveAll(dir) // the folder belongs to this run only
		}
		shared, failed = Read(dir)
	})
	if failed != nil {
		t.Fatalf("no demo: %v", failed)
	}
	return shared
}

// Read reads DIR/demo.json.
func Read(dir string) (*Demo, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	if err != nil {
		return nil, err
	}
	d := &Demo{Dir: dir}
	return d, json.Unmarshal(raw, d)
}

// Process is a demo in a separate process, as a user starts it.
type Process struct {
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan error
}

// Start starts a demo on free ports, with further flags, and waits until it is ready.
func Start(dir string, flags ...string) (*Process, error) {
	program, err := Program(dir)
	if err != nil {
		return nil, err
	}
	p := &Process{out: &bytes.Buffer{}, done: make(chan error, 1)}
	p.cmd = exec.Command(program, append([]string{"demo", "--dir", dir, "--listen", "127.0.0.1:0", "--keycloak-port", "0", "--mailbox", "127.0.0.1:0"}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(5 * time.Minute); ; {
		select {
		case err := <-p.done:
			return nil, fmt.Errorf("the demo ended: %w\n%s", err, p.out)
		case <-limit:
			return nil, errors.Join(errors.New("the demo is not ready after five minutes"), p.Stop())
		case <-tick.C:
			if exists(filepath.Join(dir, "demo.json")) {
				return p, nil
			}
		}
	}
}

// Stop sends the signal of Ctrl-C and waits for the end.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(time.Minute):
		return errors.Join(errors.New("the demo does not stop"), p.cmd.Process.Kill())
	}
}

// Program returns the program of the demo that serves this run, or one built in
// dir.
func Program(dir string) (string, error) {
	if shared := os.Getenv(Variable); shared != "" {
		if program := filepath.Join(shared, "entree"); exists(program) {
			return program, nil
		}
	}
	return outside.Build(dir)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// Person returns the person with a number.
func (d *Demo) Person(t testing.TB, number string) Person {
	t.Helper()
	for _, p := range d.People {
		if p.Number == number {
			return p
		}
	}
	t.Fatalf("nobody has the number %s", number)
	return Person{}
}

// AdminPassword returns the password of Keycloak's administrator, admin.
func (d *Demo) AdminPassword(t testing.TB) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(d.Dir, "keycloak", "admin-password"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// Mails returns the mails to an address, or the SMS to a number, newest first.
func (d *Demo) Mails(t testing.TB, to string) []mailbox.Message {
	t.Helper()
	response, err := http.Get(d.Mailbox + "/api/messages?to=" + url.QueryEscape(to))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var out []mailbox.Message
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Mail waits until there are n mails to an address and returns the newest.
func (d *Demo) Mail(t testing.TB, to string, n int) mailbox.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if all := d.Mails(t, to); len(all) >= n {
			return all[0]
		}
		select {
		case <-ctx.Done():
			t.Fatalf("mail number %d to %s did not come", n, to)
		case <-tick.C:
		}
	}
}

// Accounts returns a client of the demo's realm with the administrator's
// rights.
func (d *Demo) Accounts(t testing.TB) *realm.Realm {
	t.Helper()
	return realm.New(d.Keycloak, d.Realm, "admin", secret.New(d.AdminPassword(t)))
}

// Occupy creates an account in Keycloak that belongs to no person of the demo.
func (d *Demo) Occupy(t testing.TB, login string) {
	t.Helper()
	if err := d.Accounts(t).Occupy(t.Context(), login); err != nil {
		t.Fatal(err)
	}
}
