package helpdesk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

// active activates the account of Jean-Pierre.
func (w *world) active() domain.Person {
	w.t.Helper()
	id := w.ask()
	w.must(w.Prove(w.t.Context(), id, w.mail(domain.MessageCode).Code, "c"))
	w.finish(id)
	w.mail(domain.MessageActivated)
	return w.person()
}

// copied waits until the account has a personal address.
func (w *world) copied(want string) {
	w.t.Helper()
	has := ""
	for range 1000 {
		a, _ := w.accounts.Get(w.person().Login)
		if has = a.Attributes[domain.AttributeAddress]; has == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatalf("the account has the address %q, want %q", has, want)
}

// However an address is replaced, the account has it too: by the student, taken back, by
// a claim, by an operator and by an import.
func TestTheAccountHasTheAddressInUse(t *testing.T) {
	w := newWorld(t)
	p := w.active()
	w.copied("jp.martin@example.net")
	j, err := w.ChangeAddress(t.Context(), activation.ChangeOfAddress{Login: p.Login, AccountID: p.AccountID, Address: "new@example.org", Lang: domain.English})
	w.must(err)
	w.must(w.Prove(t.Context(), j.ID, w.mail(domain.MessageContactCode).Code, "c"))
	w.copied("new@example.org")
	token := w.skipTo(domain.MessageContactChanged).TakeBack
	_, err = w.TakeBack(t.Context(), strings.TrimPrefix(token, activation.TakeBackPath), domain.English)
	w.must(err)
	w.copied("jp.martin@example.net")
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "desk@example.org", "seen"))
	w.copied("desk@example.org")
	p = w.person()
	p.Email, p.ChosenEmail, p.SourceEmail = "desk@example.org", "", ""
	w.enrol(p) // the source has caught up
	p.Email = "source@example.org"
	w.enrol(p)
	w.Runner.Wake()
	w.copied("source@example.org")
	w.pass(time.Minute)
	for len(w.mails) > 0 {
		<-w.mails
	}
	w.must(w.store.Apply(t.Context(), domain.Effects{Wrong: []domain.WrongAddress{{Address: "source@example.org", Why: "5.1.1", Rule: "x", Provider: "y", At: w.clock()}}}))
	w.file(nil)
	w.must(w.accept("Ada", w.queue(domain.ClaimWaiting)[0].ID))
	w.copied(claimed)
}

// skipTo returns the next mail of a kind and passes over others.
func (w *world) skipTo(kind domain.MessageKind) domain.Message {
	w.t.Helper()
	for late := time.After(20 * time.Second); ; {
		select {
		case m := <-w.mails:
			if m.Kind == kind {
				return m
			}
		case <-late:
			w.t.Fatalf("no %s mail came", kind)
		}
	}
}

// A job that waited while the accounts were away writes the address in use then, and an
// account that is not the portal's is never written to.
func TestAnOlderAddressNeverOverwritesANewerOne(t *testing.T) {
	w := newWorld(t)
	w.active()
	w.accounts.FailWith(errors.New("away"))
	for _, to := range []string{"first@example.org", "second@example.org", "third@example.org"} {
		w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), to, "seen"))
	}
	w.accounts.FailWith(nil)
	w.pass(time.Hour)
	w.Runner.Wake()
	w.copied("third@example.org")
	// The mark of another activation.
	p := w.person()
	after := p
	after.ActivationID = "another"
	w.must(w.store.Apply(t.Context(), domain.Effects{Edits: []domain.PersonEdit{{Before: p, After: after}}}))
	w.must(w.Correct(t.Context(), w.by("Ada"), w.seen(), "fourth@example.org", "seen"))
	waits := func() (n int64) {
		counts, err := w.store.JobCounts(t.Context())
		w.must(err)
		for _, c := range counts {
			if c.Kind == domain.JobAddress {
				n += c.Waiting + c.Planned + c.GivenUp
			}
		}
		return n
	}
	for range 1000 {
		if waits() == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if a, _ := w.accounts.Get(p.Login); a.Attributes[domain.AttributeAddress] != "third@example.org" || waits() != 0 {
		t.Errorf("the account has %q, %d jobs wait", a.Attributes[domain.AttributeAddress], waits())
	}
}
