package introduce

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/devenv/localldap"
	"entree/internal/devenv/scripted"
	"entree/internal/ldapconn"
	"entree/internal/secret"
	"entree/keycloak"
)

// users is the number of users of the realm, of which fromDirectory are imported from
// a directory. ENTREE_TEST_USERS, 500 or more, lowers it while the test is changed.
// atOnce is the number of users in one partial import.
var users = 5000

func init() {
	if n, err := strconv.Atoi(os.Getenv("ENTREE_TEST_USERS")); err == nil && n >= 500 {
		users = n
	}
}

const (
	fromDirectory = 200
	atOnce        = 20
)

// fate is what the page must lead to for one person.
type fate struct {
	scripted.Person
	class   string   // of the match; empty: no account is the person's
	account string   // login of the account that must be the person's at the end; empty: a new one
	reject  []string // logins of accounts that are not the person's
	taken   bool     // an account of another person has the login that this one is to get
}

// history is a realm with its users, and the people of the registry.
type history struct {
	users   []map[string]any
	entries []map[string][]string
	people  []fate
}

const (
	given  = "Zoé Jean-Pierre Maëlys Ibrahima Anne-Sophie Noël Thérèse D’Arc Inès Øyvind"
	family = "L’Hôte|Le Gall|N’Diaye|Martin|Müller-Lefèvre|de La Tour|Nguyễn|Roy|Peña|Łukasz"
)

func nameOf(i int) (string, string) {
	first, last := strings.Fields(given), strings.Split(family, "|")
	return first[i%len(first)], fmt.Sprintf("%s %s", last[i/len(first)%len(last)], letters(i))
}

// letters spells a number in letters, so that each family name is unique.
func letters(i int) string {
	out := []byte(fmt.Sprintf("%05d", i))
	for k := range out {
		out[k] = out[k] - '0' + 'a'
	}
	return strings.ToUpper(string(out[:1])) + string(out[1:])
}

func (h *history) person(i int, profile string) scripted.Person {
	first, last := nameOf(i)
	return scripted.Person{
		Number: fmt.Sprintf("2%07d", i), GivenName: first, FamilyName: last, Profile: profile, Email: fmt.Sprintf("person-%d@example.net", i),
		BirthDate: fmt.Sprintf("%d-%02d-%02d", 1980+i%28, 1+i/28%12, 1+i/336%28),
	}
}

// user adds a user of Keycloak's own.
func (h *history) user(login, first, last string, attributes map[string][]string) map[string]any {
	u := map[string]any{"username": login, "firstName": first, "lastName": last, "email": login + "@old.example", "emailVerified": true, "enabled": true, "attributes": attributes}
	h.users = append(h.users, u)
	return u
}

