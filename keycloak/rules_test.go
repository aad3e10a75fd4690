package keycloak_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/keycloak"
)

// stock is the user profile of a new realm, with what tests add.
const stock = `{"attributes":[
 {"name":"username","permissions":{"view":["admin","user"],"edit":["admin","user"]},"validations":{"length":{"min":3,"max":255},"username-prohibited-characters":{},"up-username-not-idn-homograph":{}}},
 {"name":"email","required":{"roles":["user"]},"permissions":{"view":["admin","user"],"edit":["admin","user"]},"validations":{"email":{},"length":{"max":255}}},
 {"name":"firstName","required":{"roles":["user"]},"permissions":{"view":["admin","user"],"edit":["admin","user"]},"validations":{"length":{"max":255},"person-name-prohibited-characters":{}}},
 {"name":"lastName","required":{"roles":["user"]},"permissions":{"view":["admin","user"],"edit":["admin","user"]},"validations":{"length":{"max":255},"person-name-prohibited-characters":{}}}%]}`

func rules(t *testing.T, more string) *keycloak.Rules {
	t.Helper()
	r, err := keycloak.ParseRules([]byte(strings.Replace(stock, "%", more, 1)), "univ.example")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func somebody() domain.Person {
	return domain.Person{
		Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "d’Arc Nuñez", BirthDate: "2007-03-17", Email: "jp@example.net",
		Login: "o22502142", UniversityAddress: "jp.darc@etu.example.org",
	}
}

// TestV3_WhatTheRealmRefuses names the field and the rule for each value that
// Keycloak would refuse, and nothing for the others.
func TestV3_WhatTheRealmRefuses(t *testing.T) {
	student := domain.Profile{Key: "etudiant", Affiliation: "student", Affiliations: []string{"student", "member"}}
	for name, c := range map[string]struct {
		more   string
		change func(*domain.Person)
		want   string // field: rule
	}{
		"all is well":                          {"", func(*domain.Person) {}, ""},
		"a slash in a name":                    {"", func(p *domain.Person) { p.FamilyName = "Martin/Durand" }, "family_name: person-name-prohibited-characters"},
		"parentheses":                          {"", func(p *domain.Person) { p.FamilyName = "Martin (ép. Durand)" }, "family_name: person-name-prohibited-characters"},
		"an ampersand":                         {"", func(p *domain.Person) { p.GivenName = "Jean & Paul" }, "given_name: person-name-prohibited-characters"},
		"an apostrophe is fine":                {"", func(p *domain.Person) { p.GivenName = "D'Arc" }, ""},
		"a comma is fine":                      {"", func(p *domain.Person) { p.GivenName = "Jean, Paul" }, ""},
		"no family name":                       {"", func(p *domain.Person) { p.FamilyName = "" }, "family_name: required"},
		"a long name":                          {"", func(p *domain.Person) { p.GivenName = strings.Repeat("a", 256) }, "given_name: length"},
		"a login of two letters":               {"", func(p *domain.Person) { p.Login = "ng" }, "login: length"},
		"a login with a quote":                 {"", func(p *domain.Person) { p.Login = "o'brien" }, "login: username-prohibited-characters"},
		"a login in Cyrillic":                  {"", func(p *domain.Person) { p.Login = "иванов" }, "login: up-username-not-idn-homograph"},
		"a login of letters that are no ASCII": {"", func(p *domain.Person) { p.Login = "élodie" }, ""},
		"a bad address":                        {"", func(p *domain.Person) { p.UniversityAddress = "jp.@example" }, "university_address: email"},
		"no login yet":                         {"", func(p *domain.Person) { p.Login, p.UniversityAddress = "", "" }, ""},
		"a required attribute":                 {`,{"name":"phone","required":{}}`, func(*domain.Person) {}, "phone: required"},
		"required of administrators":           {`,{"name":"phone","required":{"roles":["admin"]}}`, func(*domain.Person) {}, "phone: required"},
		"required in a scope only":             {`,{"name":"phone","required":{"scopes":["phone"]}}`, func(*domain.Person) {}, ""},
		"a pattern":                            {`,{"name":"supannEtuId","permissions":{"edit":["admin"]},"validations":{"pattern":{"pattern":"[0-9]{6}"}}}`, func(*domain.Person) {}, "number: pattern"},
		"too many values":                      {`,{"name":"eduPersonAffiliation","multivalued":true,"permissions":{"edit":["admin"]},"validations":{"multivalued":{"max":"1"}}}`, func(*domain.Person) {}, "eduPersonAffiliation: multivalued"},
		"one value only":                       {`,{"name":"eduPersonAffiliation","permissions":{"edit":["admin"]}}`, func(*domain.Person) {}, "eduPersonAffiliation: multivalued"},
		"options":                              {`,{"name":"entreeProfile","permissions":{"edit":["admin"]},"validations":{"options":{"options":["a","b"]}}}`, func(*domain.Person) {}, "entreeProfile: options"},
		"not for administrators":               {`,{"name":"supannEtuId","permissions":{"edit":["user"]}}`, func(*domain.Person) {}, "number: read-only"},
	} {
		p := somebody()
		c.change(&p)
		broken := rules(t, c.more).Person(p, student)
		switch {
		case c.want == "" && len(broken) > 0, c.want != "" && len(broken) != 1:
			t.Errorf("%s: %v, want %s", name, broken, c.want)
		case c.want != "" && broken[0].Field+": "+broken[0].Rule != c.want:
			t.Errorf("%s: %v, want %s", name, broken, c.want)
		case c.want != "" && (broken[0].Detail == "" || strings.Contains(broken[0].String(), p.FamilyName) && p.FamilyName != ""):
			t.Errorf("%s: %v tells too much or too little", name, broken)
		}
	}
}

// TestV3_LoginsAndWhatOnlyKeycloakJudges: candidates that the realm refuses are
// left out, and unknown validators are listed.
func TestV3_LoginsAndWhatOnlyKeycloakJudges(t *testing.T) {
	r := rules(t, `,{"name":"x","validations":{"my-validator":{}}},{"name":"y","required":{"roles":["user"]},"validations":{"pattern":{"pattern":"(?=a)b"}}}`)
	for login, refused := range map[string]bool{"ng": true, "ng.2": false, "o22": false, "a b": true, "иван": true, "": true} {
		if r.Login(login) != refused {
			t.Errorf("%q: refused %t", login, r.Login(login))
		}
	}
	if got := strings.Join(r.Unjudgeable, " "); got != "x: my-validator y: pattern" {
		t.Errorf("unjudgeable: %s", got)
	}
	if got := r.WithoutSource(); len(got) != 1 || got[0] != "y" {
		t.Errorf("without source: %v", got)
	}
	if (*keycloak.Rules)(nil).Login("x") {
		t.Error("rules that were never read refuse a login")
	}
}
