package keycloak_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entree/internal/secret"
	"entree/keycloak"
)

var searched = keycloak.Searched{Base: "ou=people,dc=univ", Login: "uid", Address: "mail"}

// federation returns the JSON of an LDAP federation that finds what the portal's own
// search finds. Settings are pairs.
func federation(settings ...string) string {
	config := map[string][]string{"enabled": {"true"}, "editMode": {"READ_ONLY"}, "usersDn": {"ou=people,dc=univ"}, "usernameLDAPAttribute": {"uid"}}
	for i := 0; i < len(settings); i += 2 {
		config[settings[i]] = []string{settings[i+1]}
	}
	raw, err := json.Marshal(map[string]any{"id": "f1", "providerId": "ldap", "config": config})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func mapper(model, attribute string) string {
	return `{"providerId":"user-attribute-ldap-mapper","config":{"user.model.attribute":["` + model + `"],"ldap.attribute":["` + attribute + `"]}}`
}

// Before an entry is made, Keycloak's own store is asked, and the directory once more only
// if a federation could find what the portal's own search did not.
func TestTaken_KeycloakSearchesTheDirectoryOnlyWhereThePortalDidNot(t *testing.T) {
	good := []string{mapper("username", "uid"), mapper("email", "mail"), mapper("firstName", "givenName")}
	const own, all = "count username, count email", "users username, users email"
	for _, c := range []struct {
		name                    string
		federations             []string
		mappers                 []string
		asked                   string
		byLogin, byAddress      string // the numbers of users; empty: 0
		users                   string // what the questions for users answer; empty: none
		uuid                    string
		taken, mustFail, unread bool
	}{
		{name: "the portal's own federation", federations: []string{federation()}, mappers: good, asked: own},
		{name: "in other letters", federations: []string{federation("usersDn", "OU=People,DC=univ", "usernameLDAPAttribute", "UID")}, mappers: good, asked: own},
		{name: "no federation", asked: own},
		{name: "a branch inside the searched one", federations: []string{federation("usersDn", "ou=new,ou=people,dc=univ")}, mappers: good, asked: own},
		{name: "another one that is off", federations: []string{federation(), federation("enabled", "false", "usersDn", "ou=alumni,dc=univ")}, mappers: good, asked: own},
		{name: "another one", federations: []string{federation(), federation("usersDn", "ou=alumni,dc=univ")}, mappers: good, asked: all},
		{name: "a second one with a branch of the same name, which may be on another server", federations: []string{federation(), federation()}, mappers: good, asked: all},
		{name: "a branch around the searched one", federations: []string{federation("usersDn", "dc=univ")}, mappers: good, asked: all},
		{name: "a branch with the same ending", federations: []string{federation("usersDn", "ou=old-ou=people,dc=univ")}, mappers: good, asked: all},
		{name: "no branch", federations: []string{federation("usersDn", "")}, mappers: good, asked: all},
		{name: "another kind of federation", federations: []string{`{"id":"f1","providerId":"kerberos","config":{}}`}, mappers: good, asked: all},
		{name: "another attribute of the login", federations: []string{federation("usernameLDAPAttribute", "cn")}, mappers: good, asked: all},
		{name: "another mapper of the login", federations: []string{federation()}, mappers: append([]string{mapper("username", "cn")}, good...), asked: all},
		{name: "another mapper of the address", federations: []string{federation()}, mappers: []string{mapper("username", "uid"), mapper("email", "mailAlternateAddress")}, asked: all},
		{name: "the federations are not known", federations: nil, mustFail: true, unread: true},
		{name: "a user of Keycloak's own has the login", federations: []string{federation()}, mappers: good, byLogin: "1", users: `[{"id":"u1"}]`, asked: "count username, users username", taken: true},
		{name: "a user of Keycloak's own has the address", federations: []string{federation()}, mappers: good, byAddress: "1", users: `[{"id":"u1"}]`, asked: "count username, count email, users email", taken: true},
		{
			name: "the user of the entry itself", federations: []string{federation()}, mappers: good, byLogin: "1", byAddress: "1", uuid: "e1", users: `[{"id":"u1","federationLink":"f1","attributes":{"LDAP_ID":["e1"]}}]`,
			asked: "count username, users username, count email, users email",
		},
		{
			name: "the user of another entry", federations: []string{federation()}, mappers: good, byLogin: "1", uuid: "e1", users: `[{"id":"u1","federationLink":"f1","attributes":{"LDAP_ID":["e2"]}}]`,
			asked: "count username, users username", taken: true,
		},
		{name: "the number is no number", federations: []string{federation()}, mappers: good, byLogin: "null", asked: "count username", mustFail: true},
		{name: "no number comes", federations: []string{federation()}, mappers: good, byLogin: "[]", asked: "count username", mustFail: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				q := r.URL.Query()
				field := "email"
				if q.Has("username") {
					field = "username"
				}
				answer := ""
				switch {
				case strings.HasSuffix(r.URL.Path, "/token"):
					answer = `{"access_token":"x","token_type":"Bearer","expires_in":600}`
				case strings.HasSuffix(r.URL.Path, "/components") && q.Get("parent") != "":
					answer = "[" + strings.Join(c.mappers, ",") + "]"
				case strings.HasSuffix(r.URL.Path, "/components") && c.unread:
					w.WriteHeader(http.StatusForbidden)
				case strings.HasSuffix(r.URL.Path, "/components"):
					answer = "[" + strings.Join(c.federations, ",") + "]"
				case q.Get("exact") != "true" || q.Get(field) != map[string]string{"username": "ada+1", "email": "ada+1@univ.example"}[field]:
					t.Errorf("asked for %s", r.URL)
				case strings.HasSuffix(r.URL.Path, "/users/count"):
					asked = append(asked, "count "+field)
					answer = cmp.Or(map[string]string{"username": c.byLogin, "email": c.byAddress}[field], "0")
				case strings.HasSuffix(r.URL.Path, "/users"):
					asked = append(asked, "users "+field)
					answer = cmp.Or(c.users, "[]")
				}
				_, _ = w.Write([]byte(answer))
			}))
			t.Cleanup(server.Close)
			client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
			if err != nil {
				t.Fatal(err)
			}
			taken, err := client.Federated("univ.example", searched).Taken(t.Context(), "ada+1", "ada+1@univ.example", c.uuid)
			if got := strings.Join(asked, ", "); taken != c.taken || (err != nil) != c.mustFail || got != c.asked {
				t.Errorf("taken %v, %v, after %q; want %v after %q", taken, err, got, c.taken, c.asked)
			}
		})
	}
}

