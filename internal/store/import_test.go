package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/audit"
	"entree/internal/domain"
)

// bring imports people and returns the counts and the reported differences.
func (w *world) bring(o domain.ImportOrder, people ...domain.Person) (domain.ImportCounts, []domain.Difference, error) {
	w.t.Helper()
	var told []domain.Difference
	o.Told = func(d domain.Difference) error { told = append(told, d); return nil }
	o.Show = 100
	counts, err := w.Import(w.t.Context(), &o, func(in domain.Intake) error {
		for n, p := range people {
			if err := in.Put(n+2, p); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, told, err
}

func some(from, to int) []domain.Person {
	var out []domain.Person
	for n := from; n < to; n++ {
		p := person(fmt.Sprintf("%03d", n))
		p.Email = domain.Address(fmt.Sprintf("p%d@example.net", n))
		out = append(out, p)
	}
	return out
}

func with(p domain.Person, change func(*domain.Person)) domain.Person {
	change(&p)
	return p
}

// The events of a person begin with the import that created the person; later
// imports add to them. The audit has an entry for an import as soon as it
// began, and none if it did not begin.
func TestImport_WhoWasBroughtInByWhich(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		first := domain.ImportOrder{Import: domain.Import{ID: "first", File: "a.csv", Operator: "Ada"}, MaxGone: 1, Audit: []audit.Entry{entry("import.begun", "first")}}
		_, _, err := w.bring(first, some(0, 1)...)
		w.must(err)
		w.pass(time.Hour)
		_, _, err = w.bring(domain.ImportOrder{Import: domain.Import{ID: "second"}, MaxGone: 1}, with(some(0, 1)[0], func(p *domain.Person) { p.Cohort = "L2" }), some(1, 2)[0])
		w.must(err)
		for id, want := range map[domain.PersonID]string{"000": "first a.csv Ada 08:00", "001": "second   09:00"} {
			r, err := w.ImportOf(t.Context(), id)
			if got := strings.Join([]string{r.ID, r.File, r.Operator, r.Ended.Format("15:04")}, " "); err != nil || got != want {
				t.Errorf("%s: %q, %v", id, got, err)
			}
		}
		if _, err := w.ImportOf(t.Context(), "nobody"); !errors.Is(err, domain.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
		_, _, err = w.bring(domain.ImportOrder{Import: domain.Import{ID: "first"}, Audit: []audit.Entry{entry("import.begun", "again")}}, some(2, 3)...)
		if err == nil {
			t.Error("two imports have one id")
		}
		if head, err := w.AuditHead(t.Context()); err != nil || head.Seq != 1 {
			t.Errorf("the audit has %d entries, %v", head.Seq, err)
		}
	})
}

func TestT14_ANumberInOtherCapitalsIsTheSamePerson(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		named := func(number string) domain.Person {
			return with(some(0, 1)[0], func(p *domain.Person) { p.Number, p.ID = number, "" })
		}
		w.enrol(named("22a"), named("77"))
		counts, _, err := w.bring(domain.ImportOrder{MaxGone: 1}, named("22A"), named("77"), named("33b"))
		if want := (domain.ImportCounts{New: 1, Unchanged: 2}); err != nil || counts != want {
			t.Errorf("%+v, %v", counts, err)
		}
		// Both spellings are stored: each line means its own.
		counts, _, err = w.bring(domain.ImportOrder{MaxGone: 1, Cases: []string{"etudiant"}}, named("22A"), named("22a"), named("77"), named("33b"))
		if want := (domain.ImportCounts{New: 1, Unchanged: 3}); err != nil || counts != want {
			t.Errorf("where the profile tells them apart: %+v, %v", counts, err)
		}
		if counts, _, err = w.bring(domain.ImportOrder{MaxGone: 1}, named("22A"), named("22a"), named("77"), named("33B")); err != nil || counts.New != 0 || counts.Unchanged != 4 {
			t.Errorf("again: %+v, %v", counts, err)
		}
	})
}

