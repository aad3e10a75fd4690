package activation_test

import (
	"errors"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/passkey/passkeytest"
)

// guest is a person whose profile offers a passkey first, or only a passkey.
func guest(profile string) domain.Person {
	p := jeanPierre()
	p.ID, p.Profile, p.Login, p.UniversityAddress = "g-1", profile, "", ""
	return p
}

// toOffer takes a journey to the choice between a passkey and a password.
func (w *world) toOffer(p domain.Person) domain.JourneyID {
	w.t.Helper()
	id := w.ask(p.Profile, string(p.Email))
	w.prove(id)
	w.acceptCharter(id)
	if step := w.step(id); step != domain.StepOffer {
		w.t.Fatalf("the journey is at %s", step)
	}
	return id
}

func (w *world) choosePasskey(id domain.JourneyID) error {
	return w.press(id, func(j *domain.Journey) error { return w.Service.ChoosePasskey(w.t.Context(), j) })
}

// register sends the answer of a device.
func (w *world) register(id domain.JourneyID, d passkeytest.Device) error {
	return w.press(id, func(j *domain.Journey) error {
		options, err := w.PasskeyOptions(w.t.Context(), *j)
		if err != nil {
			return err
		}
		answer, err := d.Register(options)
		if err != nil {
			return err
		}
		return w.AddPasskey(w.t.Context(), j, answer, "Téléphone")
	})
}

var device = passkeytest.Device{Origin: "https://mon-compte.univ.example"}

func TestAPasskeyInPlaceOfAPassword(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	if err := w.choosePasskey(id); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepPasskey {
		t.Fatalf("the journey is at %s", step)
	}
	p := w.person("g-1")
	if passkeys, password := w.accounts.Passkeys(p.AccountID); p.Account != domain.AccountActive || len(passkeys) != 0 || password {
		t.Fatalf("%s: %v, a password: %t", p.Account, passkeys, password)
	}
	if err := w.register(id, device); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepDone {
		t.Fatalf("the journey is at %s", step)
	}
	passkeys, password := w.accounts.Passkeys(p.AccountID)
	if len(passkeys) != 1 || passkeys[0].Label != "Téléphone" || password {
		t.Errorf("%v, a password: %t", passkeys, password)
	}
	if m := w.box.next(t, domain.MessageActivated); !m.Passkey || m.Login != p.Login || m.Charter.SHA256 == "" {
		t.Errorf("%+v", m)
	}
	if len(w.events("g-1", domain.EventPasskeyChosen)) != 1 || len(w.events("g-1", domain.EventPasskeyAdded)) != 1 || len(w.events("g-1", domain.EventPasswordChosen)) != 0 {
		t.Error("the story does not tell of the passkey")
	}
	w.pass(time.Hour)
	w.box.none(t) // the mail for an activation that was not finished
}

// A student whose device cannot register a passkey chooses a password for the account
// that exists.
func TestAPasswordAfterAll(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	if err := w.choosePasskey(id); err != nil {
		t.Fatal(err)
	}
	refused(t, w.register(id, passkeytest.Device{Origin: "https://evil.example"}), domain.ReasonPasskeyFailed)
	if step := w.step(id); step != domain.StepPasskey {
		t.Fatalf("the journey is at %s", step)
	}
	if err := w.choose(id, strong); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepDone {
		t.Fatalf("the journey is at %s", step)
	}
	p := w.person("g-1")
	if passkeys, password := w.accounts.Passkeys(p.AccountID); len(passkeys) != 0 || !password || w.accounts.Len() != 1 {
		t.Errorf("%v, a password: %t, %d accounts", passkeys, password, w.accounts.Len())
	}
	if m := w.box.next(t, domain.MessageActivated); m.Passkey {
		t.Errorf("%+v", m)
	}
	w.box.none(t) // no notice of a replaced password
}

