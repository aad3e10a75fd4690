package helpdesk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/helpdesk"
)

const claimed = "jp@example.fr"

// claim returns the form of Jean-Pierre, as he types it.
func claim(change func(*activation.ClaimRequest)) activation.ClaimRequest {
	r := activation.ClaimRequest{
		Profile: "etudiant", Number: "22502142", GivenName: "jean pierre", FamilyName: "MARTIN", BirthDate: "2007-03-17", Address: claimed,
		Lang: domain.English, Client: "192.0.2.7/32",
	}
	if change != nil {
		change(&r)
	}
	return r
}

// file files a claim whose new mailbox is proven.
func (w *world) file(change func(*activation.ClaimRequest)) {
	w.t.Helper()
	j, err := w.AskClaim(w.t.Context(), claim(change))
	w.must(err)
	m := w.mail(domain.MessageContactCode)
	if m.To != j.Address || m.GivenName != "" || m.Login != "" || m.Long != "" {
		w.t.Errorf("the mail to an unproven address is %+v", m)
	}
	w.must(w.Prove(w.t.Context(), j.ID, m.Code, "c"))
	if step := w.step(j.ID); step != domain.StepDone {
		w.t.Errorf("a proven claim is at %s", step)
	}
	w.filed(j)
}

// filed reads the mail that confirms a claim.
func (w *world) filed(j domain.Journey) domain.Message {
	w.t.Helper()
	m := w.mail(domain.MessageClaimFiled)
	if m.To != j.Address || m.GivenName != "" || m.Login != "" || m.Reference != j.Reference {
		w.t.Errorf("the mail that confirms a claim is %+v", m)
	}
	return m
}

// accept accepts a claim as an operator.
func (w *world) accept(by, id string) error {
	return w.AcceptClaim(w.t.Context(), w.by(by), helpdesk.ClaimDecision{ID: id, Reason: "fine"})
}

// keys returns the keys of what speaks for or against a claim.
func keys(points []helpdesk.Point) (out []string) {
	for _, p := range points {
		out = append(out, p.Key)
	}
	return out
}

// queue returns the claims of a state.
func (w *world) queue(state domain.ClaimState) []helpdesk.ClaimCase {
	w.t.Helper()
	cases, more, err := w.ClaimQueue(w.t.Context(), helpdesk.ClaimQuery{States: []domain.ClaimState{state}, Limit: 50})
	w.must(err)
	if more {
		w.t.Error("a second page")
	}
	return cases
}

func TestClaim_WaitsUntilAnOperatorDecides(t *testing.T) {
	w := newWorld(t)
	j, err := w.AskClaim(t.Context(), claim(nil))
	w.must(err)
	if n := len(w.queue(domain.ClaimWaiting)); n != 0 {
		t.Fatalf("%d claims whose mailbox nobody proved", n)
	}
	w.must(w.Prove(t.Context(), j.ID, w.mail(domain.MessageContactCode).Code, "c"))
	w.filed(j)
	cases := w.queue(domain.ClaimWaiting)
	if len(cases) != 1 || cases[0].Registry.ID != jean || !slices.Equal(keys(cases[0].For), []string{"number", "birth", "name"}) || len(cases[0].Against) != 0 || !cases[0].Decidable() {
		t.Fatalf("the queue is %+v", cases)
	}
	if w.person().Email != "jp.martin@example.net" {
		t.Fatal("a claim changes the address")
	}
	id := cases[0].ID
	for _, why := range []string{"", strings.Repeat("x", 301)} {
		if err := w.AcceptClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: id, Reason: why}); err == nil {
			t.Errorf("accepted with the reason %q", why)
		}
	}
	w.must(w.AcceptClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: id, Reason: "called back"}))
	var refused *helpdesk.Refusal
	if err := w.RefuseClaim(t.Context(), w.by("Bob"), helpdesk.ClaimDecision{ID: id, Reason: "late"}); !errors.As(err, &refused) || refused.Reason != helpdesk.Changed {
		t.Errorf("a second decision: %v", err)
	}
	notice := w.mail(domain.MessageClaimNotice)
	if notice.To != "jp.martin@example.net" || w.person().Email != "jp.martin@example.net" {
		t.Fatalf("the notice goes to %s, the address is %s", notice.To, w.person().Email)
	}
	w.pass(domain.ObjectionTime)
	w.Runner.Wake()
	if m := w.mail(domain.MessageClaimOpen); m.To != claimed || m.Recovers {
		t.Errorf("the mail is %+v", m)
	}
	if p := w.person(); p.Email != claimed || !p.ChoseAddress() || p.SourceEmail != "jp.martin@example.net" {
		t.Errorf("the person is %+v", p)
	}
	if c := w.queue(domain.ClaimDone); len(c) != 1 || c[0].Operator != "Ada" || c[0].Reason != "called back" || c[0].OperatorID != "s-Ada" {
		t.Errorf("done: %+v", c)
	}
	if c, err := w.Object(t.Context(), strings.TrimPrefix(notice.TakeBack, activation.ObjectPath)); err != nil || c.State != domain.ClaimDone || w.person().Email != claimed {
		t.Errorf("an objection that is too late: %+v, %v", c, err)
	}
	// The wrong address does not come back with the next import.
	p := w.person()
	p.Email, p.ChosenEmail, p.SourceEmail = "jp.martin@example.net", "", ""
	w.enrol(p)
	if got := w.person().Email; got != claimed {
		t.Errorf("after an import the address is %s", got)
	}
}

