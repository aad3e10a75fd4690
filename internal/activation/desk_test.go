package activation_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

// give issues a code of the help desk.
func (w *world) give(id domain.PersonID) secret.Text {
	w.t.Helper()
	code, kept, err := domain.NewDeskCode(rand.Reader, w.Keys, id, "Ada Admin", w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.Apply(w.t.Context(), domain.Effects{Desk: &kept}); err != nil {
		w.t.Fatal(err)
	}
	return code
}

func (w *world) enter(code string) (domain.Journey, error) {
	return w.EnterDesk(w.t.Context(), code, domain.French, "192.0.2.0")
}

func TestI2_ACodeOfTheDeskStandsForTheMailboxAndForNothingElse(t *testing.T) {
	w := newWorld(t, jeanPierre())
	j, err := w.enter(strings.ToLower(w.give("p-22502142").Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	if step := w.step(j.ID); step != domain.StepCharter || j.Desk != "Ada Admin" {
		t.Fatalf("at %s, vouched for by %q", step, j.Desk)
	}
	w.accept(j.ID)
	if err := w.choose(j.ID, strong); err != nil {
		t.Fatal(err)
	}
	w.box.next(t, domain.MessageActivated) // sent to the address of the enrolment
	if p := w.person("p-22502142"); p.Account != domain.AccountActive {
		t.Errorf("the account is %q", p.Account)
	}
	events, err := w.store.Events(t.Context(), "p-22502142")
	if err != nil || !slices.ContainsFunc(events, func(e domain.Event) bool {
		return e.Kind == domain.EventDeskProven && e.Details["operator"] == "Ada Admin"
	}) {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestDesk_ASecondProofIsAskedForAllTheSame(t *testing.T) {
	nadia := domain.Person{ID: "p-1001", Profile: "personnel", Number: "1001", GivenName: "Nadia", FamilyName: "Benali",
		BirthDate: "1981-02-28", Email: "nadia@example.net", Readiness: domain.Ready}
	w := newWorld(t, nadia)
	j, err := w.enter(w.give("p-1001").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if step := w.step(j.ID); step != domain.StepVerify {
		t.Fatalf("at %s", step)
	}
	if err := w.Verify(t.Context(), j.ID, activation.Answers{BirthDate: "1981-02-28"}); err != nil {
		t.Fatal(err)
	}
}

func TestDesk_WhatIsRefused(t *testing.T) {
	w := newWorld(t, jeanPierre())
	for _, typed := range []string{"", "7K3F", "7K3F-9Q2M-0", "7K3F-9Q2U", "éééééééé", strings.Repeat("7", 1000)} {
		_, err := w.enter(typed)
		refused(t, err, domain.ReasonDeskFormat)
	}
	_, err := w.enter("0000-0000")
	refused(t, err, domain.ReasonDeskWrong)

	first, second := w.give("p-22502142"), w.give("p-22502142")
	_, err = w.enter(first.Reveal())
	refused(t, err, domain.ReasonDeskWrong) // a newer code replaced it
	w.pass(domain.DeskLife)
	_, err = w.enter(second.Reveal())
	refused(t, err, domain.ReasonDeskWrong) // S5: expired, although no purge ran

	third := w.give("p-22502142")
	held := w.person("p-22502142")
	after := held
	after.Hold = "doute"
	if err := w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: held, After: after}}}); err != nil {
		t.Fatal(err)
	}
	_, err = w.enter(third.Reveal())
	refused(t, err, domain.ReasonDeskWrong)
}

func TestS2_EightBrowsersOneCodeOfTheDesk(t *testing.T) {
	w := newWorld(t, jeanPierre())
	code := w.give("p-22502142").Reveal()
	won := make([]bool, 8)
	var all sync.WaitGroup
	for i := range won {
		all.Go(func() {
			_, err := w.enter(code)
			won[i] = err == nil
		})
	}
	all.Wait()
	n := 0
	for _, w := range won {
		if w {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d journeys began with one code", n)
	}
}

// Wrong help desk codes of a campus network do not refuse a right one typed there:
// only half of what all networks have together is closed to it.
func TestR11_WrongHelpDeskCodesDoNotBlockTheirNetwork(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Rates.DeskTotal.Burst = 100
	code := w.give("p-22502142").Reveal()
	var last domain.Reason
	for range 200 {
		_, err := w.enter("0000-0000")
		var r *domain.Refusal
		if !errors.As(err, &r) {
			t.Fatal(err)
		}
		if last = r.Reason; last == domain.ReasonTooManyRequests {
			break
		}
		if _, err := w.EnterDesk(t.Context(), "1111-1111", domain.French, "198.51.100.7/32"); err == nil {
			t.Fatal("a wrong code was taken")
		}
	}
	if last != domain.ReasonTooManyRequests {
		t.Errorf("200 wrong codes from one network, the last one is refused for %s", last)
	}
	if _, err := w.EnterDesk(t.Context(), code, domain.French, "203.0.113.5/32"); err != nil {
		t.Errorf("from a network without wrong codes: %v", err)
	}
	w = newWorld(t, jeanPierre())
	code = w.give("p-22502142").Reveal()
	for range 10 * w.Rates.DeskClient.Burst {
		_, err := w.enter("0000-0000")
		refused(t, err, domain.ReasonDeskWrong)
	}
	if _, err := w.enter(code); err != nil {
		t.Errorf("from the network of the wrong ones: %v", err)
	}
}

func TestI4_TheDatabaseHoldsNoCodeOfTheDesk(t *testing.T) {
	w := newWorld(t, jeanPierre())
	code := w.give("p-22502142").Reveal()
	raw := string(w.raw())
	for _, secret := range []string{code, strings.ReplaceAll(code, "-", "")} {
		if strings.Contains(raw, secret) {
			t.Error("the database holds the code")
		}
	}
}
