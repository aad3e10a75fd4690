package directory_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/accountstest"
	"entree/internal/devenv/localldap"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/secret"
	"entree/keycloak"
)

var shared struct {
	once   sync.Once
	dir    string
	server *localldap.Server
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// commonDirectory returns one directory for all tests that make entries of their
// own and leave its settings alone. The portal may also write a description, for
// the charter.
func commonDirectory(t *testing.T) *localldap.Server {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp("", "entree-ldap-"); shared.err == nil {
			shared.server, shared.err = localldap.Start(context.Background(), localldap.Options{
				Dir: shared.dir, Modules: []string{"argon2"},
				Database: `access to dn.children="` + localldap.People + `" attrs=description by dn.exact="` + localldap.Portal + `" =wrscd by * read`,
			})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

// newDirectory returns a directory for one test.
func newDirectory(t *testing.T, o localldap.Options) *localldap.Server {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "ldap")
	s, err := localldap.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func options(t *testing.T, s *localldap.Server) directory.Options {
	t.Helper()
	hashers := map[string]func(context.Context, secret.Text) (domain.Credential, error){directory.Crypt: directory.NewCryptHasher(2, rand.Reader).Hash}
	for _, scheme := range []string{directory.Argon2, directory.PBKDF2SHA256, directory.PBKDF2SHA512} {
		h, err := keycloak.NewHasher(scheme, 0, 2, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		hashers[scheme] = h.Hash
	}
	return directory.Options{
		Server: ldapconn.Server{URL: s.URL, BindDN: localldap.Portal, Password: s.Password, Timeout: 3 * time.Second},
		Base:   localldap.People, Way: directory.Add, ObjectClasses: []string{"inetOrgPerson", "eduPerson", "supannPerson"}, Login: "uid", Address: "mail",
		Attributes: []directory.Attribute{
			{Name: "cn", Value: "{given_name} {family_name}"}, {Name: "sn", Value: "{family_name}"}, {Name: "givenName", Value: "{given_name}"},
			{Name: "eduPersonAffiliation", Value: "{affiliations}"}, {Name: "supannEtuId", Value: "{student_number}"}, {Name: "supannEmpId", Value: "{staff_number}"},
			{Name: "departmentNumber", Value: "{profile}"}, {Name: "description", Value: "{charter_version}"}, {Name: "supannMailPerso", Value: "{email}"},
		},
		Groups: map[string]string{"/etudiants": localldap.Students}, MarkAttribute: "supannRefId", MarkPrefix: "{ENTREE}", Probe: localldap.Probe,
		Hashers: hashers, Clock: time.Now, Random: rand.Reader,
	}
}

// admin returns a connection of the directory's administrator.
func admin(t testing.TB, s *localldap.Server) *ldap.Conn {
	t.Helper()
	conn, release, err := ldapconn.Server{URL: s.URL, BindDN: localldap.Admin, Password: s.Password, Timeout: 10 * time.Second}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return conn
}

// entries returns the entries of a filter below the suffix.
func entries(t testing.TB, s *localldap.Server, filter string) []*ldap.Entry {
	t.Helper()
	found, err := admin(t, s).Search(ldap.NewSearchRequest(localldap.Suffix, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 10, false, filter, []string{"*", "+"}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return found.Entries
}

func byLogin(t testing.TB, s *localldap.Server, login string) *ldap.Entry {
	t.Helper()
	found := entries(t, s, "(uid="+ldap.EscapeFilter(login)+")")
	if len(found) != 1 {
		t.Fatalf("%d entries have the login %s", len(found), login)
	}
	return found[0]
}

// enrol adds an entry that the portal did not make. Attributes are pairs.
func enrol(t testing.TB, s *localldap.Server, login, mail string, more ...string) {
	t.Helper()
	add := ldap.NewAddRequest("uid="+ldap.EscapeDN(login)+","+localldap.People, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson", "eduPerson", "supannPerson"})
	add.Attribute("uid", []string{login})
	if mail != "" {
		add.Attribute("mail", []string{mail})
	}
	add.Attribute("cn", []string{"Somebody Else"})
	add.Attribute("sn", []string{"Else"})
	add.Attribute("givenName", []string{"Somebody"})
	for i := 0; i < len(more); i += 2 {
		add.Attribute(more[i], []string{more[i+1]})
	}
	if err := admin(t, s).Add(add); err != nil {
		t.Fatal(err)
	}
}

// binds reports whether a password opens the entry of a login.
func binds(t testing.TB, s *localldap.Server, login, password string) bool {
	t.Helper()
	_, release, err := ldapconn.Server{URL: s.URL, BindDN: "uid=" + ldap.EscapeDN(login) + "," + localldap.People, Password: secret.New(password), Timeout: 10 * time.Second}.Dial(t.Context())
	if err == nil {
		release()
	}
	return err == nil
}

func subject(t *testing.T, s *localldap.Server, store domain.Accounts) accountstest.Subject {
	before := map[string]string{}
	return accountstest.Subject{
		Accounts: store,
		Occupy: func(t *testing.T, login, email string) {
			enrol(t, s, login, email)
			before[login] = show(byLogin(t, s, login))
		},
		Untouched: func(t *testing.T, login string) {
			if now := show(byLogin(t, s, login)); now != before[login] {
				t.Errorf("the entry changed: %s", now)
			}
		},
		Attributes: func(t *testing.T, login string) (charter, number, personal string) {
			e := byLogin(t, s, login)
			return e.GetAttributeValue("description"), e.GetAttributeValue("supannEtuId"), e.GetAttributeValue("supannMailPerso")
		},
		Count: func(t *testing.T, login string) int { return len(entries(t, s, "(uid="+ldap.EscapeFilter(login)+")")) },
	}
}

func show(e *ldap.Entry) string {
	var b strings.Builder
	for _, a := range e.Attributes {
		b.WriteString(a.Name + "=" + strings.Join(a.Values, "|") + "\n")
	}
	return b.String()
}

const password = "six-mots-de-Passe-9"

// hashed returns an account with the hash of password in a scheme.
func hashed(t testing.TB, o directory.Options, scheme string) domain.Account {
	t.Helper()
	a := accountstest.New()
	c, err := o.Hashers[scheme](t.Context(), secret.New(password))
	if err != nil {
		t.Fatal(err)
	}
	a.Credential = c
	return a
}