// Every activation asks whether a federation is WRITABLE: Keycloak is asked once a
// minute, and again after a failure.
func TestDescribes_TheAnswerIsKeptForAMinute(t *testing.T) {
	asked, answer := 0, `[{"providerId":"ldap","config":{"editMode":["WRITABLE"]}}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":600}`))
		case answer == "":
			asked++
			w.WriteHeader(http.StatusBadGateway)
		default:
			asked++
			_, _ = w.Write([]byte(answer))
		}
	}))
	t.Cleanup(server.Close)
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	f := client.Federated("univ.example", searched).At(func() time.Time { return now })
	for _, step := range []struct {
		after    time.Duration
		answer   string
		want     bool
		asked    int
		mustFail bool
	}{
		{0, answer, true, 1, false},
		{59 * time.Second, `[]`, true, 1, false},
		{time.Second, `[]`, false, 2, false},
		{time.Minute, "", false, 3, true},
		{0, `[{"providerId":"ldap","config":{"editMode":["WRITABLE"]}}]`, true, 4, false},
	} {
		now, answer = now.Add(step.after), step.answer
		if got, err := f.Describes(t.Context()); got != step.want || (err != nil) != step.mustFail || asked != step.asked {
			t.Errorf("%s later: %v, %v, asked %d times; want %+v", step.after, got, err, asked, step)
		}
	}
}
