package activation_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/keycloak/fake"
)

const renewed = "LesPhoquesChantent9Sonates"

// active activates the account of a person and empties the mailbox.
func (w *world) active(p domain.Person) domain.Person {
	w.t.Helper()
	id := w.ask(p.Profile, string(p.Email))
	w.prove(id)
	if w.step(id) == domain.StepVerify {
		if err := w.Verify(w.t.Context(), id, activation.Answers{BirthDate: p.BirthDate, Number: p.Number}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.accept(id)
	if err := w.choose(id, strong); err != nil {
		w.t.Fatal(err)
	}
	w.box.next(w.t, domain.MessageActivated)
	return w.person(p.ID)
}

// forget begins a recovery for an address.
func (w *world) forget(profile, address string) domain.JourneyID {
	w.t.Helper()
	j, err := w.Request(w.t.Context(), activation.Request{Purpose: domain.PurposeRecover, Profile: profile, Address: address, Lang: domain.French, Client: "192.0.2.0"})
	if err != nil {
		w.t.Fatalf("ask for a recovery: %v", err)
	}
	return j.ID
}

// toPassword takes a recovery to the choice of the password.
func (w *world) toPassword(id domain.JourneyID, number string) {
	w.t.Helper()
	m := w.box.next(w.t, domain.MessageRecover)
	if err := w.Prove(w.t.Context(), id, m.Code, "192.0.2.0"); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Verify(w.t.Context(), id, activation.Answers{Number: number}); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Guided(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) events(id domain.PersonID, kind domain.EventKind) (found []domain.Event) {
	w.t.Helper()
	all, err := w.store.Events(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(v domain.Event) bool { return v.Kind != kind })
}

func TestAForgottenPasswordIsReplaced(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	before, _ := w.accounts.Get(p.Login)
	id := w.forget("etudiant", "jp.martin@example.net")
	if j, step, err := w.Journey(t.Context(), id); err != nil || step != domain.StepCode || j.Purpose != domain.PurposeRecover {
		t.Fatalf("%s, %v", step, err)
	}
	m := w.box.next(t, domain.MessageRecover)
	if m.Login != p.Login || m.To != p.Email || len(m.Code) != 6 {
		t.Errorf("the mail is %+v", m)
	}
	if err := w.Prove(t.Context(), id, m.Code, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepVerify {
		t.Fatalf("at %s: the mailbox is not enough", step)
	}
	refused(t, w.Verify(t.Context(), id, activation.Answers{Number: "11111111"}), domain.ReasonProofWrong)
	if err := w.Verify(t.Context(), id, activation.Answers{Number: p.Number}); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepGuide {
		t.Fatalf("at %s: no charter is asked for", step)
	}
	if err := w.Guided(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	refused(t, w.choose(id, "Martin"), domain.ReasonPasswordRules)
	if err := w.choose(id, renewed); err != nil {
		t.Fatal(err)
	}
	if step := w.step(id); step != domain.StepDone {
		t.Fatalf("at %s", step)
	}
	if after, _ := w.accounts.Get(p.Login); after.Credential == before.Credential || w.accounts.Passwords(p.Login) != 1 || after.ActivationID != before.ActivationID {
		t.Error("the password was not replaced once, or something else was")
	}
	var told []domain.Address
	for range 2 {
		n := w.box.next(t, domain.MessageReplaced)
		if told = append(told, n.To); !strings.HasPrefix(n.Freeze, activation.FreezePath) {
			t.Errorf("the notice leads to %q", n.Freeze)
		}
	}
	if !slices.Contains(told, p.Email) || !slices.Contains(told, domain.Address(p.UniversityAddress)) {
		t.Errorf("told: %v", told)
	}
	now := w.person(p.ID)
	if now.Account != domain.AccountActive || now.Login != p.Login || now.AccountID != p.AccountID {
		t.Errorf("the person is %+v", now)
	}
	if n := len(w.events(p.ID, domain.EventPasswordReplaced)); n != 1 {
		t.Errorf("%d events", n)
	}
	if raw := w.raw(); strings.Contains(string(raw), renewed) || strings.Contains(string(raw), strings.Repeat("x", len(renewed))) {
		t.Error("I4: the password or its hash is in the database")
	}
}

// TestARecoveryAnswersEveryAddressAlike checks that only the mail tells the state of
// an address.
func TestARecoveryAnswersEveryAddressAlike(t *testing.T) {
	ready, waits, held := jeanPierre(), jeanPierre(), jeanPierre()
	ready.ID, ready.Number, ready.Email = "p-1", "1", "ready@example.net"
	waits.ID, waits.Number, waits.Email, waits.Readiness = "p-2", "2", "waits@example.net", domain.NotReady
	held.ID, held.Number, held.Email = "p-3", "3", "held@example.net"
	w := newWorld(t, jeanPierre(), ready, waits, held)
	w.active(jeanPierre())
	stopped := w.active(held)
	after := stopped
	after.Hold = "left"
	if err := w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: stopped, After: after}}}); err != nil {
		t.Fatal(err)
	}
	for address, kind := range map[string]domain.MessageKind{
		"jp.martin@example.net": domain.MessageRecover, "ready@example.net": domain.MessageNoAccount, "waits@example.net": domain.MessageNotReady,
		"held@example.net": domain.MessageBarred, "unknown@example.net": "",
	} {
		id := w.forget("etudiant", address)
		j, step, err := w.Journey(t.Context(), id)
		if err != nil || step != domain.StepCode || j.Code.Sent != 1 {
			t.Errorf("%s: %s, %v", address, step, err)
		}
		if kind == "" {
			continue
		}
		m := w.box.next(t, kind)
		if m.To != domain.Address(address) || m.HasCode() != (kind == domain.MessageRecover) || m.HasCode() != (m.Code != "") {
			t.Errorf("%s: %+v", address, m)
		}
		if kind != domain.MessageRecover {
			refused(t, w.Prove(t.Context(), id, "000000", "192.0.2.0"), domain.ReasonCodeWrong)
		}
	}
	w.box.none(t)
}

// none fails if a mail arrives that no test has read.
func (b *box) none(t *testing.T) {
	t.Helper()
	select {
	case m := <-b.mails:
		t.Errorf("a mail %q to %s", m.Kind, m.To)
	default:
	}
}

// TestAnAccountThatMustNotBeTouchedIsLeftToTheDesk covers what the store of accounts
// says before and after the code was sent.
func TestAnAccountThatMustNotBeTouchedIsLeftToTheDesk(t *testing.T) {
	for _, bar := range []domain.Bar{domain.BarDisabled, domain.BarPrivileged, domain.BarFederated, domain.BarForeign, domain.BarGone} {
		w := newWorld(t, jeanPierre())
		p := w.active(jeanPierre())
		w.accounts.Stand(p.Login, domain.Standing{Bar: bar})
		w.forget("etudiant", "jp.martin@example.net")
		if m := w.box.next(t, domain.MessageBarred); m.Code != "" || m.Long != "" {
			t.Errorf("%s: the mail holds a code", bar)
		}
		w.accounts.Stand(p.Login, domain.Standing{}) // so far; then an administrator acts while the student types
		id := w.forget("etudiant", "jp.martin@example.net")
		w.toPassword(id, p.Number)
		w.accounts.Stand(p.Login, domain.Standing{Bar: bar})
		if err := w.choose(id, renewed); err != nil {
			t.Fatal(err)
		}
		j, step, err := w.Journey(t.Context(), id)
		if err != nil || step != domain.StepParked || j.Barred != bar || w.accounts.Passwords(p.Login) != 0 {
			t.Errorf("%s: at %s for %s, %d passwords, %v", bar, step, j.Barred, w.accounts.Passwords(p.Login), err)
		}
		w.box.next(t, domain.MessageBarred)
		if w.person(p.ID).Account != domain.AccountActive {
			t.Errorf("%s: the account is %q", bar, w.person(p.ID).Account)
		}
		w.end()
	}
}

// TestAMailboxAloneDoesNotPassASecondFactor checks an account with a second factor in
// a profile whose recovery asks for the mailbox alone.
func TestAMailboxAloneDoesNotPassASecondFactor(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	w.Profiles[0].RecoveryProof = domain.ProofNone
	w.accounts.Stand(p.Login, domain.Standing{HasFactor: true})
	id := w.forget("etudiant", "jp.martin@example.net")
	if err := w.Prove(t.Context(), id, w.box.next(t, domain.MessageRecover).Code, "192.0.2.0"); err != nil {
		t.Fatal(err)
	}
	if err := w.Guided(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if j, step, _ := w.Journey(t.Context(), id); step != domain.StepParked || j.Barred != domain.BarFactor {
		t.Errorf("at %s for %q", step, j.Barred)
	}
	desk, err := w.enter(w.give(p.ID).Reveal())
	if err != nil || desk.Purpose != domain.PurposeRecover {
		t.Fatalf("%+v, %v", desk, err)
	}
	if err := w.Guided(t.Context(), desk.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.choose(desk.ID, renewed); err != nil || w.step(desk.ID) != domain.StepDone {
		t.Errorf("after the identity card: %v, at %s", err, w.step(desk.ID))
	}
}

// chooseWhileAway chooses a new password for jeanPierre's account while the accounts do
// not answer.
func (w *world) chooseWhileAway() (domain.Person, domain.JourneyID) {
	w.t.Helper()
	w.Wait = 50 * time.Millisecond
	p := w.active(jeanPierre())
	id := w.forget("etudiant", "jp.martin@example.net")
	w.toPassword(id, p.Number)
	w.accounts.FailWith(errors.New("no answer"))
	if err := w.choose(id, renewed); err != nil {
		w.t.Fatal(err)
	}
	return p, id
}

// TestAPasswordChosenWhileTheAccountsAreAwayIsSetLater checks the sealed job: "on its
// way", then a mail.
func TestAPasswordChosenWhileTheAccountsAreAwayIsSetLater(t *testing.T) {
	w := newWorld(t, jeanPierre())
	_, id := w.chooseWhileAway()
	if step := w.step(id); step != domain.StepWaiting {
		t.Fatalf("at %s", step)
	}
	w.box.none(t)
	w.accounts.FailWith(nil)
	w.until(func() bool { w.pass(time.Minute); w.Runner.Wake(); return w.step(id) == domain.StepDone })
	w.box.next(t, domain.MessageReplaced)
}

// until waits for a condition that a worker fulfils.
func (w *world) until(fulfilled func() bool) {
	w.t.Helper()
	for range 2000 {
		if fulfilled() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("it did not come")
}

// held are accounts whose SetPassword waits until the test opens the gate of the call.
type held struct {
	*fake.Accounts
	mu    sync.Mutex
	gates []chan struct{} // one per call, in order; nil: the call does not wait
	calls int
	order []string // secrets, as they were set
}

func (h *held) SetPassword(ctx context.Context, a domain.AccountRef, c domain.Credential, proof bool) error {
	h.mu.Lock()
	var gate chan struct{}
	if h.calls < len(h.gates) {
		gate = h.gates[h.calls]
	}
	h.calls++
	h.mu.Unlock()
	if gate != nil {
		<-gate
	}
	err := h.Accounts.SetPassword(ctx, a, c, proof)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.order = append(h.order, c.Secret)
	}
	return err
}

func (h *held) begun() int { h.mu.Lock(); defer h.mu.Unlock(); return h.calls }

// TestAnOlderPasswordNeverOverwritesANewerOne holds the first password on its way to
// the accounts while a second one is chosen.
func TestAnOlderPasswordNeverOverwritesANewerOne(t *testing.T) {
	older, newer := renewed, renewed+"Encore"
	choices := func(w *world, p domain.Person) (first, second domain.JourneyID) {
		first = w.forget("etudiant", "jp.martin@example.net")
		w.toPassword(first, p.Number)
		second = w.forget("etudiant", "jp.martin@example.net")
		w.toPassword(second, p.Number)
		return first, second
	}
	t.Run("the older one is on its way", func(t *testing.T) {
		w := newWorld(t, jeanPierre())
		w.Wait = 50 * time.Millisecond
		p := w.active(jeanPierre())
		gate := make(chan struct{})
		h := &held{Accounts: w.accounts, gates: []chan struct{}{gate}}
		w.Service.Accounts = h
		first, second := choices(w, p)
		if err := w.choose(first, older); err != nil {
			t.Fatal(err)
		}
		if err := w.choose(second, newer); err != nil {
			t.Fatal(err)
		}
		if n := h.begun(); n != 1 || w.step(second) != domain.StepWaiting {
			t.Errorf("%d calls: the newer one did not wait", n)
		}
		close(gate)
		w.until(func() bool { w.pass(3 * time.Second); return w.step(second) == domain.StepDone })
		if !slices.Equal(h.order, []string{strings.Repeat("x", len(older)), strings.Repeat("x", len(newer))}) {
			t.Errorf("set in the order %v", h.order)
		}
	})
	t.Run("the older one waits for the accounts", func(t *testing.T) {
		w := newWorld(t, jeanPierre())
		w.Wait = 50 * time.Millisecond
		p := w.active(jeanPierre())
		h := &held{Accounts: w.accounts}
		w.Service.Accounts = h
		first, second := choices(w, p)
		w.accounts.FailWith(errors.New("no answer"))
		if err := w.choose(first, older); err != nil {
			t.Fatal(err)
		}
		w.accounts.FailWith(nil)
		if err := w.choose(second, newer); err != nil {
			t.Fatal(err)
		}
		w.until(func() bool {
			w.pass(time.Minute)
			j, _, err := w.Journey(t.Context(), first)
			return err == nil && j.Overtaken || errors.Is(err, activation.ErrExpired)
		})
		w.until(func() bool { w.pass(time.Second); return len(w.events(p.ID, domain.EventRecoveryOvertaken)) == 1 })
		if last := strings.Repeat("x", len(newer)); len(h.order) == 0 || h.order[len(h.order)-1] != last || slices.Contains(h.order, strings.Repeat("x", len(older))) {
			t.Errorf("set in the order %v", h.order)
		}
	})
}

// TestAPasswordOfABackupIsNotSet restores a store whose password job waits: the account
// may have a newer password, of which the backup knows nothing.
func TestAPasswordOfABackupIsNotSet(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p, _ := w.chooseWhileAway()
	w.pass(time.Second)
	if err := w.store.MarkRestored(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.accounts.FailWith(nil)
	w.until(func() bool {
		w.pass(time.Minute)
		return len(w.events(p.ID, domain.EventRecoveryAbandoned)) == 1 || w.accounts.Passwords(p.Login) > 0
	})
	if n := w.accounts.Passwords(p.Login); n != 0 {
		t.Errorf("%d passwords were set", n)
	}
	w.box.next(t, domain.MessageUnreplaced)
	again := w.forget("etudiant", "jp.martin@example.net")
	w.toPassword(again, p.Number)
	if err := w.choose(again, renewed); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { w.pass(time.Second); return w.step(again) == domain.StepDone })
}

// TestTheNoticeStopsTheRecovery follows "it was not me": no further recovery, one under
// way ends, and a password that waits is not set.
func TestTheNoticeStopsTheRecovery(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	id := w.forget("etudiant", "jp.martin@example.net")
	w.toPassword(id, p.Number)
	if err := w.choose(id, renewed); err != nil {
		t.Fatal(err)
	}
	token, _ := strings.CutPrefix(w.box.next(t, domain.MessageReplaced).Freeze, activation.FreezePath)
	w.box.next(t, domain.MessageReplaced)
	under := w.forget("etudiant", "jp.martin@example.net")
	w.toPassword(under, p.Number)
	for _, wrong := range []string{"", "x", token[:len(token)-4] + "AAAA", strings.ToLower(token)} {
		if err := w.MayFreeze(wrong); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", wrong, err)
		}
		if err := w.Freeze(t.Context(), wrong); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if err := w.MayFreeze(token); err != nil || !w.person(p.ID).RecoveryFrozenAt.IsZero() {
		t.Fatalf("%v, or the page changed something", err)
	}
	for range 2 {
		if err := w.Freeze(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if w.person(p.ID).RecoveryFrozenAt.IsZero() || len(w.events(p.ID, domain.EventRecoveryFrozen)) != 1 {
		t.Error("not stopped, or told twice")
	}
	if step := w.step(under); step != domain.StepEnded {
		t.Errorf("the recovery under way is at %s", step)
	}
	refused(t, w.choose(under, renewed+"Encore"), domain.ReasonStep)
	w.forget("etudiant", "jp.martin@example.net")
	w.box.next(t, domain.MessageBarred)
	if _, err := w.enter(w.give(p.ID).Reveal()); err == nil {
		t.Error("a code of the desk passes before the desk has ended the stop")
	}
	w.pass(31 * 24 * time.Hour)
	if err := w.MayFreeze(token); !errors.Is(err, domain.ErrNotFound) {
		t.Errorf("after 31 days: %v", err)
	}
}

// TestR2_RecoveriesAndActivationsSpendNothingOfEachOther checks the counters of an
// address and of a person.
func TestR2_RecoveriesAndActivationsSpendNothingOfEachOther(t *testing.T) {
	w := newWorld(t, jeanPierre())
	for i := range 12 {
		_, err := w.Request(t.Context(), activation.Request{Purpose: domain.PurposeRecover, Profile: "etudiant", Address: "jp.martin@example.net", Lang: domain.French, Client: "192.0.2.0"})
		if i >= 10 {
			refused(t, err, domain.ReasonMailsSpent)
		}
	}
	if _, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Lang: domain.French, Client: "192.0.2.0"}); err != nil {
		t.Errorf("the activation of the same address: %v", err)
	}
}

// TestALongCodeBeginsTheJourneyThatItWasSentFor checks that a long code of one purpose
// does not begin the other.
func TestALongCodeBeginsTheJourneyThatItWasSentFor(t *testing.T) {
	w := newWorld(t, jeanPierre())
	p := w.active(jeanPierre())
	var m domain.Message
	for range 3 {
		w.forget("etudiant", "jp.martin@example.net")
		m = w.box.next(t, domain.MessageRecover)
	}
	if m.Long == "" {
		t.Fatal("the third mail holds no long code")
	}
	j, err := w.EnterLong(t.Context(), m.Long, domain.French, "198.51.100.7")
	if err != nil || j.Purpose != domain.PurposeRecover || w.step(j.ID) != domain.StepVerify {
		t.Fatalf("%+v, %v", j, err)
	}
	if err := w.Verify(t.Context(), j.ID, activation.Answers{Number: p.Number}); err != nil {
		t.Error(err)
	}
	if _, err := w.EnterLong(t.Context(), m.Long, domain.French, "198.51.100.7"); err == nil {
		t.Error("it works twice")
	}
}
