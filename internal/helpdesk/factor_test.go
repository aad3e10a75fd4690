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

// factor activates the account of Jean-Pierre and adds a second factor to it.
func (w *world) factor() {
	w.t.Helper()
	p := w.active()
	w.accounts.Stand(p.Login, domain.Standing{HasFactor: true})
}

func (w *world) hasFactor() bool {
	w.t.Helper()
	s, err := w.accounts.Standing(w.t.Context(), w.person().AccountRef())
	w.must(err)
	return s.HasFactor
}

// notices reads the mail of a removal to both addresses, and returns the link.
func (w *world) notices(kind domain.MessageKind) domain.Message {
	w.t.Helper()
	a, b := w.mail(kind), w.mail(kind)
	to := []string{string(a.To), string(b.To)}
	if slices.Sort(to); !slices.Equal(to, []string{"jean-pierre.martin@etu.example.org", "jp.martin@example.net"}) {
		w.t.Errorf("the mails go to %v", to)
	}
	return a
}

func TestFactor_TwoOperatorsRemoveIt(t *testing.T) {
	w := newWorld(t)
	w.active()
	refused(t, w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "lost telephone"), helpdesk.NoFactor)
	w.accounts.Stand(w.person().Login, domain.Standing{HasFactor: true})
	refused(t, w.AskFactor(t.Context(), w.by("Ada"), w.seen(), ""), helpdesk.ReasonMissing)
	w.must(w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "lost telephone"))
	w.notices(domain.MessageFactorAsked)
	refused(t, w.AskFactor(t.Context(), w.by("Bob"), w.seen(), "again"), helpdesk.Changed)
	again := w.by("Ada Martin")
	again.By.Subject = "s-Ada" // the same login under another name
	refused(t, w.AgreeFactor(t.Context(), again, w.seen(), "fine"), helpdesk.SecondEyes)
	if !w.hasFactor() {
		t.Fatal("one operator removed the factor")
	}
	w.must(w.AgreeFactor(t.Context(), w.by("Bob"), w.seen(), "card seen"))
	if m := w.notices(domain.MessageFactorRemoved); m.Freeze == "" || w.hasFactor() {
		t.Errorf("the mail is %+v, factor: %v", m, w.hasFactor())
	}
	if c := w.caseOf(jean); c.Factor.ID != "" || !strings.Contains(kinds(c), "factor.removed") {
		t.Errorf("the person's page: %+v, %s", c.Factor, kinds(c))
	}
	if a, _ := w.accounts.Get(w.person().Login); a.Login == "" || w.last(helpdesk.ActFactorAgreed).By.Name != "Bob" {
		t.Error("the audit does not name the second operator")
	}
	refused(t, w.AgreeFactor(t.Context(), w.by("Eve"), w.seen(), "late"), helpdesk.Changed)
}

// Without a second operator the factor is removed after the delay, and no earlier.
func TestFactor_TheDelayRemovesIt(t *testing.T) {
	w := newWorld(t)
	w.FactorDelay = 3 * 24 * time.Hour
	w.factor()
	w.must(w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "lost telephone"))
	if m := w.notices(domain.MessageFactorAsked); !m.ExpiresAt.Equal(w.clock().Add(3 * 24 * time.Hour)) {
		t.Errorf("the mail says %s", m.ExpiresAt)
	}
	w.pass(3*24*time.Hour - time.Minute)
	w.Runner.Wake()
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "else@example.org", "x")) // its mail comes after the job would have run
	w.mail(domain.MessageAddressChanged)
	if !w.hasFactor() {
		t.Fatal("removed before the delay ended")
	}
	w.pass(2 * time.Minute)
	w.Runner.Wake()
	w.mail(domain.MessageFactorRemoved)
	w.mail(domain.MessageFactorRemoved)
	if w.hasFactor() {
		t.Error("the factor is still there")
	}
}

// The link of the notice stops a removal, and so does an operator; nothing is removed.
func TestFactor_TheLinkStopsIt(t *testing.T) {
	w := newWorld(t)
	w.factor()
	w.must(w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "lost telephone"))
	token := strings.TrimPrefix(w.notices(domain.MessageFactorAsked).TakeBack, activation.FactorPath)
	for _, bad := range []string{"", "abc", token[1:]} {
		if _, err := w.NoticedFactor(t.Context(), bad); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for range 2 {
		if r, err := w.StopFactor(t.Context(), token); err != nil || r.State != domain.FactorStopped {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	refused(t, w.AgreeFactor(t.Context(), w.by("Bob"), w.seen(), "late"), helpdesk.Changed)
	w.must(w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "once more"))
	w.notices(domain.MessageFactorAsked)
	w.must(w.CancelFactor(t.Context(), w.by("Ada"), w.seen(), "found it"))
	w.pass(domain.FactorDelay + time.Hour)
	w.Runner.Wake()
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "else@example.org", "x"))
	w.mail(domain.MessageAddressChanged)
	if !w.hasFactor() {
		t.Error("a stopped removal happened")
	}
}

// An account that was disabled, or whose recovery its owner stopped meanwhile, is left.
func TestFactor_AnAccountThatMustNotBeTouched(t *testing.T) {
	w := newWorld(t)
	w.factor()
	w.must(w.AskFactor(t.Context(), w.by("Ada"), w.seen(), "lost telephone"))
	w.notices(domain.MessageFactorAsked)
	w.accounts.Stand(w.person().Login, domain.Standing{HasFactor: true, Bar: domain.BarPrivileged})
	w.must(w.AgreeFactor(t.Context(), w.by("Bob"), w.seen(), "fine"))
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !strings.Contains(kinds(w.caseOf(jean)), "factor.left"); time.Sleep(5 * time.Millisecond) {
	}
	if got := kinds(w.caseOf(jean)); !strings.Contains(got, "factor.left") || !w.hasFactor() {
		t.Errorf("the story: %s", got)
	}
}

// The person's page has the kinds of factors that the portal knows of. A factor that was
// added at Keycloak has a line in the story, one that was added here no second one.
func TestFactor_ThePersonsPageHasTheKnownOnes(t *testing.T) {
	w := newWorld(t)
	if c := w.caseOf(jean); c.HasFactors {
		t.Error("a person without an account has a list of factors")
	}
	p := w.active()
	if c := w.caseOf(jean); !c.HasFactors || len(c.Factors) != 0 {
		t.Errorf("none: %t, %+v", c.HasFactors, c.Factors)
	}
	w.must(w.FactorLater(t.Context(), p))
	before := w.clock()
	note := func(kind domain.FactorKind, at time.Time) {
		w.must(w.NoteFactor(t.Context(), domain.FactorEvent{AccountID: p.AccountID, Kind: kind, At: at}, false))
	}
	note(domain.FactorKey, before) // the event comes before the student is back
	w.pass(time.Minute)
	w.must(w.FactorAdded(t.Context(), p.Login, p.AccountID, domain.FactorKey, domain.French))
	note(domain.FactorTOTP, w.clock())
	c := w.caseOf(jean)
	if len(c.Factors) != 3 || c.Factors[2].Kind != domain.FactorTOTP || !c.Factors[2].At.Equal(w.clock()) {
		t.Errorf("known: %+v", c.Factors)
	}
	var lines []string
	for _, m := range c.Story {
		if kind := m.What["kind"]; strings.Contains(m.Kind, "factor") {
			lines = append(lines, m.Kind+" "+kind)
		}
	}
	slices.Sort(lines)
	if want := []string{"factor.known totp", "person.factor_added key", "person.factor_later "}; !slices.Equal(lines, want) {
		t.Errorf("the story has %q, want %q", lines, want)
	}
}
