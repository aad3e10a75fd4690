package keycloak_test

import (
	"testing"
	"time"

	"entree/internal/secret"
	"entree/keycloak"
)

// The time stored in Keycloak is visible to another process of the portal, and
// to no other user.
func TestTheWitnessLiesInKeycloak(t *testing.T) {
	r := newRealm(t)
	client := func() *keycloak.Client {
		c, err := keycloak.NewClient(keycloak.Config{URL: r.url, Realm: r.name, ClientID: "entree-portal", ClientSecret: secret.New(portalSecret)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := client()
	if at, err := c.Witness(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("a fresh realm has seen %v, %v", at, err)
	}
	for _, want := range []time.Time{
		time.Date(2026, 9, 1, 8, 0, 0, 123000, time.UTC), time.Date(2026, 9, 1, 8, 10, 0, 0, time.UTC),
	} {
		if err := c.SetWitness(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if at, err := client().Witness(t.Context()); err != nil || !at.Equal(want) {
			t.Errorf("left %v, found %v, %v", want, at, err)
		}
	}
	if findings, err := c.CheckSelf(t.Context(), r.wanted); err != nil || len(findings) > 0 {
		t.Errorf("the check has something against it: %v, %v", findings, err)
	}
}
