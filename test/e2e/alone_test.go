package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"entree/internal/devenv/child"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localcas"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/scripted"
	"entree/internal/secret"
	"entree/internal/sso/ssotest"
)

const aloneKeys = `
sso: {kind: cas, cas_url: "CAS"}
console: {issuer: "ISSUER", client_id: ` + ssotest.ClientID + `}
matching: {every: 15m}
`

// lastBinds has the directory record the last bind of each entry and show it to the
// portal.
const lastBinds = `lastbind on
access to dn.children="` + localldap.People + `" attrs=pwdLastSuccess by dn.exact="` + localldap.Portal + `" =rscd by * break`

// alone is a portal that keeps accounts in a directory, with a CAS server on the same
// directory and no Keycloak.
func alone(t *testing.T, people []scripted.Person) (w *inDirectory, operators *ssotest.Provider) {
	t.Helper()
	w = &inDirectory{t: t}
	dir := t.TempDir()
	program, err := demotest.Program(dir)
	w.must(err)
	w.ldap, err = localldap.Start(t.Context(), localldap.Options{Dir: filepath.Join(dir, "ldap"), Modules: []string{"argon2"}, Database: lastBinds})
	w.must(err)
	t.Cleanup(func() { w.ldap.Stop() })
	port, err := child.FreePort()
	w.must(err)
	at, err := outside.FreeAddress()
	w.must(err)
	w.base = "http://" + at
	var cas *localcas.Server
	var group errgroup.Group
	group.Go(func() (err error) { // it takes longer than all else
		cas, err = localcas.Start(context.WithoutCancel(t.Context()), localcas.Options{
			Dir: filepath.Join(dir, "cas"), Port: port, Out: os.Stderr, Services: map[string]string{"ent": w.base + "/"}, Directory: w.ldap.URL, People: localldap.People,
		})
		return err
	})
	t.Cleanup(func() {
		if group.Wait() == nil {
			cas.Stop()
		}
	})
	w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	w.must(err)
	t.Cleanup(func() { _ = w.box.Close() })
	operators = ssotest.New(t, time.Now)
	more := strings.NewReplacer("URL", w.ldap.URL, "/etudiants: \""+localldap.Students+"\"", "/etudiants: \""+localldap.Students+"\", /personnels: \""+localldap.Staff+"\"").Replace(directoryKeys) + "  logins_every: 5s" +
		strings.NewReplacer("CAS", localcas.At(port), "ISSUER", operators.URL).Replace(aloneKeys)
	config := outside.Config{Dir: dir, Database: "sqlite:entree.db", BaseURL: w.base, SMTP: w.box.SMTPAddr(), Secret: secret.GenerateKey().Reveal(), More: more}
	_, err = config.Write()
	w.must(err)
	w.must(config.Import(program, people))
	w.instances[0] = &outside.Instance{Program: program, Config: config, Listen: at, Log: filepath.Join(dir, "log"), Env: []string{
		"ENTREE_DIRECTORY_BIND_PASSWORD=" + w.ldap.Password.Reveal(), "ENTREE_CONSOLE_CLIENT_SECRET=" + ssotest.ClientSecret,
	}}
	w.must(w.instances[0].Start())
	t.Cleanup(func() { w.instances[0].Stop() })
	w.must(group.Wait())
	w.must(w.instances[0].Ready(t.Context(), func(context.Context) bool { return w.readyz(at)["directory"] == "ok" && w.readyz(at)["sso"] == "ok" }))
	return w, operators
}

