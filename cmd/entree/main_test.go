package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/demotest"
	"entree/internal/store"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "import") { // this program, started by a bench or a test
		main()
		return
	}
	os.Exit(demotest.Run(m))
}

// installation is an installation on which tests run commands.
type installation struct {
	*demotest.Installation
	t *testing.T
}

func install(t *testing.T) *installation {
	t.Helper()
	return &installation{demotest.Install(t), t}
}

// store opens the configured database until the test ends.
func (i *installation) store() *store.Store {
	i.t.Helper()
	c, err := config.Load(i.Config, i.Environ)
	if err != nil {
		i.t.Fatal(err)
	}
	s, err := app.OpenStore(i.t.Context(), c)
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = s.Close() })
	return s
}

// entree runs a command to its end.
func (i *installation) entree(args ...string) (stdout, stderr string, err error) {
	i.t.Helper()
	var out, errs bytes.Buffer
	err = run(i.t.Context(), append(args, "--config", i.Config), i.Environ, &out, &errs)
	return out.String(), errs.String(), err
}

const people = `N° étudiant;Prénom;Nom;Profil;Mail
1;Anne;Roy;Étudiant;anne@example.org
2;Bob;Roy;Student;pas une adresse
3;Carla;Roy;etudiant;carla@example.org
`

func TestImport_CountsAndTellsEachRefusedLine(t *testing.T) {
	i := install(t)
	csv := i.File("people.csv", people)
	refused := filepath.Join(i.Dir, "refused.csv")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"import", "--dry-run", csv}, "  etudiant 3, Carla Roy (line 4)\ndry run, nothing was stored: 2 new, 0 changed, 0 unchanged, 1 refused\n"},
		{[]string{"import", csv, "--refused", refused}, "2 new, 0 changed, 0 unchanged, 1 refused\n"},
		{[]string{"import", csv}, "0 new, 0 changed, 2 unchanged, 1 refused\n"},
	} {
		out, _, err := i.entree(c.args...)
		if err != nil || !strings.HasSuffix(out, c.want) || !strings.HasPrefix(out, `line 3, column "Mail": not an address`) {
			t.Errorf("%v: %v\n%s\nwant %s", c.args, err, out, c.want)
		}
	}
	if raw, err := os.ReadFile(refused); err != nil || !strings.Contains(string(raw), "3,,Mail,pas une adresse,not an address") {
		t.Errorf("%s, %v", raw, err)
	}
	changed := i.File("changed.csv", strings.Replace(people, "Carla", "Clara", 1))
	if out, _, err := i.entree("import", changed); err != nil || !strings.HasSuffix(out, "0 new, 1 changed, 1 unchanged, 1 refused\n") {
		t.Errorf("%v %s", err, out)
	}
}

func TestImport_ABrokenFileIsOneLineAndChangesNothing(t *testing.T) {
	i := install(t)
	for text, want := range map[string]string{
		"":                            "nothing was imported: the file is empty",
		"a;b\n1;2\n":                  "nothing was imported: no column for number",
		people + "4;\x00\x00\x00;y\n": "nothing was imported: this is not a text file",
		"PK\x03\x04spreadsheet":       "nothing was imported: this is a spreadsheet",
	} {
		_, errs, err := i.entree("import", i.File("broken.csv", text))
		if err == nil || !strings.Contains(errs, "entree: "+want) {
			t.Errorf("%q: %v\n%s", text, err, errs)
		}
	}
	if out, _, err := i.entree("import", i.File("people.csv", people)); err != nil || !strings.Contains(out, "2 new") {
		t.Errorf("something was there already: %s %v", out, err)
	}
	if _, errs, err := i.entree("import", filepath.Join(i.Dir, "absent.csv")); err == nil || !strings.Contains(errs, "absent.csv") {
		t.Errorf("%v %s", err, errs)
	}
}

