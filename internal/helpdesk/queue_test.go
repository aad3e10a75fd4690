package helpdesk_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// Two different operators must accept a claim where the rules say so: the operator of
// the first acceptance cannot give the second one, under another name either.
func TestClaim_TwoPairsOfEyes(t *testing.T) {
	w := newWorld(t)
	w.ClaimRules.Eyes = 2
	w.file(nil)
	id := w.queue(domain.ClaimWaiting)[0].ID
	w.must(w.accept("Ada", id))
	if c := w.queue(domain.ClaimAgreed); len(c) != 1 || !c[0].Decidable() || c[0].Operator != "Ada" || w.person().Email != "jp.martin@example.net" {
		t.Fatalf("agreed: %+v", c)
	}
	refused(t, w.accept("Ada", id), helpdesk.SecondEyes)
	again := w.by("Ada Martin")
	again.By.Subject = "s-Ada" // the same login under another name
	refused(t, w.AcceptClaim(t.Context(), again, helpdesk.ClaimDecision{ID: id, Reason: "x"}), helpdesk.SecondEyes)
	// The database refuses it too, if the claim was read before.
	c, err := w.store.Claim(t.Context(), id)
	w.must(err)
	e, err := w.Service.Service.AcceptClaim(c, w.person(), domain.ClaimDecision{By: again.By, Reason: "x"})
	w.must(err)
	if err := w.store.Apply(t.Context(), e); !errors.Is(err, domain.ErrConflict) {
		t.Errorf("the same operator twice: %v", err)
	}
	w.must(w.accept("Bob", id))
	w.mail(domain.MessageClaimNotice)
	if c := w.queue(domain.ClaimAccepted); len(c) != 1 || c[0].Operator != "Ada" || c[0].Second != "Bob" || !c[0].OpensAt.Equal(w.clock().Add(domain.ObjectionTime)) {
		t.Errorf("accepted: %+v", c)
	}
	acts := w.acts()
	if len(acts) != 2 || acts[0].Act != helpdesk.ActClaimAgreed || acts[1].Act != helpdesk.ActClaimAccepted || acts[1].By.Name != "Bob" {
		t.Errorf("the audit has %+v", acts)
	}
}

// Of many operators who accept one claim at the same time, one is the first and one is
// the second.
func TestClaim_ManyOperatorsAtOnce(t *testing.T) {
	w := newWorld(t)
	w.ClaimRules.Eyes = 2
	w.file(nil)
	id := w.queue(domain.ClaimWaiting)[0].ID
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = w.accept(fmt.Sprint("op", i), id) })
	}
	all.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		}
	}
	c, err := w.store.Claim(t.Context(), id)
	w.must(err)
	if done > 2 || c.State == domain.ClaimAccepted && (done != 2 || c.Operator == c.Second) || c.State == domain.ClaimAgreed && done != 1 {
		t.Errorf("%d acceptances succeeded, the claim is %+v", done, c)
	}
}

// A claim that a first operator accepted can still be refused, by the same operator too.
func TestClaim_TheFirstOperatorChangesTheirMind(t *testing.T) {
	w := newWorld(t)
	w.ClaimRules.Eyes = 2
	w.file(nil)
	id := w.queue(domain.ClaimWaiting)[0].ID
	w.must(w.accept("Ada", id))
	w.must(w.RefuseClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: id, Reason: "the voice was another one"}))
	w.mail(domain.MessageClaimRefused)
	refused(t, w.accept("Bob", id), helpdesk.Changed)
}

