package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entree/internal/domain"
	"entree/internal/store"
)

// take counts one act.
func take(s *store.Store, key string, r domain.Rate, at time.Time) (bool, time.Time, error) {
	_, err := s.TakeAll(context.Background(), []domain.Act{{Key: key, Rate: r}}, at)
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return false, spent.Retry, nil
	}
	return err == nil, time.Time{}, err
}

func levels(t *testing.T, w *world, acts []domain.Act, at time.Time) []int {
	t.Helper()
	l, err := w.Levels(t.Context(), acts, at)
	w.must(err)
	out := make([]int, len(l))
	for i := range l {
		out[i] = l[i].Counted
	}
	return out
}

// A network whose own limit is exhausted asks for mails to a victim: the
// victim's limit is not used, at any position of the refused act in the list.
func TestR4_ARefusalSpendsNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		one, many := domain.Rate{Burst: 1, Per: time.Hour}, domain.Rate{Burst: 100, Per: time.Hour}
		day := domain.Rate{Burst: 100, Per: time.Hour, Window: true}
		acts := []domain.Act{{Key: "address", Rate: many}, {Key: "day", Rate: day}, {Key: "network", Rate: one}, {Key: "total", Rate: many}}
		_, err := w.TakeAll(t.Context(), acts, start)
		w.must(err)
		for range 20 {
			_, err := w.TakeAll(t.Context(), acts, start)
			var spent *domain.LimitError
			if !errors.As(err, &spent) || spent.Act != 2 || !spent.Retry.Equal(start.Add(time.Hour)) {
				t.Fatalf("the answer is %v", err)
			}
			// The same holds within the transaction of an act.
			err = w.Apply(t.Context(), domain.Effects{Spend: &domain.Spend{At: start, Acts: acts, Count: true}, Events: []domain.Event{{At: start, Kind: "x"}}})
			if !errors.As(err, &spent) {
				t.Fatalf("the answer is %v", err)
			}
		}
		if got := fmt.Sprint(levels(t, w, acts, start)); got != "[1 1 1 1]" {
			t.Errorf("after refusals the counters are %s", got)
		}
		if counts, err := w.EventCounts(t.Context()); err != nil || counts["x"] != 0 {
			t.Errorf("a refused act was committed: %v, %v", counts, err)
		}
	})
}

// Random lists of acts at random times: an act passes exactly if a model of plain
// counters lets it pass, and a refusal changes no counter.
func TestR4_TakeAllOrNone(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			rates := map[string]domain.Rate{
				"a": {Burst: 2, Per: 10 * time.Minute}, "b": {Burst: 3, Per: time.Hour, Window: true},
				"c": {Burst: 5, Per: 30 * time.Minute}, "d": {Burst: 4, Per: 20 * time.Minute, Window: true},
			}
			model := map[string][]time.Time{} // window: the acts since its beginning
			now := start
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				now = now.Add(time.Duration(rapid.IntRange(0, 25).Draw(rt, "minutes")) * time.Minute)
				var acts []domain.Act
				for _, k := range []string{"a", "b", "c", "d"} {
					if rapid.Bool().Draw(rt, k) {
						acts = append(acts, domain.Act{Key: fmt.Sprint(round, k), Rate: rates[k]})
					}
				}
				if len(acts) == 0 {
					continue
				}
				before := levels(t, w, acts, now)
				_, err := w.TakeAll(t.Context(), acts, now)
				after := levels(t, w, acts, now)
				var spent *domain.LimitError
				if err != nil && !errors.As(err, &spent) {
					rt.Fatal(err)
				}
				for i, a := range acts {
					kept := model[a.Key]
					if a.Rate.Window && len(kept) > 0 && !now.Before(kept[0].Add(a.Rate.Per)) {
						kept = nil
					}
					model[a.Key] = kept
					if a.Rate.Window && before[i] != len(kept) {
						rt.Fatalf("%s: %d counted, want %d", a.Key, before[i], len(kept))
					}
					full := before[i] >= a.Rate.Burst
					switch {
					case err == nil && (full || after[i] != before[i]+1):
						rt.Fatalf("%s passed: %d, then %d of %d", a.Key, before[i], after[i], a.Rate.Burst)
					case err != nil && after[i] != before[i]:
						rt.Fatalf("a refusal counted %s: %d, then %d", a.Key, before[i], after[i])
					case err != nil && i == spent.Act && !full:
						rt.Fatalf("%s refused at %d of %d", a.Key, before[i], a.Rate.Burst)
					}
				}
				if err == nil {
					for _, a := range acts {
						model[a.Key] = append(model[a.Key], now)
					}
				}
			}
		})
	})
}

