package directory_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/accountstest"
	"entree/internal/devenv/localldap"
	"entree/internal/directory"
	"entree/internal/domain"
)

func TestTheDirectoryKeepsTheContract(t *testing.T) {
	s := commonDirectory(t)
	store := directory.New(options(t, s))
	accountstest.Run(t, subject(t, s, store))
	accountstest.RunConflicts(t, subject(t, s, store), store)
}

func TestAnEntryIsWhole(t *testing.T) {
	s := commonDirectory(t)
	o := options(t, s)
	a := hashed(t, o, directory.Argon2)
	id, err := directory.New(o).Create(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	e := byLogin(t, s, a.Login)
	for name, want := range map[string]string{
		"entryUUID": id, "mail": a.UniversityAddress, "cn": "Jean-Pierre d’Arc-Nuñez", "sn": "d’Arc-Nuñez", "givenName": "Jean-Pierre", "supannEtuId": a.Number,
		"supannRefId": "{ENTREE}" + a.ActivationID, "eduPersonAffiliation": "student|member", "supannEmpId": "", "supannMailPerso": "jp@example.net",
		"objectClass": "inetOrgPerson|eduPerson|supannPerson",
	} {
		if got := strings.Join(e.GetAttributeValues(name), "|"); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !binds(t, s, a.Login, password) || binds(t, s, a.Login, password+"x") {
		t.Error("the password of the activation does not bind, or another one does")
	}
	members := entries(t, s, "(member="+ldap.EscapeFilter(e.DN)+")")
	if len(members) != 1 || members[0].DN != localldap.Students {
		t.Errorf("groups: %v", members)
	}
}

// Names that are hard to write into a DN or a filter.
func TestOddNamesAreWrittenAsTheyAre(t *testing.T) {
	s := commonDirectory(t)
	o := options(t, s)
	store, credential := directory.New(o), hashed(t, o, directory.Argon2).Credential
	for i, name := range []string{"a+b", "a,b", `a"b`, "a;b=c", "#a", "(a)*", `a\b`, "Ω", "a<b>"} {
		a := accountstest.New()
		a.Credential, a.Login = credential, name+a.Login[:9]
		if name == "#a" {
			a.Login = name + a.Login
		}
		a.FamilyName = "N(*)" + name
		a.Fields["family_name"] = a.FamilyName
		first, err := store.Create(t.Context(), a)
		if err != nil {
			t.Errorf("%d %q: %v", i, a.Login, err)
			continue
		}
		if again, err := store.Create(t.Context(), a); err != nil || again != first {
			t.Errorf("%q again: %q, %v", a.Login, again, err)
		}
		if !binds(t, s, a.Login, password) {
			t.Errorf("%q does not bind", a.Login)
		}
	}
}

func TestEachSchemeBindsOrIsRefusedBeforeAnyAccount(t *testing.T) {
	s := newDirectory(t, localldap.Options{}) // neither argon2 nor pw-pbkdf2 is loaded
	o := options(t, s)
	store := directory.New(o)
	for _, scheme := range directory.Schemes() {
		a := hashed(t, o, scheme)
		_, err := store.Create(t.Context(), a)
		if scheme == directory.Crypt {
			if err != nil || !binds(t, s, a.Login, password) {
				t.Errorf("%s: %v", scheme, err)
			}
			continue
		}
		var refused *directory.ErrScheme
		if !errors.As(err, &refused) || domain.IsPermanent(err) || !strings.Contains(err.Error(), "moduleload") {
			t.Errorf("%s: %v", scheme, err)
		}
		if n := len(entries(t, s, "(uid="+a.Login+")")); n != 0 {
			t.Errorf("%s: %d accounts that no password opens", scheme, n)
		}
	}
	if left := entries(t, s, "(cn=entree-probe-*)"); len(left) != 0 {
		t.Errorf("%d probe entries are left", len(left))
	}
	// With the module the waiting job goes on, and without it no further account is made.
	s.Stop()
	with := func(conf string) string {
		return strings.Replace(conf, "moduleload back_mdb", "moduleload back_mdb\nmoduleload argon2", 1)
	}
	if err := s.Again(t.Context(), with); err != nil {
		t.Fatal(err)
	}
	a := hashed(t, o, directory.Argon2)
	if err := store.Prove(t.Context(), directory.Argon2); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Create(t.Context(), a); err != nil || !binds(t, s, a.Login, password) {
		t.Errorf("%v", err)
	}
	s.Stop()
	if err := s.Again(t.Context(), func(conf string) string { return strings.Replace(conf, "\nmoduleload argon2", "", 1) }); err != nil {
		t.Fatal(err)
	}
	if err := store.Prove(t.Context(), directory.Argon2); err == nil {
		t.Error("a lost module is not noticed")
	}
	if _, err := store.Create(t.Context(), hashed(t, o, directory.Argon2)); err == nil {
		t.Error("an account was made after the module was lost")
	}
}

func TestTheCredentialOfKeycloakBecomesAUserPassword(t *testing.T) {
	o := options(t, commonDirectory(t))
	for scheme, want := range map[string]string{
		directory.Argon2: "{ARGON2}$argon2id$v=19$m=7168,t=5,p=1$", directory.PBKDF2SHA256: "{PBKDF2-SHA256}600000$", directory.PBKDF2SHA512: "{PBKDF2-SHA512}210000$",
		directory.Crypt: "{CRYPT}$6$rounds=100000$",
	} {
		got, value, err := directory.UserPassword(hashed(t, o, scheme).Credential)
		if err != nil || got != scheme || !strings.HasPrefix(value, want) || strings.ContainsAny(value, "+=") != (scheme == directory.Argon2 || scheme == directory.Crypt) && !strings.Contains(value, "rounds=") {
			t.Errorf("%s: %s %v", scheme, value, err)
		}
	}
	for _, c := range []domain.Credential{
		{}, {Data: "x"}, {Data: `{"algorithm":"argon2"}`, Secret: "{}"}, {Data: `{"algorithm":"pbkdf2","hashIterations":1}`, Secret: `{"value":"AA==","salt":"AA=="}`},
		{Data: `{"algorithm":"argon2","additionalParameters":{"type":["i"],"version":["1.3"]}}`, Secret: `{"value":"AA==","salt":"AA=="}`},
	} {
		if _, _, err := directory.UserPassword(c); !domain.IsPermanent(err) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// slapd verifies both schemes of its module pw-pbkdf2 (Debian: slapd-contrib): the
// probe proves them, and a student binds with the password and with no other.
func TestPBKDF2OfKeycloakBindsAtSlapd(t *testing.T) {
	s := newDirectory(t, localldap.Options{Modules: []string{"pw-pbkdf2"}})
	o := options(t, s)
	store := directory.New(o)
	for _, scheme := range []string{directory.PBKDF2SHA256, directory.PBKDF2SHA512} {
		if err := store.Prove(t.Context(), scheme); err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		a := hashed(t, o, scheme)
		if _, err := store.Create(t.Context(), a); err != nil || !binds(t, s, a.Login, password) || binds(t, s, a.Login, password+"x") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}

func TestThePasswordIsAddedToTheEntryOfTheEnrolmentOnce(t *testing.T) {
	s := newDirectory(t, localldap.Options{Way: directory.Activate, Modules: []string{"argon2"}})
	o := options(t, s)
	o.Way = directory.Activate
	store := directory.New(o)
	a := hashed(t, o, directory.Argon2)
	if _, err := store.Create(t.Context(), a); err == nil || domain.IsPermanent(err) || errors.Is(err, domain.ErrForeignAccount) {
		t.Errorf("before the enrolment: %v", err) // waits
	}
	enrol(t, s, a.Login, a.UniversityAddress, "supannEtuId", a.Number)
	before := show(byLogin(t, s, a.Login))
	ids := make([]string, 6)
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i], errs[i] = store.Create(t.Context(), a) })
	}
	wg.Wait()
	for i := range ids {
		if errs[i] != nil || ids[i] != ids[0] {
			t.Errorf("%q, %v", ids[i], errs[i])
		}
	}
	e := byLogin(t, s, a.Login)
	if n := len(e.GetAttributeValues("userPassword")); n != 1 || !binds(t, s, a.Login, password) || e.GetAttributeValue("supannRefId") != "{ENTREE}"+a.ActivationID || e.GetAttributeValue("sn") != "Else" {
		t.Errorf("%d passwords: %s\nbefore: %s", n, show(e), before)
	}
	// An entry with a password is never touched: neither another activation's nor one without a mark.
	other := hashed(t, o, directory.Argon2)
	other.Login, other.UniversityAddress, other.Number = a.Login, a.UniversityAddress, a.Number
	if _, err := store.Create(t.Context(), other); !errors.Is(err, domain.ErrForeignAccount) {
		t.Errorf("%v", err)
	}
	has := hashed(t, o, directory.Argon2)
	enrol(t, s, has.Login, has.UniversityAddress, "supannEtuId", has.Number, "userPassword", "{CRYPT}of-old")
	held := show(byLogin(t, s, has.Login))
	if _, err := store.Create(t.Context(), has); !errors.Is(err, domain.ErrForeignAccount) || show(byLogin(t, s, has.Login)) != held {
		t.Errorf("an entry with a password: %v", err)
	}
	// A person whose entry has another identifier, or another number, needs an operator.
	for name, change := range map[string]func(a *domain.Account) (login, number string){
		"another identifier": func(a *domain.Account) (string, string) { return "x" + a.Login, a.Number },
		"another number":     func(a *domain.Account) (string, string) { return a.Login, "x" + a.Number },
	} {
		a := hashed(t, o, directory.Argon2)
		login, number := change(&a)
		enrol(t, s, login, "", "supannEtuId", number)
		if _, err := store.Create(t.Context(), a); !errors.Is(err, domain.ErrForeignAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The rights of deploy/openldap allow the work of the portal, and nothing else.
func TestThePortalHasTheLeastRights(t *testing.T) {
	for _, way := range []string{directory.Add, directory.Activate} {
		t.Run(way, func(t *testing.T) {
			s := newDirectory(t, localldap.Options{Way: way, Modules: []string{"argon2"}})
			enrol(t, s, "bare", "bare@univ.example", "supannEtuId", "1")
			enrol(t, s, "held", "held@univ.example", "supannEtuId", "2", "userPassword", "secret-of-held", "telephoneNumber", "0102030405")
			o := options(t, s)
			conn, release, err := o.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			bare, held := "uid=bare,"+localldap.People, "uid=held,"+localldap.People
			modify := func(dn string, change func(*ldap.ModifyRequest)) error {
				m := ldap.NewModifyRequest(dn, nil)
				change(m)
				return conn.Modify(m)
			}
			refused := map[string]error{
				"a password over another": modify(held, func(m *ldap.ModifyRequest) { m.Replace("userPassword", []string{"mine"}) }),
				"a second password":       modify(held, func(m *ldap.ModifyRequest) { m.Add("userPassword", []string{"mine"}) }),
				"no password any more":    modify(held, func(m *ldap.ModifyRequest) { m.Delete("userPassword", nil) }),
				"another address":         modify(held, func(m *ldap.ModifyRequest) { m.Replace("mail", []string{"x@univ.example"}) }),
				"another name":            modify(bare, func(m *ldap.ModifyRequest) { m.Replace("sn", []string{"X"}) }),
				"a removed entry":         conn.Del(ldap.NewDelRequest(bare, nil)),
				"a renamed entry":         conn.ModifyDN(ldap.NewModifyDNRequest(bare, "uid=x", true, "")),
				"an entry elsewhere":      conn.Add(person("cn=x," + localldap.Groups)),
				"its own password":        modify(localldap.Portal, func(m *ldap.ModifyRequest) { m.Replace("userPassword", []string{"mine"}) }),
				"a member removed":        modify(localldap.Students, func(m *ldap.ModifyRequest) { m.Delete("member", []string{localldap.Admin}) }),
				"a password policy":       modify("ou=policies,"+localldap.Suffix, func(m *ldap.ModifyRequest) { m.Replace("description", []string{"x"}) }),
			}
			if way == directory.Activate {
				refused["a new person"] = conn.Add(person("cn=y," + localldap.People))
			} else {
				refused["a password where there is none"] = modify(bare, func(m *ldap.ModifyRequest) { m.Add("userPassword", []string{"mine"}) })
			}
			for name, err := range refused {
				if !ldap.IsErrorAnyOf(err, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultNoSuchObject) {
					t.Errorf("%s: %v", name, err)
				}
			}
			// The password of an entry with a mark may be replaced, for a student who forgot it.
			enrol(t, s, "marked", "marked@univ.example", "supannEtuId", "3", "supannRefId", "{ENTREE}a", "userPassword", "secret-of-marked")
			if err := modify("uid=marked,"+localldap.People, func(m *ldap.ModifyRequest) { m.Replace("userPassword", []string{"new-of-marked"}) }); err != nil || !binds(t, s, "marked", "new-of-marked") {
				t.Errorf("a forgotten password: %v", err)
			}
			seen, err := conn.Search(ldap.NewSearchRequest(localldap.People, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 5, false, "(uid=held)", []string{"*"}, nil))
			if err != nil || len(seen.Entries) != 1 || seen.Entries[0].GetAttributeValue("userPassword") != "" || seen.Entries[0].GetAttributeValue("telephoneNumber") != "" {
				t.Errorf("the portal reads more than it needs: %v %v", seen, err)
			}
			if same, err := conn.Compare(held, "userPassword", "secret-of-held"); err == nil && same {
				t.Error("the portal can guess passwords by comparing")
			}
		})
	}
}

func person(dn string) *ldap.AddRequest {
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"person"})
	add.Attribute("sn", []string{"x"})
	return add
}

func TestTemplates(t *testing.T) {
	if p := directory.Placeholders(); !slices.Contains(p, "cohort") || !slices.Contains(p, "login") || slices.Contains(p, "activation_id") || slices.Contains(p, "hold") {
		t.Errorf("%v", p)
	}
	for template, ok := range map[string]bool{"{given_name} {family_name}": true, "fixed": true, "{nothing}": false, "{login": false, "login}": false, "{}": false, "{Login}": false} {
		if err := directory.CheckTemplate(template); (err == nil) != ok {
			t.Errorf("%s: %v", template, err)
		}
	}
}

func TestTheCheckFindsWhatTheDirectoryLacks(t *testing.T) {
	s := commonDirectory(t)
	if found := directory.New(options(t, s)).Check(t.Context(), directory.Argon2); len(found) != 0 {
		t.Errorf("a good directory: %v", found)
	}
	for what, change := range map[string]func(*directory.Options){
		"cannot be used":                     func(o *directory.Options) { o.URL = "ldap://127.0.0.1:1" },
		"cannot be used ":                    func(o *directory.Options) { o.BindDN = "cn=nobody," + localldap.Suffix },
		"no entry ou=gone":                   func(o *directory.Options) { o.Base = "ou=gone," + localldap.Suffix },
		"no group cn=gone":                   func(o *directory.Options) { o.Groups = map[string]string{"/x": "cn=gone," + localldap.Groups} },
		"no object class frPerson":           func(o *directory.Options) { o.ObjectClasses = []string{"inetOrgPerson", "frPerson"} },
		"no attribute frName":                func(o *directory.Options) { o.Attributes = append(o.Attributes, directory.Attribute{Name: "frName"}) },
		"no entry cn=gone":                   func(o *directory.Options) { o.Policy = "cn=gone," + localldap.Suffix },
		"no entry ou=other":                  func(o *directory.Options) { o.Probe = "ou=other," + localldap.Suffix },
		"the scheme of the passwords is not": func(o *directory.Options) { o.Probe = localldap.Groups },
	} {
		o := options(t, s)
		change(&o)
		found := directory.New(o).Check(t.Context(), directory.Argon2)
		if !slices.ContainsFunc(found, func(f directory.Finding) bool { return strings.Contains(f.What, strings.TrimSpace(what)) }) {
			t.Errorf("%s: %v", what, found)
		}
	}
}
