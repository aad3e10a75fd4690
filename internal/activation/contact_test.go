package activation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

const (
	oldAddress = "jp.martin@example.net"
	newAddress = "jp@example.fr"
)

// change begins a change of the address of a person with an account.
func (w *world) change(p domain.Person, address string) domain.JourneyID {
	w.t.Helper()
	j, err := w.ChangeAddress(w.t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: address, Lang: domain.French})
	if err != nil {
		w.t.Fatalf("ask for a change of address: %v", err)
	}
	return j.ID
}

// changed changes a person's address and returns the token of the notice.
func (w *world) changed(p domain.Person, address string) string {
	w.t.Helper()
	id := w.change(p, address)
	if err := w.Prove(w.t.Context(), id, w.box.next(w.t, domain.MessageContactCode).Code, "c"); err != nil {
		w.t.Fatal(err)
	}
	if second := p.Second(); second != "" && string(second) != address {
		return w.notices(p.Email, domain.Address(address), second)
	}
	return w.notices(p.Email, domain.Address(address))
}

// notices takes the mails about a change and returns the token of the one to the old
// address. others are the other addresses that are told.
func (w *world) notices(was, is domain.Address, others ...domain.Address) string {
	w.t.Helper()
	token := ""
	for range 2 + len(others) {
		switch m := w.box.any(w.t); {
		case m.Kind == domain.MessageSecondChanged && slices.Contains(others, m.To) && m.Freeze != "" && m.TakeBack == "":
		case m.Kind == domain.MessageContactChanged && m.To == was && token == "":
			token = strings.TrimPrefix(m.TakeBack, activation.TakeBackPath)
		case m.Kind != domain.MessageContactNew || m.To != is || m.TakeBack != "":
			w.t.Fatalf("a mail %s to %s", m.Kind, m.To)
		}
	}
	return token
}

// any waits for the next mail of any kind.
func (b *box) any(t *testing.T) domain.Message {
	t.Helper()
	select {
	case m := <-b.mails:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("no mail came")
		return domain.Message{}
	}
}

func TestContact_ARightCodePutsTheNewAddressInUse(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	id := w.change(p, "JP@Example.fr ")
	m := w.box.next(t, domain.MessageContactCode)
	if m.To != newAddress || m.Long != "" || m.Login != "" {
		t.Errorf("the mail with the code is %+v", m)
	}
	if w.person(p.ID).Email != oldAddress {
		t.Fatal("an address that nobody proved is in use")
	}
	refused(t, w.Prove(t.Context(), id, other(m.Code), "c"), domain.ReasonCodeWrong)
	if err := w.Prove(t.Context(), id, m.Code, "c"); err != nil {
		t.Fatal(err)
	}
	token := w.notices(oldAddress, newAddress)
	now := w.person(p.ID)
	if w.step(id) != domain.StepDone || now.Email != newAddress || !now.ChoseAddress() || now.SourceEmail != oldAddress {
		t.Errorf("at %s, the person is %+v", w.step(id), now)
	}
	if n := len(w.events(p.ID, domain.EventContactChanged)); n != 1 {
		t.Errorf("%d events", n)
	}
	// The codes of the portal go to the new address, and none to the old one.
	recovery := w.forget("etudiant", newAddress)
	w.toPassword(recovery, p.Number)
	w.forget("etudiant", oldAddress)

	if c, open, err := w.NoticedChange(t.Context(), token); err != nil || !open || c.Old != oldAddress || c.New != newAddress {
		t.Errorf("the notice is about %+v, %v", c, err)
	}
	if w.person(p.ID).Email != newAddress {
		t.Error("reading the page of the notice changed something")
	}
	c, err := w.TakeBack(t.Context(), token, domain.French)
	if err != nil || c.Closed != domain.ClosedTakenBack {
		t.Fatalf("%+v, %v", c, err)
	}
	told := map[domain.Address]bool{}
	for range 2 {
		told[w.box.next(t, domain.MessageContactBack).To] = true
	}
	if !told[oldAddress] || !told[newAddress] {
		t.Errorf("told %v", told)
	}
	now = w.person(p.ID)
	if now.Email != oldAddress || now.ChoseAddress() || now.SourceEmail != "" {
		t.Errorf("after it was taken back: %+v", now)
	}
	if step := w.step(recovery); step != domain.StepEnded {
		t.Errorf("the recovery that the new address began is at %s", step)
	}
	if _, err := w.TakeBack(t.Context(), token, domain.French); err != nil || len(w.events(p.ID, domain.EventContactBack)) != 1 {
		t.Errorf("a second press: %v", err)
	}
}