func TestClaim_TheCardMustBeSeen(t *testing.T) {
	w := newWorld(t)
	w.ClaimRules.CardRequired = true
	w.ClaimRules.Card = map[domain.Lang]string{domain.English: "Show your card."}
	w.ClaimRules.CardURL = "https://drop.example.org"
	j, err := w.AskClaim(t.Context(), claim(nil))
	w.must(err)
	w.must(w.Prove(t.Context(), j.ID, w.mail(domain.MessageContactCode).Code, "c"))
	if m := w.filed(j); m.Note != "Show your card.\n\nhttps://drop.example.org" {
		t.Errorf("the mail says %q", m.Note)
	}
	c := w.queue(domain.ClaimWaiting)[0]
	if c.Certain {
		t.Error("certain without a card")
	}
	refused(t, w.accept("Ada", c.ID), helpdesk.CardUnseen)
	w.must(w.AcceptClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: c.ID, Reason: "seen", CardSeen: true}))
	if c := w.queue(domain.ClaimAccepted); len(c) != 1 || !c[0].CardSeen || w.last(helpdesk.ActClaimAccepted).What["card"] == "" {
		t.Errorf("accepted: %+v", c)
	}
}

// The time in which the old address can object is the configured one.
func TestClaim_TheConfiguredDelay(t *testing.T) {
	w := newWorld(t)
	w.ClaimRules.Objection = 24 * time.Hour
	w.file(nil)
	w.must(w.accept("Ada", w.queue(domain.ClaimWaiting)[0].ID))
	if m := w.mail(domain.MessageClaimNotice); !m.ExpiresAt.Equal(w.clock().Add(24 * time.Hour)) {
		t.Errorf("the notice says %s", m.ExpiresAt)
	}
	w.pass(24 * time.Hour)
	w.Runner.Wake()
	w.mail(domain.MessageClaimOpen)
}

// Only claims about which nothing is in doubt are accepted together; each has its own
// audit entry. A claim that stopped being certain after the page was read is left.
func TestClaim_AcceptedTogether(t *testing.T) {
	w := newWorld(t)
	people := map[string]domain.Person{}
	for i, change := range []func(*domain.Person){
		func(*domain.Person) {},
		func(p *domain.Person) { p.FirstLoginAt, p.Account = start, domain.AccountActive },
		func(p *domain.Person) { p.BirthDate = "2006-01-01" },
		func(p *domain.Person) { p.GivenName = "Jeanette" },
		func(p *domain.Person) { p.Hold = "doubt" },
		func(*domain.Person) {},
	} {
		p := w.person()
		p.ID, p.Number, p.Email = domain.PersonID(fmt.Sprint("p", i)), fmt.Sprint("3000", i), domain.Address(fmt.Sprintf("old%d@example.net", i))
		w.enrol(p)
		after := p
		if change(&after); after != p {
			w.must(w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: after}}}))
		}
		people[p.Number] = p
		w.file(func(r *activation.ClaimRequest) {
			r.Number, r.Client, r.Address = p.Number, fmt.Sprintf("192.0.2.%d/32", i), fmt.Sprintf("new%d@example.fr", i)
		})
		w.pass(time.Minute)
	}
	cases := w.queue(domain.ClaimWaiting)
	var certain, ids []string
	for _, c := range cases {
		ids = append(ids, c.ID)
		if c.Certain {
			certain = append(certain, c.Number)
		}
	}
	if !slices.Equal(certain, []string{"30000", "30005"}) {
		t.Fatalf("certain are %v", certain)
	}
	// A second claim from the network of the last one makes it doubtful.
	w.file(func(r *activation.ClaimRequest) { r.Number, r.Client, r.Address = "99", "192.0.2.5/32", "x@example.fr" })
	_, _, err := w.AcceptCertain(t.Context(), w.by("Ada"), ids, " ")
	refused(t, err, helpdesk.ReasonMissing)
	accepted, left, err := w.AcceptCertain(t.Context(), w.by("Ada"), append(ids, "none"), "certain")
	if err != nil || accepted != 1 || left != 6 {
		t.Fatalf("accepted %d, left %d, %v", accepted, left, err)
	}
	if c := w.queue(domain.ClaimAccepted); len(c) != 1 || c[0].Number != "30000" {
		t.Errorf("accepted: %+v", c)
	}
	acts, err := w.store.Acts(t.Context(), people["30000"].ID)
	if w.must(err); len(acts) != 1 || acts[0].What["reason"] != "certain" {
		t.Errorf("the audit has %+v", acts)
	}
	if w.mail(domain.MessageClaimNotice).To != "old0@example.net" {
		t.Error("the old address is not told")
	}
}

