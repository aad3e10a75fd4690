package helpdesk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

func TestCorrect_TheOldAddressIsToldAndItsCodeIsWorthNothing(t *testing.T) {
	w := newWorld(t)
	id := w.ask()
	code := w.mail(domain.MessageCode).Code
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), " New@Example.ORG ", "  faute de frappe "))
	if m := w.mail(domain.MessageAddressChanged); m.To != "jp.martin@example.net" || m.Lang != domain.English {
		t.Errorf("the notice goes to %s in %s", m.To, m.Lang)
	}
	if p := w.person(); p.Email != "new@example.org" {
		t.Errorf("the address is %s", p.Email)
	}
	var over *domain.Refusal
	if err := w.Prove(t.Context(), id, code, "c"); !errors.As(err, &over) || over.Reason != domain.ReasonStep {
		t.Errorf("the code of the old address: %v", err)
	}
	e := w.last(helpdesk.ActCorrected)
	if e.By.Name != "Ada" || e.From != "192.0.2.0" || e.What["from"] != "jp.martin@example.net" || e.What["to"] != "new@example.org" || e.What["reason"] != "faute de frappe" {
		t.Errorf("%+v", e)
	}
}

// A journey that proved the old mailbox ends as well, because the mailbox may
// belong to another person.
func TestCorrect_EndsAJourneyThatProvedTheOldAddress(t *testing.T) {
	w := newWorld(t)
	id := w.ask()
	w.must(w.Prove(t.Context(), id, w.mail(domain.MessageCode).Code, "c"))
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "new@example.org", "faute"))
	if j, step, err := w.Journey(t.Context(), id); err != nil || step != domain.StepEnded || !j.Revoked {
		t.Errorf("it goes on at %s: %v", step, err)
	}
}

func TestCorrect_WhatIsRefusedChangesNothing(t *testing.T) {
	w := newWorld(t)
	before := w.person()
	for _, c := range []struct {
		address, why string
		want         helpdesk.Reason
	}{
		{"", "x", helpdesk.AddressEmpty}, {"a@b.fr, c@d.fr", "x", helpdesk.AddressSeveral}, {"nobody", "x", helpdesk.AddressSyntax},
		{"JP.Martin@example.net", "x", helpdesk.AddressSame}, {"a@example.org", " ", helpdesk.ReasonMissing},
		{"a@example.org", strings.Repeat("x", 301), helpdesk.ReasonLong},
	} {
		refused(t, w.Correct(t.Context(), w.by("Ada"), w.seen(), c.address, c.why), c.want)
	}
	if w.person() != before || len(w.acts()) != 0 {
		t.Error("something was written")
	}
}

// Two operators have the same page open: the second one is refused and told so,
// and the first one's change is kept.
func TestTwoOperatorsEditOnePerson(t *testing.T) {
	w := newWorld(t)
	seen := w.seen()
	w.must(w.Correct(t.Context(), w.by("Ada"), seen, "first@example.org", "faute"))
	refused(t, w.Correct(t.Context(), w.by("Bob"), seen, "second@example.org", "faute"), helpdesk.Changed)
	refused(t, w.Hold(t.Context(), w.by("Bob"), seen, "doute"), helpdesk.Changed)
	if p := w.person(); p.Email != "first@example.org" || p.Hold != "" || len(w.acts()) != 1 {
		t.Errorf("%+v", p)
	}
	w.must(w.Hold(t.Context(), w.by("Bob"), w.seen(), "doute"))
}

func TestSend_HowToBeginWithALongCode(t *testing.T) {
	w := newWorld(t)
	w.ask() // of whomever: it is not the operator's to choose
	w.mail(domain.MessageCode)
	kind, err := w.Send(t.Context(), w.by("Ada"), w.seen(), "")
	m := w.mail(domain.MessageBegin)
	if err != nil || kind != domain.MessageBegin || m.To != "jp.martin@example.net" || m.Lang != domain.English {
		t.Errorf("%s to %s, %v", kind, m.To, err)
	}
	if _, err := w.EnterLong(t.Context(), m.Long, domain.French, "c"); err != nil {
		t.Errorf("the long code: %v", err)
	}
	if w.last(helpdesk.ActSent).What["mail"] != "begin" {
		t.Errorf("%+v", w.acts())
	}
}

