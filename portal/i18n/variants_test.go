package i18n_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/portal/i18n"
)

// Where accounts are in a directory, the console names the directory. The variant
// replaces messages that exist, in both languages, and adds none.
func TestTheDirectoryIsNamedWhereAccountsAreInIt(t *testing.T) {
	plain := load(t)
	variant, err := i18n.Load(i18n.InDirectory)
	if err != nil {
		t.Fatal(err)
	}
	for lang, name := range map[domain.Lang]string{domain.French: "annuaire", domain.English: "directory"} {
		raw, err := os.ReadFile("messages/directory/directory." + string(lang) + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		keys := regexp.MustCompile(`(?m)^([a-z_.]+):`).FindAllStringSubmatch(string(raw), -1)
		if len(keys) < 10 {
			t.Fatalf("%s has %d messages", lang, len(keys))
		}
		for _, m := range keys {
			if !slices.Contains(plain.Keys(lang), m[1]) {
				t.Errorf("%s: %s replaces nothing", lang, m[1])
			}
			args := []any{"Count", 2, "Field", "x", "Rule", "x", "Class", "x"}
			before, after := string(plain.T(lang, m[1], args...)), string(variant.T(lang, m[1], args...))
			if !strings.Contains(before, "Keycloak") || !strings.Contains(strings.ToLower(after), name) {
				t.Errorf("%s: %s says %q in place of %q", lang, m[1], after, before)
			}
		}
	}
	if !slices.Equal(plain.Keys(domain.French), variant.Keys(domain.French)) {
		t.Error("the variant adds messages")
	}
}

// Without Keycloak no message says Keycloak.
func TestNoMessageSaysKeycloakWhereThereIsNone(t *testing.T) {
	alone, err := i18n.Load(i18n.InDirectory, i18n.WithoutKeycloak)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range i18n.Languages {
		for _, key := range alone.Keys(lang) {
			for _, count := range []int{1, 2} {
				if said := string(alone.T(lang, key, "Count", count)); strings.Contains(said, "Keycloak") {
					t.Errorf("%s: %s says %q", lang, key, said)
				}
			}
		}
	}
	if !slices.Equal(load(t).Keys(domain.French), alone.Keys(domain.French)) {
		t.Error("the variant adds messages")
	}
}