// TestDirectory_WithoutKeycloakTheHowToEndsInTheENT activates in the browser and logs in
// at a CAS server that binds to the directory with the same password.
func TestDirectory_WithoutKeycloakTheHowToEndsInTheENT(t *testing.T) {
	person := scripted.Person{Number: "78000001", GivenName: "Jean-Pierre", FamilyName: "Martin", Profile: "etudiant", Email: "jp@example.com", BirthDate: "2006-02-03"}
	other := scripted.Person{Number: "78000002", GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", Email: "ines@example.com", BirthDate: "2006-02-03"}
	w, operators := alone(t, []scripted.Person{person, other})
	demo := &demotest.Demo{Portal: w.base, Mailbox: w.box.URL()}
	b := open(t, w.base, phone)
	b.isCAS = true
	b.walk(demo, demotest.Person{Number: person.Number, GivenName: person.GivenName, FamilyName: person.FamilyName, Profile: person.Profile, Email: person.Email}, walkOf{
		login: "o78000001", address: "jean-pierre.martin@etu.univ-orleans.example", choice: "Étudiant",
		reads: map[string][]string{"/ent": {"Bonjour Jean-Pierre Martin", "78000001", "student"}},
	})
	if !w.whoami("o78000001", strong) || w.whoami("o78000001", strong+"x") {
		t.Error("the password of the activation does not bind to the directory, or another one does")
	}

	// A forgotten password is replaced in the directory, and CAS takes the new one.
	b.visit("/mot-de-passe-oublie")
	b.recoverToPassword(demo, demotest.Person{Number: person.Number, Profile: person.Profile, Email: person.Email})
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	if !w.whoami("o78000001", renewed) || w.whoami("o78000001", strong) {
		t.Error("the new password does not bind to the directory, or the old one does")
	}

	// A student whose first login is at the Wi-Fi is seen by the last bind.
	s := scripted.NewStudent(other, w.base, w.box, nil)
	w.must(s.Go(t.Context()))
	if !w.whoami(s.Login(), s.Password) {
		t.Errorf("%s does not bind", s.Login())
	}
	for end := time.Now().Add(time.Minute); !strings.Contains(b.body("/metrics"), activationFirstLogin+"} 2"); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the first login by a bind was not seen")
		}
	}

	parts := w.readyz(w.instances[0].Listen)
	for part := range parts {
		if part == "keycloak" || part == "realm" {
			t.Errorf("/readyz has the part %s", part)
		}
	}
	page := w.console(operators, "/admin", "/admin/comptes", "/admin/travaux", "/admin/personnes")
	if strings.Contains(page, "Keycloak") || !strings.Contains(page, "annuaire") {
		t.Errorf("the console says Keycloak, or nothing of the directory:\n%.2000s", page)
	}
	logs, err := filepath.Glob(w.instances[0].Log + ".*")
	w.must(err)
	if len(logs) == 0 {
		t.Error("no log")
	}
	for _, name := range logs {
		raw, err := os.ReadFile(name)
		w.must(err)
		if strings.Contains(strings.ToLower(string(raw)), "keycloak") {
			t.Errorf("the log says Keycloak:\n%s", raw)
		}
	}
}

// console logs an administrator in at the operators' provider and returns the text of
// pages of the console.
func (w *inDirectory) console(operators *ssotest.Provider, pages ...string) string {
	w.t.Helper()
	operators.Set(func(p *ssotest.Provider) {
		p.Edit = func(claims map[string]any) {
			claims["sub"], claims["preferred_username"], claims["name"] = "operator-1", "admin.demo", "Ada Min"
			claims["entreeRoles"], claims["auth_time"] = []string{"admin"}, time.Now().Unix()
		}
	})
	jar, err := cookiejar.New(nil)
	w.must(err)
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(path string) (*http.Response, string) {
		response, err := client.Get(w.base + path)
		w.must(err)
		defer response.Body.Close()
		raw, err := io.ReadAll(response.Body)
		w.must(err)
		return response, string(raw)
	}
	begin, _ := get("/admin/connexion")
	back, _ := get("/admin/connexion/retour?" + operators.Login(w.t, begin.Header.Get("Location")).Encode())
	if back.StatusCode >= 400 {
		w.t.Fatalf("the operator's login: %d", back.StatusCode)
	}
	var all strings.Builder
	for _, path := range pages {
		response, text := get(path)
		if response.StatusCode != http.StatusOK {
			w.t.Errorf("%s: %d to %q", path, response.StatusCode, response.Header.Get("Location"))
		}
		all.WriteString(text)
	}
	return all.String()
}
