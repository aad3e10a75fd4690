package activation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
)

// TestK2_ARefusedValueWaitsForItsCorrection: the student is told what is true,
// once; the cause is in the story; after the correction the same account is made
// with the same identifier and password.
func TestK2_ARefusedValueWaitsForItsCorrection(t *testing.T) {
	w := newWorld(t, jeanPierre())
	cause := &domain.AccountRefused{Field: domain.FieldFamilyName, Rule: "error-person-name-invalid-character", Class: "6 characters, with /"}
	w.accounts.FailWith(domain.Permanent(cause))
	id := w.chosen("jp.martin@example.net")
	if got := w.step(id); got != domain.StepWaiting {
		t.Fatalf("step %s", got)
	}
	if m := w.box.next(t, domain.MessageRefused); m.Field != domain.FieldFamilyName || m.Reference == "" {
		t.Errorf("the mail says %+v", m)
	}
	j, _, _ := w.Journey(t.Context(), id)
	if j.Refused != domain.FieldFamilyName {
		t.Errorf("the page says %q", j.Refused)
	}
	p := w.person("p-22502142")
	if p.Account != domain.AccountCreating || p.Login == "" {
		t.Errorf("the account is %q, the login %q", p.Account, p.Login)
	}
	lines, err := w.store.Jobs(t.Context(), domain.JobAccount, false, 0, 10)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%+v, %v", lines, err)
	}
	for range 3 { // told once
		if err := w.Runner.RunNow(t.Context(), lines[0].ID); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	events, err := w.store.Events(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == domain.EventAccountRefused {
			count++
			if e.Details["field"] != cause.Field || e.Details["rule"] != cause.Rule || e.Details["class"] != cause.Class {
				t.Errorf("the story says %v", e.Details)
			}
		}
	}
	if count != 1 {
		t.Errorf("told %d times", count)
	}
	causes, err := w.store.JobCauses(t.Context())
	if err != nil || len(causes) != 1 || causes[0].Count != 1 || causes[0].Reason != cause.Error() || causes[0].Kind != domain.JobAccount {
		t.Errorf("causes %+v, %v", causes, err)
	}

	w.accounts.FailWith(nil)
	if _, err := w.store.Hurry(t.Context(), overview.WaitingJobs{Kind: domain.JobAccount, Reason: cause.Error()}); err != nil {
		t.Fatal(err)
	}
	w.Runner.Wake()
	if m := w.box.next(t, domain.MessageActivated); m.Login != p.Login {
		t.Errorf("made as %q, promised as %q", m.Login, p.Login)
	}
	if got := w.step(id); got != domain.StepDone {
		t.Errorf("step %s", got)
	}
}

// TestK2_ARefusedIdentifierIsParkedWithItsCause: the registry cannot correct an
// identifier, so the person gets another one; the mail does not speak of an
// account that exists.
func TestK2_ARefusedIdentifierIsParkedWithItsCause(t *testing.T) {
	for _, field := range []string{domain.FieldLogin, domain.FieldUniversityAddress} {
		w := newWorld(t, jeanPierre())
		w.accounts.FailWith(domain.Permanent(&domain.AccountRefused{Field: field, Rule: "error-invalid-length", Class: "2 characters"}))
		id := w.ask("etudiant", "jp.martin@example.net")
		w.prove(id)
		w.accept(id)
		if err := w.choose(id, strong); err != nil {
			t.Fatal(err)
		}
		if got := w.step(id); got != domain.StepParked {
			t.Fatalf("step %s", got)
		}
		if m := w.box.next(t, domain.MessageRefused); m.Field != field {
			t.Errorf("the mail says %+v", m)
		}
	}
}

// TestK2_OtherErrorsNeverPark: "Could not create user" is a passing state of a
// directory.
func TestK2_OtherErrorsNeverPark(t *testing.T) {
	w := newWorld(t, jeanPierre())
	w.accounts.FailWith(errors.New("keycloak: 400 Could not create user"))
	id := w.chosen("jp.martin@example.net")
	if got := w.step(id); got != domain.StepWaiting {
		t.Fatalf("step %s", got)
	}
	if j, _, _ := w.Journey(t.Context(), id); j.Refused != "" {
		t.Errorf("the page says %q", j.Refused)
	}
	w.accounts.FailWith(nil)
	w.pass(10 * time.Minute)
	w.Runner.Wake()
	w.box.next(t, domain.MessageActivated)
}

// TestK2_OneCauseOfManyIsOneLine: jobs with the same cause are counted together
// and tried again together.
func TestK2_OneCauseOfManyIsOneLine(t *testing.T) {
	var people []domain.Person
	for i := range 8 {
		p := jeanPierre()
		p.ID, p.Number = domain.PersonID(fmt.Sprintf("p-%d", i)), fmt.Sprintf("2250%d", i)
		p.Email = domain.Address(fmt.Sprintf("jp%d@example.net", i))
		people = append(people, p)
	}
	w := newWorld(t, people...)
	cause := &domain.AccountRefused{Field: "phone", Rule: "error-user-attribute-required", Class: "empty"}
	w.accounts.FailWith(domain.Permanent(cause))
	for _, p := range people {
		id := w.ask("etudiant", string(p.Email))
		w.prove(id)
		w.accept(id)
		if err := w.choose(id, strong); err != nil {
			t.Fatal(err)
		}
		if got := w.step(id); got != domain.StepWaiting {
			t.Fatalf("step %s", got)
		}
		w.box.next(t, domain.MessageRefused)
	}
	causes, err := w.store.JobCauses(t.Context())
	if err != nil || len(causes) != 1 || causes[0].Count != 8 || causes[0].Count <= overview.ManyJobs {
		t.Fatalf("causes %+v, %v", causes, err)
	}
	w.accounts.FailWith(nil)
	if n, err := w.store.Hurry(t.Context(), overview.WaitingJobs{Kind: domain.JobAccount, Reason: causes[0].Reason}); err != nil || n != 8 {
		t.Fatalf("%d, %v", n, err)
	}
	w.Runner.Wake()
	for range people {
		w.box.next(t, domain.MessageActivated)
	}
}