func TestImport_TellsEachDifference(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(some(0, 3)...)
		people := some(0, 3)
		people[1].Email, people[1].Cohort = "new@example.net", "L2"
		people = append(people, some(3, 4)...)
		people = append(people, with(people[0], func(p *domain.Person) { p.GivenName = "Twice" }))
		for _, dry := range []bool{true, false} {
			counts, told, err := w.bring(domain.ImportOrder{DryRun: dry, MaxGone: 1}, people...)
			if want := (domain.ImportCounts{New: 1, Changed: 1, Unchanged: 2, Refused: 1}); err != nil || counts != want {
				t.Errorf("dry %v: %+v, %v", dry, counts, err)
			}
			name := "Jean-Pierre d’Arc 王"
			want := []domain.Difference{
				{Kind: domain.DifferenceTwice, Line: 6, First: 2, Profile: "etudiant", Number: "000", Name: "Twice d’Arc 王"},
				{Kind: domain.DifferenceNew, Line: 5, Profile: "etudiant", Number: "003", Name: name},
				{Kind: domain.DifferenceChanged, Line: 3, Profile: "etudiant", Number: "001", Name: name, Changes: []domain.FieldChange{
					{Field: "email", Old: "p1@example.net", New: "new@example.net"}, {Field: "cohort", Old: "L1", New: "L2"},
				}},
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("dry %v: %s", dry, diff)
			}
		}
		events, err := w.Events(t.Context(), "001")
		if err != nil || len(events) != 1 || events[0].Kind != domain.EventPersonChanged || events[0].Details["fields"] != "email cohort" {
			t.Errorf("%+v, %v", events, err)
		}
		if p, _ := w.Person(t.Context(), "000"); p.GivenName != "Jean-Pierre" {
			t.Errorf("the second line of a number was taken: %+v", p)
		}
	})
}

func TestImport_WhoIsGoneIsHeldBackAndNothingElse(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		if _, _, err := w.bring(domain.ImportOrder{MaxGone: 0.1}, some(0, 20)...); err != nil {
			t.Fatal(err)
		}
		w.enrol(with(person("desk"), func(p *domain.Person) { p.Number = "desk" })) // no source: never gone
		w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "000", From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc"}}}))

		counts, _, err := w.bring(domain.ImportOrder{MaxGone: 0.1}, some(3, 20)...)
		var tooMany *domain.TooManyGone
		if !errors.As(err, &tooMany) || counts.Gone != 3 || !strings.Contains(err.Error(), `3 of the 20 people of the source "etudiant"`) {
			t.Fatalf("%+v, %v", counts, err)
		}
		if p, _ := w.Person(t.Context(), "001"); p.Readiness != domain.Ready {
			t.Error("an import that was stopped changed somebody")
		}
		if _, _, err := w.bring(domain.ImportOrder{MaxGone: 0.1, Part: true}, some(3, 20)...); err != nil {
			t.Errorf("a part: %v", err)
		}
		if counts, _, err := w.bring(domain.ImportOrder{MaxGone: 0.1, Gone: true}, some(3, 20)...); err != nil || counts.Gone != 3 || counts.Unchanged != 17 {
			t.Errorf("%+v, %v", counts, err)
		}
		for id, want := range map[domain.PersonID]domain.Readiness{"000": domain.Ready, "001": domain.NotReady, "003": domain.Ready, "desk": domain.Ready} {
			if p, err := w.Person(t.Context(), id); err != nil || p.Readiness != want {
				t.Errorf("%s is %s, want %s, %v", id, p.Readiness, want, err)
			}
		}
		// People who are gone are counted once, and a person who comes back is
		// present again.
		if counts, _, err := w.bring(domain.ImportOrder{MaxGone: 0.1}, some(3, 20)...); err != nil || counts.Gone != 0 {
			t.Errorf("%+v, %v", counts, err)
		}
		if counts, told, err := w.bring(domain.ImportOrder{MaxGone: 0.1}, some(1, 20)...); err != nil || counts.Changed != 2 || told[0].Changes[0].New != "ready" {
			t.Errorf("%+v, %+v, %v", counts, told, err)
		}
		// Another source does not miss the people of this one, and takes over
		// the people it brings.
		if counts, _, err := w.bring(domain.ImportOrder{Import: domain.Import{Source: "it's"}, MaxGone: 0.1}, some(1, 2)...); err != nil || counts.Gone != 0 || counts.Unchanged != 1 {
			t.Errorf("%+v, %v", counts, err)
		}
		if _, _, err := w.bring(domain.ImportOrder{Import: domain.Import{Source: "it's"}, MaxGone: 0.1}); !errors.As(err, &tooMany) || tooMany.Sources[0].Of != 1 {
			t.Errorf("an empty source: %v", err)
		}
	})
}

