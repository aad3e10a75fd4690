package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/outside"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/ldapconn"
	"entree/internal/outcome"
	"entree/internal/secret"
	"entree/internal/store"
)

// aloneLog is a log that goroutines share.
type aloneLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *aloneLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

// aloneWorld is a portal that keeps accounts in a directory of 5,000 entries, without a
// Keycloak.
type aloneWorld struct {
	*App
	t    *testing.T
	ldap *localldap.Server
	log  *aloneLog
	mu   sync.Mutex
	code map[domain.Address]string
}

const aloneEntries = 5000

func (w *aloneWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *aloneWorld) Send(_ context.Context, m domain.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Code != "" {
		w.code[m.To] = m.Code
	}
	return nil
}

func newAlone(t *testing.T) *aloneWorld {
	t.Helper()
	w := &aloneWorld{t: t, log: &aloneLog{}, code: map[domain.Address]string{}}
	dir := t.TempDir()
	var b strings.Builder
	for n := range aloneEntries {
		fmt.Fprintf(&b, "dn: uid=e%[1]d,%[2]s\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\nuid: e%[1]d\ncn: Inès Carpentier\nsn: Carpentier\ngivenName: Inès\nmail: e%[1]d@etu.univ-orleans.example\nsupannEtuId: %[1]d\nuserPassword: secret\n\n", n, localldap.People)
	}
	var err error
	w.ldap, err = localldap.Start(t.Context(), localldap.Options{Dir: filepath.Join(dir, "ldap"), Modules: []string{"argon2"}, Entries: b.String()})
	w.must(err)
	t.Cleanup(w.ldap.Stop)
	file, err := outside.Config{Dir: dir, Database: "sqlite:entree.db", BaseURL: "http://127.0.0.1:8080", SMTP: "127.0.0.1:1", More: fmt.Sprintf(`accounts: {store: directory}
directory: {url: "%s", bind_dn: "%s", base: "%s", probe: "%s", groups: {/etudiants: "%s", /personnels: "%s"}}
sso: {kind: link, ent_url: "http://127.0.0.1:8080"}
matching: {mark: true}
`, w.ldap.URL, localldap.Portal, localldap.People, localldap.Probe, localldap.Students, localldap.Staff)}.Write()
	w.must(err)
	c, err := config.Load(file, []string{"ENTREE_SECRET=" + secret.GenerateKey().Reveal(), "ENTREE_DIRECTORY_BIND_PASSWORD=" + w.ldap.Password.Reveal()})
	w.must(err)
	w.App, err = New(t.Context(), c, slog.New(slog.NewJSONHandler(w.log, nil)))
	w.must(err)
	t.Cleanup(w.Close)
	w.must(w.ReadPolicy(t.Context()))
	w.service.Notifier, w.service.Wait = w, time.Minute
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	return w
}

// entry returns the entry of a login.
func (w *aloneWorld) entry(login string) *ldap.Entry {
	w.t.Helper()
	conn, release, err := ldapconn.Server{URL: w.ldap.URL, BindDN: localldap.Admin, Password: w.ldap.Password, Timeout: 30 * time.Second}.Dial(w.t.Context())
	w.must(err)
	defer release()
	found, err := conn.Search(ldap.NewSearchRequest(localldap.People, ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 30, false, "(uid="+login+")", []string{"*", "+"}, nil))
	w.must(err)
	if len(found.Entries) != 1 {
		w.t.Fatalf("%d entries have the login %s", len(found.Entries), login)
	}
	return found.Entries[0]
}

// add makes an entry that the portal did not make.
func (w *aloneWorld) add(login string) {
	w.t.Helper()
	conn, release, err := ldapconn.Server{URL: w.ldap.URL, BindDN: localldap.Admin, Password: w.ldap.Password, Timeout: 30 * time.Second}.Dial(w.t.Context())
	w.must(err)
	defer release()
	request := ldap.NewAddRequest("uid="+login+","+localldap.People, nil)
	for name, value := range map[string]string{"uid": login, "cn": "Paul Petit", "sn": "Petit", "givenName": "Paul", "mail": login + "@other.example", "userPassword": "theirs"} {
		request.Attribute(name, []string{value})
	}
	request.Attribute("objectClass", []string{"inetOrgPerson", "supannPerson"})
	w.must(conn.Add(request))
}

// wait waits until a person is as wanted.
func (w *aloneWorld) wait(number string, wanted func(domain.Person) bool) domain.Person {
	w.t.Helper()
	var p domain.Person
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var err error
		p, err = w.store.PersonByNumber(w.t.Context(), "etudiant", number)
		w.must(err)
		if wanted(p) {
			return p
		}
	}
	w.t.Fatalf("%s stays %+v", number, p)
	return p
}

const alonePassword = "Vitrail-Ardoise-Noisette-27"

// activate walks a person to the end of the activation.
func (w *aloneWorld) activate(p domain.Person) {
	w.t.Helper()
	ctx, s := w.t.Context(), w.service
	j, err := s.Request(ctx, activation.Request{Profile: p.Profile, Address: string(p.Email), Lang: domain.French, Client: "192.0.2.1"})
	w.must(err)
	code := ""
	for end := time.Now().Add(time.Minute); code == "" && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		code = w.code[p.Email]
		w.mu.Unlock()
	}
	w.must(s.Prove(ctx, &j, code, "192.0.2.1"))
	charter, err := s.CharterFor(j, domain.French)
	w.must(err)
	w.must(s.Accept(ctx, &j, charter.SHA256, domain.French))
	w.must(s.Pass(ctx, &j, domain.StepGuide))
	w.must(s.ChoosePassword(ctx, &j, secret.New(alonePassword), secret.New(alonePassword)))
}

