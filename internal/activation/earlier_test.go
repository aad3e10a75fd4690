package activation_test

import (
	"testing"
	"time"

	"entree/internal/domain"
)

// Mails overtake each other: the student types the code that arrived first.
func TestV19_AnEarlierCodeCostsNoTry(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	var codes []string
	codes = append(codes, w.box.next(t, domain.MessageCode).Code)
	for range 2 {
		w.pass(2 * time.Minute)
		if err := w.Resend(t.Context(), id, domain.French, "c"); err != nil {
			t.Fatal(err)
		}
		codes = append(codes, w.box.next(t, domain.MessageCode).Code)
	}
	for range 3 {
		for _, code := range codes[:2] {
			refused(t, w.Prove(t.Context(), id, code, "c"), domain.ReasonCodeEarlier)
		}
	}
	if r := refused(t, w.Prove(t.Context(), id, other(codes[2]), "c"), domain.ReasonCodeWrong); r.TriesLeft != domain.MaxTries-1 {
		t.Errorf("%d tries left, want %d", r.TriesLeft, domain.MaxTries-1)
	}
	if err := w.Prove(t.Context(), id, codes[2], "c"); err != nil {
		t.Error(err)
	}
}

// A student with a correct code is told that the account is already active; a
// wrong code is only reported as wrong.
func TestV18_ARightCodeAfterTheActivationSaysSo(t *testing.T) {
	w := newWorld(t, jeanPierre())
	second := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	w.chosen("jp.martin@example.net")
	refused(t, w.Prove(t.Context(), second, other(code), "c"), domain.ReasonCodeWrong)
	for range 2 {
		refused(t, w.Prove(t.Context(), second, code, "c"), domain.ReasonElsewhere)
	}
	if got := w.step(second); got != domain.StepCode {
		t.Errorf("step %s", got)
	}
}