// Acts of many at once under shared keys: exactly as many pass as the tightest
// rate allows, and every key counts exactly those.
func TestR4_AtOnceAllOrNone(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		acts := []domain.Act{{Key: "wide", Rate: domain.Rate{Burst: 1000, Per: time.Hour}}, {Key: "narrow", Rate: domain.Rate{Burst: 7, Per: time.Hour, Window: true}}}
		var mu sync.Mutex
		var all sync.WaitGroup
		passed := 0
		for range 40 {
			all.Go(func() {
				_, err := w.TakeAll(t.Context(), acts, start)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					passed++
				} else if !errors.As(err, new(*domain.LimitError)) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := fmt.Sprint(levels(t, w, acts, start)); passed != 7 || got != "[7 7]" {
			t.Errorf("%d passed, the counters are %s", passed, got)
		}
	})
}

// Newcomers may use the reserve when nothing else is left, and other networks
// may not.
func TestR11_AReserveIsLeftToNewcomers(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ask := func(network string) bool {
			_, err := w.TakeAll(t.Context(), []domain.Act{
				{Key: network, Rate: domain.Rate{Burst: 100, Per: time.Hour}, Few: 1},
				{Key: "total", Rate: domain.Rate{Burst: 10, Per: time.Hour}, Reserve: 3},
			}, start)
			return err == nil
		}
		passed := 0
		for range 50 {
			if ask("one") {
				passed++
			}
		}
		if passed != 7 {
			t.Errorf("one network had %d of 10, want 7", passed)
		}
		for _, network := range []string{"two", "three", "four"} {
			if !ask(network) {
				t.Errorf("%s was refused", network)
			}
		}
		if ask("five") {
			t.Error("more than the burst passed")
		}
	})
}

// The account is created only if the person may still activate it and still has
// the address that was verified. An import ends the journeys of the people it
// changes.
func TestR8_AnImportRevokesAndTheAccountsTransactionLooksAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		p := domain.Person{ID: "p", Profile: "etudiant", Number: "1", GivenName: "A", FamilyName: "B", Email: "a@example.net", Readiness: domain.Ready}
		q := domain.Person{ID: "q", Profile: "etudiant", Number: "2", GivenName: "C", FamilyName: "D", Email: "c@example.net", Readiness: domain.Ready}
		w.must(w.Enrol(t.Context(), p, q))
		for _, of := range []domain.Person{p, q} {
			w.must(w.Begin(t.Context(), domain.Journey{ID: domain.JourneyID("j-" + of.ID), Profile: "etudiant", Address: of.Email, Candidates: []domain.PersonID{of.ID},
				Person: of.ID, ProvenAt: start, SeenAt: start, ExpiresAt: start.Add(time.Hour)}, domain.Effects{}))
		}
		begin := func(address domain.Address) error {
			return w.Apply(t.Context(), domain.Effects{People: []domain.PersonChange{{Person: "p", From: []domain.AccountState{domain.NoAccount}, To: domain.AccountCreating,
				ActivationID: "x", MayActivate: true, Address: address}}})
		}
		p.Email = "new@example.net"
		w.must(w.Enrol(t.Context(), p))
		for id, want := range map[domain.JourneyID]bool{"j-p": true, "j-q": false} {
			if j, err := w.Journey(t.Context(), id); err != nil || j.Revoked != want {
				t.Errorf("%s: revoked %t, %v", id, j.Revoked, err)
			}
		}
		if err := begin("a@example.net"); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("with the old address: %v", err)
		}
		p.Readiness = domain.NotReady
		w.must(w.Enrol(t.Context(), p))
		if err := begin("new@example.net"); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("not ready: %v", err)
		}
		p.Readiness = domain.Ready
		w.must(w.Enrol(t.Context(), p))
		w.must(begin("new@example.net"))
	})
}

// Three hundred blocked attempts within three minutes are three or four events,
// and each attempt is counted.
func TestR12_OneEventPerJourneyKindAndMinute(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		const kind = domain.EventCodeBlocked
		for n := range 300 {
			at := start.Add(time.Duration(n) * 600 * time.Millisecond)
			w.must(w.Apply(t.Context(), domain.Effects{Tallies: []domain.Event{
				{At: at, Kind: kind, Person: "p", Journey: "a"}, {At: at, Kind: kind, Journey: "b"},
			}}))
		}
		w.must(w.Apply(t.Context(), domain.Effects{Tallies: []domain.Event{{At: start, Kind: domain.EventCodeExpired, Person: "p", Journey: "a"}}}))
		events, err := w.Events(t.Context(), "p")
		w.must(err)
		rows, sum := 0, 0
		for _, e := range events {
			if e.Kind == kind {
				rows++
				n := 1
				_, _ = fmt.Sscan(e.Details["count"], &n)
				sum += n
			}
		}
		if rows != 3 || sum != 300 {
			t.Errorf("%d events that count %d, want 3 and 300", rows, sum)
		}
		if counts, err := w.EventCounts(t.Context()); err != nil || counts[kind] != 600 || counts[domain.EventCodeExpired] != 1 {
			t.Errorf("counted %v, %v", counts, err)
		}
		w.must(w.Purge(t.Context(), start.AddDate(2, 0, 0)))
		if events, err = w.Events(t.Context(), "p"); err != nil || len(events) != 4 {
			t.Errorf("after the purge %d events, %v", len(events), err)
		}
	})
}