// Without Keycloak, people are compared with the entries of the directory, conflicts are
// decided there, and a restored database is recognised by a time that lies there.
func TestDirectory_WithoutKeycloak(t *testing.T) {
	w := newAlone(t)
	ctx := t.Context()
	var people []domain.Person
	for n := 0; n < aloneEntries; n += 100 {
		people = append(people, domain.Person{Number: fmt.Sprint(n), GivenName: "Inès", FamilyName: "Carpentier", Profile: "etudiant", Email: domain.Address(fmt.Sprintf("ines%d@example.com", n)), BirthDate: "2006-02-03", Readiness: domain.Ready})
	}
	for i, number := range []string{"99000001", "99000002"} {
		people = append(people, domain.Person{Number: number, GivenName: "Zoé", FamilyName: "Delorme", Profile: "etudiant", Email: domain.Address(fmt.Sprintf("zoe%d@example.com", i)), BirthDate: "2006-02-03", Readiness: domain.Ready})
	}
	w.must(w.store.Enrol(ctx, people...))

	// The directory has accounts of others. plan changes nothing, apply adopts.
	w.must(w.recogniseOthers(ctx))
	if found, _, _, err := w.store.Others(ctx); err != nil || found.IsZero() {
		t.Errorf("the entries of others were not noticed: %v, %v", found, err)
	}
	known := len(people) - 2
	for _, adopt := range []bool{false, true} {
		found, err := CompareAccounts(ctx, w.config, w.store, adopt, "", outcome.NewStatus(io.Discard))
		w.must(err)
		if p := found.Pass; p.Accounts != aloneEntries || p.Certain != known || p.Likely+p.Contradictory != 0 || p.NoAccount != 2 || p.NoPerson != aloneEntries-known {
			t.Errorf("%+v", p)
		}
		if (found.Adopted != nil) != adopt || adopt && found.Adopted.Adopted != known {
			t.Errorf("adopted: %+v", found.Adopted)
		}
	}
	w.runner.Wake()
	p := w.wait("100", func(p domain.Person) bool { return p.Account == domain.AccountActive })
	if e := w.entry("e100"); p.Login != "e100" || p.AccountID != e.GetAttributeValue("entryUUID") {
		t.Errorf("%+v", p)
	}
	for end := time.Now().Add(time.Minute); w.entry("e100").GetAttributeValue("supannRefId") != "{ENTREE}"+p.ActivationID; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the adopted entry has no mark")
		}
	}

	// A newcomer gets an entry, whose UUID is the account's id.
	w.activate(people[known])
	p = w.wait("99000001", func(p domain.Person) bool { return p.Account == domain.AccountActive })
	if e := w.entry(p.Login); e.GetAttributeValue("entryUUID") != p.AccountID || e.GetAttributeValue("supannRefId") != "{ENTREE}"+p.ActivationID {
		t.Errorf("%+v is not the entry of %+v", e, p)
	}

	// An entry of another origin parks a person; the help desk sees it and adopts it, and
	// its password stays.
	w.add("o99000002")
	w.activate(people[known+1])
	p = w.wait("99000002", func(p domain.Person) bool { return p.Account == domain.AccountParked })
	held, err := w.desk.Conflict(ctx, p)
	if err != nil || len(held) != 1 || held[0].Login != "o99000002" || held[0].ID == "" || held[0].FamilyName != "Petit" {
		t.Fatalf("%+v, %v", held, err)
	}
	entry := audit.Entry{At: domain.Instant(time.Now()), By: audit.Operator{Subject: "1", Name: "operator", Role: "helpdesk"}}
	w.must(w.desk.Adopt(ctx, entry, helpdesk.Seen{Person: p.ID, Version: helpdesk.Version(p)}, held[0].ID))
	p = w.wait("99000002", func(p domain.Person) bool { return p.Account == domain.AccountActive })
	if e := w.entry("o99000002"); p.AccountID != e.GetAttributeValue("entryUUID") || e.GetAttributeValue("supannRefId") != "{ENTREE}"+p.ActivationID || e.GetAttributeValue("userPassword") != "theirs" {
		t.Errorf("%+v after the adoption; %+v", e, p)
	}

	// The time outside of the database reveals an emptied one, once.
	if restored, err := compareAges(ctx, w.inDirectory, w.store, time.Now()); err != nil || restored {
		t.Errorf("the database in use: %v, %v", restored, err)
	}
	emptied, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "entree.db"), time.Now)
	w.must(err)
	defer emptied.Close()
	if restored, err := compareAges(ctx, w.inDirectory, emptied, time.Now()); err != nil || !restored {
		t.Errorf("an emptied database: %v, %v", restored, err)
	}

	// Nothing asks for a Keycloak, and nothing speaks of one.
	w.must(w.directory.look(ctx))
	if lines := w.lines(); len(lines) != 0 {
		t.Errorf("findings: %q", lines)
	}
	for _, c := range w.checks() {
		if c.Name == "keycloak" || c.Name == "realm" {
			t.Errorf("/readyz has the part %s", c.Name)
		}
	}
	var asked []string
	Connect(ctx, w.config, func(p Probe) { asked = append(asked, p.Name) })
	if !slices.Contains(asked, "directory of accounts") || slices.Contains(asked, "keycloak") {
		t.Errorf("asked: %v", asked)
	}
	if text := strings.ToLower(w.log.String()); strings.Contains(text, "keycloak") || strings.Contains(text, "realm") {
		t.Errorf("the log:\n%s", text)
	}
	if lacking := w.rules.Person(domain.Person{GivenName: "Zoé", Profile: "etudiant", Number: "1"}); len(lacking) != 1 || lacking[0].Field != domain.FieldFamilyName {
		t.Errorf("a person without a family name: %+v", lacking)
	}
}
