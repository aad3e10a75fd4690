package activation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"entree/internal/activation"
	"entree/internal/domain"
)

const secondAddress = "jp.second@example.org"

// second adds or replaces the second address of a person with an account, and takes the
// mails about it.
func (w *world) second(p domain.Person, address string) domain.Person {
	w.t.Helper()
	j, err := w.ChangeAddress(w.t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: address, Second: true, Lang: domain.French})
	if err != nil {
		w.t.Fatalf("ask for a second address: %v", err)
	}
	m := w.box.next(w.t, domain.MessageContactCode)
	if m.To != domain.Address(address) || w.person(p.ID).Second() != p.Second() {
		w.t.Fatalf("the code goes to %s, the second address is %q", m.To, w.person(p.ID).Second())
	}
	if err := w.Prove(w.t.Context(), j.ID, m.Code, "c"); err != nil {
		w.t.Fatal(err)
	}
	w.toldOf(domain.MessageSecondChanged, p.Email, p.Second())
	return w.person(p.ID)
}

// toldOf takes one mail of a kind to each of the addresses, which may be empty, with the
// link that stops recoveries.
func (w *world) toldOf(kind domain.MessageKind, addresses ...domain.Address) {
	w.t.Helper()
	waiting := map[domain.Address]bool{}
	for _, a := range addresses {
		if a != "" {
			waiting[a] = true
		}
	}
	for len(waiting) > 0 {
		m := w.box.next(w.t, kind)
		if !waiting[m.To] || m.Freeze == "" {
			w.t.Fatalf("a mail to %s, which waits: %v, with the link %q", m.To, waiting[m.To], m.Freeze)
		}
		delete(waiting, m.To)
	}
}

// A second address is proven by a code. A recovery begins with it, notices go to both,
// and an import leaves it alone.
func TestSecond_ARecoveryByEitherAddress(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.second(w.active(jeanPierre()), secondAddress)
	if p.Second() != secondAddress || p.Email != oldAddress || p.ChoseAddress() {
		t.Fatalf("the person is %+v", p)
	}
	for _, same := range []string{oldAddress, secondAddress} {
		_, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: same, Second: true})
		refused(t, err, domain.ReasonAddressSame)
	}
	for _, address := range []string{oldAddress, secondAddress} {
		id := w.forget("etudiant", address)
		m := w.box.next(t, domain.MessageRecover)
		if string(m.To) != address {
			t.Fatalf("the code of a recovery at %s goes to %s", address, m.To)
		}
		if err := errors.Join(w.Prove(t.Context(), id, m.Code, "c"), w.Verify(t.Context(), id, activation.Answers{Number: p.Number}), w.Guided(t.Context(), id)); err != nil {
			t.Fatal(err)
		}
		if err := w.choose(id, strong); err != nil {
			t.Fatal(err)
		}
		w.toldOf(domain.MessageReplaced, oldAddress, secondAddress, domain.Address(p.UniversityAddress))
	}
	// An activation at the second address is answered like one at the first.
	w.ask("etudiant", secondAddress)
	if m := w.box.next(t, domain.MessageActive); m.To != secondAddress {
		t.Errorf("the mail goes to %s", m.To)
	}
	moved := jeanPierre()
	moved.Email = "imported@example.net"
	w.enrol(moved)
	if now := w.person(p.ID); now.Second() != secondAddress || now.Email != "imported@example.net" {
		t.Errorf("after an import: %s and %s", now.Email, now.Second())
	}
}

// The exchange of both addresses is a change of the first one: the old one takes it back
// for seven days. Taken back, the second address is removed, since the same stranger may
// have added it.
func TestSecond_BecomesTheFirst(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.second(w.active(jeanPierre()), secondAddress)
	if err := w.PreferSecond(t.Context(), p.Login, p.AccountID, domain.French); err != nil {
		t.Fatal(err)
	}
	token := w.notices(oldAddress, secondAddress)
	if now := w.person(p.ID); now.Email != secondAddress || now.Second() != oldAddress || !now.ChoseAddress() {
		t.Fatalf("the addresses are %s and %s", now.Email, now.Second())
	}
	if _, err := w.TakeBack(t.Context(), token, domain.French); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w.box.next(t, domain.MessageContactBack)
	}
	if now := w.person(p.ID); now.Email != oldAddress || now.SecondEmail != "" || now.ChoseAddress() {
		t.Errorf("taken back: %s and %q", now.Email, now.SecondEmail)
	}
	if err := w.PreferSecond(t.Context(), p.Login, p.AccountID, domain.French); err != nil || w.person(p.ID).Email != oldAddress {
		t.Errorf("without a second address: %v", err)
	}
}

