package keycloak_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/keycloak"
)

// TestV3_TheRealmsRulesInFurtherForms judges an account by rules in the forms that
// administrators write them. The expectations are the answers of Keycloak 26.7.4 to
// POST /users in a realm with each of these rules.
func TestV3_TheRealmsRulesInFurtherForms(t *testing.T) {
	var profile map[string]any
	if err := json.Unmarshal([]byte(strings.Replace(stock, "%", "", 1)), &profile); err != nil {
		t.Fatal(err)
	}
	type set = map[string]any
	pattern := func(p string) set { return set{"pattern": set{"pattern": p}} }
	for _, c := range []struct {
		name       string
		attribute  string
		add        set // keys of the attribute
		change     func(a *domain.Account)
		refused    bool
		onlyItself bool // only Keycloak can judge, which the rules must say
	}{
		{"a pattern of a part of the number", "supannEtuId", set{"validations": pattern("[0-9]")}, nil, true, false},
		{"a pattern with anchors", "supannEtuId", set{"validations": pattern("^[0-9a-f]+$")}, nil, false, false},
		{"a pattern with an alternative at the top", "supannEtuId", set{"validations": pattern("abc|[0-9a-f]{16}")}, nil, false, false},
		{"a pattern with an intersection of classes", "supannEtuId", set{"validations": pattern("[0-9a-z&&[^g-z]]+")}, nil, false, true},
		{"a pattern with a union of classes", "supannEtuId", set{"validations": pattern("[0-9[a-f]]+")}, nil, false, true},
		{"a pattern that ignores case, of Java", "firstName", set{"validations": pattern("(?i)jean-pierre é")}, func(a *domain.Account) { a.GivenName = "Jean-Pierre É" }, true, true},
		{"a pattern with a class of Java", "lastName", set{"validations": pattern(`[\p{IsLatin}’-]+`)}, nil, false, true},
		{"a pattern of letters of any script", "lastName", set{"validations": pattern(`[\p{L}’ -]+`)}, func(a *domain.Account) { a.FamilyName = "Қанат" }, false, false},
		{"a pattern of Latin letters only", "lastName", set{"validations": pattern(`[A-Za-zÀ-ÿ’ -]+`)}, func(a *domain.Account) { a.FamilyName = "Қанат" }, true, false},
		{"a pattern that looks ahead", "lastName", set{"validations": pattern(`(?!x).+`)}, nil, false, true},
		{"a pattern with a possessive quantifier", "lastName", set{"validations": pattern(`[^0-9]++`)}, nil, false, true},
		{"a pattern with a point for any character", "lastName", set{"validations": pattern(`.{3}`)}, func(a *domain.Account) { a.FamilyName = "a\u00a0b" }, false, false},
		{"a pattern with a point for one code point", "lastName", set{"validations": pattern(`.{3}`)}, func(a *domain.Account) { a.FamilyName = "a𠮷b" }, false, false},
		{"a pattern in quotes", "lastName", set{"validations": pattern(`\Qd’Arc-Nuñez\E`)}, nil, false, false},
		{"a length that counts the spaces", "lastName", set{"validations": set{"length": set{"min": "3", "max": 5, "trim-disabled": true}}}, func(a *domain.Account) { a.FamilyName = "Li Wu" }, false, false},
		{"a length as text", "firstName", set{"validations": set{"length": set{"min": "2", "max": "10"}}}, nil, true, false},
		{"a length of pairs of surrogates", "lastName", set{"validations": set{"length": set{"max": 4}}}, func(a *domain.Account) { a.FamilyName = "𠮷𠮷" }, false, false},
		{"a length that pairs of surrogates exceed", "lastName", set{"validations": set{"length": set{"max": 3}}}, func(a *domain.Account) { a.FamilyName = "𠮷𠮷" }, true, false},
		{"names without prohibited characters", "lastName", set{"validations": set{"length": set{"max": 255}}}, func(a *domain.Account) { a.FamilyName = "Martin (ép. Durand)/x" }, false, false},
		{"no family name where none is required", "lastName", set{"required": nil}, func(a *domain.Account) { a.FamilyName = "" }, false, false},
		{"no given name where it is required", "firstName", set{"required": set{"roles": []string{"admin", "user"}}}, func(a *domain.Account) { a.GivenName = "" }, true, false},
		{"required of all", "supannMailPerso", set{"required": set{}}, func(a *domain.Account) { delete(a.Attributes, "supannMailPerso") }, true, false},
		{"required in a scope", "supannMailPerso", set{"required": set{"scopes": []string{"email"}}}, func(a *domain.Account) { delete(a.Attributes, "supannMailPerso") }, false, false},
		{"required of administrators", "supannMailPerso", set{"required": set{"roles": []string{"admin"}}}, func(a *domain.Account) { delete(a.Attributes, "supannMailPerso") }, true, false},
		{"shown in a scope only, and required", "supannMailPerso", set{"required": set{"roles": []string{"admin"}}, "selector": set{"scopes": []string{"phone"}}}, func(a *domain.Account) { delete(a.Attributes, "supannMailPerso") }, true, false},
		{"shown in a scope only, with a pattern", "supannMailPerso", set{"validations": pattern("x"), "selector": set{"scopes": []string{"phone"}}}, nil, true, false},
		{"the personal address as an address", "supannMailPerso", set{"validations": set{"email": set{}}}, nil, false, false},
		{"the personal address in accents", "supannMailPerso", set{"validations": set{"email": set{}}}, func(a *domain.Account) { a.Attributes["supannMailPerso"] = "zoé@école.example" }, false, false},
		{"a short part before the at sign", "email", set{"validations": set{"email": set{"max-local-length": "10"}}}, nil, true, false},
		{"a date", "supannOIDCDateDeNaissance", set{"validations": set{"iso-date": set{}}}, nil, false, false},
		{"a day that does not exist", "supannOIDCDateDeNaissance", set{"validations": set{"iso-date": set{}}}, func(a *domain.Account) { a.Attributes["supannOIDCDateDeNaissance"] = "2007-02-30" }, true, false},
		{"a date of the locale", "supannOIDCDateDeNaissance", set{"validations": set{"local-date": set{}}}, nil, true, true},
		{"an integer", "supannEtuId", set{"validations": set{"integer": set{"min": "1", "max": "99999999"}}}, func(a *domain.Account) { a.Number = "22502142" }, false, false},
		{"an integer of ten digits", "supannEtuId", set{"validations": set{"integer": set{}}}, func(a *domain.Account) { a.Number = "9922502142" }, false, false},
		{"an integer with zeros before it", "supannEtuId", set{"validations": set{"integer": set{"min": "1000"}}}, func(a *domain.Account) { a.Number = "0000999" }, true, false},
		{"a number with letters as an integer", "supannEtuId", set{"validations": set{"integer": set{}}}, func(a *domain.Account) { a.Number = "E22502142" }, true, false},
		{"a double", "supannEtuId", set{"validations": set{"double": set{}}}, func(a *domain.Account) { a.Number = "22502142" }, false, false},
		{"options without the profile", "entreeProfile", set{"validations": set{"options": set{"options": []string{"personnel"}}}}, nil, true, false},
		{"options in another case", "entreeProfile", set{"validations": set{"options": set{"options": []string{"Etudiant"}}}}, nil, true, false},
		{"few affiliations", "eduPersonAffiliation", set{"validations": set{"multivalued": set{"max": "1"}}}, nil, true, false},
		{"many affiliations", "eduPersonAffiliation", set{"validations": set{"multivalued": set{"min": "3", "max": "9"}}}, nil, true, false},
		{"no affiliation where two are asked for", "eduPersonAffiliation", set{"validations": set{"multivalued": set{"min": "2", "max": "9"}}}, func(a *domain.Account) { a.Affiliations = nil }, true, false},
		{"each affiliation by a pattern", "eduPersonAffiliation", set{"validations": pattern("student|member")}, func(a *domain.Account) { a.Affiliations = []string{"student", "alum"} }, true, false},
		{"each affiliation by a length", "eduPersonAffiliation", set{"validations": set{"length": set{"max": 6}}}, nil, true, false},
		{"an address that is a link", "supannMailPerso", set{"validations": set{"uri": set{}}}, nil, true, true},
		{"logins of four letters and more", "username", set{"validations": set{"length": set{"min": 4, "max": 12}, "username-prohibited-characters": set{}}}, nil, true, false},
		{"logins by a pattern", "username", set{"validations": pattern("[a-z][a-z0-9]{2,}")}, nil, false, false},
		{"logins by a pattern in capitals", "username", set{"validations": pattern("[A-Z][A-Z0-9]{2,}")}, nil, true, false},
		{"a login in Greek where look-alikes are allowed", "username", set{"validations": set{"length": set{"min": 3}}}, func(a *domain.Account) { a.Login = "ω" + a.Login }, false, false},
		{"a locale by options", "locale", set{"validations": set{"options": set{"options": []string{"en"}}}}, nil, true, false},
	} {
		raw, err := json.Marshal(with(profile, c.attribute, c.add))
		if err != nil {
			t.Fatal(err)
		}
		rules, err := keycloak.ParseRules(raw, "univ.example")
		if err != nil {
			t.Fatal(err)
		}
		a := accountstest.New()
		if c.change != nil {
			c.change(&a)
		}
		broken := rules.Account(a)
		if unjudged := slices.ContainsFunc(rules.Unjudgeable, func(u string) bool { return strings.HasPrefix(u, c.attribute+": ") }); unjudged != c.onlyItself {
			t.Errorf("%s: only Keycloak can judge %v", c.name, rules.Unjudgeable)
		}
		if refused := len(broken) > 0; refused != (c.refused && !c.onlyItself) {
			t.Errorf("%s: the rules say %v", c.name, broken)
		}
	}
}

// with returns a copy of a user profile in which the keys of an attribute are
// replaced or added; a nil value removes one.
func with(profile map[string]any, attribute string, keys map[string]any) map[string]any {
	var all []any
	found := false
	for _, a := range profile["attributes"].([]any) {
		one := maps.Clone(a.(map[string]any))
		if one["name"] == attribute {
			found = true
			maps.Copy(one, keys)
			maps.DeleteFunc(one, func(_ string, v any) bool { return v == nil })
		}
		all = append(all, one)
	}
	if !found {
		one := map[string]any{"name": attribute, "multivalued": attribute == "eduPersonAffiliation", "permissions": map[string]any{"view": []string{"admin"}, "edit": []string{"admin"}}}
		maps.Copy(one, keys)
		all = append(all, one)
	}
	out := maps.Clone(profile)
	out["attributes"] = all
	return out
}