// newHistory returns a realm's history: accounts with the person's number and
// without, two of one person, disabled ones, those of a directory, and accounts of no
// person.
func newHistory() *history {
	h := &history{}
	next := 0
	person := func(profile string) scripted.Person { next++; return h.person(next, profile) }
	const staff, some = 60, 8
	students := users * 3 / 4 // three of four accounts have a person
	for i := range students + staff {
		p, attribute := person("etudiant"), "studentId"
		if i >= students {
			p.Profile, attribute = "personnel", "employeeNumber"
		}
		login := fmt.Sprintf("old-%d", next)
		u := h.user(login, p.GivenName, p.FamilyName, map[string][]string{attribute: {p.Number}, "badge": {"b" + p.Number}})
		if i%11 == 0 {
			delete(u, "email")
		}
		h.people = append(h.people, fate{Person: p, class: "certain", account: login})
	}
	for range some {
		for _, kind := range []string{"personal", "born", "married", "disabled"} {
			p := person("etudiant")
			login := fmt.Sprintf("%s-%d", kind, next)
			u := h.user(login, p.GivenName, p.FamilyName, map[string][]string{"studentId": {p.Number}})
			switch kind {
			case "personal":
				u["attributes"] = map[string][]string{"supannMailPerso": {p.Email}}
			case "born":
				u["attributes"] = map[string][]string{"supannOIDCDateDeNaissance": {p.BirthDate}}
			case "married":
				u["firstName"], u["lastName"] = "Ophélie", "Quesnel"
			case "disabled":
				u["enabled"] = false
			}
			h.people = append(h.people, fate{Person: p, class: "likely", account: login})
		}
		// One person with two accounts.
		p := person("etudiant")
		login := fmt.Sprintf("twice-%d", next)
		h.user(login, p.GivenName, p.FamilyName, map[string][]string{"studentId": {p.Number}})
		h.user(login+"-bis", p.GivenName, p.FamilyName, map[string][]string{"studentId": {p.Number}})
		h.people = append(h.people, fate{Person: p, class: "contradictory", account: login, reject: []string{login + "-bis"}})
	}
	for range 2 {
		// Two people of one mailbox: the account is that of the person with the number.
		p, sibling := person("etudiant"), person("etudiant")
		login := fmt.Sprintf("family-%d", next)
		h.user(login, p.GivenName, p.FamilyName, map[string][]string{"studentId": {p.Number}, "supannMailPerso": {sibling.Email}})
		h.people = append(h.people, fate{Person: p, class: "certain", account: login}, fate{Person: sibling})
		// An account without names holds the person's address: an operator rejects it.
		p = person("etudiant")
		login = fmt.Sprintf("conference-%d", next)
		u := h.user(login, "", "", map[string][]string{"supannMailPerso": {p.Email}})
		delete(u, "firstName")
		delete(u, "lastName")
		h.people = append(h.people, fate{Person: p, class: "likely", reject: []string{login}})
	}
	for range 4 { // people without an account
		h.people = append(h.people, fate{Person: person("etudiant")}, fate{Person: person("personnel")})
	}
	stranger := person("etudiant")
	h.user(stranger.Login(), "Association", "Des Anciens", nil)
	h.people = append(h.people, fate{Person: stranger, taken: true})
	h.directory(person)
	for i := 0; len(h.users) < users-fromDirectory; i++ { // accounts of no person
		first, last := nameOf(50_000 + i)
		u := h.user(fmt.Sprintf("former-%d", i), first, last, map[string][]string{"studentId": {fmt.Sprintf("1%07d", i)}})
		switch i % 10 {
		case 1:
			u["enabled"] = false
		case 2:
			u["attributes"] = map[string][]string{}
		case 3:
			delete(u, "email")
			delete(u, "firstName")
			delete(u, "lastName")
		}
	}
	return h
}

// directory adds the users of the directory: three of four have a person.
func (h *history) directory(person func(string) scripted.Person) {
	for i := range fromDirectory {
		p := person("etudiant")
		login := fmt.Sprintf("uid-%d", i)
		entry := map[string][]string{
			"objectClass": {"inetOrgPerson", "eduPerson", "supannPerson"}, "uid": {login}, "mail": {login + "@old.example"}, "cn": {p.GivenName + " " + p.FamilyName}, "sn": {p.FamilyName},
			"givenName": {p.GivenName}, "userPassword": {"directory"},
		}
		if i%4 != 0 {
			entry["supannEtuId"] = []string{p.Number}
			h.people = append(h.people, fate{Person: p, class: "certain", account: login})
		}
		h.entries = append(h.entries, entry)
	}
}

// dress adds credentials, groups, roles, consents and required actions to the users.
func (h *history) dress(credential map[string]any) {
	for i, u := range h.users {
		var credentials []any
		if i%9 != 0 {
			credentials = append(credentials, credential)
		}
		if i%100 == 1 {
			credentials = append(credentials, map[string]any{"type": "otp", "userLabel": "téléphone", "secretData": `{"value":"JBSWY3DPEHPK3PXP"}`,
				"credentialData": `{"subType":"totp","digits":6,"counter":0,"period":30,"algorithm":"HmacSHA1"}`})
		}
		u["credentials"] = credentials
		if i%5 == 0 {
			u["groups"] = []string{"/anciens", "/services/dsi"}[:1+i%2]
		}
		if i%10 == 0 {
			u["realmRoles"] = []string{"default-roles-" + realmName, "lecteur"}
		}
		if i%20 == 0 {
			u["clientRoles"] = map[string][]string{"intranet": {"redacteur"}}
		}
		if i%50 == 0 {
			u["clientConsents"] = []map[string]any{{"clientId": "intranet", "grantedClientScopes": []string{"profile", "email"}}}
		}
		if i%70 == 0 {
			u["requiredActions"] = []string{"UPDATE_PASSWORD"}
		}
	}
}