// A password that was chosen by way of the new address, and still waits for Keycloak,
// is never set after the change was taken back (I1 to I7 hold: the newest act wins).
func TestContact_TakingBackStopsAPasswordThatWaits(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	token := w.changed(p, newAddress)
	id := w.forget("etudiant", newAddress)
	w.toPassword(id, p.Number)
	w.accounts.FailWith(errors.New("away"))
	if err := w.choose(id, renewed); err != nil {
		t.Fatal(err)
	}
	if _, err := w.TakeBack(t.Context(), token, domain.French); err != nil {
		t.Fatal(err)
	}
	w.accounts.FailWith(nil)
	w.pass(time.Hour)
	w.Runner.Wake()
	for {
		if m := w.box.any(t); m.Kind == domain.MessageBarred {
			break
		} else if m.Kind != domain.MessageContactBack {
			t.Fatalf("a mail %s", m.Kind)
		}
	}
	if n := w.accounts.Passwords(p.Login); n != 0 {
		t.Errorf("the password was set %d times", n)
	}
}

func TestContact_AnEarlierAddressTakesLaterChangesBackToo(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	first := w.changed(p, "thief@example.org")
	second := w.changed(w.person(p.ID), "thief2@example.org")
	open := w.change(p, "thief3@example.org")
	code := w.box.next(t, domain.MessageContactCode).Code
	if _, err := w.TakeBack(t.Context(), first, domain.French); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.box.next(t, domain.MessageContactBack)
	}
	if got := w.person(p.ID).Email; got != oldAddress {
		t.Errorf("the address is %s", got)
	}
	if step := w.step(open); step != domain.StepEnded {
		t.Errorf("a change under way is at %s", step)
	}
	refused(t, w.Prove(t.Context(), open, code, "c"), domain.ReasonStep)
	if c, err := w.TakeBack(t.Context(), second, domain.French); err != nil || c.Closed != domain.ClosedTakenBack || w.person(p.ID).Email != oldAddress {
		t.Errorf("the second notice changed the address to %s, %v", w.person(p.ID).Email, err)
	}
}

func TestContact_TheOldAddressHasSevenDays(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	token := w.changed(p, newAddress)
	w.pass(domain.TakeBackTime)
	if _, open, err := w.NoticedChange(t.Context(), token); err != nil || open {
		t.Errorf("open after seven days: %v, %v", open, err)
	}
	if c, err := w.TakeBack(t.Context(), token, domain.French); err != nil || !c.ClosedAt.IsZero() || w.person(p.ID).Email != newAddress {
		t.Errorf("taken back too late: %+v, %v", c, err)
	}
	for _, bad := range []string{"", "abc", token + "A", token[1:]} {
		if _, _, err := w.NoticedChange(t.Context(), bad); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestContact_WhatIsRefused(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	for address, want := range map[string]domain.Reason{
		"":                                   domain.ReasonAddressEmpty,
		"jp at example":                      domain.ReasonAddressSyntax,
		"a@example.fr, b@example.fr":         domain.ReasonAddressSeveral,
		"JP.Martin@example.net":              domain.ReasonAddressSame,
		"Jean-Pierre.MARTIN@Etu.Example.Org": domain.ReasonAddressInside,
		"someone.else@etu.example.org":       domain.ReasonAddressInside,
	} {
		_, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: address})
		refused(t, err, want)
	}
	_, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: "x", AccountID: "y", Address: newAddress})
	if !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("an account that the portal does not know: %v", err)
	}
}

// The code changes nothing if, since the request, the person was put on hold or an
// operator changed the address.
func TestContact_AHeldPersonChangesNothing(t *testing.T) {
	for name, edit := range map[string]func(*domain.Person){
		"held":           func(p *domain.Person) { p.Hold = "fraud" },
		"address edited": func(p *domain.Person) { p.Choose("desk@example.net") },
	} {
		w := newWorld(t, jeanPierre())
		p := w.active(jeanPierre())
		id := w.change(p, newAddress)
		code := w.box.next(t, domain.MessageContactCode).Code
		after := p
		edit(&after)
		if err := w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: after, Ends: w.clock()}}}); err != nil {
			t.Fatal(err)
		}
		refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)
		if got := w.person(p.ID); got.Email == newAddress || w.step(id) != domain.StepEnded {
			t.Errorf("%s: the address is %s, the journey at %s", name, got.Email, w.step(id))
		}
	}
}

