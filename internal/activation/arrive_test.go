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

// entries says which entry stands behind an account of Keycloak, and counts the questions.
type entries struct {
	of    map[string]string
	asked *int
}

func (e entries) Entry(_ context.Context, id string) (string, error) {
	*e.asked++
	uuid, known := e.of[id]
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
	asked := 0
	w.Entries = entries{map[string]string{"kc-1": "uuid-1", "kc-own": "", "kc-2": "uuid-2"}, &asked}
	if err := w.FirstLogin(t.Context(), "", "kc-2"); err != nil || asked != 0 {
		t.Errorf("Keycloak was asked %d times although it holds every account: %v", asked, err)
	}
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
	asked = 0
	for _, id := range []string{"kc-own", "kc-2", "away"} {
		if err := w.FirstLogin(t.Context(), "", id); err != nil || asked != 0 {
			t.Errorf("%s: Keycloak was asked %d times although the id of every account is known: %v", id, asked, err)
		}
	}
}

// The realm's events about factors reach an account that is known by its entry.
func TestFactor_EventsOfAnAccountKnownByItsEntry(t *testing.T) {
	for name, report := range map[string]func(*world, string) error{
		"added":   func(w *world, id string) error { return w.see(id, domain.FactorTOTP, w.clock(), false) },
		"removed": func(w *world, id string) error { return w.see(id, domain.FactorKey, w.clock(), true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jeanPierre())
			p := w.active(jeanPierre())
			w.accounts.AddFactor(p.AccountID, domain.FactorTOTP, "")
			w.Entries = entries{map[string]string{p.AccountID: "uuid-1", "kc-own": ""}, new(int)}
			if err := w.store.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{
				Person: p.ID, From: []domain.AccountState{domain.AccountActive}, To: domain.AccountActive, AccountID: domain.EntryID("uuid-1"),
			}}}); err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"kc-own", "kc-nobody", p.AccountID} {
				if err := report(w, id); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			}
			known, err := w.store.KnownFactors(t.Context(), p.ID)
			if err != nil || len(known) != 1 || known[0].Kind != domain.FactorTOTP {
				t.Errorf("%+v, %v", known, err)
			}
			if err := report(w, "away"); err != nil {
				t.Errorf("the id of every account is known: %v", err)
			}
		})
	}
}