// The operator sends a code in the journey that the student named, although a
// stranger's is newer.
func TestR18_ACodeIsSentInTheJourneyThatIsShown(t *testing.T) {
	w := newWorld(t)
	mine := w.ask()
	first := w.mail(domain.MessageCode).Code
	w.pass(time.Minute)
	strangers := w.ask()
	w.mail(domain.MessageCode)
	kind, err := w.Send(t.Context(), w.by("Ada"), w.seen(), mine)
	if err != nil || kind != domain.MessageCode {
		t.Fatalf("%s, %v", kind, err)
	}
	second := w.mail(domain.MessageCode).Code
	if first != second {
		if err := w.Prove(t.Context(), mine, first, "c"); err == nil {
			t.Error("the code of before is still good")
		}
	}
	if j, _, err := w.Journey(t.Context(), strangers); err != nil || j.Code.Sent != 1 {
		t.Errorf("the stranger's journey was sent %d codes, %v", j.Code.Sent, err)
	}
	w.must(w.Prove(t.Context(), mine, second, "c"))
	if w.last(helpdesk.ActSent).What["mail"] != "code" {
		t.Errorf("%+v", w.acts())
	}
	_, err = w.Send(t.Context(), w.by("Ada"), w.seen(), mine) // it has gone on
	refused(t, err, helpdesk.Changed)
	_, err = w.Send(t.Context(), w.by("Ada"), w.seen(), "no-such-journey")
	refused(t, err, helpdesk.Changed)
}

func TestS13_OperatorsHaveALimitOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		if _, err := w.Send(t.Context(), w.by("Ada"), w.seen(), ""); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.Send(t.Context(), w.by("Bob"), w.seen(), "")
	if r := refused(t, err, helpdesk.TooMany); !r.Retry.After(w.clock()) {
		t.Errorf("it goes on at %v", r.Retry)
	}
	w.pass(15 * time.Minute)
	if _, err := w.Send(t.Context(), w.by("Bob"), w.seen(), ""); err != nil {
		t.Error(err)
	}
}

// The operator resets the tries and requests that other visitors have used up.
func TestUnlock_TheNextCodeIsComparedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.Rates.Strikes.Burst = 10 // three wrong codes, then one per journey
	for range 7 {
		id := w.ask()
		wrong := "000000"
		if w.mail(domain.MessageCode).Code == wrong {
			wrong = "111111"
		}
		for range domain.MaxTries {
			_ = w.Prove(t.Context(), id, wrong, "c") // each is refused
		}
	}
	ask := func() error {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: string(w.person().Email), Client: "192.0.2.9/32"})
		return err
	}
	var r *domain.Refusal
	if err := ask(); !errors.As(err, &r) || r.Reason != domain.ReasonMailsSpent {
		t.Fatalf("not held back: %v", err)
	}
	w.must(w.Unlock(t.Context(), w.by("Ada"), w.seen()))
	id := w.ask()
	code := w.mail(domain.MessageCode).Code
	for range 3 {
		if err := w.Prove(t.Context(), id, "123", "c"); err == nil {
			t.Fatal("three digits are a code")
		}
	}
	w.must(w.Prove(t.Context(), id, code, "c"))
	w.last(helpdesk.ActUnlocked)
}

// An operator lifts the limits that hold a person with an account back in a recovery.
func TestUnlock_LiftsTheLimitsOfARecovery(t *testing.T) {
	w := newWorld(t)
	w.activate()
	w.Rates.Strikes.Burst = 10
	request := activation.Request{Purpose: domain.PurposeRecover, Profile: "etudiant", Address: string(w.person().Email), Lang: domain.French, Client: "192.0.2.9/32"}
	var err error
	for range 11 {
		var j domain.Journey
		if j, err = w.Request(t.Context(), request); err != nil {
			break
		}
		wrong := "000000"
		if w.mail(domain.MessageRecover).Code == wrong {
			wrong = "111111"
		}
		_ = w.Prove(t.Context(), j.ID, wrong, "c") // refused
	}
	var r *domain.Refusal
	if !errors.As(err, &r) || r.Reason != domain.ReasonMailsSpent {
		t.Fatalf("not held back: %v", err)
	}
	w.must(w.Unlock(t.Context(), w.by("Ada"), w.seen()))
	w.last(helpdesk.ActUnlocked)
	w.finishPassword(w.recover())
}

