package activation_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"entree/internal/domain"
	"entree/internal/secret"
)

// An import that moves a person to another address, or that no longer lets them
// activate, ends the journeys that the old mailbox began, at every step. A journey
// whose code was not proven ends when its right code is typed: until then its page
// is that of an unknown address.
func TestR8_AnImportThatChangesAPersonEndsTheirJourney(t *testing.T) {
	moved, held, notReady := jeanPierre(), jeanPierre(), jeanPierre()
	moved.Email, held.Readiness, notReady.Readiness = "new@example.net", domain.Held, domain.NotReady
	for what, now := range map[string]domain.Person{"moved": moved, "held": held, "not ready": notReady} {
		for _, at := range []domain.Step{domain.StepCode, domain.StepCharter, domain.StepPassword} {
			t.Run(what+" at "+string(at), func(t *testing.T) {
				w := newWorld(t, jeanPierre())
				id := w.ask("etudiant", "jp.martin@example.net")
				code := w.box.next(t, domain.MessageCode).Code
				if at != domain.StepCode {
					if err := w.Prove(t.Context(), id, code, "c"); err != nil {
						t.Fatal(err)
					}
				}
				if at == domain.StepPassword {
					w.accept(id)
				}
				w.enrol(now)
				if at == domain.StepCode {
					refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)
				}
				j, step, err := w.Journey(t.Context(), id)
				if err != nil || step != domain.StepEnded || !j.Revoked {
					t.Fatalf("the journey is at %s, revoked %t, %v", step, j.Revoked, err)
				}
				refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)
				refused(t, w.choose(id, strong), domain.ReasonStep)
				if w.accounts.Len() != 0 {
					t.Error("an account was made")
				}
			})
		}
	}
}

// The page of a journey whose code was not proven shows nothing of what an import
// or an operator changes behind its address: a stranger may have begun it.
func TestS14_AChangeOfTheEnrolmentIsNotShownToStrangers(t *testing.T) {
	moved, held, notReady, active := jeanPierre(), jeanPierre(), jeanPierre(), jeanPierre()
	moved.Email, held.Readiness, notReady.Readiness = "new@example.net", domain.Held, domain.NotReady
	active.FamilyName = "Martin-Durand"
	for what, now := range map[string]domain.Person{"moved": moved, "held": held, "not ready": notReady, "renamed": active} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, jeanPierre())
			known, unknown := w.ask("etudiant", "jp.martin@example.net"), w.ask("etudiant", "nobody@example.net")
			wrong := "000000"
			if w.box.next(t, domain.MessageCode).Code == wrong {
				wrong = "000001"
			}
			w.enrol(now)
			for range domain.MaxTries {
				var answers []string
				for _, id := range []domain.JourneyID{known, unknown} {
					err := w.Prove(t.Context(), id, wrong, "c")
					j, step, readErr := w.Journey(t.Context(), id)
					if readErr != nil {
						t.Fatal(readErr)
					}
					answers = append(answers, fmt.Sprintf("%v %s %t %d %s", err, step, j.Revoked, j.Code.Tries, j.RetryAt))
				}
				if answers[0] != answers[1] {
					t.Fatalf("known: %s\nunknown: %s", answers[0], answers[1])
				}
			}
		})
	}
}

// An import that leaves address and readiness alone ends nothing.
func TestR8_OtherChangesOfAnImportEndNothing(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	renamed := jeanPierre()
	renamed.GivenName, renamed.Cohort = "Jean", "2027"
	w.enrol(renamed)
	w.accept(id)
	if err := w.choose(id, strong); err != nil {
		t.Fatal(err)
	}
}

// during runs an act while the password is being hashed.
type during struct {
	hasher
	act func()
}

func (d during) Hash(ctx context.Context, p secret.Text) (domain.Credential, error) {
	d.act()
	return hasher{}.Hash(ctx, p)
}

// The enrolment changes between the look at the person and the transaction that
// begins the account: the transaction itself refuses.
func TestR8_TheTransactionThatBeginsTheAccountLooksAgain(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	w.Hasher = during{act: func() {
		moved := jeanPierre()
		moved.Email = "new@example.net"
		w.enrol(moved)
	}}
	if err := w.choose(id, strong); err == nil {
		t.Error("the password was taken")
	}
	if p := w.person("p-22502142"); p.Account != domain.NoAccount || w.accounts.Len() != 0 {
		t.Errorf("the account is %q", p.Account)
	}
	if got := w.step(id); got != domain.StepEnded {
		t.Errorf("step %s", got)
	}
}

// counting counts hashes.
type counting struct {
	hasher
	n atomic.Int32
}

func (c *counting) Hash(ctx context.Context, p secret.Text) (domain.Credential, error) {
	c.n.Add(1)
	return hasher{}.Hash(ctx, p)
}

// unready answers like a portal that has not read the realm's policy yet.
type unready struct{ hasher }

func (unready) Ready() error { return &domain.Refusal{Reason: domain.ReasonBusy} }

// Keycloak is unavailable after a restart: the student presses again and again, and
// none of these presses counts as a hash.
func TestR5_APressThatIsNotHashedCostsNothing(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	w.Hasher = unready{}
	for range 50 {
		refused(t, w.choose(id, strong), domain.ReasonBusy)
	}
	w.Hasher = hasher{}
	if err := w.choose(id, strong); err != nil {
		t.Error(err)
	}
}

// Hundreds of posts of one prepared journey cost a few hashes, not hundreds.
func TestR5_OnePreparedJourneyCostsFewHashes(t *testing.T) {
	w := newWorld(t, jeanPierre())
	count := &counting{}
	w.Hasher = count
	id := w.ask("etudiant", "jp.martin@example.net")
	w.prove(id)
	w.accept(id)
	var busy atomic.Int32
	together(460, func(int) {
		var r *domain.Refusal
		if err := w.choose(id, strong); errors.As(err, &r) && r.Reason == domain.ReasonPasswordBusy {
			busy.Add(1)
		}
	})
	if n := count.n.Load(); n < 1 || n > 5 {
		t.Errorf("%d hashes for 460 posts, %d refused at once", n, busy.Load())
	}
	if w.accounts.Len() != 1 {
		t.Errorf("%d accounts", w.accounts.Len())
	}
}

// Nothing is hashed for a person who cannot activate, or a password that is refused.
func TestR5_NoHashUnlessTheAccountCanBeMade(t *testing.T) {
	w := newWorld(t, jeanPierre())
	count := &counting{}
	w.Hasher = count
	one := w.ask("etudiant", "jp.martin@example.net")
	first := w.box.next(t, domain.MessageCode).Code
	two := w.ask("etudiant", "jp.martin@example.net")
	second := w.box.next(t, domain.MessageCode).Code
	if err := errors.Join(w.Prove(t.Context(), one, first, "c"), w.Prove(t.Context(), two, second, "c")); err != nil {
		t.Fatal(err)
	}
	w.accept(one)
	w.accept(two)
	if w.choose(one, "too short") == nil || w.choose(one, "jean-pierre martin 2007") == nil {
		t.Fatal("a weak password was taken")
	}
	if err := w.choose(one, strong); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		refused(t, w.choose(two, strong), domain.ReasonElsewhere)
	}
	if n := count.n.Load(); n != 1 {
		t.Errorf("%d hashes, want 1", n)
	}
}
