package keycloak_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entree/internal/password"
	"entree/keycloak"
)

func TestS25_ParsePolicy(t *testing.T) {
	for text, want := range map[string]keycloak.Policy{
		"": {},
		"length(12) and upperCase(2) and lowerCase(1) and digits(3) and specialChars(1) and maxLength(64)": {
			Rules: password.Policy{Length: 12, Upper: 2, Lower: 1, Digits: 3, Special: 1, MaxLength: 64}},
		"length(undefined) and notUsername(undefined) and notEmail(undefined) and passwordHistory(3)": {Rules: password.Policy{Length: 8}},
		"hashAlgorithm(pbkdf2-sha256) and hashIterations(27500)":                                      {HashAlgorithm: "pbkdf2-sha256", HashIterations: 27500},
		"regexPattern(^[a-z]+$) and passwordBlacklist(list.txt) and my-own(1)":                        {Unjudgeable: []string{"regexPattern", "passwordBlacklist", "my-own"}},
	} {
		got, err := keycloak.ParsePolicy(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
	if _, err := keycloak.ParsePolicy("length(many)"); err == nil || !strings.Contains(err.Error(), "length(many)") {
		t.Errorf("%v", err)
	}
}

func TestNewHasher_RefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := keycloak.NewHasher("md5", 0, 1, nil); err == nil || !strings.Contains(err.Error(), "md5") {
		t.Errorf("%v", err)
	}
}
