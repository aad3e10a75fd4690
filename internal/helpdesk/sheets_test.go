package helpdesk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

func TestSheets_EachPersonOfACohortGetsACodeOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	cohort := w.person().Cohort
	sister, later := w.person(), w.person()
	sister.ID, sister.Number, sister.GivenName, sister.Email = "p-2", "2", "Jeanne", ""
	later.ID, later.Number, later.Readiness, later.Email = "p-3", "3", domain.NotReady, ""
	w.must(w.store.Enrol(t.Context(), sister, later))
	sheets, err := w.Sheets(t.Context(), w.by("Ada"), helpdesk.SheetOrder{Cohort: cohort, Days: 7})
	if err != nil || len(sheets) != 2 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	if e := w.last(helpdesk.ActSheet); e.By.Name != "Ada" || e.What["days"] != "7" {
		t.Errorf("the audit has %+v", e)
	}
	w.pass(6 * 24 * time.Hour)
	for _, s := range sheets {
		if len(s.Code.Reveal()) != 14 || strings.Count(s.Code.Reveal(), "-") != 2 {
			t.Errorf("the code has another form")
		}
		j, err := w.EnterDesk(t.Context(), strings.ToLower(s.Code.Reveal()), domain.French, "c")
		if err != nil || j.Person != s.Person.ID && !j.IsOnlyFor(s.Person.ID) || j.Desk != "Ada" {
			t.Errorf("%s: %+v, %v", s.Person.ID, j, err)
		}
		if _, err := w.EnterDesk(t.Context(), s.Code.Reveal(), domain.French, "c"); err == nil {
			t.Error("a code works twice")
		}
	}
}

func TestSheets_AreRefusedWithAReason(t *testing.T) {
	w := newWorld(t)
	cohort := w.person().Cohort
	for want, o := range map[helpdesk.Reason]helpdesk.SheetOrder{
		helpdesk.LifeBad:     {Cohort: cohort, Days: 31},
		helpdesk.NobodyThere: {Cohort: "no such cohort", Days: 7},
	} {
		_, err := w.Sheets(t.Context(), w.by("Ada"), o)
		var r *helpdesk.Refusal
		if !errors.As(err, &r) || r.Reason != want {
			t.Errorf("%+v: %v, want %s", o, err, want)
		}
	}
	if _, err := w.Sheets(t.Context(), w.by("Ada"), helpdesk.SheetOrder{Cohort: cohort}); err == nil {
		t.Error("codes that live for no day")
	}
	sheets, err := w.Sheets(t.Context(), w.by("Ada"), helpdesk.SheetOrder{Cohort: cohort, Days: 1})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(25 * time.Hour)
	if _, err := w.EnterDesk(t.Context(), sheets[0].Code.Reveal(), domain.French, "c"); err == nil {
		t.Error("a code outlives its day")
	}
}

// Chosen people get sheets too. A person who cannot activate an account, or
// changed since the choice, is left out.
func TestSheets_ForChosenPeople(t *testing.T) {
	w := newWorld(t)
	sister, later := w.person(), w.person()
	sister.ID, sister.Number, sister.GivenName, sister.Email, sister.Cohort = "p-2", "2", "Jeanne", "", ""
	later.ID, later.Number, later.Readiness, later.Email = "p-3", "3", domain.NotReady, ""
	w.must(w.store.Enrol(t.Context(), sister, later))
	chosen, err := w.Chosen(t.Context(), []domain.PersonID{jean, "p-2", "p-3", "nobody"})
	if err != nil || len(chosen) != 3 || !chosen[0].Able || !chosen[1].Able || chosen[2].Able {
		t.Fatalf("%+v, %v", chosen, err)
	}
	order := helpdesk.SheetOrder{Days: 7}
	for _, c := range chosen {
		order.Chosen = append(order.Chosen, c.Seen)
	}
	w.must(w.Hold(t.Context(), w.by("Bob"), w.seen(), "changed meanwhile"))
	sheets, err := w.Sheets(t.Context(), w.by("Ada"), order)
	if err != nil || len(sheets) != 1 || sheets[0].Person.ID != "p-2" {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	if j, err := w.EnterDesk(t.Context(), sheets[0].Code.Reveal(), domain.French, "c"); err != nil || !j.IsOnlyFor("p-2") {
		t.Errorf("%+v, %v", j, err)
	}
	_, err = w.Sheets(t.Context(), w.by("Ada"), helpdesk.SheetOrder{Days: 7, Chosen: order.Chosen[2:]})
	refused(t, err, helpdesk.NobodyThere)
}