// A stranger at the page of the account adds an address, makes it the first one and
// removes the owner's. The owner's link still undoes all of it, and ends a recovery that
// the stranger's address began.
func TestSecond_AStrangerCannotKeepTheAccount(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.second(w.active(jeanPierre()), "stranger@example.org")
	if err := w.PreferSecond(t.Context(), p.Login, p.AccountID, domain.French); err != nil {
		t.Fatal(err)
	}
	token := w.notices(oldAddress, "stranger@example.org")
	if err := w.RemoveSecond(t.Context(), p.Login, p.AccountID, domain.French); err != nil {
		t.Fatal(err)
	}
	w.toldOf(domain.MessageSecondChanged, oldAddress, "stranger@example.org")
	p = w.second(w.person(p.ID), "stranger2@example.org")
	recovery := w.forget("etudiant", "stranger2@example.org")
	w.toPassword(recovery, p.Number)
	if _, err := w.TakeBack(t.Context(), token, domain.French); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.box.next(t, domain.MessageContactBack)
	}
	if now := w.person(p.ID); now.Email != oldAddress || now.SecondEmail != "" {
		t.Errorf("the addresses are %s and %q", now.Email, now.SecondEmail)
	}
	if step := w.step(recovery); step != domain.StepEnded {
		t.Errorf("the stranger's recovery is at %s", step)
	}
}

// A removed or replaced second address begins nothing more, and what it began ends.
func TestSecond_WhatARemovedAddressBeganEnds(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.second(w.active(jeanPierre()), secondAddress)
	proven := w.forget("etudiant", secondAddress)
	w.toPassword(proven, p.Number)
	asked := w.forget("etudiant", secondAddress)
	code := w.box.next(t, domain.MessageRecover).Code
	p = w.second(p, "third@example.org")
	if step := w.step(proven); step != domain.StepEnded {
		t.Errorf("the recovery of a replaced address is at %s", step)
	}
	refused(t, w.Prove(t.Context(), asked, code, "c"), domain.ReasonStep)
	w.forget("etudiant", secondAddress) // answered by no mail
	for range 2 {
		if err := w.RemoveSecond(t.Context(), p.Login, p.AccountID, domain.French); err != nil {
			t.Fatal(err)
		}
	}
	w.toldOf(domain.MessageSecondChanged, oldAddress, "third@example.org")
	if n := len(w.events(p.ID, domain.EventSecondChanged)); n != 3 {
		t.Errorf("%d events", n)
	}
}

// A change of the first address tells the second one, which cannot take it back; the
// second one that is typed as the first leaves its place to no other.
func TestSecond_IsToldOfAChangeOfTheFirst(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.second(w.active(jeanPierre()), secondAddress)
	w.changed(p, newAddress)
	p = w.person(p.ID)
	if p.Email != newAddress || p.Second() != secondAddress {
		t.Fatalf("the addresses are %s and %q", p.Email, p.Second())
	}
	w.changed(p, secondAddress)
	if p = w.person(p.ID); p.Email != secondAddress || p.Second() != newAddress {
		t.Errorf("the addresses are %s and %q", p.Email, p.Second())
	}
}

// A password must not contain the second address either.
func TestSecond_APasswordDoesNotContainIt(t *testing.T) {
	p := jeanPierre()
	p.SecondEmail = "capucine.zephyr@example.org"
	w := newWorld(t)
	if parts := w.Fragments(p); !slices.Contains(parts, "capucine") || !slices.Contains(parts, "zephyr") {
		t.Errorf("a password may contain the second address: %v", parts)
	}
}

// The help desk lifts the limits of the page of the account, and those of both addresses
// from the networks of the journeys.
func TestSecond_TheHelpDeskLiftsItsLimits(t *testing.T) {
	p := jeanPierre()
	w := newWorld(t, p)
	p = w.second(w.active(p), secondAddress)
	key := w.accounts.AddFactor(p.AccountID, domain.FactorKey, "")
	spent := func() (kinds []string) {
		rows, err := w.beside.QueryContext(t.Context(), `SELECT key FROM limits`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				t.Fatal(err)
			}
			kind, _, _ := strings.Cut(key, ":")
			kinds = append(kinds, kind)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return kinds
	}
	j, err := w.Request(t.Context(), activation.Request{Purpose: domain.PurposeRecover, Profile: "etudiant", Address: secondAddress, Lang: domain.French, Client: "192.0.2.9/32"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RemoveFactor(t.Context(), p, key, domain.French); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"recover-mail-from", "address-factor"} {
		if !slices.Contains(spent(), kind) {
			t.Fatalf("no limit %s is spent: %v", kind, spent())
		}
	}
	if err := w.store.Apply(t.Context(), domain.Effects{Forget: w.LimitsOf(p, []domain.Journey{j})}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"recover-mail-from", "address-factor"} {
		if slices.Contains(spent(), kind) {
			t.Errorf("the limit %s holds on", kind)
		}
	}
}