func TestServe_WhatIsWrongIsOneLineEach(t *testing.T) {
	i := install(t)
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	i.Config = i.File("bad.yaml", strings.Replace(string(raw), "portal:\n", "portal:\n  colour: red\n", 1))
	i.Environ = i.Environ[1:]
	_, errs, err := i.entree("serve")
	if err == nil || !strings.Contains(errs, "config: portal.colour: there is no such key") {
		t.Errorf("%v\n%s", err, errs)
	}
	if strings.Contains(errs, "goroutine") || strings.Contains(errs, "Usage") {
		t.Errorf("more than lines:\n%s", errs)
	}
}

// A portal that others can reach never runs with shorter windows.
func TestServe_IsCompressedOnLoopbackOnly(t *testing.T) {
	i := install(t)
	i.Environ = append(i.Environ, "ENTREE_PORTAL_BASE_URL=https://activation.example.org")
	if _, errs, err := i.entree("serve", "--compression", "60"); err == nil || !strings.Contains(errs, "portal.base_url must be on this machine's loopback") {
		t.Errorf("%v\n%s", err, errs)
	}
}

// The portal serves while Keycloak is away, reports it on /readyz, and
// stops when it is told to.
func TestServe_WithoutKeycloak(t *testing.T) {
	i := install(t)
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	i.File("blason.svg", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	i.Config = i.File("logo.yaml", strings.Replace(string(raw), "institution:\n", "institution:\n  logo: blason.svg\n", 1))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var log bytes.Buffer
	go func() { ended <- run(ctx, []string{"serve", "--config", i.Config}, i.Environ, io.Discard, &log) }()
	get := func(path string) (int, string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			response, err := http.Get(i.Base + path)
			if err == nil {
				body, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				return response.StatusCode, string(body)
			}
			if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	for path, want := range map[string]string{"/healthz": "", "/": "Bienvenue", "/activation": `<img src="/static/logo.`, "/static/logo.svg": "<svg", "/readyz": "degraded"} {
		if status, body := get(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d\n%.400s", path, status, body)
		}
	}
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not stop")
	}
}

// A second start on the same folder goes on with the same data, and nothing
// runs on after the first.
func TestDemo_GoesOnWithTheSameData(t *testing.T) {
	dir := t.TempDir()
	var secrets [2]string
	for i := range secrets {
		p, err := demotest.Start(dir)
		if err != nil {
			t.Fatal(err)
		}
		d, err := demotest.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		secrets[i] = d.AdminPassword(t)
		for _, address := range []string{d.Portal, d.Keycloak} {
			if u, err := url.Parse(address); err != nil || u.Hostname() != "localhost" {
				t.Errorf("a passkey cannot belong to %s", address)
			}
		}
		active := 0
		for _, person := range d.People {
			if person.State == "active" {
				active++
			}
		}
		if len(d.People) != 200 || active < 5 {
			t.Errorf("%d people, %d active", len(d.People), active)
		}
		if mails := d.Mails(t, "camille.moreau@example.com"); len(mails) != 2 {
			t.Errorf("start %d: %d mails, want the code and the welcome of the first start", i+1, len(mails))
		}
		if err := p.Stop(); err != nil {
			t.Errorf("stop %d: %v", i+1, err)
		}
		for _, address := range []string{d.Portal, d.Keycloak, d.Mailbox} {
			if _, err := http.Get(address); err == nil {
				t.Errorf("%s still answers", address)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "demo.json")); err == nil {
			t.Error("demo.json says that the demo runs")
		}
	}
	if secrets[0] != secrets[1] {
		t.Error("the second start made a new Keycloak")
	}
}

func TestServe_HealthOnAnAddressOfItsOwn(t *testing.T) {
	i := install(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ops := l.Addr().String()
	_ = l.Close() // the program is to listen there
	i.Environ = append(i.Environ, "ENTREE_PORTAL_OPS_LISTEN="+ops)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"serve", "--config", i.Config}, i.Environ, io.Discard, io.Discard) }()
	for path, want := range map[string]int{"http://" + ops + "/healthz": 200, "http://" + ops + "/metrics": 200, i.Base + "/metrics": 404, i.Base + "/": 200} {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			response, err := http.Get(path)
			if err != nil && time.Now().Before(end) {
				continue
			}
			if err != nil || response.StatusCode != want {
				t.Errorf("%s: %v, want %d", path, response, want)
			}
			if err == nil {
				_ = response.Body.Close()
			}
			break
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRealm_PlansAppliesAndThenHasNothingToDo(t *testing.T) {
	demo := demotest.Get(t)
	i := install(t)
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "http://127.0.0.1:1", demo.Keycloak, 1)
	i.Config = i.File("realm.yaml", strings.Replace(text, "realm: universite", "realm: planned", 1))
	if _, errs, err := i.entree("realm", "plan"); err == nil || !strings.Contains(errs, "ENTREE_REALM_ADMIN_PASSWORD is missing") {
		t.Errorf("%v %s", err, errs)
	}
	i.Environ = append(i.Environ, "ENTREE_REALM_ADMIN_PASSWORD_FILE="+filepath.Join(demo.Dir, "keycloak", "admin-password"))
	out, errs, err := i.entree("realm", "plan")
	if err != nil || !strings.Contains(out, "+ realm planned\n") || !strings.HasPrefix(out, "! there is no realm \"planned\"") {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	if out, errs, err = i.entree("realm", "apply"); err == nil || !strings.Contains(errs, "--create-realm") {
		t.Fatalf("K9: a realm is made unasked: %v\n%s%s", err, out, errs)
	}
	if out, errs, err = i.entree("realm", "apply", "--create-realm"); err != nil || !strings.Contains(out, "+ roles of the service account entree-portal\n    manage-users: ") {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	for command, want := range map[string]string{"plan": "nothing to change\n", "apply": "nothing to change\n", "check": "the realm has what the portal needs, and no known danger\n"} {
		if out, _, err := i.entree("realm", command); err != nil || out != want {
			t.Errorf("%s again: %v\n%s", command, err, out)
		}
	}
	raw, err = os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	i.Config = i.File("stricter.yaml", strings.Replace(string(raw), "password:\n", "password:\n  special: 1\n", 1))
	out, errs, err = i.entree("realm", "check")
	if err == nil || errs != "" || !strings.HasPrefix(out, "differs: setting passwordPolicy (") || strings.Count(out, "\n") != 1 {
		t.Errorf("check: %v\n%s%s", err, out, errs)
	}
	i.Environ[len(i.Environ)-1] = "ENTREE_REALM_ADMIN_PASSWORD=wrong"
	if _, errs, err := i.entree("realm", "plan"); err == nil || !strings.Contains(errs, "invalid_grant") || !strings.Contains(errs, "--otp") {
		t.Errorf("%v %s", err, errs)
	}
}

func TestDemo_SaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		environ []string
		args    []string
		want    string
	}{
		"no Java":     {[]string{"JAVA_HOME=/does/not/exist"}, nil, "needs Java 17"},
		"no Keycloak": {nil, []string{"--keycloak-home", t.TempDir()}, "is no unpacked Keycloak"},
		"a bad port":  {nil, []string{"--listen", "nowhere"}, "--listen"},
	} {
		var errs bytes.Buffer
		args := append([]string{"demo", "--dir", t.TempDir(), "--listen", "127.0.0.1:0", "--mailbox", "127.0.0.1:0", "--keycloak-port", "0"}, c.args...)
		if err := run(t.Context(), args, c.environ, io.Discard, &errs); err == nil || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%s: %v\n%s", name, err, errs.String())
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, nil, &out, &out); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"demo", "serve", "import"} {
		if !strings.Contains(out.String(), fmt.Sprintf("\n  %s ", command)) {
			t.Errorf("the help does not tell %s:\n%s", command, out.String())
		}
	}
}
