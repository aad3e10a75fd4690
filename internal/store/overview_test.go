package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/activation"
)

func TestOverview_StagesMoveForwardWithTheirEvents(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		a, b := person("1"), person("2")
		b.Cohort = "M1"
		w.enrol(a, b)
		event := func(kind activation.EventKind, id activation.PersonID) {
			w.must(w.Apply(t.Context(), activation.Effects{Events: []activation.Event{{At: w.clock(), Kind: kind, Person: id}}}))
		}
		stands := func(want ...activation.Standing) {
			t.Helper()
			o, err := w.Overview(t.Context(), start)
			if diff := cmp.Diff(want, o.Funnel); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		}
		stands(activation.Standing{Profile: "etudiant", Cohort: "L1", Count: 1}, activation.Standing{Profile: "etudiant", Cohort: "M1", Count: 1})
		w.must(w.Apply(t.Context(), activation.Effects{Reached: []activation.Reached{{Person: "1", Stage: activation.StageCodeSent}}}))
		event(activation.EventInvited, "1") // a reminder does not bring anybody back
		event(activation.EventInvited, "2")
		event(activation.EventCodeWrong, "2")
		stands(activation.Standing{Profile: "etudiant", Cohort: "L1", Stage: activation.StageCodeSent, Count: 1}, activation.Standing{Profile: "etudiant", Cohort: "M1", Stage: activation.StageInvited, Count: 1})
		for _, kind := range []activation.EventKind{activation.EventCodeProven, activation.EventCharterAccepted, activation.EventAccountCreated, activation.EventFirstLogin} {
			event(kind, "1")
		}
		w.enrol(a) // an import leaves it
		stands(activation.Standing{Profile: "etudiant", Cohort: "L1", Stage: activation.StageFirstLogin, Count: 1}, activation.Standing{Profile: "etudiant", Cohort: "M1", Stage: activation.StageInvited, Count: 1})
	})
}

func TestOverview_ActivationsPerQuarterAndWhatIsStuck(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		var e activation.Effects
		for _, minutes := range []int{0, 14, 15, 46} {
			e.Events = append(e.Events, activation.Event{At: start.Add(time.Duration(minutes) * time.Minute), Kind: activation.EventAccountCreated, Person: "1"})
		}
		e.Events = append(e.Events, activation.Event{At: start.Add(-time.Minute), Kind: activation.EventAccountCreated, Person: "1"})
		e.People = []activation.PersonChange{{Person: "2", From: []activation.AccountState{activation.NoAccount}, To: activation.AccountParked}}
		e.Jobs = []activation.Job{job("a"), job("b")}
		w.must(w.Apply(t.Context(), e))
		leased, err := w.LeaseOne(t.Context(), "a", "me", start.Add(time.Minute))
		w.must(err)
		w.must(w.GiveUp(t.Context(), leased, "550 5.1.1", false, activation.Effects{}))
		o, err := w.Overview(t.Context(), start)
		w.must(err)
		o.Funnel = nil
		want := activation.Overview{
			Quarters: []activation.Quarter{{At: start, Count: 2}, {At: start.Add(15 * time.Minute), Count: 1}, {At: start.Add(45 * time.Minute), Count: 1}},
			Jobs:     []activation.JobStanding{{Kind: activation.JobMail, Waiting: 1, GivenUp: 1, Oldest: start}}, Parked: 1,
		}
		if diff := cmp.Diff(want, o); diff != "" {
			t.Error(diff)
		}
	})
}
