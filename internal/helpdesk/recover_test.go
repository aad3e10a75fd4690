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

// activate creates the person's account.
func (w *world) activate() {
	w.t.Helper()
	id := w.ask()
	w.must(w.Prove(w.t.Context(), id, w.mail(domain.MessageCode).Code, "192.0.2.9/32"))
	w.finish(id)
	w.mail(domain.MessageActivated)
}

// recover takes a recovery by the mailbox to the choice of the password.
func (w *world) recover() domain.JourneyID {
	w.t.Helper()
	j, err := w.Request(w.t.Context(), activation.Request{
		Purpose: domain.PurposeRecover, Profile: "etudiant", Address: string(w.person().Email), Lang: domain.French, Client: "192.0.2.9/32",
	})
	w.must(err)
	w.must(w.Prove(w.t.Context(), j.ID, w.mail(domain.MessageRecover).Code, "192.0.2.9/32"))
	w.guided(j.ID)
	return j.ID
}

func (w *world) guided(id domain.JourneyID) {
	w.t.Helper()
	w.must(w.press(id, func(j *domain.Journey) error { return w.Pass(w.t.Context(), j, domain.StepGuide) }))
}

// freezable activates the account, replaces its password once and returns the token
// of the notice.
func (w *world) freezable() string {
	w.t.Helper()
	w.activate()
	w.finishPassword(w.recover())
	token := strings.TrimPrefix(w.mail(domain.MessageReplaced).Freeze, activation.FreezePath)
	w.mail(domain.MessageReplaced) // to the university address
	return token
}

// TestUnfreeze_TheDeskEndsTheStopOfARecovery checks that the act exists only while the
// recovery is frozen, wants a reason and an unchanged person, and lets a recovery begin
// again.
func TestUnfreeze_TheDeskEndsTheStopOfARecovery(t *testing.T) {
	w := newWorld(t)
	token := w.freezable()
	refused(t, w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), "carte vue"), helpdesk.NotNow)
	before := w.seen()
	w.must(w.Freeze(t.Context(), token))
	stopped := w.person()
	if c := w.caseOf(jean); c.Next() != (helpdesk.Next{Key: "frozen", At: stopped.RecoveryFrozenAt}) || !c.Can.Unfreeze {
		t.Errorf("next: %+v, can: %+v", c.Next(), c.Can)
	}
	refused(t, w.Unfreeze(t.Context(), w.by("Ada"), before, "carte vue"), helpdesk.Changed)
	refused(t, w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), " \n"), helpdesk.ReasonMissing)
	refused(t, w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), strings.Repeat("x", 301)), helpdesk.ReasonLong)
	if w.person() != stopped || len(w.acts()) != 0 {
		t.Fatal("a refused act changed something")
	}
	w.must(w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), " carte  vue "))
	e := w.last(helpdesk.ActUnfrozen)
	if e.By.Name != "Ada" || e.What["reason"] != "carte vue" || e.What["frozen_at"] != stopped.RecoveryFrozenAt.Format(time.RFC3339) {
		t.Errorf("%+v", e)
	}
	if c := w.caseOf(jean); c.Next().Key != "unused" || c.Can.Unfreeze || !c.MayRecover() {
		t.Errorf("next: %+v, can: %+v", c.Next(), c.Can)
	}
	refused(t, w.Unfreeze(t.Context(), w.by("Bob"), w.seen(), "encore"), helpdesk.NotNow)
	w.finishPassword(w.recover())
	w.mail(domain.MessageReplaced)
	w.mail(domain.MessageReplaced)
	w.must(w.Freeze(t.Context(), token)) // the owner keeps the link
	if w.person().RecoveryFrozenAt.IsZero() {
		t.Error("the owner cannot stop the recovery again")
	}
}

// TestUnfreeze_APasswordOfBeforeIsNotSet checks that a password that waits for Keycloak
// during the stop is not set after its end.
func TestUnfreeze_APasswordOfBeforeIsNotSet(t *testing.T) {
	w := newWorld(t)
	w.Wait = 50 * time.Millisecond
	token := w.freezable()
	id := w.recover()
	w.accounts.FailWith(errors.New("no answer"))
	w.finishPassword(id)
	w.must(w.Freeze(t.Context(), token))
	w.must(w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), "carte vue"))
	w.accounts.FailWith(nil)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(kinds(w.caseOf(jean)), "recovery.refused"); time.Sleep(5 * time.Millisecond) {
		w.pass(time.Minute)
	}
	w.mail(domain.MessageBarred)
	if n := w.accounts.Passwords(w.person().Login); n != 1 {
		t.Errorf("%d passwords were set, want that of before the stop only", n)
	}
}

