package helpdesk_test

import (
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// An operator removes a telephone with a reason: no SMS goes there, a journey that may
// have proven it ends, every address is told, and an import brings no number back.
func TestPhone_AnOperatorRemovesIt(t *testing.T) {
	w := newWorld(t)
	p := w.active()
	w.must(w.store.Apply(t.Context(), domain.Effects{Phone: &domain.PhoneChange{Person: p.ID, New: "+33639980042"}}))
	refused(t, w.RemovePhone(t.Context(), w.by("Ada"), w.seen(), " "), helpdesk.ReasonMissing)
	before := w.seen()
	journey := w.recover()
	w.must(w.RemovePhone(t.Context(), w.by("Ada"), w.seen(), "the number of a stranger"))
	if now := w.person(); now.Mobile() != "" || now.ChosenPhone != domain.PhoneNone || len(now.Contacts()) != 1 {
		t.Errorf("afterwards: %q, contacts %v", now.ChosenPhone, now.Contacts())
	}
	if e := w.last(helpdesk.ActPhone); e.By.Name != "Ada" || e.What["reason"] != "the number of a stranger" {
		t.Errorf("the audit has %+v", e)
	}
	told := map[domain.Address]bool{}
	for range 2 {
		m := w.mail(domain.MessagePhoneChanged)
		told[m.To] = m.ByDesk && m.Channel != domain.ChannelSMS
	}
	if !told[p.Email] || !told[domain.Address(p.UniversityAddress)] {
		t.Errorf("told: %v", told)
	}
	if step := w.step(journey); step != domain.StepEnded {
		t.Errorf("a recovery that may have proven the number goes on at %s", step)
	}
	refused(t, w.RemovePhone(t.Context(), w.by("Bob"), before, "late"), helpdesk.Changed)
	refused(t, w.RemovePhone(t.Context(), w.by("Bob"), w.seen(), "again"), helpdesk.NotNow)
	again := w.person()
	again.Phone = "+33639980043"
	w.enrol(again)
	if now := w.person(); now.Mobile() != "" {
		t.Errorf("an import brought %s back", now.Mobile())
	}
}

// An operator's correction leaves one address: a stranger at the page of the account may
// have added the second one. Both old addresses are told.
func TestCorrect_RemovesTheSecondAddress(t *testing.T) {
	w := newWorld(t)
	p := w.active()
	w.must(w.store.Apply(t.Context(), domain.Effects{Second: &domain.SecondChange{Person: p.ID, First: p.Email, New: "second@example.org"}}))
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "right@example.org", "card seen"))
	told := map[domain.Address]bool{}
	for range 2 {
		told[w.mail(domain.MessageAddressChanged).To] = true
	}
	if now := w.person(); now.Email != "right@example.org" || now.SecondEmail != "" || !told[p.Email] || !told["second@example.org"] {
		t.Errorf("the addresses are %s and %q, told: %v", now.Email, now.SecondEmail, told)
	}
}
