package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/deploy"
	"entree/internal/accountstest"
	"entree/internal/devenv/localldap"
	"entree/internal/directory"
	"entree/internal/domain"
)

// crowd is the number of entries that the enrolment made before the portal came: many
// pages.
const crowd = 5000

// crowded starts a directory with a crowd, loaded by slapadd. Every tenth entry has no
// password.
func crowded(t *testing.T, o localldap.Options) *localldap.Server {
	t.Helper()
	var b strings.Builder
	for n := range crowd {
		fmt.Fprintf(&b, "dn: uid=e%[1]d,%[2]s\nobjectClass: inetOrgPerson\nobjectClass: eduPerson\nobjectClass: supannPerson\nuid: e%[1]d\ncn: Inès Carpentier\nsn: Carpentier\ngivenName: Inès\nmail: e%[1]d@etu.example.org\nsupannEtuId: %[1]d\n", n, localldap.People)
		if n%10 != 0 {
			b.WriteString("userPassword: secret\n")
		}
		b.WriteString("\n")
	}
	o.Entries = b.String()
	return newDirectory(t, o)
}

// all returns the accounts that Each sees, by login.
func all(t *testing.T, s *directory.Store) map[string]domain.Existing {
	t.Helper()
	out := map[string]domain.Existing{}
	err := s.Each(t.Context(), func(page []domain.Existing) error {
		for _, x := range page {
			if _, twice := out[x.Login]; twice {
				t.Errorf("%s comes twice", x.Login)
			}
			out[x.Login] = x
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Both ways read all entries of a large directory in pages, with the rights of
// deploy/openldap: activate leaves out those without a password.
func TestReader_EveryPageOfALargeDirectoryIsRead(t *testing.T) {
	for way, want := range map[string]int{directory.Add: crowd, directory.Activate: crowd - crowd/10} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := crowded(t, localldap.Options{Way: way, Modules: []string{"argon2"}})
			o := options(t, s)
			o.Way = way
			store := directory.New(o)
			if n, err := store.Count(t.Context()); err != nil || n != want {
				t.Errorf("count: %d, %v", n, err)
			}
			found := all(t, store)
			if len(found) != want {
				t.Errorf("%d accounts, want %d", len(found), want)
			}
			x := found["e1"]
			if x.ID == "" || x.Address != "e1@etu.example.org" || x.GivenName != "Inès" || x.FamilyName != "Carpentier" || !x.Enabled || x.Mark != "" || !slices.Equal(x.Attributes["supannEtuId"], []string{"1"}) {
				t.Errorf("%+v", x)
			}
			if same, err := store.Account(t.Context(), x.ID); err != nil || same.Login != "e1" || same.ID != x.ID {
				t.Errorf("%+v, %v", same, err)
			}
			for _, id := range []string{"11111111-1111-4111-8111-111111111111", "../e1", ""} {
				if _, err := store.Account(t.Context(), id); !errors.Is(err, domain.ErrNotFound) {
					t.Errorf("%q: %v", id, err)
				}
			}
			for range 2 { // a job may run again
				if err := store.Mark(t.Context(), x.ID, "activation-1"); err != nil {
					t.Fatal(err)
				}
			}
			if now, err := store.Account(t.Context(), x.ID); err != nil || now.Mark != "activation-1" || now.Address != x.Address {
				t.Errorf("%+v, %v", now, err)
			}
			if err := store.Mark(t.Context(), x.ID, "activation-2"); !domain.IsPermanent(err) || !errors.Is(err, domain.ErrForeignAccount) {
				t.Errorf("another mark: %v", err)
			}
			// The mark makes it a portal's account: it stays one.
			if again := all(t, store); len(again) != want || again["e1"].Mark != "activation-1" {
				t.Errorf("%d accounts, mark %q", len(again), again["e1"].Mark)
			}
		})
	}
}

// Attributes come under the names that the comparison knows, and a birth date in the
// form of the registry.
func TestReader_AttributesHaveTheNamesOfTheComparison(t *testing.T) {
	s := newDirectory(t, localldap.Options{Database: `access to * by dn.exact="` + localldap.Portal + `" write by anonymous auth`})
	o := options(t, s)
	o.Attributes = []directory.Attribute{
		{Name: "cn", Value: "{given_name} {family_name}"}, {Name: "displayName", Value: "{given_name}"}, {Name: "sn", Value: "{family_name}"},
		{Name: "employeeNumber", Value: "{number}"}, {Name: "description", Value: "{birth_date}"}, {Name: "street", Value: "{email}"},
	}
	o.Numbers = []string{"carLicense"}
	store := directory.New(o)
	enrol(t, s, "here", "here@example.org", "displayName", "Zoé", "employeeNumber", "7", "carLicense", "8", "street", "zoe@example.net", "description", "20040317")
	enrol(t, s, "iso", "iso@example.org", "description", "2004-03-17")
	enrol(t, s, "time", "time@example.org", "description", "20040317000000Z")
	enrol(t, s, "perso", "", "supannMailPerso", "perso@example.net")
	found := all(t, store)
	x := found["here"]
	if x.GivenName != "Zoé" || x.FamilyName != "Else" || !slices.Equal(x.Attributes["employeeNumber"], []string{"7"}) || !slices.Equal(x.Attributes["carLicense"], []string{"8"}) ||
		!slices.Equal(x.Attributes["supannMailPerso"], []string{"zoe@example.net"}) {
		t.Errorf("%+v", x)
	}
	for _, login := range []string{"here", "iso", "time"} {
		if got := found[login].Attributes["supannOIDCDateDeNaissance"]; !slices.Equal(got, []string{"2004-03-17"}) {
			t.Errorf("%s: birth date %v", login, got)
		}
	}
	if got := found["perso"]; got.Address != "" || !slices.Equal(got.Attributes["supannMailPerso"], []string{"perso@example.net"}) {
		t.Errorf("%+v", got)
	}
}

// An entry that the password policy locked is a disabled account, and the last bind is
// the last login.
func TestReader_ALockedEntryIsDisabled(t *testing.T) {
	s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}, Policies: true, Database: "lastbind on\naccess to * by dn.exact=\"" + localldap.Portal + "\" write by anonymous auth"})
	enrol(t, s, "locked", "locked@example.org", "userPassword", "Correct-horse-1")
	enrol(t, s, "open", "open@example.org", "userPassword", "Correct-horse-1")
	before := time.Now().Add(-2 * time.Second)
	if !binds(t, s, "open", "Correct-horse-1") {
		t.Fatal("no bind")
	}
	m := ldap.NewModifyRequest("uid=locked,"+localldap.People, []ldap.Control{ldap.NewControlString("1.3.6.1.4.1.4203.666.5.12", true, "")})
	m.Add("pwdAccountLockedTime", []string{"000001010000Z"})
	if err := admin(t, s).Modify(m); err != nil {
		t.Fatal(err)
	}
	found := all(t, directory.New(options(t, s)))
	if x := found["locked"]; x.Login != "locked" || x.Enabled || !x.LastLogin.IsZero() {
		t.Errorf("%+v", x)
	}
	if x := found["open"]; !x.Enabled || x.LastLogin.Before(before.Truncate(time.Second)) || x.LastLogin.After(time.Now().Add(time.Minute)) {
		t.Errorf("%+v", x)
	}
}

