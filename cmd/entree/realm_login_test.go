package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
)

// ways is an installation whose realm is one of its own on the demo's Keycloak, and
// the accounts that may or may not administer it.
type ways struct {
	*installation
	master, realm *realm.Realm
	name          string
}

func newWays(t *testing.T) *ways {
	t.Helper()
	demo := demotest.Get(t)
	w := &ways{installation: install(t), name: "ways-" + strings.ToLower(rand.Text()[:8])}
	raw, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "http://127.0.0.1:1", demo.Keycloak, 1)
	w.Config = w.File("ways.yaml", strings.Replace(text, "realm: universite", "realm: "+w.name, 1))
	w.master = realm.New(demo.Keycloak, "master", "admin", secret.New(demo.AdminPassword(t)))
	w.realm = realm.New(demo.Keycloak, w.name, "admin", secret.New(demo.AdminPassword(t)))
	for try := 1; ; try++ { // to make a realm can take a busy Keycloak longer than a request may
		_, errs, err := w.with(demo.AdminPassword(t), "apply", "--create-realm")
		if err == nil {
			break
		}
		if try == 3 {
			t.Fatalf("%v %s", err, errs)
		}
	}
	t.Cleanup(func() { _ = w.realm.Remove(context.Background()) })
	return w
}

// with runs a realm command with a password or a secret in the environment.
func (w *ways) with(password string, args ...string) (stdout, stderr string, err error) {
	w.t.Helper()
	before := w.Environ
	defer func() { w.Environ = before }()
	w.Environ = append(slices.Clone(before), "ENTREE_REALM_ADMIN_PASSWORD="+password)
	return w.entree(append([]string{"realm"}, args...)...)
}

func (w *ways) call(r *realm.Realm, method, path string, body, result any) string {
	w.t.Helper()
	location, err := r.Call(w.t.Context(), method, path, body, result)
	if err != nil {
		w.t.Fatal(err)
	}
	return location[strings.LastIndexByte(location, '/')+1:]
}

// administrator creates a user of the master realm, with the role admin or without.
func (w *ways) administrator(login string, isAdmin bool, credentials ...map[string]any) {
	w.t.Helper()
	credentials = append(credentials, map[string]any{"type": "password", "value": phraseOfWays, "temporary": false})
	id := w.call(w.master, http.MethodPost, w.master.At("users"), map[string]any{
		"username": login, "firstName": "A", "lastName": "B", "email": login + "@example.org", "emailVerified": true, "enabled": true, "credentials": credentials,
	}, nil)
	w.t.Cleanup(func() {
		_, _ = w.master.Call(context.Background(), http.MethodDelete, w.master.At("users", id), nil, nil)
	})
	if isAdmin {
		var role map[string]any
		w.call(w.master, http.MethodGet, w.master.At("roles", "admin"), nil, &role)
		w.call(w.master, http.MethodPost, w.master.At("users", id, "role-mappings", "realm"), []any{role}, nil)
	}
}

const phraseOfWays = "Une phrase pour ce test 1"

// K6: a wrong password, a missing second factor and a missing role are three
// messages, each with what to do.
func TestK6_EachFailedLoginIsToldAsItIs(t *testing.T) {
	w := newWays(t)
	own := w.name + "-"
	w.administrator(own+"none", false)
	w.administrator(own+"otp", true, map[string]any{
		"type": "otp", "secretData": `{"value":"abcdefghijklmnopqrst"}`, "credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`,
	})
	w.administrator(own+"first", true)
	var users []struct{ ID string }
	w.call(w.master, http.MethodGet, w.master.At("users")+"?exact=true&username="+own+"first", nil, &users)
	w.call(w.master, http.MethodPut, w.master.At("users", users[0].ID), map[string]any{"requiredActions": []string{"UPDATE_PASSWORD"}}, nil)

	for _, c := range []struct {
		name, password string
		args           []string
		want, lacks    string
	}{
		{"wrong password", "wrong", []string{"--admin", own + "none"}, "the user name or the password is wrong, or the account has a second factor", "role"},
		{"no second factor", phraseOfWays, []string{"--admin", own + "otp"}, "give its code with --otp", "role"},
		{"wrong code", phraseOfWays, []string{"--admin", own + "otp", "--otp", "12"}, "the user name, the password or the code of --otp is wrong", "or the account has a second factor"},
		{"no role", phraseOfWays, []string{"--admin", own + "none"}, "the login succeeded, but a role is missing", "password"},
		{"required action", phraseOfWays, []string{"--admin", own + "first"}, "the account is not fully set up or is disabled", "a role is missing"},
		{"unknown client", "x", []string{"--client", own + "absent"}, "the client or its secret is wrong", "password"},
	} {
		_, errs, err := w.with(c.password, append([]string{"plan"}, c.args...)...)
		if err == nil || !strings.Contains(errs, c.want) || strings.Contains(errs, c.lacks) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: %v, %q\nwant %q", c.name, err, errs, c.want)
		}
	}
	// With the code of the moment the login succeeds; the moment may end meanwhile.
	for range 3 {
		out, errs, err := w.with(phraseOfWays, "plan", "--admin", own+"otp", "--otp", scripted.TOTP("abcdefghijklmnopqrst", time.Now()))
		if err == nil && out == "nothing to change\n" {
			return
		}
		t.Logf("%v %s%s", err, out, errs)
	}
	t.Error("no login with a second factor succeeded")
}

