package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"entree/internal/domain"
)

// Two journeys spend each other's codes at the same time: nothing waits for ever,
// and a journey that was changed since it was read is not overwritten.
func TestS2_TheCodeOfAnotherJourney(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for _, id := range []string{"a", "b"} {
			w.must(w.Begin(t.Context(), journey(id), domain.Effects{}))
		}
		spend := func(of, by string) error {
			other, err := w.Journey(t.Context(), domain.JourneyID(of))
			if err != nil {
				return err
			}
			other.SpendCode(start)
			_, err = w.Update(t.Context(), domain.Journey{ID: domain.JourneyID(by)}, func(*domain.Journey) (domain.Effects, error) {
				return domain.Effects{CodeOf: &other}, nil
			})
			return err
		}
		for range 20 {
			var both sync.WaitGroup
			for of, by := range map[string]string{"a": "b", "b": "a"} {
				both.Go(func() {
					if err := spend(of, by); err != nil && !errors.Is(err, domain.ErrConflict) {
						t.Error(err)
					}
				})
			}
			both.Wait()
		}
		w.must(spend("a", "b"))
		at, err := w.JourneysAt(t.Context(), "jp@example.net", start)
		w.must(err)
		for _, j := range at {
			if stored, err := w.Journey(t.Context(), j.ID); err != nil || stored.Version != j.Version {
				t.Errorf("journey %s: version %d, %d in its document", j.ID, stored.Version, j.Version)
			}
			if j.ID == "a" && j.Code.SpentAt.IsZero() {
				t.Error("the code of a is not spent")
			}
		}
		if len(at) != 2 {
			t.Errorf("%d journeys to the address", len(at))
		}
		if late, err := w.JourneysAt(t.Context(), "jp@example.net", start.Add(time.Hour)); err != nil || len(late) > 0 {
			t.Errorf("%d journeys after their end, %v", len(late), err)
		}
		stale, err := w.Journey(t.Context(), "a")
		w.must(err)
		w.must(spend("b", "a"))
		stale.SpendCode(start)
		if _, err := w.Update(t.Context(), domain.Journey{ID: "b"}, func(*domain.Journey) (domain.Effects, error) {
			return domain.Effects{CodeOf: &stale}, nil
		}); !errors.Is(err, domain.ErrConflict) {
			t.Errorf("a journey that was read earlier: %v", err)
		}
	})
}