func TestHold_StopsWhateverTheEnrolmentSaysUntilReleased(t *testing.T) {
	w := newWorld(t)
	id := w.ask()
	w.must(w.Prove(t.Context(), id, w.mail(domain.MessageCode).Code, "c"))
	w.must(w.Hold(t.Context(), w.by("Ada"), w.seen(), "pièce à revoir"))
	if j, step, err := w.Journey(t.Context(), id); err != nil || step != domain.StepEnded || !j.Revoked {
		t.Errorf("the journey goes on at %s: %v", step, err)
	}
	again := w.person()
	again.Hold, again.GivenName = "", "Jean"
	w.enrol(again)
	if p := w.person(); p.Hold != "pièce à revoir" || p.GivenName != "Jean" {
		t.Errorf("after an import: %+v", p)
	}
	w.ask()
	w.mail(domain.MessageNotReady)
	_, err := w.Send(t.Context(), w.by("Ada"), w.seen(), "")
	refused(t, err, helpdesk.NotNow)
	w.must(w.Release(t.Context(), w.by("Bob"), w.seen(), "vue"))
	if w.last(helpdesk.ActReleased).What["held_for"] != "pièce à revoir" {
		t.Errorf("%+v", w.acts())
	}
	w.ask()
	w.mail(domain.MessageCode)
}

func TestCode_LetsSomebodyInWhoStandsAtTheDesk(t *testing.T) {
	w := newWorld(t)
	code, kept, err := w.Code(t.Context(), w.by("Ada"), w.seen(), "carte d’identité", "new@example.org")
	w.must(err)
	w.mail(domain.MessageAddressChanged)
	if kept.Operator != "Ada" || kept.ExpiresAt.Sub(kept.IssuedAt) != domain.DeskLife || len(code.Reveal()) != 9 {
		t.Errorf("%+v", kept)
	}
	acts := w.acts()
	if len(acts) != 2 || acts[1].Act != helpdesk.ActDeskCode || acts[1].What["card"] != "carte d’identité" {
		t.Errorf("%+v", acts)
	}
	for _, a := range acts {
		for _, v := range a.What {
			if strings.Contains(v, code.Reveal()) {
				t.Error("the audit holds the code")
			}
		}
	}
	j, err := w.EnterDesk(t.Context(), code.Reveal(), domain.French, "c")
	w.must(err)
	w.finish(j.ID)
	if m := w.mail(domain.MessageActivated); m.To != "new@example.org" || w.person().State() != domain.StateUnused {
		t.Errorf("to %s, %s", m.To, w.person().State())
	}
	c, err := w.Case(t.Context(), jean)
	w.must(err)
	if first := c.Story[0]; first.Kind != helpdesk.Imported || first.What["source"] != "by hand" || !first.At.Equal(start) {
		t.Errorf("the story begins with %+v", first)
	}
	var kinds []string
	for _, m := range c.Story {
		kinds = append(kinds, m.Kind)
	}
	for _, want := range []string{helpdesk.ActCorrected, helpdesk.ActDeskCode, "desk.proven", "charter.accepted", "account.activated"} {
		if !strings.Contains(strings.Join(kinds, " "), want) {
			t.Errorf("the story %v lacks %s", kinds, want)
		}
	}
}

// park creates a conflict between the person and an existing account.
func (w *world) park() domain.JourneyID {
	w.t.Helper()
	w.accounts.Occupy("o22502142", "somebody@example.org")
	id := w.ask()
	w.must(w.Prove(w.t.Context(), id, w.mail(domain.MessageCode).Code, "c"))
	w.finish(id)
	w.mail(domain.MessageParked)
	if w.step(id) != domain.StepParked {
		w.t.Fatal("not parked")
	}
	return id
}

