package store_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/overview"
)

func TestFactors_WhoHasWhich(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		at := w.clock()
		for i := range 6 {
			id := domain.PersonID(fmt.Sprintf("f%d", i))
			w.enrol(domain.Person{ID: id, Profile: "etudiant", Number: string(id), Cohort: "L1", GivenName: "Ada", FamilyName: "Martin", Email: domain.Address(string(id) + "@example.net"), Readiness: domain.Ready})
			if i < 5 {
				w.must(w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: id, From: []domain.AccountState{""}, To: domain.AccountActive, AccountID: "kc-" + string(id), ActivatedAt: at.Add(-time.Duration(i) * time.Hour)}}}))
			}
		}
		note := func(n domain.FactorNews) {
			w.must(w.Apply(t.Context(), domain.Effects{Factors: []domain.FactorNews{n}}))
		}
		note(domain.FactorNews{Person: "f0", At: at, Kinds: []domain.FactorKind{domain.FactorPasskey, domain.FactorCodes}})
		note(domain.FactorNews{Person: "f1", At: at, Kinds: []domain.FactorKind{domain.FactorTOTP}})
		note(domain.FactorNews{Person: "f1", At: at.Add(time.Hour), Kinds: []domain.FactorKind{domain.FactorTOTP, domain.FactorKey}}) // the first date stays
		note(domain.FactorNews{Person: "f2", At: at, Kinds: []domain.FactorKind{domain.FactorDeclined}})
		note(domain.FactorNews{Person: "f3", At: at, Kinds: []domain.FactorKind{domain.FactorCodes}})
		counts, err := w.FactorCounts(t.Context())
		want := overview.FactorCount{Profile: "etudiant", Cohort: "L1", Accounts: 5, Passkeys: 1, Seconds: 1, Declined: 1, Without: 3}
		if err != nil || !slices.Contains(counts, want) {
			t.Errorf("%+v, %v, want %+v in it", counts, err, want)
		}
		without := func(q overview.WithoutQuery) (ids []string) {
			w.must(w.WithoutFactor(t.Context(), q, func(x overview.Without) error { ids = append(ids, string(x.ID)); return nil }))
			return ids
		}
		if got := without(overview.WithoutQuery{Cohort: "L1"}); !slices.Equal(got, []string{"f4", "f3", "f2"}) { // the oldest activation first
			t.Errorf("without: %v", got)
		}
		if got := without(overview.WithoutQuery{Profile: "etudiant", Cohort: "L1", Before: at.Add(-150 * time.Minute), Skip: 1, Limit: 1}); !slices.Equal(got, []string{"f3"}) {
			t.Errorf("a page: %v", got)
		}
		if n, err := w.Count(t.Context(), campaign.Audience{Kind: campaign.Factor, Segment: campaign.Segment{Cohort: "L1"}}); err != nil || n != 3 {
			t.Errorf("a campaign writes to %d: %v", n, err)
		}
		known, err := w.KnownFactors(t.Context(), "f1")
		if err != nil || len(known) != 2 || !known[0].At.Equal(at) || known[0].Kind != domain.FactorTOTP {
			t.Errorf("%+v, %v", known, err)
		}

		// A removal by the portal, and after it the event of an addition before it, read twice.
		w.must(w.Apply(t.Context(), domain.Effects{
			Factors: []domain.FactorNews{{Person: "f1", At: at.Add(2 * time.Hour), Kinds: []domain.FactorKind{domain.FactorKey}, All: true}},
			Events:  []domain.Event{{At: at.Add(2 * time.Hour), Kind: domain.EventFactorDropped, Person: "f1"}},
		}))
		note(domain.FactorNews{Person: "f1", At: at, Kinds: []domain.FactorKind{domain.FactorTOTP}})
		if known, err := w.KnownFactors(t.Context(), "f1"); err != nil || len(known) != 1 || known[0].Kind != domain.FactorKey {
			t.Errorf("after a removal: %+v, %v", known, err)
		}
		note(domain.FactorNews{Person: "f1", At: at.Add(3 * time.Hour), Kinds: []domain.FactorKind{domain.FactorTOTP}})
		if known, err := w.KnownFactors(t.Context(), "f1"); err != nil || len(known) != 2 {
			t.Errorf("added again: %+v, %v", known, err)
		}
		note(domain.FactorNews{Person: "f2", At: at, All: true}) // a declined offer is no factor
		if known, err := w.KnownFactors(t.Context(), "f2"); err != nil || len(known) != 1 {
			t.Errorf("%+v, %v", known, err)
		}
	})
}

// A change of factors and its effects are committed once for their key, also by several
// instances at the same time. The key is kept for eight days, and goes with the person.
func TestFactorChanges_AreWrittenOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.enrol(person("1"))
		w.account("1", domain.AccountActive)
		at := w.clock()
		change := func(key string, kind domain.FactorKind, removed bool, at time.Time) domain.Effects {
			return domain.Effects{FactorChanges: []domain.FactorChange{{
				Key: key, Person: "1", Kind: kind, Removed: removed, At: at,
				Events: []domain.Event{{At: at, Kind: domain.EventFactorAdded, Person: "1", Details: map[string]string{"kind": string(kind)}}},
				Jobs:   []domain.Job{job(key + rand.Text())},
			}}}
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := w.Apply(t.Context(), change("a", domain.FactorTOTP, false, at)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.must(w.Apply(t.Context(), change("b", domain.FactorTOTP, true, at)))
		w.must(w.Apply(t.Context(), change("c", domain.FactorKey, false, at)))
		w.must(w.Apply(t.Context(), change("d", domain.FactorTOTP, false, at.Add(time.Minute))))
		events, err := w.EventsSince(t.Context(), "1", domain.EventFactorAdded, at)
		if err != nil || len(events) != 4 {
			t.Errorf("%d events, %v", len(events), err)
		}
		if times, err := w.FactorAdditions(t.Context(), "1", domain.FactorTOTP, at); err != nil || len(times) != 2 || !times[0].Equal(at) || !times[1].Equal(at.Add(time.Minute)) {
			t.Errorf("the additions are %v, %v", times, err)
		}
		has := func(key string, want bool) {
			t.Helper()
			if has, err := w.HasFactorChange(t.Context(), key); err != nil || has != want {
				t.Errorf("%s: %t, %v", key, has, err)
			}
		}
		w.must(w.Purge(t.Context(), at.Add(domain.KeepFactorChange)))
		has("a", true)
		w.must(w.Purge(t.Context(), at.Add(domain.KeepFactorChange+time.Second)))
		has("a", false)
		has("d", true)
		w.must(w.Erase(t.Context(), "1", audit.Entry{At: at}))
		has("d", false)
	})
}
