package keycloak

import "testing"

func TestStricter_ARealmLosesNothing(t *testing.T) {
	const wanted = "length(16) and maxLength(256) and upperCase(1) and notUsername"
	for has, want := range map[string]string{
		"": "length(16) and maxLength(256) and upperCase(1) and notUsername",
		"length(20) and maxLength(128) and upperCase(2)":                                                                   "length(20) and maxLength(128) and upperCase(2)",
		"length(8) and specialChars(1) and passwordHistory(3) and regexPattern(^a(b|c)$) and hashAlgorithm(pbkdf2-sha512)": "length(16) and maxLength(256) and upperCase(1) and specialChars(1) and passwordHistory(3) and regexPattern(^a(b|c)$) and hashAlgorithm(pbkdf2-sha512) and notUsername",
	} {
		got, err := stricter(has, wanted)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", has, got, err, want)
		}
		if again, err := stricter(got, wanted); err != nil || again != got {
			t.Errorf("%q again: %q, %v", has, again, err)
		}
	}
}