// commandsUnder returns the blocks of commands in one section of a page.
func commandsUnder(t *testing.T, file, heading string) (out []string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), heading+"\n")
	section, _, _ = strings.Cut(section, "\n#")
	for i, part := range strings.Split(section, "```") {
		if text, is := strings.CutPrefix(part, "sh\n"); is && i%2 == 1 {
			out = append(out, text)
		}
	}
	if len(out) != 2 {
		t.Fatalf("%s: %d blocks under %s", file, len(out), heading)
	}
	return out
}

// K6: a service account that may only read is enough for the check, and changes
// nothing. It is created by the commands of docs/operations.md.
func TestK6_AServiceAccountThatMayOnlyReadChecks(t *testing.T) {
	w := newWays(t)
	w.call(w.realm, http.MethodPost, w.realm.At("clients"), map[string]any{"clientId": "no-roles", "secret": "check", "publicClient": false, "standardFlowEnabled": false, "serviceAccountsEnabled": true}, nil)
	if _, errs, err := w.with("check", "check", "--client", "no-roles"); err == nil || !strings.Contains(errs, "a role is missing") {
		t.Errorf("without a role: %v %s", err, errs)
	}
	home, err := localkeycloak.Home(t.Context(), localkeycloak.Options{Out: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	program, err := demotest.Program(w.Dir)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	w.File("entree.yaml", string(raw))
	w.File("admin-password", demotest.Get(t).AdminPassword(t))
	w.File("check-secret", "check")
	for _, text := range commandsUnder(t, "../../docs/operations.md", "### Checking the realm from cron") {
		cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", text)
		cmd.Dir = w.Dir
		cmd.Env = append(append(os.Environ(), w.Environ...), "KEYCLOAK="+demotest.Get(t).Keycloak, "REALM="+w.name, "PATH="+filepath.Join(home, "bin")+":"+filepath.Dir(program)+":"+os.Getenv("PATH"))
		if said, err := cmd.CombinedOutput(); err != nil || strings.Contains(text, "entree realm check") && !strings.HasSuffix(string(said), "no known danger\n") {
			t.Fatalf("%s%v\n%s", text, err, said)
		}
	}

	if out, errs, err := w.with("check", "check", "--client", "entree-check", "--notes"); err != nil || !strings.HasSuffix(out, "no known danger\n") {
		t.Errorf("%v %s%s", err, out, errs)
	}
	w.call(w.realm, http.MethodPut, w.realm.At(), map[string]any{"registrationAllowed": true}, nil)
	if out, errs, err := w.with("check", "check", "--client", "entree-check"); err == nil || errs != "" || !strings.HasPrefix(out, "differs: setting registrationAllowed") {
		t.Errorf("%v %s%s", err, out, errs)
	}
	if _, errs, err := w.with("check", "apply", "--client", "entree-check"); err == nil || !strings.Contains(errs, "nothing was changed") || !strings.Contains(errs, "a role is missing") {
		t.Errorf("%v %s", err, errs)
	}
	if _, errs, err := w.with("wrong", "check", "--client", "entree-check"); err == nil || !strings.Contains(errs, "the client or its secret is wrong") {
		t.Errorf("%v %s", err, errs)
	}
	if _, errs, err := w.with("check", "check", "--client", "entree-check", "--client-realm", "master"); err == nil || !strings.Contains(errs, "the client or its secret is wrong") {
		t.Errorf("in another realm: %v %s", err, errs)
	}
}

// K6: an administrator logs in with a browser, with any second factor.
func TestK6_AnAdministratorLogsInWithABrowser(t *testing.T) {
	w := newWays(t)
	login, client := w.name+"-device", w.name+"-cli"
	w.administrator(login, true)
	id := w.call(w.master, http.MethodPost, w.master.At("clients"), map[string]any{
		"clientId": client, "publicClient": true, "standardFlowEnabled": false, "attributes": map[string]string{"oauth2.device.authorization.grant.enabled": "true"},
	}, nil)
	t.Cleanup(func() {
		_, _ = w.master.Call(context.Background(), http.MethodDelete, w.master.At("clients", id), nil, nil)
	})
	told, tell := io.Pipe()
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		err := run(t.Context(), []string{"realm", "plan", "--device", client, "--config", w.Config}, w.Environ, &out, tell)
		ended <- err
		_ = tell.Close()
	}()
	lines := bufio.NewScanner(told)
	if !lines.Scan() {
		t.Fatalf("nothing is told: %v", <-ended)
	}
	m := regexp.MustCompile(`^Open (http\S+) in a browser and log in\. The code is (\S+)\.$`).FindStringSubmatch(lines.Text())
	if m == nil || !strings.Contains(m[1], m[2]) {
		t.Fatalf("%q", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, told) }()
	b := scripted.NewBrowser(nil, time.Minute)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Get(t.Context(), m[1]))
	must(b.Submit(t.Context(), "/login-actions/authenticate", map[string]string{"username": login, "password": phraseOfWays}))
	form := b.Doc.Find("form[action*='consent']") // its method is written in capitals
	to, err := b.At.Parse(form.AttrOr("action", ""))
	must(err)
	response, err := b.Send(t.Context(), http.MethodPost, to.String(), url.Values{"code": {form.Find("[name=code]").AttrOr("value", "")}, "accept": {"Yes"}})
	must(err)
	must(b.Show(t.Context(), response))
	select {
	case err := <-ended:
		if err != nil || out.String() != "nothing to change\n" {
			t.Errorf("%v %s", err, &out)
		}
	case <-time.After(2 * time.Minute):
		t.Errorf("the command does not go on after the login: %s", b.Text("body"))
	}
}
