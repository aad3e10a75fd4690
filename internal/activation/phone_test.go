package activation_test

import (
	"errors"
	"strings"
	"testing"

	"entree/internal/activation"
	"entree/internal/domain"
)

// telephone begins a change of the telephone of a person with an account.
func (w *world) telephone(p domain.Person, number string) (domain.JourneyID, error) {
	j, err := w.ChangePhone(w.t.Context(), activation.ChangeOfPhone{Login: p.Login, AccountID: p.AccountID, Number: number, Lang: domain.French})
	return j.ID, err
}

func TestContact_ARightCodePutsTheNewTelephoneInUse(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	p := w.active(w.person(jeanPierre().ID))
	id, err := w.telephone(p, "07 12 34 56 78")
	if err != nil {
		t.Fatal(err)
	}
	m := w.box.next(t, domain.MessageContactCode)
	if m.Channel != domain.ChannelSMS || m.To != phone2 || m.Login != "" || m.Long != "" {
		t.Errorf("the code is %+v", m)
	}
	if w.person(p.ID).Mobile() != phone {
		t.Fatal("a telephone that nobody proved is in use")
	}
	refused(t, w.Prove(t.Context(), id, other(m.Code), "c"), domain.ReasonCodeWrong)
	if err := w.Prove(t.Context(), id, m.Code, "c"); err != nil {
		t.Fatal(err)
	}
	if now := w.person(p.ID); now.Mobile() != phone2 || now.Phone != phone || now.Email != p.Email || w.step(id) != domain.StepDone {
		t.Errorf("afterwards: %+v at %s", now, w.step(id))
	}
	told := map[domain.Address]string{}
	for range 2 {
		n := w.box.next(t, domain.MessagePhoneChanged)
		told[n.To] = n.Freeze
	}
	if told[p.Email] == "" || told[phone] == "" {
		t.Errorf("told: %v", told)
	}
	if err := w.MayFreeze(strings.TrimPrefix(told[p.Email], activation.FreezePath)); err != nil {
		t.Errorf("the notice cannot stop recoveries: %v", err)
	}

	// An import does not put another number in use.
	w.enrol(withPhone(p, "+33698765432"))
	if now := w.person(p.ID); now.Mobile() != phone2 {
		t.Errorf("after an import: %s", now.Mobile())
	}
	// A code of a recovery goes to the new telephone.
	back := w.forget("etudiant", "jp.martin@example.net")
	w.box.next(t, domain.MessageRecover)
	if err := w.bySMS(back, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	if m := w.box.next(t, domain.MessageRecover); m.To != phone2 {
		t.Errorf("the code of a recovery went to %s", m.To)
	}
}

func TestContact_ATelephoneCanBeRemoved(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	p := w.active(w.person(jeanPierre().ID))
	for range 2 {
		if err := w.RemovePhone(t.Context(), p.Login, p.AccountID, domain.French); err != nil {
			t.Fatal(err)
		}
	}
	if w.person(p.ID).Mobile() != "" {
		t.Error("the number of the enrolment is still in use")
	}
	for range 2 {
		w.box.next(t, domain.MessagePhoneChanged)
	}
	w.box.none(t)
	if _, err := w.telephone(p, phone); err != nil { // it can be proven again
		t.Error(err)
	}
}

func TestContact_ANumberThatCannotBeTakenIsRefusedWithItsReason(t *testing.T) {
	w := withSMS(t, withPhone(jeanPierre(), phone))
	p := w.active(w.person(jeanPierre().ID))
	for number, want := range map[string]domain.Reason{
		"": domain.ReasonPhoneSyntax, "0612": domain.ReasonPhoneSyntax, "jp@example.fr": domain.ReasonPhoneSyntax, "0612345678,0712345678": domain.ReasonPhoneSyntax,
		"02 38 41 71 71": domain.ReasonPhoneNoMobile, "0899 12 34 56": domain.ReasonPhoneNoMobile, "+49 151 12345678": domain.ReasonPhonePrefix, "+88 16 12 34 56 78": domain.ReasonPhonePrefix,
		"06 12 34 56 42": domain.ReasonPhoneSame,
	} {
		_, err := w.telephone(p, number)
		refused(t, err, want)
	}
	w.box.none(t)
	// Refusals cost nothing, and codes are limited.
	for range w.Rates.SMSAddress.Burst {
		if _, err := w.telephone(p, "0712345678"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.telephone(p, "0712345679")
	refused(t, err, domain.ReasonChangesSpent)
}

func TestContact_ATelephoneNeedsALiveAccountAndTheChannel(t *testing.T) {
	w := withSMS(t, jeanPierre())
	p := w.active(jeanPierre())
	w.Profiles[0].SMS = false
	if _, err := w.telephone(p, "0712345678"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("without the channel: %v", err)
	}
	w.Profiles[0].SMS = true
	if _, err := w.telephone(domain.Person{Login: p.Login, AccountID: "another"}, "0712345678"); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("with another account: %v", err)
	}
}
