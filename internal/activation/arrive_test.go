package activation_test

import (
	"context"
	"errors"
	"testing"

	"entree/internal/domain"
)

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

// entries says which entry stands behind an account of Keycloak.
type entries map[string]string

func (e entries) Entry(_ context.Context, id string) (string, error) {
	uuid, known := e[id]
	switch {
	case id == "away":
		return "", errors.New("Keycloak is away")
	case !known:
		return "", domain.Permanent(errors.New("no such user"))
	}
	return uuid, nil
}

// An account that is known by its entry gets Keycloak's id at its first login. A user
// of Keycloak's own with the same login does not get the account.
func TestS42_AnAccountGetsItsIDAtItsFirstLogin(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.chosen("jp.martin@example.net")
	w.Entries = entries{"kc-1": "uuid-1", "kc-own": "", "kc-2": "uuid-2"}
	if err := w.store.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
		Person: "p-22502142", From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, AccountID: domain.EntryID("uuid-1"),
	}}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"kc-own", "kc-2", "kc-nobody"} {
		if err := w.FirstLogin(t.Context(), "o22502142", id); err != nil || !w.person("p-22502142").FirstLoginAt.IsZero() {
			t.Errorf("%s was taken for the account: %v", id, err)
		}
		if _, _, err := w.Reader(t.Context(), "o22502142", id); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%s reads as the account: %v", id, err)
		}
	}
	if err := w.FirstLogin(t.Context(), "o22502142", "away"); err == nil {
		t.Error("Keycloak does not answer, and no error says so")
	}
	if id := w.person("p-22502142").AccountID; id != domain.EntryID("uuid-1") {
		t.Fatalf("the id is %q", id)
	}
	// The realm's events name no login.
	if err := w.FirstLogin(t.Context(), "", "kc-1"); err != nil {
		t.Fatal(err)
	}
	if p := w.person("p-22502142"); p.AccountID != "kc-1" || p.FirstLoginAt.IsZero() {
		t.Errorf("%q, %v", p.AccountID, p.FirstLoginAt)
	}
	if p, _, err := w.Reader(t.Context(), "o22502142", "kc-1"); err != nil || p.ID != "p-22502142" {
		t.Errorf("%+v, %v", p, err)
	}
}
