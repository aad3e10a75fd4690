package e2e

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/localpostgres"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/outside"
	"entree/internal/devenv/realm"
	"entree/internal/devenv/scripted"
	"entree/internal/ldapconn"
	"entree/internal/secret"
	"entree/keycloak"
)

// inDirectory is a portal of two instances that keeps accounts in a directory below
// a realm of the demo's Keycloak.
type inDirectory struct {
	t         *testing.T
	ldap      *localldap.Server
	box       *mailbox.Mailbox
	realm     *realm.Realm
	instances [2]*outside.Instance
	base      string
}

const directoryKeys = `accounts: {store: directory}
directory:
  url: "URL"
  bind_dn: "` + localldap.Portal + `"
  base: "` + localldap.People + `"
  probe: "` + localldap.Probe + `"
  groups: {/etudiants: "` + localldap.Students + `"}
  timeout: 2s
`

func newInDirectory(t *testing.T, people []scripted.Person) *inDirectory {
	t.Helper()
	demo := demotest.Get(t)
	w := &inDirectory{t: t}
	dir := t.TempDir()
	program, err := demotest.Program(dir)
	w.must(err)
	dsn := localpostgres.ForTest(t, "entree")
	w.ldap, err = localldap.Start(t.Context(), localldap.Options{Dir: filepath.Join(dir, "ldap"), Modules: []string{"argon2"}})
	w.must(err)
	t.Cleanup(func() { w.ldap.Stop() })
	w.box, err = mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	w.must(err)
	t.Cleanup(func() { _ = w.box.Close() })
	var at [2]string
	for i := range at {
		at[i], err = outside.FreeAddress()
		w.must(err)
	}
	w.base = "http://" + at[0]
	w.realm, err = outside.NewRealm(t.Context(), demo.Keycloak, "directory-"+strings.ToLower(rand.Text()[:8]), demo.AdminPassword(t), w.base, "client")
	w.must(err)
	t.Cleanup(func() { w.must(w.realm.Remove(context.Background())) })
	admin := keycloak.NewAdmin(demo.Keycloak, w.realm.Name, "admin", secret.New(demo.AdminPassword(t)))
	w.must(admin.AddFederation(t.Context(), keycloak.Federation{
		Directory: keycloak.Directory{
			Base: localldap.People, Login: "uid", Address: "mail", ObjectClasses: []string{"inetOrgPerson", "eduPerson", "supannPerson"},
			Attributes: []string{"cn", "sn", "givenName", "eduPersonAffiliation", "eduPersonPrimaryAffiliation", "supannEtuId", "supannEmpId"},
		},
		Name: "annuaire", URL: w.ldap.URL, BindDN: localldap.Keycloak, Password: w.ldap.Password,
	}))
	config := outside.Config{
		Dir: dir, Database: dsn, BaseURL: w.base, Keycloak: demo.Keycloak, Realm: w.realm.Name, SMTP: w.box.SMTPAddr(),
		Secret: secret.GenerateKey().Reveal(), Client: "client", More: strings.Replace(directoryKeys, "URL", w.ldap.URL, 1),
	}
	_, err = config.Write()
	w.must(err)
	w.must(config.Import(program, people))
	for i := range w.instances {
		w.instances[i] = &outside.Instance{Program: program, Config: config, Listen: at[i], Log: filepath.Join(dir, "instance"+at[i][len("127.0.0.1:"):]), Env: []string{"ENTREE_DIRECTORY_BIND_PASSWORD=" + w.ldap.Password.Reveal()}}
		w.must(w.instances[i].Start())
		t.Cleanup(func() { w.instances[i].Stop() })
		w.must(w.instances[i].Ready(t.Context(), func(ctx context.Context) bool { return w.readyz(at[i])["directory"] == "ok" }))
	}
	return w
}

func (w *inDirectory) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// readyz returns the parts of an instance that /readyz reports.
func (w *inDirectory) readyz(at string) map[string]string {
	out := map[string]string{}
	response, err := http.Get("http://" + at + "/readyz")
	if err != nil {
		return out
	}
	defer response.Body.Close()
	var body struct{ Parts map[string]string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return out
	}
	return body.Parts
}