// An incomplete answer of a directory is an error that says what to do, and nothing is
// taken for the whole.
func TestReader_LimitsAndReferralsSayWhatToDo(t *testing.T) {
	s := crowded(t, localldap.Options{Modules: []string{"argon2"}, Database: `limits dn.exact="` + localldap.Portal + `" size.pr=unlimited size.prtotal=1000`})
	store := directory.New(options(t, s))
	seen := 0
	err := store.Each(t.Context(), func(page []domain.Existing) error { seen += len(page); return nil })
	if err == nil || !strings.Contains(err.Error(), "raise its size limit for bind_dn") {
		t.Errorf("after %d entries: %v", seen, err)
	}
	if _, err := store.Count(t.Context()); err == nil {
		t.Error("a part of the entries was counted as all")
	}

	elsewhere := newDirectory(t, localldap.Options{})
	add := ldap.NewAddRequest("ou=elsewhere,"+localldap.People, []ldap.Control{ldap.NewControlManageDsaIT(true)})
	add.Attribute("objectClass", []string{"referral", "extensibleObject"})
	add.Attribute("ou", []string{"elsewhere"})
	add.Attribute("ref", []string{"ldap://192.0.2.1/ou=elsewhere"})
	if err := admin(t, elsewhere).Add(add); err != nil {
		t.Fatal(err)
	}
	o := options(t, elsewhere)
	o.BindDN = localldap.Admin
	if err := directory.New(o).Each(t.Context(), func([]domain.Existing) error { return nil }); err == nil || !strings.Contains(err.Error(), "is on another server, ldap://192.0.2.1/") {
		t.Errorf("a referral: %v", err)
	}
	o.Search = "ou=elsewhere," + localldap.People
	if _, err := directory.New(o).Count(t.Context()); err == nil || !strings.Contains(err.Error(), "this base is on another server: set url and base to ldap://192.0.2.1/") {
		t.Errorf("the branch is a referral: %v", err)
	}
	o = options(t, elsewhere)
	o.Search = "ou=missing," + localldap.Suffix
	if _, err := directory.New(o).Count(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no base") {
		t.Errorf("no branch: %v", err)
	}
	elsewhere.Kill()
	if err := directory.New(options(t, elsewhere)).Each(t.Context(), func([]domain.Existing) error { return nil }); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("nobody there: %v", err)
	}
}

