package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

type peopleList []domain.Person

func (l peopleList) PeopleWithoutAccount(_ context.Context, after domain.PersonID, limit int) (out []domain.Person, err error) {
	for _, p := range l {
		if p.ID > after && len(out) < limit {
			out = append(out, p)
		}
	}
	return out, nil
}

// K2: the check of the realm counts the people who would be refused, by field and
// rule, before the first one activates.
func TestK2_TheCheckCountsPeopleWhomTheRealmWouldRefuse(t *testing.T) {
	const profile = `{"attributes":[
		{"name":"username","validations":{"length":{"min":3,"max":80}}},
		{"name":"email","validations":{"email":{}}},
		{"name":"firstName","required":{"roles":["user"]},"validations":{"person-name-prohibited-characters":{},"length":{"max":10}}},
		{"name":"lastName","required":{"roles":["user"]}},
		{"name":"supannMailPerso","required":{},"validations":{}},
		{"name":"department","required":{"roles":["admin"]}}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":60}`))
		case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/users/profile"):
			_, _ = w.Write([]byte(profile))
		default:
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}))
	defer server.Close()
	realm, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "c", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config{Institution: config.Institution{Scope: "example.org"}, Profiles: []config.Profile{{Key: "etudiant", Login: "o{number}", Address: "{first}.{last}@example.org", Affiliation: "student", Affiliations: []string{"student"}}}}
	var people peopleList
	for i := range 1200 { // three pages
		p := domain.Person{ID: domain.PersonID(fmt.Sprintf("%05d", i)), Profile: "etudiant", Number: fmt.Sprint(1000 + i), GivenName: "Anne", FamilyName: "Roy", Email: "anne@example.net"}
		switch {
		case i < 7:
			p.GivenName = "A<b>" // one rule, for any number of characters
		case i < 10:
			p.GivenName = "Anne-Charlotte <x>" // two rules
		case i < 15:
			p.FamilyName = ""
		case i < 17:
			p.Email = ""
		}
		people = append(people, p)
	}
	found, err := app.CheckPeople(t.Context(), c, realm, people)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.What)
		if f.Why == "" || f.Do == "" || strings.Contains(f.String(), "Anne") {
			t.Errorf("%s", f)
		}
	}
	want := []string{
		"10 of 1200 people without an account break the rule person-name-prohibited-characters of the realm on given_name",
		"5 of 1200 people without an account break the rule required of the realm on family_name",
		"3 of 1200 people without an account break the rule length of the realm on given_name",
		"2 of 1200 people without an account break the rule required of the realm on email",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	// A database that does not exist is not created.
	c.Database, c.Dir = "sqlite:none.db", t.TempDir()
	if found, err := app.RegistryFindings(t.Context(), c, realm); err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
	if made, _ := filepath.Glob(filepath.Join(c.Dir, "*")); len(made) > 0 {
		t.Errorf("%v", made)
	}
}
