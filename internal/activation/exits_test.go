package activation_test

import (
	"errors"
	"testing"

	"entree/internal/domain"
	"entree/internal/secret"
)

// While the secret is rotated, instance by instance, a job can reach an
// instance without its key, and a key can be removed too early. The sealed job
// waits for an instance that has the key.
func TestI5_AJobThatNoKeyOpensIsNotGivenUp(t *testing.T) {
	w := newWorld(t, jeanPierre())
	other, err := secret.ParseKeys(secret.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := other.Seal(secret.UseJob, "j", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	broken, err := w.Keys.Seal(secret.UseJob, "j", []byte(`{`))
	if err != nil {
		t.Fatal(err)
	}
	for kind, handler := range map[string]domain.Handler{domain.JobAccount: w.AccountJobs(), domain.JobMail: w.MailJobs()} {
		_, err := handler.Run(t.Context(), domain.Job{ID: "j", Kind: kind, Payload: sealed})
		if !errors.Is(err, secret.ErrOpen) || domain.IsPermanent(err) {
			t.Errorf("%s: %v, which gives the job up: %t", kind, err, domain.IsPermanent(err))
		}
		if _, err := handler.Run(t.Context(), domain.Job{ID: "j", Kind: kind, Payload: broken}); !domain.IsPermanent(err) {
			t.Errorf("%s: what opens and says nothing is tried again: %v", kind, err)
		}
	}
}

// A journey without tries left has an exit: the code of a new journey is
// compared at once and accepted.
func TestI7_AfterTheLastTryANewCodeIsCompared(t *testing.T) {
	w := newWorld(t, jeanPierre())
	id := w.ask("etudiant", "jp.martin@example.net")
	code := w.box.next(t, domain.MessageCode).Code
	for range domain.MaxTries - 1 {
		refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonCodeWrong)
	}
	refused(t, w.Prove(t.Context(), id, other(code), "c"), domain.ReasonTriesSpent)
	again := w.ask("etudiant", "jp.martin@example.net")
	code = w.box.next(t, domain.MessageCode).Code
	if err := w.Prove(t.Context(), again, code, "c"); err != nil {
		t.Errorf("the right code: %v", err)
	}
}
