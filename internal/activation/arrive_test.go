package activation_test

import "testing"

// A CAS server may not report the Keycloak id.
func TestTheFirstLoginIsKeptByLoginAlone(t *testing.T) {
	w := newWorld(t, jeanPierre())
	if err := w.FirstLogin(t.Context(), "o22502142", ""); err != nil || !w.person("p-22502142").FirstLoginAt.IsZero() {
		t.Fatalf("a login before there is an account: %v", err)
	}
	w.chosen("jp.martin@example.net")
	if err := w.FirstLogin(t.Context(), "o22502142", "another-account"); err != nil || !w.person("p-22502142").FirstLoginAt.IsZero() {
		t.Fatalf("another account's login was taken for this one's: %v", err)
	}
	if err := w.FirstLogin(t.Context(), "O22502142", ""); err != nil {
		t.Fatal(err)
	}
	if w.person("p-22502142").FirstLoginAt.IsZero() {
		t.Error("the first login was not kept")
	}
}
