package admin

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/portal/i18n"
	"entree/portal/web"
)

// K2: a page says in its language why a value was refused. The rule has one form if it
// was read from Keycloak, and another one in Keycloak's refusal.
func TestK2_ARuleIsSaidInWords(t *testing.T) {
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lang               domain.Lang
		rule, detail, want string
	}{
		{"fr", "required", "the realm requires a value", "une valeur est obligatoire"},
		{"fr", "length", "at most 255 characters, has 300", "la valeur a 300 caractères, trop ou trop peu"},
		{"fr", "length", "at least 3 characters, has 1", "la valeur a 1 caractère, trop peu"},
		{"en", "length", "300 characters, with /", "the value has 300 characters, too many or too few"},
		{"en", "length", "empty", "the value is too long or too short"},
		{"fr", "person-name-prohibited-characters", "'<' cannot stand here", "un nom n'y peut pas contenir &lt;"},
		{"fr", "person-name-prohibited-characters", "U+000B cannot stand here", "un nom n'y peut pas contenir U+000B"},
		{"en", "person-name-prohibited-characters", "12 characters, with / ;", "a name cannot contain / ; there"},
		{"en", "username-prohibited-characters", "", "a character is not allowed in a username there"},
		{"fr", "pattern", "does not match the realm's pattern", "la valeur n'a pas la forme demandée"},
		{"fr", "an-own-validator", "said so", "règle an-own-validator"},
	} {
		v := web.View{Lang: c.lang, Translate: catalog.T}
		if got := string(ruleWords(v, c.rule, c.detail)); strings.ReplaceAll(got, "&#39;", "'") != c.want {
			t.Errorf("%s %s (%s): %q, want %q", c.lang, c.rule, c.detail, got, c.want)
		}
	}
	v := web.View{Lang: domain.French, Translate: catalog.T}
	for rule := range wordedRules {
		if got := string(ruleWords(v, rule, "2 characters, with !")); strings.HasPrefix(got, "console.") || strings.Contains(got, "<no value>") {
			t.Errorf("%s: %q", rule, got)
		}
	}
	if got := fieldWords(v, "family_name") + "|" + fieldWords(v, "nickname") + "|" + fieldWords(v, ""); got != "Nom|nickname|–" {
		t.Errorf("%q", got)
	}
	if got := string(reason(v, "the realm refuses it: family_name: person-name-prohibited-characters ('(' cannot stand here)")); !strings.Contains(got, "refusé par Keycloak\u00a0: un nom n'y peut pas contenir (") {
		t.Errorf("%q", got)
	}
}