func TestClaim_TheOldAddressObjects(t *testing.T) {
	w := newWorld(t)
	w.file(nil)
	w.must(w.accept("Ada", w.queue(domain.ClaimWaiting)[0].ID))
	token := strings.TrimPrefix(w.mail(domain.MessageClaimNotice).TakeBack, activation.ObjectPath)
	if _, open, err := w.NoticedClaim(t.Context(), token); err != nil || !open {
		t.Fatalf("open: %v, %v", open, err)
	}
	for range 2 {
		if c, err := w.Object(t.Context(), token); err != nil || c.State != domain.ClaimObjected {
			t.Fatalf("%+v, %v", c, err)
		}
	}
	w.pass(domain.ObjectionTime + time.Hour)
	w.Runner.Wake()
	w.file(func(r *activation.ClaimRequest) { r.Address = "other@example.fr" }) // its mail comes after the job ran
	if got := w.person().Email; got != "jp.martin@example.net" {
		t.Errorf("the address is %s", got)
	}
	if c := w.queue(domain.ClaimWaiting); len(c) != 1 || c[0].Earlier != 1 || !slices.Contains(keys(c[0].Against), "earlier") || !slices.Contains(keys(c[0].Against), "earlier_refused") {
		t.Errorf("the next claim is %+v", c)
	}
	for _, bad := range []string{"", "abc", token[1:]} {
		if _, _, err := w.NoticedClaim(t.Context(), bad); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// S14: known and unknown numbers, right and wrong answers get the same journey and the
// same mail. The queue shows the difference to operators only.
func TestS14_EveryClaimIsAnsweredAlike(t *testing.T) {
	w := newWorld(t)
	for _, change := range []func(*activation.ClaimRequest){
		nil,
		func(r *activation.ClaimRequest) { r.Number = "99999999" },
		func(r *activation.ClaimRequest) {
			r.GivenName, r.FamilyName, r.BirthDate = "Anne", "Durand", "1999-01-01"
		},
	} {
		w.file(change)
		w.pass(time.Second)
	}
	cases := w.queue(domain.ClaimWaiting)
	if len(cases) != 3 || cases[1].Decidable() || keys(cases[1].Against)[0] != "number" || !slices.Contains(keys(cases[2].Against), "birth") || !slices.Contains(keys(cases[2].Against), "name_other") {
		t.Fatalf("the queue is %+v", cases)
	}
	var refused *helpdesk.Refusal
	if err := w.accept("Ada", cases[1].ID); !errors.As(err, &refused) || refused.Reason != helpdesk.NotNow {
		t.Errorf("an unknown number was accepted: %v", err)
	}
	for _, c := range cases {
		w.must(w.RefuseClaim(t.Context(), w.by("Ada"), helpdesk.ClaimDecision{ID: c.ID, Reason: "not clear"}))
		if m := w.mail(domain.MessageClaimRefused); m.To != claimed || m.GivenName != "" {
			t.Errorf("the refusal is %+v", m)
		}
	}
	if len(w.queue(domain.ClaimRefused)) != 3 || w.person().Email != "jp.martin@example.net" {
		t.Error("the refusals are not kept, or changed the address")
	}
}

// A person whose second address works can be reached, and can object.
func TestClaim_AWorkingSecondAddressCanObject(t *testing.T) {
	w := newWorld(t)
	p := w.active()
	w.must(w.store.Apply(t.Context(), domain.Effects{Second: &domain.SecondChange{Person: p.ID, First: p.Email, New: "second@example.org"}}))
	w.must(w.store.Apply(t.Context(), domain.Effects{Wrong: []domain.WrongAddress{{Address: p.Email, Why: "5.1.1", Rule: "x", Provider: "y", At: w.clock()}}}))
	w.file(nil)
	c := w.queue(domain.ClaimWaiting)[0]
	if slices.Contains(keys(c.For), "unreachable") {
		t.Errorf("speaks for it: %v", c.For)
	}
	w.must(w.accept("Ada", c.ID))
	if m := w.mail(domain.MessageClaimNotice); m.To != "second@example.org" {
		t.Errorf("the notice goes to %s", m.To)
	}
}

// An address that receives nothing cannot object, so the new one is in use at once.
func TestClaim_AWrongAddressIsReplacedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.must(w.store.Apply(t.Context(), domain.Effects{Wrong: []domain.WrongAddress{{Address: "jp.martin@example.net", Why: "5.1.1", Rule: "x", Provider: "y", At: w.clock()}}}))
	w.file(nil)
	c := w.queue(domain.ClaimWaiting)[0]
	if !slices.Contains(keys(c.For), "unreachable") {
		t.Errorf("speaks for it: %v", c.For)
	}
	w.must(w.accept("Ada", c.ID))
	w.mail(domain.MessageClaimOpen)
	if p := w.person(); p.Email != claimed || p.AddressWrong() {
		t.Errorf("the person is %+v", p)
	}
}

func TestClaim_WhatIsRefused(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[domain.Reason]func(*activation.ClaimRequest){
		domain.ReasonProfileMissing:  func(r *activation.ClaimRequest) { r.Profile = "" },
		domain.ReasonClaimNumber:     func(r *activation.ClaimRequest) { r.Number = " " },
		domain.ReasonClaimGivenName:  func(r *activation.ClaimRequest) { r.GivenName = "" },
		domain.ReasonClaimFamilyName: func(r *activation.ClaimRequest) { r.FamilyName = "\x00" },
		domain.ReasonClaimBirth:      func(r *activation.ClaimRequest) { r.BirthDate = "" },
		domain.ReasonAddressSyntax:   func(r *activation.ClaimRequest) { r.Address = "jp" },
		domain.ReasonAddressEmpty:    func(r *activation.ClaimRequest) { r.Address = "" },
	} {
		_, err := w.AskClaim(t.Context(), claim(change))
		var r *domain.Refusal
		if !errors.As(err, &r) || r.Reason != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}