// make creates the realm.
func (w *world) make(h *history) {
	t := w.t
	w.call(http.MethodPost, "", map[string]any{
		"realm": realmName, "enabled": true, "displayName": "Un domaine ancien", "passwordPolicy": "length(8)", "registrationAllowed": false, "adminEventsEnabled": true,
		"roles":  map[string]any{"realm": []any{map[string]any{"name": "lecteur"}}, "client": map[string]any{"intranet": []any{map[string]any{"name": "redacteur"}}}},
		"groups": []any{map[string]any{"name": "anciens", "attributes": map[string][]string{"depuis": {"2019"}}}, map[string]any{"name": "services", "subGroups": []any{map[string]any{"name": "dsi"}}}},
		"clients": []any{
			map[string]any{"clientId": "intranet", "secret": "intranet", "consentRequired": true, "redirectUris": []string{"https://intranet.example/*"}},
			map[string]any{"clientId": "batch", "secret": "batch", "serviceAccountsEnabled": true},
		},
	}, nil)
	var profile map[string]any
	w.call(http.MethodGet, w.realm.At("users", "profile"), nil, &profile)
	for _, name := range []string{"studentId", "employeeNumber", "badge", "supannMailPerso", "supannOIDCDateDeNaissance"} {
		edit := []string{"admin"}
		if name == "supannMailPerso" {
			edit = append(edit, "user")
		}
		profile["attributes"] = append(profile["attributes"].([]any), map[string]any{"name": name, "multivalued": name == "studentId", "permissions": map[string]any{"view": []string{"admin", "user"}, "edit": edit}})
	}
	w.call(http.MethodPut, w.realm.At("users", "profile"), profile, nil)
	hasher, err := keycloak.NewHasher("argon2", 0, 1, rand.Reader)
	w.must(err)
	hash, err := hasher.Hash(t.Context(), secret.New("un mot de passe ancien"))
	w.must(err)
	h.dress(map[string]any{"type": "password", "credentialData": hash.Data, "secretData": hash.Secret})
	for some := range slices.Chunk(h.users, atOnce) {
		var done struct{ Added int }
		w.call(http.MethodPost, w.realm.At("partialImport"), map[string]any{"ifResourceExists": "FAIL", "users": some}, &done)
		if done.Added != len(some) {
			t.Fatalf("%d of %d users were added", done.Added, len(some))
		}
	}
	w.federate(h)
}

// federate starts the directory and adds it to the realm.
func (w *world) federate(h *history) {
	server, err := localldap.Start(w.t.Context(), localldap.Options{Dir: w.dir + "/ldap"})
	w.must(err)
	w.t.Cleanup(server.Stop)
	conn, release, err := ldapconn.Server{URL: server.URL, BindDN: localldap.Admin, Password: server.Password}.Dial(w.t.Context())
	w.must(err)
	defer release()
	for _, entry := range h.entries {
		add := ldap.NewAddRequest("uid="+entry["uid"][0]+","+localldap.People, nil)
		for name, values := range entry {
			add.Attribute(name, values)
		}
		w.must(conn.Add(add))
	}
	w.must(keycloak.NewAdmin(w.demo.Keycloak, realmName, "admin", secret.New(w.demo.AdminPassword(w.t))).AddFederation(w.t.Context(), keycloak.Federation{
		Directory: keycloak.Directory{Base: localldap.People, Login: "uid", Address: "mail", ObjectClasses: []string{"inetOrgPerson", "eduPerson", "supannPerson"}, Attributes: []string{"sn", "givenName"}},
		Name:      "annuaire", URL: server.URL, BindDN: localldap.Keycloak, Password: server.Password, Extra: map[string]string{"studentId": "supannEtuId"},
	}))
}

// synchronise imports all users of the directory, as User federation → Sync all
// users does.
func (w *world) synchronise() {
	var found []struct{ ID string }
	w.call(http.MethodGet, w.realm.At("components")+"?type=org.keycloak.storage.UserStorageProvider", nil, &found)
	var done struct{ Added, Failed int }
	w.call(http.MethodPost, w.realm.At("user-storage", found[0].ID, "sync")+"?action=triggerFullSync", nil, &done)
	if done.Added != fromDirectory || done.Failed != 0 {
		w.t.Fatalf("%d users of the directory were imported, %d failed", done.Added, done.Failed)
	}
}
