package keycloak_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/accountstest"
	"entree/internal/devenv/demotest"
	"entree/internal/devenv/localldap"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/ldapconn"
	"entree/internal/secret"
	"entree/keycloak"
)

var searchedBelow = keycloak.Searched{Base: localldap.People, Login: "uid", Address: "mail"}

// below is a directory below a realm, with the portal's store of accounts.
type below struct {
	*realm
	ldap    *localldap.Server
	options directory.Options
	store   *directory.Store
	wanted  keycloak.Directory
	read    int // times that the number of searches was read
}

func newBelow(t *testing.T) *below {
	t.Helper()
	r := newRealm(t)
	server, err := localldap.Start(t.Context(), localldap.Options{
		Dir: filepath.Join(t.TempDir(), "ldap"), Modules: []string{"argon2"}, Global: "database monitor\nrootdn \"" + localldap.Admin + "\"",
		Database: `access to dn.children="` + localldap.People + `" attrs=description by dn.exact="` + localldap.Portal + `" =wrscd by * read`,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	b := &below{realm: r, ldap: server}
	b.options = directory.Options{
		Server: ldapconn.Server{URL: server.URL, BindDN: localldap.Portal, Password: server.Password, Timeout: 5 * time.Second},
		Base:   localldap.People, Way: directory.Add, ObjectClasses: []string{"inetOrgPerson", "eduPerson", "supannPerson"}, Login: "uid", Address: "mail",
		Attributes: []directory.Attribute{
			{Name: "cn", Value: "{given_name} {family_name}"}, {Name: "sn", Value: "{family_name}"}, {Name: "givenName", Value: "{given_name}"},
			{Name: "supannEtuId", Value: "{student_number}"}, {Name: "departmentNumber", Value: "{profile}"}, {Name: "description", Value: "{charter_version}"},
			{Name: "eduPersonAffiliation", Value: "{affiliations}"}, {Name: "supannMailPerso", Value: "{email}"},
		},
		MarkAttribute: "supannRefId", MarkPrefix: "{ENTREE}", Probe: localldap.Probe, Clock: time.Now, Random: rand.Reader,
		Realm: r.service(portalSecret).Federated("example.org", searchedBelow),
	}
	h, err := keycloak.NewHasher("argon2", 0, 2, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b.options.Hashers = map[string]func(context.Context, secret.Text) (domain.Credential, error){directory.Argon2: h.Hash}
	b.store = directory.New(b.options)
	b.wanted = keycloak.Directory{Base: b.options.Base, Login: "uid", Address: "mail", ObjectClasses: b.options.ObjectClasses}
	for _, a := range b.options.Attributes {
		b.wanted.Attributes = append(b.wanted.Attributes, a.Name)
	}
	if err := b.administrator().AddFederation(t.Context(), keycloak.Federation{
		Directory: b.wanted, Name: "annuaire", URL: server.URL, BindDN: localldap.Keycloak, Password: server.Password,
		Extra: map[string]string{"entreeProfile": "departmentNumber", "entreeCharterVersion": "description"},
	}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *below) administrator() *keycloak.Client {
	return keycloak.NewAdmin(b.url, b.name, "admin", secret.New(demotest.Get(b.t).AdminPassword(b.t)))
}

func (b *below) connection() *ldap.Conn {
	b.t.Helper()
	conn, release, err := ldapconn.Server{URL: b.ldap.URL, BindDN: localldap.Admin, Password: b.ldap.Password, Timeout: 10 * time.Second}.Dial(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(release)
	return conn
}

func (b *below) entries(login string) []*ldap.Entry {
	b.t.Helper()
	found, err := b.connection().Search(ldap.NewSearchRequest(localldap.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 10, false, "(uid="+ldap.EscapeFilter(login)+")", []string{"*"}, nil))
	if err != nil {
		b.t.Fatal(err)
	}
	return found.Entries
}

func (b *below) enrol(login, mail string) {
	b.t.Helper()
	add := ldap.NewAddRequest("uid="+ldap.EscapeDN(login)+","+localldap.People, nil)
	for name, v := range map[string][]string{
		"objectClass": b.options.ObjectClasses, "uid": {login}, "mail": {mail}, "cn": {"Somebody Else"}, "sn": {"Else"}, "givenName": {"Somebody"}, "userPassword": {theirs},
	} {
		add.Attribute(name, v)
	}
	if err := b.connection().Add(add); err != nil {
		b.t.Fatal(err)
	}
}

func TestADirectoryBelowKeycloakKeepsTheContract(t *testing.T) {
	b := newBelow(t)
	subject := accountstest.Subject{
		Accounts: b.store,
		Occupy:   func(_ *testing.T, login, email string) { b.enrol(login, email) },
		Untouched: func(t *testing.T, login string) {
			if found := b.entries(login); len(found) != 1 || found[0].GetAttributeValue("givenName") != "Somebody" || found[0].GetAttributeValue("userPassword") != theirs || found[0].GetAttributeValue("supannRefId") != "" {
				t.Errorf("%v", found)
			}
		},
		Attributes: func(_ *testing.T, login string) (string, string, string) {
			found := b.entries(login)
			return found[0].GetAttributeValue("description"), found[0].GetAttributeValue("supannEtuId"), found[0].GetAttributeValue("supannMailPerso")
		},
		Count: func(_ *testing.T, login string) int { return len(b.entries(login)) },
	}
	accountstest.Run(t, subject)
	accountstest.RunConflicts(t, subject, b.store)

	t.Run("conflicts with users of Keycloak's own", func(t *testing.T) {
		for name, taken := range map[string]func(a domain.Account) (login, email string){
			"the login":   func(a domain.Account) (string, string) { return a.Login, "else-" + a.UniversityAddress },
			"the address": func(a domain.Account) (string, string) { return "else-" + a.Login, a.UniversityAddress },
		} {
			a := accountstest.New()
			login, email := taken(a)
			b.subject(nil).Occupy(t, login, email)
			if _, err := b.store.Create(t.Context(), a); !errors.Is(err, domain.ErrForeignAccount) || len(b.entries(a.Login)) != 0 {
				t.Errorf("%s: %v", name, err)
			}
			held, err := b.store.Holding(t.Context(), a.Login, a.UniversityAddress)
			if err != nil || len(held) != 1 || held[0].GivenName != "Somebody" {
				t.Fatalf("%s: %+v %v", name, held, err)
			}
			if err := b.store.Adopt(t.Context(), held[0].ID, a); !domain.IsPermanent(err) {
				t.Errorf("a user of Keycloak's own was adopted: %v", err)
			}
		}
	})
	t.Run("Keycloak counts its own users without the directory", b.countsItsOwn)
	t.Run("the user is that of the entry, without a password of its own", func(t *testing.T) {
		a := accountstest.New()
		var err error
		if a.Credential, err = b.options.Hashers[directory.Argon2](t.Context(), secret.New(strong)); err != nil {
			t.Fatal(err)
		}
		id, err := b.store.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		var u struct {
			user
			FederationLink string
		}
		b.call(http.MethodGet, "/users/"+id, nil, &u)
		if u.FederationLink == "" || u.Email != a.UniversityAddress || !u.EmailVerified || u.FirstName != a.GivenName || u.LastName != a.FamilyName ||
			strings.Join(u.Attributes["supannEtuId"], "") != a.Number || strings.Join(u.Attributes["entreeProfile"], "") != a.Profile || strings.Join(u.Attributes["eduPersonAffiliation"], " ") != "student member" {
			t.Errorf("%+v", u)
		}
		if !b.canLogIn(a.Login, strong) || b.canLogIn(a.Login, strong+"x") {
			t.Error("the password of the activation does not log in, or another one does")
		}
		var groups []struct{ Path string }
		b.call(http.MethodGet, "/users/"+id+"/groups", nil, &groups)
		if len(groups) != 1 || groups[0].Path != "/etudiants" {
			t.Errorf("groups %v", groups)
		}
		// A new password in the directory is the password at once: nothing in Keycloak hides it.
		m := ldap.NewModifyRequest("uid="+a.Login+","+localldap.People, nil)
		m.Replace("userPassword", []string{theirs})
		if err := b.connection().Modify(m); err != nil {
			t.Fatal(err)
		}
		if !b.canLogIn(a.Login, theirs) || b.canLogIn(a.Login, strong) {
			t.Error("Keycloak has a password of its own")
		}
	})
	t.Run("the first login imports an entry whose id was not asked for", func(t *testing.T) {
		o := b.options
		o.Groups = map[string]string{"/etudiants": localldap.Students}
		store := directory.New(o)
		a := accountstest.New()
		var err error
		if a.Credential, err = o.Hashers[directory.Argon2](t.Context(), secret.New(strong)); err != nil {
			t.Fatal(err)
		}
		id, err := store.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		uuid, isEntry := domain.EntryOf(id)
		if !isEntry || !b.canLogIn(a.Login, strong) {
			t.Fatalf("the id %q, or its student cannot log in", id)
		}
		var found []user
		b.call(http.MethodGet, "/users?exact=true&username="+a.Login, nil, &found)
		if len(found) != 1 {
			t.Fatalf("%d users", len(found))
		}
		entry, err := b.service(portalSecret).Federated("example.org", searchedBelow).Entry(t.Context(), found[0].ID)
		if err != nil || entry != uuid {
			t.Errorf("behind the account stands %q, not %q: %v", entry, uuid, err)
		}
		if got, err := store.RealmID(t.Context(), id); err != nil || got != found[0].ID {
			t.Errorf("Keycloak's id is %q, not %q: %v", got, found[0].ID, err)
		}
		if standing, err := store.Standing(t.Context(), domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}); err != nil || standing != (domain.Standing{}) {
			t.Errorf("%+v, %v", standing, err)
		}
	})
	t.Run("the factors of an entry are listed and removed", func(t *testing.T) {
		a := accountstest.New()
		var err error
		if a.Credential, err = b.options.Hashers[directory.Argon2](t.Context(), secret.New(strong)); err != nil {
			t.Fatal(err)
		}
		id, err := b.store.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		ref := domain.AccountRef{ID: id, ActivationID: a.ActivationID, Login: a.Login}
		b.call(http.MethodPut, "/users/"+id, map[string]any{"credentials": []any{otpCredential}}, nil)
		held, err := b.store.Factors(t.Context(), ref)
		if err != nil || !held.HasPassword || len(held.List) != 1 || held.List[0].Kind != domain.FactorTOTP {
			t.Fatalf("%+v, %v", held, err)
		}
		if err := b.store.RenameFactor(t.Context(), ref, held.List[0].ID, "Téléphone"); err != nil {
			t.Error(err)
		}
		if again, err := b.store.Factors(t.Context(), ref); err != nil || len(again.List) != 1 || again.List[0].Label != "Téléphone" {
			t.Errorf("renamed: %+v, %v", again, err)
		}
		if err := b.store.RemoveFactor(t.Context(), ref, held.List[0].ID); err != nil {
			t.Error(err)
		}
		if left, err := b.store.Factors(t.Context(), ref); err != nil || !left.HasPassword || len(left.List) != 0 {
			t.Errorf("removed: %+v, %v", left, err)
		}
		if !b.canLogIn(a.Login, strong) {
			t.Error("the password of the entry does not log in any more")
		}
	})
	t.Run("an empty answer of Keycloak means again", func(t *testing.T) {
		b.ldap.Kill()
		if _, err := b.store.Create(t.Context(), accountstest.New()); err == nil || errors.Is(err, domain.ErrForeignAccount) || domain.IsPermanent(err) {
			t.Errorf("%v", err)
		}
		if _, err := b.options.Realm.Imported(t.Context(), "o-nobody", "uid=o-nobody,"+localldap.People, ""); err == nil || errors.Is(err, domain.ErrForeignAccount) || domain.IsPermanent(err) {
			t.Errorf("%v", err)
		}
		if err := b.ldap.Again(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the edit mode WRITABLE takes the attributes without a mapper", func(t *testing.T) {
		b.configure(map[string]string{"editMode": "WRITABLE", "usePasswordModifyExtendedOp": "true", "validatePasswordPolicy": "true"})
		a := accountstest.New()
		id, err := b.store.Create(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		var u user
		b.call(http.MethodGet, "/users/"+id, nil, &u)
		if strings.Join(u.Attributes["entreeCharterSHA256"], "") != a.CharterSHA256 || strings.Join(u.Attributes["entreeActivationId"], "") != a.ActivationID {
			t.Errorf("%v", u.Attributes)
		}
	})
	t.Run("the check finds each wrong setting", b.checkFinds)
}

// searches returns the number of searches that the directory has completed, without those
// that read this number.
func (b *below) searches(conn *ldap.Conn) int {
	b.t.Helper()
	b.read++
	found, err := conn.Search(ldap.NewSearchRequest("cn=Search,cn=Operations,cn=Monitor", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 10, false, "(objectClass=*)", []string{"monitorOpCompleted"}, nil))
	if err != nil || len(found.Entries) != 1 {
		b.t.Fatalf("%v, %v", found, err)
	}
	n, err := strconv.Atoi(found.Entries[0].GetAttributeValue("monitorOpCompleted"))
	if err != nil {
		b.t.Fatal(err)
	}
	return n - b.read
}

// countsItsOwn tests what Federated.Taken relies on: Keycloak counts all users of its own
// store by login and by address, and asks no federation for the count.
func (b *below) countsItsOwn(t *testing.T) {
	realm := b.service(portalSecret).Federated("example.org", searchedBelow)
	taken := func(what, login, address, uuid string, want bool) {
		t.Helper()
		if got, err := realm.Taken(t.Context(), login, address, uuid); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v. If GET /users/count?exact=true has changed in this Keycloak, let Federated.Taken ask GET /users (docs/adr/0064)", what, got, err, want)
		}
	}
	free := func() (login, address string) { a := accountstest.New(); return a.Login, a.UniversityAddress }
	login, address := free()
	taken("nobody", login, address, "", false) // reads the federations
	conn := b.connection()
	before := b.searches(conn)
	b.call(http.MethodGet, "/users?exact=true&username="+login, nil, &[]user{})
	if b.searches(conn) == before {
		t.Fatal("a search of the directory by Keycloak is not counted")
	}
	before = b.searches(conn)
	for range 3 {
		login, address := free()
		taken("nobody", login, address, "", false)
	}
	if n := b.searches(conn) - before; n != 0 {
		t.Errorf("the directory was searched %d times for three people whom nobody knows: GET /users/count of this Keycloak asks federations, and an activation pays for it (docs/adr/0064). Measure it by `entree-dev bench rush --accounts directory`, and look for a question that leaves them out", n)
	}
	for name, verified := range map[string]bool{"a verified address": true, "an unverified address": false} {
		login, address := free()
		b.call(http.MethodPost, "/users", map[string]any{"username": login, "email": address, "emailVerified": verified, "enabled": verified}, nil)
		otherLogin, otherAddress := free()
		taken("the login of a user with "+name, login, otherAddress, "", true)
		taken("the login in capitals of a user with "+name, strings.ToUpper(login), otherAddress, "", true)
		taken("the address of a user with "+name, otherLogin, address, "", true)
		taken("the address in capitals of a user with "+name, otherLogin, strings.ToUpper(address), "", true)
		taken("the login for an entry", login, otherAddress, "11111111-1111-4111-8111-111111111111", true)
	}
	taken("a service account", "service-account-entree-portal", address, "", true)

	login, address = free()
	b.enrol(login, address)
	uuid := b.uuid(login)
	taken("an entry that was not imported", login, address, uuid, false)
	var imported []user
	b.call(http.MethodGet, "/users?exact=true&username="+login, nil, &imported)
	if len(imported) != 1 {
		t.Fatalf("%d users", len(imported))
	}
	otherLogin, otherAddress := free()
	taken("the login of an imported user", login, otherAddress, "", true)
	taken("the address of an imported user", otherLogin, address, "", true)
	taken("the imported user of the entry itself", login, address, uuid, false)
	taken("the imported user of another entry", login, address, "11111111-1111-4111-8111-111111111111", true)
	// Without the entry, Keycloak removes the user when it reads it.
	if err := b.connection().Del(ldap.NewDelRequest("uid="+login+","+localldap.People, nil)); err != nil {
		t.Fatal(err)
	}
	b.call(http.MethodPost, "/clear-user-cache", nil, nil)
	taken("an imported user whose entry is gone", login, address, "", false)

	// Entries of another branch are found by a federation alone.
	others := keycloak.Federation{
		Directory: keycloak.Directory{Base: localldap.Probe, Login: "uid", Address: "mail", ObjectClasses: []string{"inetOrgPerson"}},
		Name:      "others", URL: b.ldap.URL, BindDN: localldap.Admin, Password: b.ldap.Password,
	}
	if err := b.administrator().AddFederation(t.Context(), others); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.remove("others") })
	login, address = free()
	add := ldap.NewAddRequest("uid="+login+","+localldap.Probe, nil)
	for name, v := range map[string]string{"objectClass": "inetOrgPerson", "uid": login, "mail": address, "cn": "Somebody Else", "sn": "Else", "givenName": "Somebody"} {
		add.Attribute(name, []string{v})
	}
	if err := b.connection().Add(add); err != nil {
		t.Fatal(err)
	}
	realm = b.service(portalSecret).Federated("example.org", searchedBelow) // the other one keeps its answer for a minute
	otherLogin, otherAddress = free()
	taken("the address of an entry of another federation", otherLogin, address, "", true)
	taken("the login of an entry of another federation", login, otherAddress, "", true)
}

// uuid returns the entryUUID of a login.
func (b *below) uuid(login string) string {
	b.t.Helper()
	found, err := b.connection().Search(ldap.NewSearchRequest(localldap.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 10, false, "(uid="+ldap.EscapeFilter(login)+")", []string{"entryUUID"}, nil))
	if err != nil || len(found.Entries) != 1 {
		b.t.Fatalf("%v, %v", found, err)
	}
	return found.Entries[0].GetAttributeValue("entryUUID")
}

// remove removes a federation with its users.
func (b *below) remove(name string) {
	b.t.Helper()
	var found []struct{ ID, Name string }
	b.call(http.MethodGet, "/components?type=org.keycloak.storage.UserStorageProvider&name="+name, nil, &found)
	for _, p := range found {
		if p.Name == name {
			b.call(http.MethodDelete, "/components/"+p.ID, nil, nil)
		}
	}
}

// configure changes settings of the federation.
func (b *below) configure(settings map[string]string) {
	b.t.Helper()
	var found []map[string]any
	b.call(http.MethodGet, "/components?type=org.keycloak.storage.UserStorageProvider", nil, &found)
	if len(found) != 1 {
		b.t.Fatalf("%d federations", len(found))
	}
	config := found[0]["config"].(map[string]any)
	for key, value := range settings {
		config[key] = []string{value}
	}
	if err := b.try(http.MethodPut, "/"+b.name+"/components/"+found[0]["id"].(string), found[0], nil); err != nil && !strings.Contains(err.Error(), "JSON") {
		b.t.Fatal(err)
	}
}

func (b *below) checkFinds(t *testing.T) {
	w := b.realm.wanted
	w.Directory = &b.wanted
	findings := func() string {
		found, err := b.service(portalSecret).CheckSelf(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, f := range found {
			lines = append(lines, f.String())
		}
		slices.Sort(lines)
		return strings.Join(lines, "\n")
	}
	good := map[string]string{
		"editMode": "READ_ONLY", "usersDn": localldap.People, "syncRegistrations": "false", "importEnabled": "true", "usernameLDAPAttribute": "uid", "rdnLDAPAttribute": "uid", "uuidLDAPAttribute": "entryUUID",
		"userObjectClasses": "inetOrgPerson, person", "trustEmail": "true", "connectionPooling": "true", "readTimeout": "3000", "customUserSearchFilter": "", "enabled": "true", "usePasswordModifyExtendedOp": "false", "validatePasswordPolicy": "false",
	}
	b.configure(good)
	before := findings()
	if strings.Contains(before, "federation") {
		t.Errorf("a good federation:\n%s", before)
	}
	for _, c := range []struct{ key, value, want string }{
		{"editMode", "UNSYNCED", "editMode is UNSYNCED"}, {"usersDn", "ou=services," + localldap.Suffix, "no LDAP federation of the realm holds"}, {"syncRegistrations", "true", "syncRegistrations is true"},
		{"importEnabled", "false", "importEnabled is false"}, {"usernameLDAPAttribute", "cn", "usernameLDAPAttribute is cn"}, {"rdnLDAPAttribute", "cn", "rdnLDAPAttribute is cn"},
		{"uuidLDAPAttribute", "uid", "uuidLDAPAttribute is uid"}, {"userObjectClasses", "inetOrgPerson, posixAccount", "userObjectClasses holds posixAccount"}, {"trustEmail", "false", "trustEmail is false"},
		{"connectionPooling", "", "connectionPooling is not set"}, {"readTimeout", "", "no read timeout"}, {"customUserSearchFilter", "(ou=x)", "a search filter (ou=x)"}, {"enabled", "false", "no LDAP federation of the realm holds"},
		{"editMode", "WRITABLE", "usePasswordModifyExtendedOp is"},
	} {
		b.configure(map[string]string{c.key: c.value})
		if got := findings(); !strings.Contains(got, c.want) {
			t.Errorf("%s %s:\n%s", c.key, c.value, got)
		}
		b.configure(map[string]string{c.key: good[c.key]})
	}
	b.wanted.Attributes = append(b.wanted.Attributes, "supannEmpId")
	if got := findings(); !strings.Contains(got, "lacks mappers (supannEmpId → supannEmpId)") {
		t.Errorf("%s", got)
	}
}
