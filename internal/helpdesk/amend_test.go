package helpdesk_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/overview"
)

// K2: an operator corrects the value that Keycloak refused; the account is created
// with the new value, the same identifier and the same password.
func TestK2_ARefusedValueIsCorrectedByAnOperator(t *testing.T) {
	w := newWorld(t)
	refused(t, w.Amend(t.Context(), w.by("Ada"), w.seen(), domain.FieldFamilyName, "Martine", "carte"), helpdesk.NotNow)
	w.accounts.FailWith(domain.Permanent(&domain.AccountRefused{Field: domain.FieldFamilyName, Rule: "error-person-name-invalid-character", Class: "6 characters, with /"}))
	id := w.ask()
	w.must(w.Prove(t.Context(), id, w.mail(domain.MessageCode).Code, "c"))
	w.finish(id)
	w.mail(domain.MessageRefused)
	before, acts := w.person(), len(w.acts())
	c, err := w.Case(t.Context(), jean)
	w.must(err)
	if value, ok := c.Amendable(); !ok || value != "Martin" {
		t.Fatalf("%q, %t: %+v", value, ok, c.Next())
	}
	for _, f := range []struct {
		field, value, why string
		want              helpdesk.Reason
	}{
		{domain.FieldFamilyName, " ", "x", helpdesk.ValueEmpty}, {domain.FieldFamilyName, "Mar\u0000tin", "x", helpdesk.ValueBad},
		{domain.FieldFamilyName, " Martin ", "x", helpdesk.ValueSame}, {domain.FieldFamilyName, "Martine", " ", helpdesk.ReasonMissing},
		{domain.FieldFamilyName, "Martine", strings.Repeat("x", 301), helpdesk.ReasonLong}, {domain.FieldBirthDate, "1907-03-17", "x", helpdesk.ValueBad}, {domain.FieldBirthDate, "17/03/7", "x", helpdesk.ValueBad},
		{domain.FieldNumber, "1", "x", helpdesk.NotNow}, {domain.FieldLogin, "o1", "x", helpdesk.NotNow}, {domain.FieldEmail, "a@example.org", "x", helpdesk.NotNow}, {"", "x", "x", helpdesk.NotNow},
	} {
		refused(t, w.Amend(t.Context(), w.by("Ada"), w.seen(), f.field, f.value, f.why), f.want)
	}
	if w.person() != before || len(w.acts()) != acts {
		t.Error("a refused act was written")
	}
	seen := w.seen()
	w.must(w.Amend(t.Context(), w.by("Ada"), seen, domain.FieldFamilyName, "  Martine ", "carte d’identité"))
	refused(t, w.Amend(t.Context(), w.by("Bob"), seen, domain.FieldFamilyName, "Martins", "x"), helpdesk.Changed)
	if e := w.last(helpdesk.ActAmended); e.What["field"] != domain.FieldFamilyName || e.What["from"] != "Martin" || e.What["to"] != "Martine" || e.What["reason"] == "" {
		t.Errorf("%+v", e)
	}
	w.accounts.FailWith(nil)
	if _, err := w.store.Hurry(t.Context(), overview.WaitingJobs{Kind: domain.JobAccount, Person: jean}); err != nil {
		t.Fatal(err)
	}
	w.Runner.Wake()
	if m := w.mail(domain.MessageActivated); m.Login != before.Login {
		t.Errorf("created as %q, promised as %q", m.Login, before.Login)
	}
	p := w.person()
	if p.FamilyName != "Martine" || p.Account != domain.AccountActive {
		t.Errorf("%+v", p)
	}
	if a, ok := w.accounts.Get(p.Login); !ok || a.FamilyName != "Martine" {
		t.Errorf("the account is %+v", a)
	}
	if c, err = w.Case(t.Context(), jean); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Amendable(); ok {
		t.Error("a value of an active account is offered for correction")
	}
}
