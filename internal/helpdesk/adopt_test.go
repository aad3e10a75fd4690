package helpdesk_test

import (
	"errors"
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// TestK3_AnAdoptionThatFailsIsTold: the person is parked again, and the story says
// what Keycloak answered.
func TestK3_AnAdoptionThatFailsIsTold(t *testing.T) {
	w := newWorld(t)
	w.park()
	held, err := w.Conflict(t.Context(), w.person())
	w.must(err)
	w.accounts.FailAdopt(domain.Permanent(errors.New("keycloak: 400 error-user-attribute-read-only (firstName)")))
	refused(t, w.Adopt(t.Context(), w.by("Ada"), w.seen(), held[0].ID), helpdesk.NotAdopted)
	p := w.person()
	if p.Account != domain.AccountParked {
		t.Fatalf("the account is %q", p.Account)
	}
	events, err := w.store.Events(t.Context(), p.ID)
	w.must(err)
	for _, e := range events {
		if e.Kind == domain.EventAccountParked && e.Details["why"] == "not adopted" && e.Details["reason"] == "keycloak: 400 error-user-attribute-read-only (firstName)" {
			return
		}
	}
	t.Errorf("the story does not say why: %+v", events)
}
