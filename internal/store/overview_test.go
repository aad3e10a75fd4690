package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/domain"
	"entree/internal/overview"
)

func TestOverview_StagesMoveForwardWithTheirEvents(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		a, b := person("1"), person("2")
		b.Cohort = "M1"
		w.enrol(a, b)
		event := func(kind domain.EventKind, id domain.PersonID) {
			w.must(w.Apply(t.Context(), domain.Effects{Events: []domain.Event{{At: w.clock(), Kind: kind, Person: id}}}))
		}
		stands := func(want ...overview.Standing) {
			t.Helper()
			o, err := w.Overview(t.Context(), start)
			if diff := cmp.Diff(want, o.Funnel); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		}
		stands(overview.Standing{Profile: "etudiant", Cohort: "L1", Count: 1}, overview.Standing{Profile: "etudiant", Cohort: "M1", Count: 1})
		w.must(w.Apply(t.Context(), domain.Effects{Reached: []domain.Reached{{Person: "1", Stage: domain.StageCodeSent}}}))
		event(domain.EventInvited, "1") // a reminder does not lower the stage of a person
		event(domain.EventInvited, "2")
		event(domain.EventCodeWrong, "2")
		stands(overview.Standing{Profile: "etudiant", Cohort: "L1", Stage: domain.StageCodeSent, Count: 1}, overview.Standing{Profile: "etudiant", Cohort: "M1", Stage: domain.StageInvited, Count: 1})
		for _, kind := range []domain.EventKind{domain.EventCodeProven, domain.EventCharterAccepted, domain.EventAccountCreated, domain.EventFirstLogin} {
			event(kind, "1")
		}
		w.enrol(a) // an import does not change the stage
		stands(overview.Standing{Profile: "etudiant", Cohort: "L1", Stage: domain.StageFirstLogin, Count: 1}, overview.Standing{Profile: "etudiant", Cohort: "M1", Stage: domain.StageInvited, Count: 1})
	})
}

func TestOverview_ActivationsPerQuarterAndWhatIsStuck(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"), person("2"))
		var e domain.Effects
		for _, minutes := range []int{0, 14, 15, 46} {
			e.Events = append(e.Events, domain.Event{At: start.Add(time.Duration(minutes) * time.Minute), Kind: domain.EventAccountCreated, Person: "1"})
		}
		e.Events = append(e.Events, domain.Event{At: start.Add(-time.Minute), Kind: domain.EventAccountCreated, Person: "1"})
		for kind, n := range map[domain.EventKind]int{
			domain.EventRecoveryRequested: 4, domain.EventRecoveryChosen: 3, domain.EventPasswordReplaced: 2, domain.EventRecoveryRefused: 1,
		} {
			for range n {
				e.Events = append(e.Events, domain.Event{At: start, Kind: kind, Person: "1"})
			}
			e.Events = append(e.Events, domain.Event{At: start.Add(-time.Minute), Kind: kind, Person: "1"})
		}
		e.People = []domain.PersonChange{{Person: "2", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountParked}}
		e.Jobs = []domain.Job{job("a"), job("b")}
		w.must(w.Apply(t.Context(), e))
		leased, err := w.LeaseOne(t.Context(), "a", "me", start.Add(time.Minute))
		w.must(err)
		w.must(w.GiveUp(t.Context(), leased, "550 5.1.1", false, domain.Effects{}))
		o, err := w.Overview(t.Context(), start)
		w.must(err)
		o.Funnel = nil
		want := overview.Overview{
			Quarters:   []overview.Quarter{{At: start, Count: 2}, {At: start.Add(15 * time.Minute), Count: 1}, {At: start.Add(45 * time.Minute), Count: 1}},
			Recoveries: overview.Recoveries{Asked: 4, Chosen: 3, Replaced: 2, Refused: 1},
			Jobs:       []overview.JobStanding{{Kind: domain.JobMail, Waiting: 1, GivenUp: 1, Oldest: start}}, Parked: 1,
		}
		if diff := cmp.Diff(want, o); diff != "" {
			t.Error(diff)
		}
	})
}
