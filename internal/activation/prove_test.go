package activation_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/domain"
)

func TestS2_OneCodeEightBrowsersTabsOneSuccess(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	var wins atomic.Int32
	together(8, func(int) {
		if w.Prove(t.Context(), id, code, "c") == nil {
			wins.Add(1)
		}
	})
	if wins.Load() != 1 {
		t.Errorf("one code was accepted %d times", wins.Load())
	}
}

func TestS3_FiveTriesThenTheJourneyIsOver(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	for left := 4; left > 0; left-- {
		r := refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong)
		if r.TriesLeft != left {
			t.Fatalf("%d tries left, want %d", r.TriesLeft, left)
		}
	}
	r := refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonTriesSpent)
	if !r.Retry.After(w.clock()) {
		t.Error("the refusal does not say when it goes on")
	}
	if got := w.step(id); got != domain.StepEnded {
		t.Errorf("step %s", got)
	}
	refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)

	t.Run("a lockout has an exit", func(t *testing.T) {
		w.pass(10 * time.Minute)
		w.prove(w.ask("etudiant", "jp.martin@example.net"))
	})
}

func TestS3_APageThatIsBehindSpendsTheTriesThatAreLeft(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	behind, _, err := w.Journey(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	before := behind
	refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong)
	if r := refused(t, w.Service.Prove(t.Context(), &behind, other(code), "c"), domain.ReasonCodeWrong); r.TriesLeft != 3 || behind.Code.Tries != 2 {
		t.Errorf("%d tries left, and the journey has %d behind it; want 3 and 2", r.TriesLeft, behind.Code.Tries)
	}
	if err := w.Prove(t.Context(), id, code, "c"); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []domain.Journey{behind, before} {
		refused(t, w.Service.Prove(t.Context(), &stale, code, "c"), domain.ReasonStep)
	}
}

func TestS4_FiftyGuessesOverTenJourneysAtMostFiveCompared(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.Rates.Address.Burst = 100 // the limit of mails is another test's
	var journeys []domain.JourneyID
	codes := map[string]bool{}
	for range 10 {
		journeys = append(journeys, w.ask("etudiant", "jp.martin@example.net"))
		codes[w.box.next(t, domain.MessageCode).Code] = true
	}
	wrong := "000000"
	for i := 0; codes[wrong]; i++ {
		wrong = fmt.Sprintf("%06d", i)
	}
	var compared, blocked atomic.Int32
	together(50, func(i int) {
		err := w.Prove(t.Context(), journeys[i%10], wrong, "c")
		var r *domain.Refusal
		switch {
		case errors.As(err, &r) && r.Reason == domain.ReasonCodeBlocked:
			blocked.Add(1)
		case errors.As(err, &r) && (r.Reason == domain.ReasonCodeWrong || r.Reason == domain.ReasonTriesSpent):
			compared.Add(1)
		default:
			t.Errorf("unexpected: %v", err)
		}
	})
	if counts, err := w.store.EventCounts(t.Context()); err != nil || counts[domain.EventCodeBlocked] != 45 || counts[domain.EventCodeWrong] != 5 {
		t.Errorf("S39: the events are %v, %v", counts, err)
	}
	if compared.Load() != 5 || blocked.Load() != 45 {
		t.Errorf("%d compared, %d blocked; want 5 and 45", compared.Load(), blocked.Load())
	}
}

func TestS4_ANewCodeGivesNoTryBack(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	for range 3 {
		refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong)
	}
	w.pass(time.Minute)
	if err := w.Resend(t.Context(), id, domain.French, "c"); err != nil {
		t.Fatal(err)
	}
	code = w.box.next(t, domain.MessageCode).Code
	if r := refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong); r.TriesLeft != 1 {
		t.Errorf("%d tries left, want 1", r.TriesLeft)
	}
}

func TestS5_ExpiryIsReadWhenTheCodeIsTyped(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	w.pass(domain.CodeLife)
	refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonCodeExpired)

	t.Run("and costs no try", func(t *testing.T) {
		if err := w.Resend(t.Context(), id, domain.French, "c"); err != nil {
			t.Fatal(err)
		}
		code := w.box.next(t, domain.MessageCode).Code
		if r := refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong); r.TriesLeft != 4 {
			t.Errorf("%d tries left, want 4", r.TriesLeft)
		}
		if err := w.Prove(t.Context(), id, code, "c"); err != nil {
			t.Error(err)
		}
	})
}
