package activation_test

import (
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

const jp = "jp.martin@example.net"

// lost begins journeys whose browser loses its session, and returns their codes and
// the journey that begins when the address is typed again.
func (w *world) lost(n int) (codes []string, again domain.JourneyID) {
	w.t.Helper()
	for range n {
		w.ask("etudiant", jp)
		codes = append(codes, w.box.next(w.t, domain.MessageCode).Code)
		w.pass(20 * time.Second)
	}
	again = w.ask("etudiant", jp)
	w.box.next(w.t, domain.MessageCode)
	return codes, again
}

// The session is lost while the student reads the mail: cookies are not kept, the
// browser inside an app was closed, or the student goes on with another device. The
// code in hand leads on after the address is typed again, once or twice.
func TestV9_TheCodeInHandLeadsOn(t *testing.T) {
	for _, losses := range []int{1, 2} {
		for which := range losses {
			w := newWorld(t, jeanPierre())
			codes, id := w.lost(losses)
			if err := w.Prove(t.Context(), id, codes[which], "203.0.113.9/32"); err != nil {
				t.Fatalf("code %d of %d: %v", which+1, losses, err)
			}
			w.accept(id)
			if err := w.choose(id, strong); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestV9_TheNewCodeLeadsOnToo(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.ask("etudiant", jp)
	w.box.next(t, domain.MessageCode)
	w.prove(w.ask("etudiant", jp))
}

// A lost recovery goes on in the same way.
func TestV9_TheCodeInHandOfARecovery(t *testing.T) {
	w := newWorld(t, jeanPierre())
	first := w.ask("etudiant", jp)
	w.prove(first)
	w.accept(first)
	if err := w.choose(first, strong); err != nil {
		t.Fatal(err)
	}
	w.box.next(t, domain.MessageActivated)
	recover := activation.Request{Purpose: domain.PurposeRecover, Profile: "etudiant", Address: jp, Client: "c"}
	if _, err := w.Request(t.Context(), recover); err != nil {
		t.Fatal(err)
	}
	code := w.box.next(t, domain.MessageRecover).Code
	j, err := w.Request(t.Context(), recover)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Prove(t.Context(), j.ID, code, "c"); err != nil {
		t.Error(err)
	}
}

// If the student types a code of the lost journey that a newer code replaced, the
// refusal says so. The newest code is accepted.
func TestV9_AnEarlierCodeOfTheLostJourney(t *testing.T) {
	w := newWorld(t, jeanPierre())
	lost := w.ask("etudiant", jp)
	first := w.box.next(t, domain.MessageCode).Code
	w.pass(time.Minute)
	if err := w.Resend(t.Context(), lost, domain.French, "c"); err != nil {
		t.Fatal(err)
	}
	second := w.box.next(t, domain.MessageCode).Code
	again := w.ask("etudiant", jp)
	refused(t, w.Prove(t.Context(), again, first, "c"), domain.ReasonCodeEarlier)
	if err := w.Prove(t.Context(), again, second, "c"); err != nil {
		t.Error(err)
	}
}

// A code lives as long as it says, however young the journey is that it is typed in.
func TestV9_TheCodeInHandExpires(t *testing.T) {
	for life, ok := range map[time.Duration]bool{domain.CodeLife - 21*time.Second: true, domain.CodeLife: false} {
		w := newWorld(t, jeanPierre())
		w.ask("etudiant", jp)
		code := w.box.next(t, domain.MessageCode).Code
		w.pass(life)
		again := w.ask("etudiant", jp)
		err := w.Prove(t.Context(), again, code, "c")
		if ok && err != nil {
			t.Errorf("after %v: %v", life, err)
		}
		if !ok {
			refused(t, err, domain.ReasonCodeWrong)
		}
	}
}

// Older codes are compared at the first tries only, and those of two journeys at
// most. Otherwise each further mail would make a guess more likely to be right.
func TestV9_FewCodesAreInHand(t *testing.T) {
	w := newWorld(t, jeanPierre())
	codes, id := w.lost(3)
	if r := refused(t, w.Prove(t.Context(), id, codes[0], "c"), domain.ReasonCodeWrong); r.TriesLeft != domain.MaxTries-1 {
		t.Errorf("%d tries left", r.TriesLeft)
	}
	refused(t, w.Prove(t.Context(), id, other(codes...), "c"), domain.ReasonCodeWrong)
	refused(t, w.Prove(t.Context(), id, codes[2], "c"), domain.ReasonCodeWrong) // the third try
}

// R2: guesses in a stranger's journey spend nothing of the code in hand, and end no
// journey but their own.
func TestR2_GuessesDoNotSpendTheCodeInHand(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.ask("etudiant", jp)
	code := w.box.next(t, domain.MessageCode).Code
	stranger := w.ask("etudiant", jp)
	theirs := w.box.next(t, domain.MessageCode).Code
	for range domain.MaxTries {
		_ = w.Prove(t.Context(), stranger, other(code, theirs), "198.51.100.1/32") // each is wrong
	}
	if got := w.step(stranger); got != domain.StepEnded {
		t.Fatalf("the stranger is at %s", got)
	}
	again := w.ask("etudiant", jp)
	if err := w.Prove(t.Context(), again, code, "c"); err != nil {
		t.Error(err)
	}
}

// A code in hand is spent once, whichever journeys it is typed in, and the journey
// that it was made for can get another.
func TestS2_TheCodeInHandIsSpentOnce(t *testing.T) {
	w := newWorld(t, jeanPierre())
	lost := w.ask("etudiant", jp)
	code := w.box.next(t, domain.MessageCode).Code
	journeys := []domain.JourneyID{lost}
	for range 2 {
		journeys = append(journeys, w.ask("etudiant", jp))
		w.box.next(t, domain.MessageCode)
	}
	var wins atomic.Int32
	together(9, func(i int) {
		if w.Prove(t.Context(), journeys[i%3], code, "c") == nil {
			wins.Add(1)
		}
	})
	if wins.Load() != 1 {
		t.Errorf("one code was accepted %d times", wins.Load())
	}

	w = newWorld(t, jeanPierre())
	lost = w.ask("etudiant", jp)
	code = w.box.next(t, domain.MessageCode).Code
	again := w.ask("etudiant", jp)
	w.box.next(t, domain.MessageCode)
	if err := w.Prove(t.Context(), again, code, "c"); err != nil {
		t.Fatal(err)
	}
	for range domain.MaxTries { // costs nothing
		refused(t, w.Prove(t.Context(), lost, code, "c"), domain.ReasonCodeUsed)
	}
	third := w.ask("etudiant", jp)
	w.box.next(t, domain.MessageCode)
	refused(t, w.Prove(t.Context(), third, code, "c"), domain.ReasonCodeWrong)
	w.pass(time.Minute)
	if err := w.Resend(t.Context(), lost, domain.French, "c"); err != nil {
		t.Fatal(err)
	}
	w.prove(lost)
	w.accept(again)
	if err := w.choose(again, strong); err != nil {
		t.Fatal(err)
	}
}

// Two journeys that are proven with each other's neighbours' codes at the same time
// do not wait for each other, and each code is accepted once.
func TestS2_CodesInHandCrosswise(t *testing.T) {
	for range 5 {
		w := newWorld(t, jeanPierre())
		var codes []string
		var journeys []domain.JourneyID
		for range 3 { // at the same moment, so that each is before the others
			journeys = append(journeys, w.ask("etudiant", jp))
			codes = append(codes, w.box.next(t, domain.MessageCode).Code)
		}
		var wins atomic.Int32
		together(3, func(i int) {
			if w.Prove(t.Context(), journeys[i], codes[(i+1)%3], "c") == nil {
				wins.Add(1)
			}
		})
		if n := wins.Load(); n < 1 || n > 3 {
			t.Errorf("%d of three codes were accepted", n)
		}
	}
}
