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
	refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonTriesSpent)
	if got := w.step(id); got != domain.StepEnded {
		t.Errorf("step %s", got)
	}
	refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonStep)

	t.Run("a lockout has an exit", func(t *testing.T) {
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

// Fifty guesses at once over ten journeys: each journey compares five at most, and
// after thirty wrong ones for the address only the first of a journey.
func TestS4_FiftyGuessesOverTenJourneys(t *testing.T) {
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
	together(100, func(i int) {
		err := w.Prove(t.Context(), journeys[i%10], wrong, fmt.Sprintf("192.0.%d.1/32", i))
		var r *domain.Refusal
		switch {
		case errors.As(err, &r) && r.Reason == domain.ReasonCodeBlocked:
			blocked.Add(1)
		case errors.As(err, &r) && (r.Reason == domain.ReasonCodeWrong || r.Reason == domain.ReasonTriesSpent):
			compared.Add(1)
		case errors.As(err, &r) && r.Reason == domain.ReasonStep: // the journey is over
		default:
			t.Errorf("unexpected: %v", err)
		}
	})
	if n := compared.Load(); n < 30 || n > 40 {
		t.Errorf("%d compared, %d blocked; want 30, and one more for each journey that was begun later", n, blocked.Load())
	}
	counts, err := w.store.EventCounts(t.Context())
	if err != nil || counts[domain.EventCodeWrong] != int64(compared.Load()) || (blocked.Load() > 0) != (counts[domain.EventCodeBlocked] > 0) {
		t.Errorf("S39: the events are %v, %v", counts, err)
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
