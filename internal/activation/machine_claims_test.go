package activation_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/domain"
)

// addressClaim is the model of one claim of another address, which two operators must
// accept.
type addressClaim struct {
	id      string
	address domain.Address
	state   domain.ClaimState
	first   string // operator who agreed
	token   string // of the notice
	opens   time.Time
}

func (w *walk) claim(t *rapid.T) {
	to := domain.Address(fmt.Sprintf("claim%d@example.org", len(w.claims)))
	j, err := w.AskClaim(w.t.Context(), activation.ClaimRequest{
		Profile: "etudiant", Number: "22502142", GivenName: "Jean-Pierre", FamilyName: "Martin", BirthDate: "2007-03-17", Address: string(to), Lang: domain.English, Client: "c",
	})
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	if err := w.Prove(w.t.Context(), j.ID, w.box.next(w.t, domain.MessageContactCode).Code, "c"); err != nil {
		t.Fatalf("prove the claim: %v", err)
	}
	w.box.next(w.t, domain.MessageClaimFiled)
	all, err := w.store.ClaimsOf(w.t.Context(), "p-22502142")
	if err != nil || len(all) != len(w.claims)+1 {
		t.Fatalf("%d claims, %v; the model has %d", len(all), err, len(w.claims)+1)
	}
	for _, c := range all {
		if c.Address == to {
			w.claims = append(w.claims, &addressClaim{id: c.ID, address: to, state: domain.ClaimWaiting})
		}
	}
}

// one draws a claim, or returns nil if there is none.
func (w *walk) one(t *rapid.T) *addressClaim {
	if len(w.claims) == 0 {
		return nil
	}
	return w.claims[rapid.IntRange(0, len(w.claims)-1).Draw(t, "claim")]
}

// inDelay reports whether a claim is accepted and not in effect yet. The model has one
// such claim at a time, so that the order of two jobs does not matter.
func (w *walk) inDelay() bool {
	for _, c := range w.claims {
		if c.state == domain.ClaimAccepted {
			return true
		}
	}
	return false
}

func decision(t *rapid.T) domain.ClaimDecision {
	name := rapid.SampledFrom([]string{"Ada", "Bob"}).Draw(t, "operator")
	return domain.ClaimDecision{By: audit.Operator{Subject: name, Name: name}, Reason: "fine"}
}

func (w *walk) acceptClaim(t *rapid.T) {
	c := w.one(t)
	if c == nil || w.inDelay() {
		return
	}
	stored, err := w.store.Claim(w.t.Context(), c.id)
	if err != nil || stored.State != c.state {
		t.Fatalf("the claim is %s, %v; in the model %s", stored.State, err, c.state)
	}
	by := decision(t)
	if c.state == domain.ClaimWaiting {
		if err := w.Store.Apply(w.t.Context(), w.AgreeClaim(stored, by)); err != nil {
			t.Fatal(err)
		}
		c.state, c.first = domain.ClaimAgreed, by.By.Name
		return
	}
	if c.state != domain.ClaimAgreed {
		return
	}
	e, err := w.AcceptClaim(stored, w.person("p-22502142"), by)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Store.Apply(w.t.Context(), e)
	if c.first == by.By.Name {
		if !errors.Is(err, domain.ErrConflict) {
			t.Fatalf("%s accepted a claim twice: %v", by.By.Name, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("a second operator: %v", err)
	}
	w.Runner.Wake()
	notice := w.box.next(w.t, domain.MessageClaimNotice)
	told := map[domain.Address]bool{notice.To: true}
	if w.other != "" {
		told[w.box.next(w.t, domain.MessageClaimNotice).To] = true
	}
	if !told[w.email] || w.other != "" && !told[w.other] {
		t.Fatalf("the notice goes to %v, the addresses are %s and %q", told, w.email, w.other)
	}
	c.state, c.token, c.opens = domain.ClaimAccepted, strings.TrimPrefix(notice.TakeBack, activation.ObjectPath), notice.ExpiresAt
}

func (w *walk) refuseClaim(t *rapid.T) {
	c := w.one(t)
	if c == nil || c.state != domain.ClaimWaiting && c.state != domain.ClaimAgreed {
		return
	}
	stored, err := w.store.Claim(w.t.Context(), c.id)
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.RefuseClaim(stored, decision(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.Apply(w.t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w.Runner.Wake()
	w.box.next(w.t, domain.MessageClaimRefused)
	c.state = domain.ClaimRefused
}

func (w *walk) object(t *rapid.T) {
	c := w.one(t)
	if c == nil || c.token == "" {
		return
	}
	if c.state == domain.ClaimAccepted {
		c.state = domain.ClaimObjected
	}
	for range 2 {
		if got, err := w.Object(w.t.Context(), c.token); err != nil || got.State != c.state {
			t.Fatalf("after an objection the claim is %s, %v; in the model %s", got.State, err, c.state)
		}
	}
}

// passDays lets the delay of an accepted claim end.
func (w *walk) passDays(*rapid.T) {
	w.pass(domain.ObjectionTime + time.Hour)
	w.Runner.Wake()
	for _, c := range w.claims {
		if c.state != domain.ClaimAccepted {
			continue
		}
		if to := w.box.next(w.t, domain.MessageClaimOpen).To; to != c.address {
			w.t.Fatalf("the mail goes to %s, want %s", to, c.address)
		}
		c.state, w.email = domain.ClaimDone, c.address
		for _, change := range w.changes { // an operator made them final
			change.closed = true
		}
	}
}