func TestImport_WhoseLineIsRefusedIsNotGone(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		if _, _, err := w.bring(domain.ImportOrder{}, some(0, 2)...); err != nil {
			t.Fatal(err)
		}
		counts, err := w.Import(t.Context(), &domain.ImportOrder{}, func(in domain.Intake) error {
			return errors.Join(in.Put(2, some(0, 1)[0]), in.Refuse("etudiant", "001"), in.Refuse("", ""))
		})
		if err != nil || counts != (domain.ImportCounts{Unchanged: 1, Refused: 2}) {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestImport_ANameIsOnePersons(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("given"))
		if _, err := w.ReserveLogin(t.Context(), "given", slices.Values([]string{"mine"})); err != nil {
			t.Fatal(err)
		}
		login := func(id, name string) domain.Person {
			return with(person(id), func(p *domain.Person) { p.Login, p.UniversityAddress = name, name+"@univ.example" })
		}
		counts, told, err := w.bring(domain.ImportOrder{}, login("a", "mine"), login("b", "ours"), login("c", "ours"), login("given", "other"), login("d", "free"))
		if err != nil || counts != (domain.ImportCounts{New: 2, Changed: 1, Refused: 2}) {
			t.Errorf("%+v, %v", counts, err)
		}
		var refused []int
		for _, d := range told {
			if d.Kind == domain.DifferenceTaken {
				refused = append(refused, d.Line)
			}
		}
		if diff := cmp.Diff([]int{2, 4}, refused); diff != "" {
			t.Error(diff)
		}
		if p, _ := w.Person(t.Context(), "given"); p.Login != "mine" || p.UniversityAddress != "other@univ.example" {
			t.Errorf("%+v", p)
		}
		// The names of a refused line stay free.
		if name, err := w.ReserveLogin(t.Context(), "given", slices.Values([]string{"x"})); err != nil || name != "mine" {
			t.Errorf("%q %v", name, err)
		}
		if counts, _, err := w.bring(domain.ImportOrder{Part: true}, login("c", "free"), login("b", "ours")); err != nil || counts.Refused != 1 || counts.Unchanged != 1 {
			t.Errorf("%+v, %v", counts, err)
		}
	})
}

func TestImport_IsRememberedHoweverItEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		order := func(file string) *domain.ImportOrder {
			return &domain.ImportOrder{Import: domain.Import{File: file, Operator: "nadia"}}
		}
		put := func(in domain.Intake) error { return in.Put(2, person("1")) }
		_, err := w.Import(t.Context(), order("good.csv"), put)
		w.must(err)
		w.pass(time.Minute)
		if _, err := w.Import(t.Context(), order("bad.csv"), func(in domain.Intake) error { return errors.Join(put(in), errors.New("line 7: broken")) }); err == nil {
			t.Error("no error")
		}
		w.pass(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := w.Import(ctx, order("cancelled.csv"), func(in domain.Intake) error { cancel(); return put(in) }); err == nil {
			t.Error("no error")
		}
		w.pass(time.Minute)
		// While an import runs, no other one can begin, also from another
		// program.
		other := w.instance()
		_, err = w.Import(t.Context(), order("first.csv"), func(in domain.Intake) error {
			if _, err := other.Import(t.Context(), order("second.csv"), put); !errors.Is(err, domain.ErrImportRunning) {
				t.Errorf("a second import: %v", err)
			}
			if all, _, err := other.Imports(t.Context(), 0, 1); err != nil || all[0].File != "first.csv" || all[0].State != domain.ImportRunning {
				t.Errorf("%+v, %v", all, err)
			}
			// The portal keeps writing meanwhile.
			return errors.Join(put(in), other.Begin(t.Context(), journey("j1"), domain.Effects{}))
		})
		w.must(err)
		all, count, err := other.Imports(t.Context(), 0, 10)
		if err != nil || count != 4 {
			t.Fatalf("%d, %v", count, err)
		}
		var got []string
		for _, r := range all {
			got = append(got, fmt.Sprintf("%s %s %d", r.File, r.State, r.New))
		}
		if diff := cmp.Diff([]string{"first.csv done 0", "cancelled.csv failed 0", "bad.csv failed 0", "good.csv done 1"}, got); diff != "" {
			t.Error(diff)
		}
		if r := all[3]; r.Operator != "nadia" || !r.Begun.Equal(start) || r.Ended.IsZero() {
			t.Errorf("%+v", r)
		}
	})
}