// An operator's correction makes earlier changes final: the old mailbox may be a
// stranger's.
func TestContact_AnOperatorMakesChangesFinal(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	token := w.changed(p, newAddress)
	before := w.person(p.ID)
	after := before
	after.Choose("desk@example.net")
	if err := w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: before, After: after, Ends: w.clock()}}}); err != nil {
		t.Fatal(err)
	}
	c, err := w.TakeBack(t.Context(), token, domain.French)
	if err != nil || c.Closed != domain.ClosedOperator || w.person(p.ID).Email != "desk@example.net" {
		t.Errorf("%+v, %v, the address is %s", c, err, w.person(p.ID).Email)
	}
}

// Strangers who ask for an address, and who type wrong codes for it, do not hold its
// owner back: each person's tries are the person's own.
func TestContact_AStrangerSpendsNothingOfTheOwner(t *testing.T) {
	paul := domain.Person{ID: "p-1", Profile: "etudiant", Number: "1", GivenName: "Paul", FamilyName: "Petit", BirthDate: "2006-01-01", Email: "paul@example.net", Readiness: domain.Ready}
	w := newWorld(t, jeanPierre(), paul)
	w.Rates.Strikes.Burst = 5
	thief, owner := w.active(paul), w.active(jeanPierre())
	for range w.Rates.Address.Burst {
		j, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: thief.Login, AccountID: thief.AccountID, Address: newAddress})
		if err != nil {
			refused(t, err, domain.ReasonChangesSpent)
			continue
		}
		code := w.box.next(t, domain.MessageContactCode).Code
		for range domain.MaxTries {
			_ = w.Prove(t.Context(), j.ID, other(code), "c") // refused
		}
	}
	w.changed(owner, newAddress)
	if got := w.person(owner.ID).Email; got != newAddress {
		t.Errorf("the owner's address is %s", got)
	}
	if got := w.person(thief.ID).Email; got != "paul@example.net" {
		t.Errorf("the other one's address is %s", got)
	}
}

func TestContact_AnImportKeepsTheChosenAddress(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	w.changed(p, newAddress)
	source := func(email domain.Address) (domain.ImportCounts, []domain.FieldChange) {
		t.Helper()
		var told []domain.FieldChange
		line := jeanPierre()
		line.Email = email
		o := &domain.ImportOrder{Import: domain.Import{Source: "etudiant"}, Show: 10, Told: func(d domain.Difference) error {
			told = append(told, d.Changes...)
			return nil
		}}
		counts, err := w.store.Import(t.Context(), o, func(in domain.Intake) error { return in.Put(1, line) })
		if err != nil {
			t.Fatal(err)
		}
		return counts, told
	}
	if counts, told := source(oldAddress); counts.Changed != 0 || len(told) != 0 || w.person(p.ID).Email != newAddress {
		t.Errorf("the same address again: %+v, %v", counts, told)
	}
	counts, told := source("registry@example.net")
	now := w.person(p.ID)
	if counts.Changed != 1 || len(told) != 1 || told[0] != (domain.FieldChange{Field: "source_email", Old: oldAddress, New: "registry@example.net"}) || now.Email != newAddress || now.SourceEmail != "registry@example.net" {
		t.Errorf("another address: %+v, %v, %+v", counts, told, now)
	}
	if people, err := w.store.PeopleAt(t.Context(), newAddress); err != nil || len(people) != 1 {
		t.Errorf("%d people at the address, %v", len(people), err)
	}
	source(newAddress)
	if now := w.person(p.ID); now.ChoseAddress() || now.SourceEmail != "" || now.Email != newAddress {
		t.Errorf("the source caught up: %+v", now)
	}
	source("later@example.net")
	if now := w.person(p.ID); now.Email != "later@example.net" {
		t.Errorf("the source's address is not taken: %+v", now)
	}
}