func TestAdopt_TheAccountOfBeforeGoesOn(t *testing.T) {
	w := newWorld(t)
	w.park()
	held, err := w.Conflict(t.Context(), w.person())
	if err != nil || len(held) != 1 {
		t.Fatalf("%+v, %v", held, err)
	}
	refused(t, w.Adopt(t.Context(), w.by("Ada"), w.seen(), "another"), helpdesk.NoSuchConflict)
	w.must(w.Adopt(t.Context(), w.by("Ada"), w.seen(), held[0].ID))
	if m := w.mail(domain.MessageAdopted); m.Login != "o22502142" {
		t.Errorf("the mail says %s", m.Login)
	}
	p := w.person()
	if p.State() != domain.StateUnused || p.AccountID != held[0].ID || w.accounts.Len() != 1 {
		t.Errorf("%+v", p)
	}
	if a, _ := w.accounts.Get("o22502142"); a.ActivationID != p.ActivationID || a.UniversityAddress != "somebody@example.org" {
		t.Errorf("%+v", a)
	}
	refused(t, w.Adopt(t.Context(), w.by("Ada"), w.seen(), held[0].ID), helpdesk.NotNow)
}

func TestAdopt_KeycloakAwayThenBack(t *testing.T) {
	w := newWorld(t)
	w.park()
	held, err := w.Conflict(t.Context(), w.person())
	w.must(err)
	w.accounts.FailWith(errors.New("away"))
	refused(t, w.Adopt(t.Context(), w.by("Ada"), w.seen(), held[0].ID), helpdesk.AccountsSilent)
	if p := w.person(); p.Account != domain.AccountParked || len(w.acts()) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestR18_RenameLeadsBackThePersonsOwnJourney(t *testing.T) {
	w := newWorld(t)
	id := w.park()
	// R18: a sibling's parked journey, at the same address, is not led back.
	sibling := domain.Journey{ID: "sibling", Purpose: domain.PurposeActivate, Profile: "etudiant", Address: w.person().Email, Person: "p-sibling",
		RequestedAt: w.clock(), SeenAt: w.clock(), ExpiresAt: w.clock().Add(time.Hour), PasswordAt: w.clock(), ParkedAt: w.clock()}
	w.must(w.store.Begin(t.Context(), sibling, domain.Effects{}))
	w.must(w.Rename(t.Context(), w.by("Ada"), w.seen()))
	if step := w.step("sibling"); step != domain.StepParked {
		t.Errorf("R18: the sibling's journey is at %s", step)
	}
	if m := w.mail(domain.MessageRenamed); m.Login != "o22502142.2" {
		t.Errorf("the mail says %s", m.Login)
	}
	if p := w.person(); p.Login != "o22502142.2" || p.UniversityAddress != "jean-pierre.martin@etu.example.org" || !p.MayActivate() {
		t.Errorf("%+v", p)
	}
	if step := w.step(id); step != domain.StepPassword { // I7: the journey from before the conflict continues
		t.Fatalf("at %s", step)
	}
	w.finishPassword(id)
	if p := w.person(); p.State() != domain.StateUnused {
		t.Errorf("%+v", p)
	}
	if a, _ := w.accounts.Get("o22502142"); a.ActivationID != "" {
		t.Error("S42: the account that was there was touched")
	}
}

// An administrator lifts the limit of a network, and of nothing that is a person's.
func TestR11_AnAdministratorLiftsASpentLimit(t *testing.T) {
	w := newWorld(t)
	w.Rates.Client.Burst = 2
	ask := func(n int) error {
		_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: fmt.Sprintf("u%d@example.net", n), Client: "198.51.100.7/32"})
		return err
	}
	w.must(ask(1))
	w.must(ask(2))
	if ask(3) == nil {
		t.Fatal("the network is not held back")
	}
	spent := ""
	limits, err := w.SharedLimits(t.Context())
	w.must(err)
	for _, l := range limits {
		if l.Spent() {
			spent = l.Key
		}
	}
	w.must(w.Lift(t.Context(), w.by("Ada"), spent))
	w.must(ask(3))
	var lifted []audit.Entry
	w.must(w.store.Audit(t.Context(), audit.Query{Act: helpdesk.ActLifted}, func(l audit.Link) error { lifted = append(lifted, l.Entry); return nil }))
	if len(lifted) != 1 || lifted[0].What["limit"] != "mail-client:198.51.100.7/32" || lifted[0].By.Name != "Ada" {
		t.Errorf("%+v", lifted)
	}
	refused(t, w.Lift(t.Context(), w.by("Ada"), "proof:p"), helpdesk.NotNow)
}