// Other claims of the person and of the network count against a claim.
func TestClaim_WhatSpeaksAgainst(t *testing.T) {
	w := newWorld(t)
	w.file(nil)
	first := w.queue(domain.ClaimWaiting)[0]
	if !first.Certain {
		t.Errorf("the first claim: %+v", first.Against)
	}
	w.must(w.RefuseClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: first.ID, Reason: "no"}))
	w.mail(domain.MessageClaimRefused)
	w.pass(time.Minute)
	w.file(func(r *activation.ClaimRequest) { r.Number = "777" }) // the same network, an unknown number
	w.pass(time.Minute)
	w.file(func(r *activation.ClaimRequest) { r.Client = "203.0.113.1/32" })
	w.pass(time.Minute)
	w.file(func(r *activation.ClaimRequest) { r.Client, r.GivenName = "203.0.113.2/32", "Jean Piere" })
	want := []string{
		"[{number 1} {network 1} {network_refused 1}]",
		"[{open 1} {earlier 1} {earlier_refused 1}]",
		"[{name_near 1} {open 1} {earlier 2} {earlier_refused 1}]",
	}
	for i, c := range w.queue(domain.ClaimWaiting) {
		if got := fmt.Sprint(c.Against); got != want[i] {
			t.Errorf("claim %d: %s, want %s", i, got, want[i])
		}
	}
	found := func(words string) int {
		cases, _, err := w.ClaimQueue(t.Context(), helpdesk.ClaimQuery{States: domain.ClaimStates(), Words: words, Limit: 50})
		w.must(err)
		return len(cases)
	}
	for words, n := range map[string]int{"777": 1, "martin": 4, "mart jp@exa": 4, "PIÈRE": 1, "%": 4, "nobody": 0, "22502142 martin": 3} {
		if got := found(words); got != n {
			t.Errorf("%q finds %d claims, want %d", words, got, n)
		}
	}
	cases, more, err := w.ClaimQueue(t.Context(), helpdesk.ClaimQuery{States: domain.ClaimStates(), Limit: 2, Skip: 1})
	if err != nil || !more || len(cases) != 2 {
		t.Errorf("a page: %d, %v, %v", len(cases), more, err)
	}
}

// The national number finds the person in place of the number, in small letters too. An
// INE of two people finds no person.
func TestClaim_TheNationalNumberIsLookedUpToo(t *testing.T) {
	w := newWorld(t)
	p := w.person()
	p.INE = "0123456789A"
	w.enrol(p)
	w.file(func(r *activation.ClaimRequest) { r.Number = "0123456789a" })
	c := w.queue(domain.ClaimWaiting)[0]
	if c.Registry.ID != jean || !slices.Equal(keys(c.For), []string{"ine", "birth", "name"}) || !c.Certain {
		t.Errorf("the claim is %+v", c)
	}
	w.pass(time.Minute)
	w.file(nil) // by number: the same person
	if all := w.queue(domain.ClaimWaiting); len(all) != 2 || all[0].Open != 1 || all[1].Earlier != 1 || all[0].Certain {
		t.Errorf("two claims of one person: %+v", all)
	}
	p.ID, p.Number = "p-2", "2"
	w.enrol(p)
	if _, err := w.store.PersonByAnyNumber(t.Context(), "etudiant", "0123456789A"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("an INE of two people: %v", err)
	}
	if got, err := w.store.PersonByAnyNumber(t.Context(), "etudiant", "2"); err != nil || got.ID != "p-2" {
		t.Errorf("by number: %s, %v", got.ID, err)
	}
	for _, none := range []string{"", "3"} {
		if _, err := w.store.PersonByAnyNumber(t.Context(), "etudiant", none); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", none, err)
		}
	}
}