func TestThePasswordFirstWhereItIsPreferred(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	if err := w.press(id, func(j *domain.Journey) error { return w.Pass(t.Context(), j, domain.StepOffer) }); err != nil {
		t.Fatal(err)
	}
	if err := w.Guided(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := w.choose(id, strong); err != nil || w.step(id) != domain.StepDone {
		t.Fatalf("%s, %v", w.step(id), err)
	}
	w.box.next(t, domain.MessageActivated)
}

func TestAProfileWithPasskeysOnlyTakesNoPassword(t *testing.T) {
	w := newWorld(t, guest("doctorant"))
	id := w.toOffer(guest("doctorant"))
	refused(t, w.choose(id, strong), domain.ReasonStep)
	if err := w.choosePasskey(id); err != nil {
		t.Fatal(err)
	}
	refused(t, w.choose(id, strong), domain.ReasonStep)
	if err := w.register(id, device); err != nil || w.step(id) != domain.StepDone {
		t.Fatalf("%s, %v", w.step(id), err)
	}
}

// An activation that ends without a credential is told by mail, and a recovery gives
// the account its password.
func TestAnAccountWithoutACredentialIsRecovered(t *testing.T) {
	w := newWorld(t, guest("invite"))
	if err := w.choosePasskey(w.toOffer(guest("invite"))); err != nil {
		t.Fatal(err)
	}
	w.box.none(t)
	w.pass(16 * time.Minute)
	m := w.box.next(t, domain.MessageUnfinished)
	if m.Login == "" || m.Charter.SHA256 == "" {
		t.Errorf("%+v", m)
	}
	again := w.forget("invite", string(guest("invite").Email))
	w.toPassword(again, guest("invite").Number)
	if err := w.choose(again, strong); err != nil || w.step(again) != domain.StepDone {
		t.Fatalf("%s, %v", w.step(again), err)
	}
	if _, password := w.accounts.Passkeys(w.person("g-1").AccountID); !password {
		t.Error("the account has no password")
	}
}

// While the store of accounts is away nothing is ordered: a passkey names the account.
func TestNoPasskeyWhileKeycloakIsAway(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	w.accounts.FailWith(errors.New("away"))
	refused(t, w.choosePasskey(id), domain.ReasonPasskeyAway)
	if w.step(id) != domain.StepOffer || w.person("g-1").Account != domain.NoAccount {
		t.Fatalf("%s, %s", w.step(id), w.person("g-1").Account)
	}
	w.accounts.FailWith(nil)
	if err := w.choosePasskey(id); err != nil || w.step(id) != domain.StepPasskey {
		t.Fatalf("%s, %v", w.step(id), err)
	}
	// Away when the passkey is sent: the job waits, and the journey with it.
	w.accounts.FailWith(errors.New("away"))
	if err := w.register(id, device); err != nil || w.step(id) != domain.StepWaiting {
		t.Fatalf("%s, %v", w.step(id), err)
	}
	w.accounts.FailWith(nil)
	w.pass(2 * time.Minute)
	w.box.next(t, domain.MessageActivated)
	if w.step(id) != domain.StepDone {
		t.Errorf("%s", w.step(id))
	}
}

// An answer is taken once, from the journey that it was made for.
func TestAPasskeyOfAnotherJourneyIsRefused(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	var options []byte
	if err := w.choosePasskey(id); err != nil {
		t.Fatal(err)
	}
	if err := w.press(id, func(j *domain.Journey) (err error) {
		options, err = w.PasskeyOptions(t.Context(), *j)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	answer, err := device.Register(options)
	if err != nil {
		t.Fatal(err)
	}
	add := func(id domain.JourneyID) error {
		return w.press(id, func(j *domain.Journey) error { return w.AddPasskey(t.Context(), j, answer, "Téléphone") })
	}
	if err := add(id); err != nil {
		t.Fatal(err)
	}
	refused(t, add(id), domain.ReasonStep)

	other := guest("invite")
	other.ID, other.Email, other.Number = "g-2", "other@example.net", "77"
	w.enrol(other)
	w.box.next(t, domain.MessageActivated)
	second := w.toOffer(other)
	if err := w.choosePasskey(second); err != nil {
		t.Fatal(err)
	}
	refused(t, add(second), domain.ReasonPasskeyFailed)
}

// A person who was held while the device asked for a finger gets no passkey.
func TestAPasskeyOfAPersonWhoWasHeld(t *testing.T) {
	w := newWorld(t, guest("invite"))
	id := w.toOffer(guest("invite"))
	if err := w.choosePasskey(id); err != nil {
		t.Fatal(err)
	}
	p := w.person("g-1")
	w.accounts.Stand(p.Login, domain.Standing{Bar: domain.BarDisabled})
	if err := w.register(id, device); err != nil || w.step(id) != domain.StepParked {
		t.Fatalf("%s, %v", w.step(id), err)
	}
	if passkeys, _ := w.accounts.Passkeys(p.AccountID); len(passkeys) != 0 {
		t.Errorf("%v", passkeys)
	}
}