// whoami reports whether a password opens the entry of a login.
func (w *inDirectory) whoami(login, password string) bool {
	dn := "uid=" + login + "," + localldap.People
	conn, release, err := ldapconn.Server{URL: w.ldap.URL, BindDN: dn, Password: secret.New(password), Timeout: 10 * time.Second}.Dial(w.t.Context())
	if err != nil {
		return false
	}
	defer release()
	said, err := conn.WhoAmI(nil)
	return err == nil && strings.EqualFold(said.AuthzID, "dn:"+dn)
}

// How-to in the browser with the account in a directory: the same password binds
// there and logs in at Keycloak, which holds no password of its own.
func TestDirectory_TheHowToEndsInTheENT(t *testing.T) {
	people := []scripted.Person{{Number: "77000001", GivenName: "Jean-Pierre", FamilyName: "Martin", Profile: "etudiant", Email: "jp@example.com", BirthDate: "2006-02-03"}}
	for _, n := range []string{"2", "3", "4", "5", "6", "7"} {
		people = append(people, scripted.Person{Number: "7700000" + n, GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", Email: "ines" + n + "@example.com", BirthDate: "2006-02-03"})
	}
	w := newInDirectory(t, people)
	demo := &demotest.Demo{Portal: w.base, Mailbox: w.box.URL(), Keycloak: demotest.Get(t).Keycloak, Realm: w.realm.Name}
	b := open(t, w.base, phone)
	b.walk(demo, demotest.Person{Number: "77000001", GivenName: "Jean-Pierre", FamilyName: "Martin", Profile: "etudiant", Email: "jp@example.com"}, walkOf{
		login: "o77000001", address: "jean-pierre.martin@etu.univ-orleans.example", choice: "Étudiant",
		reads: map[string][]string{"/ent": {"Bonjour Jean-Pierre Martin", "77000001", "student"}},
	})
	if !w.whoami("o77000001", strong) || w.whoami("o77000001", strong+"x") {
		t.Error("the password of the activation does not bind to the directory, or another one does")
	}
	w.linked("o77000001")

	// A forgotten password is replaced in the directory.
	b.visit("/mot-de-passe-oublie")
	b.recoverToPassword(demo, demotest.Person{Number: "77000001", Profile: "etudiant", Email: "jp@example.com"})
	b.click("form.choose .primary")
	b.arrive("/activation/accueil-succes")
	if !w.whoami("o77000001", renewed) || w.whoami("o77000001", strong) {
		t.Error("the new password does not bind to the directory, or the old one does")
	}
	w.linked("o77000001")

	// The directory is away at Valider, and the instance that shares the jobs is
	// killed: students wait, and are served when the directory is back.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	w.ldap.Kill()
	var students []*scripted.Student
	var all sync.WaitGroup
	for _, p := range people[1:] {
		s := scripted.NewStudent(p, w.base, w.box, nil)
		students = append(students, s)
		w.must(s.Until(ctx, "/activation/mot-de-passe"))
	}
	for _, s := range students {
		all.Go(func() {
			if err := s.Go(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	w.instances[1].Kill()
	w.must(w.instances[1].Start())
	w.must(w.ldap.Again(ctx, nil))
	all.Wait()
	for _, s := range students {
		if s.Outcome != scripted.Success || !w.whoami(s.Login(), s.Password) {
			t.Errorf("%s: %s, %q", s.Number, s.Outcome, s.Lost)
		}
		if in, err := w.realm.LogsIn(ctx, s.Login(), s.Password); err != nil || !in {
			t.Errorf("%s does not log in at Keycloak: %v", s.Number, err)
		}
		w.linked(s.Login())
	}
}

// linked checks that a user of Keycloak is that of an entry and has no password.
func (w *inDirectory) linked(login string) {
	w.t.Helper()
	var users []struct {
		ID             string
		FederationLink string
	}
	_, err := w.realm.Call(w.t.Context(), http.MethodGet, w.realm.At("users")+"?exact=true&username="+login, nil, &users)
	w.must(err)
	if len(users) != 1 || users[0].FederationLink == "" {
		w.t.Fatalf("%s: %+v", login, users)
	}
	var credentials []struct{ Type, FederationLink string }
	_, err = w.realm.Call(w.t.Context(), http.MethodGet, w.realm.At("users", users[0].ID, "credentials"), nil, &credentials)
	w.must(err)
	credentials = slices.DeleteFunc(credentials, func(c struct{ Type, FederationLink string }) bool { return c.FederationLink != "" })
	if len(credentials) != 0 {
		w.t.Errorf("%s has a credential in Keycloak, which hides the directory's: %+v", login, credentials)
	}
}