// TestCode_BeginsARecoveryForAnActivePerson checks that the desk can start a recovery at
// the counter, with the mailbox of the enrolment or without it.
func TestCode_BeginsARecoveryForAnActivePerson(t *testing.T) {
	w := newWorld(t)
	w.activate()
	if c := w.caseOf(jean); !c.Can.Code || c.Can.Send || !c.Can.Unlock {
		t.Errorf("can: %+v", c.Can)
	}
	before, _ := w.accounts.Get(w.person().Login)
	code, _, err := w.Code(t.Context(), w.by("Ada"), w.seen(), "carte vue", "new@example.org")
	w.must(err)
	w.mail(domain.MessageAddressChanged)
	if e := w.last(helpdesk.ActDeskCode); e.What["card"] != "carte vue" || e.By.Name != "Ada" {
		t.Errorf("%+v", e)
	}
	j, err := w.EnterDesk(t.Context(), code.Reveal(), domain.French, "c")
	w.must(err)
	if step := w.step(j.ID); j.Purpose != domain.PurposeRecover || step != domain.StepGuide {
		t.Fatalf("%s at %s", j.Purpose, step)
	}
	w.guided(j.ID)
	w.finishPassword(j.ID)
	told := []string{string(w.mail(domain.MessageReplaced).To), string(w.mail(domain.MessageReplaced).To)} // in either order
	if !slices.Contains(told, "new@example.org") || told[0] == told[1] {
		t.Errorf("the notices go to %q", told)
	}
	after, _ := w.accounts.Get(w.person().Login)
	if w.accounts.Passwords(w.person().Login) != 1 || after.ActivationID != before.ActivationID || w.accounts.Len() != 1 {
		t.Errorf("%d passwords, %d accounts", w.accounts.Passwords(w.person().Login), w.accounts.Len())
	}
}

// A code that the page which takes it would refuse is not offered.
func TestCode_IsOfferedExactlyToWhomItLetsIn(t *testing.T) {
	now := time.Unix(1, 0)
	active := domain.Person{Readiness: domain.Ready, Account: domain.AccountActive}
	for name, tt := range map[string]struct {
		change func(*domain.Person)
		want   bool
	}{
		"active":                      {func(*domain.Person) {}, true},
		"active, gone from the file":  {func(p *domain.Person) { p.Readiness = domain.NotReady }, true},
		"active and frozen":           {func(p *domain.Person) { p.RecoveryFrozenAt = now }, false},
		"active and held":             {func(p *domain.Person) { p.Hold = "doubt" }, false},
		"active and about to be gone": {func(p *domain.Person) { p.EraseAt = now }, false},
		"erased":                      {func(p *domain.Person) { p.ErasedAt = now }, false},
		"creating":                    {func(p *domain.Person) { p.Account = domain.AccountCreating }, false},
		"parked":                      {func(p *domain.Person) { p.Account = domain.AccountParked }, false},
		"ready":                       {func(p *domain.Person) { p.Account = domain.NoAccount }, true},
		"not ready":                   {func(p *domain.Person) { p.Account, p.Readiness = domain.NoAccount, domain.NotReady }, false},
	} {
		p := active
		tt.change(&p)
		if got := helpdesk.Offers(p).Code; got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCode_OfAFrozenRecoveryComesAfterTheUnfreeze checks the order at the counter: a
// refused code writes nothing, and the end of the stop allows one.
func TestCode_OfAFrozenRecoveryComesAfterTheUnfreeze(t *testing.T) {
	w := newWorld(t)
	w.must(w.Freeze(t.Context(), w.freezable()))
	_, _, err := w.Code(t.Context(), w.by("Ada"), w.seen(), "carte", "new@example.org")
	refused(t, err, helpdesk.NotNow)
	if len(w.acts()) != 0 || w.person().Email != "jp.martin@example.net" {
		t.Error("a refused code changed something")
	}
	w.must(w.Unfreeze(t.Context(), w.by("Ada"), w.seen(), "carte"))
	code, _, err := w.Code(t.Context(), w.by("Ada"), w.seen(), "carte", "")
	w.must(err)
	if j, err := w.EnterDesk(t.Context(), code.Reveal(), domain.French, "c"); err != nil || j.Purpose != domain.PurposeRecover {
		t.Errorf("%s, %v", j.Purpose, err)
	}
}