// Without Keycloak, the time of a restored database lies in the directory, under the
// rights of deploy/openldap; another portal has another one.
func TestI1_TheWitnessLiesInTheDirectory(t *testing.T) {
	s := commonDirectory(t)
	o := options(t, s)
	o.MarkPrefix = "{WITNESS}"
	store := directory.New(o)
	if at, err := store.Witness(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("%v, %v", at, err)
	}
	at := time.Date(2026, 11, 29, 8, 0, 0, 123456000, time.UTC)
	for _, at := range []time.Time{at, at.Add(time.Minute)} {
		if err := store.SetWitness(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Witness(t.Context()); err != nil || !got.Equal(at) {
			t.Errorf("%v, %v; want %v", got, err, at)
		}
	}
	o.MarkPrefix = "{OTHER}"
	if got, err := directory.New(o).Witness(t.Context()); err != nil || !got.IsZero() {
		t.Errorf("another portal: %v, %v", got, err)
	}
	o.URL = "ldap://127.0.0.1:1"
	if _, err := directory.New(o).Witness(t.Context()); err == nil {
		t.Error("an absent directory has a time")
	}
}

// A person without a value that the object class needs is told before the activation.
func TestLacks_TheFieldsThatAnEntryNeeds(t *testing.T) {
	o := directory.Options{Way: directory.Add, Login: "uid", Address: "mail", Attributes: []directory.Attribute{{Name: "cn", Value: "{given_name} {family_name}"}, {Name: "sn", Value: "{family_name}"}}}
	a := accountstest.New()
	if got := o.Lacks(a); len(got) != 0 {
		t.Errorf("%v", got)
	}
	a.Fields["given_name"] = ""
	if got := o.Lacks(a); len(got) != 0 {
		t.Errorf("without a given name: %v", got)
	}
	a.Fields["family_name"] = ""
	if got := o.Lacks(a); !slices.Equal(got, []string{"family_name"}) {
		t.Errorf("without names: %v", got)
	}
	o.Way = directory.Activate
	if got := o.Lacks(a); len(got) != 0 {
		t.Errorf("the enrolment made the entry: %v", got)
	}
}

// The last binds are read with the rights of optional.conf, in pages, and without them
// there are none.
func TestBinds_OfPeopleWhoWereSeen(t *testing.T) {
	raw, err := deploy.FS.ReadFile("openldap/optional.conf")
	if err != nil {
		t.Fatal(err)
	}
	s := newDirectory(t, localldap.Options{Modules: []string{"argon2"}, Policies: true, Database: "lastbind on\n" + string(raw)})
	store := directory.New(options(t, s))
	var ids []string
	for n := range 3 {
		login := fmt.Sprintf("bind%d", n)
		enrol(t, s, login, login+"@example.org", "userPassword", "Correct-horse-1")
		ids = append(ids, byLogin(t, s, login).GetAttributeValue("entryUUID"))
	}
	for len(ids) < 1200 {
		ids = append(ids, fmt.Sprintf("00000000-0000-4000-8000-%012d", len(ids)), "no id")
	}
	if seen, err := store.Binds(t.Context(), ids); err != nil || len(seen) != 0 {
		t.Errorf("before any bind: %v, %v", seen, err)
	}
	before := time.Now().Truncate(time.Second)
	if binds(t, s, "bind1", "wrong") || !binds(t, s, "bind2", "Correct-horse-1") {
		t.Fatal("the binds are not as wanted")
	}
	seen, err := store.Binds(t.Context(), ids)
	if at := seen[ids[2]]; err != nil || len(seen) != 1 || at.Before(before) || at.After(time.Now().Add(time.Minute)) {
		t.Errorf("%v, %v", seen, err)
	}
	without := newDirectory(t, localldap.Options{Database: "lastbind on"})
	enrol(t, without, "bind", "bind@example.org", "userPassword", "Correct-horse-1")
	if !binds(t, without, "bind", "Correct-horse-1") {
		t.Fatal("no bind")
	}
	id := byLogin(t, without, "bind").GetAttributeValue("entryUUID")
	if seen, err := directory.New(options(t, without)).Binds(t.Context(), []string{id}); err != nil || len(seen) != 0 {
		t.Errorf("without the right: %v, %v", seen, err)
	}
}