func TestSchedule_OfManyOneIsToldThatItIsDue(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		second := w.instance()
		for round, at := range []time.Time{start, start.Add(time.Hour)} {
			told := make([]bool, 8)
			together(8, func(i int) {
				s := w.Store
				if i%2 == 1 {
					s = second
				}
				var err error
				if told[i], err = s.Due(context.Background(), "source x", at, time.Hour); err != nil {
					t.Error(err)
				}
			})
			if n := len(slices.DeleteFunc(told, func(b bool) bool { return !b })); n != 1 {
				t.Errorf("round %d: %d were told", round, n)
			}
		}
		if due, err := w.Due(t.Context(), "source x", start.Add(2*time.Hour-time.Second), time.Hour); due || err != nil {
			t.Errorf("%v, %v", due, err)
		}
	})
}

// Siblings may share an address, and a spreadsheet removes zeros: the people are stored
// and told.
func TestT1_ImportsTellRepeatedValues(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		of := func(profile, number, email string) domain.Person {
			return with(person("x"+profile+number), func(p *domain.Person) {
				p.ID, p.Profile, p.Number, p.Email = "", profile, number, domain.Address(email)
			})
		}
		named := func(number, given, family string) domain.Person {
			p := of("etudiant", number, strings.ToLower(family[:1])+"@family.example")
			p.GivenName, p.FamilyName = given, family
			return p
		}
		var told []string
		see := func(kind string) func(domain.Repeated) error {
			return func(r domain.Repeated) error {
				told = append(told, fmt.Sprintf("%s %s-%s %d line %d family %t", kind, r.First, r.Last, r.People, r.Line, r.IsFamily))
				return nil
			}
		}
		counts, err := w.Import(t.Context(), &domain.ImportOrder{Part: true}, func(in domain.Intake) error {
			for n, p := range []domain.Person{
				of("etudiant", "22501001", "a@example.org"), of("etudiant", "22501002", "family@example.org"), of("etudiant", "22501003", "family@example.org"),
				of("personnel", "22501004", "family@example.org"), of("etudiant", "0022501001", "b@example.org"), of("personnel", "022501002", "c@example.org"),
				of("etudiant", "022501001", "d@example.org"), of("etudiant", "22501005", "e@example.org"), of("etudiant", "22501005", "e@example.org"), of("etudiant", "00", "f@example.org"),
				named("22501011", "Anne", "Roy"), named("22501012", "Bo", "ROY"), // siblings
				named("22501021", "Zoé", "Lévy"), named("22501022", "Éric", "LÉVY"), named("22501023", "Émile", "Levy"),
				named("22501031", "Chloé", "Noël"), named("22501032", "CHLOÉ", "NOËL"), // one person twice
				named("22501041", "Anne", "Petit"), named("22501042", "Bo", "Pétit-Roy"),
				named("22501051", "Anne", "Sy"), named("22501052", "Bo", "Sy"), named("22501053", "Cyd", "Sy"), named("22501054", "Dan", "Sy"), // too many
			} {
				if err := in.Put(n+2, p); err != nil {
					return err
				}
			}
			return in.(domain.Comparer).Repeats(see("address"), see("number"))
		})
		if err != nil || counts.New != 22 {
			t.Errorf("%+v, %v", counts, err)
		}
		want := []string{"address family@example.org-family@example.org 3 line 3 family false", "address r@family.example-r@family.example 2 line 12 family true",
			"address l@family.example-l@family.example 3 line 14 family true", "address n@family.example-n@family.example 2 line 17 family false",
			"address p@family.example-p@family.example 2 line 19 family false", "address s@family.example-s@family.example 4 line 21 family false", "number 0022501001-22501001 3 line 2 family false"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
