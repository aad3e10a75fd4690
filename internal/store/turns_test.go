package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"entree/internal/domain"
)

// R5: many requests of one browser at once cost two transactions each, the first of
// which can be outdated, and do not try again after each other's commits.
func TestR5_WritersOfOneJourneyActOneAfterTheOther(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.must(w.Begin(t.Context(), journey("j1"), domain.Effects{}))
		known, err := w.Journey(t.Context(), "j1")
		w.must(err)
		const writers = 60
		var changes atomic.Int32
		together(writers, func(int) {
			if _, err := w.Update(context.Background(), known, func(j *domain.Journey) (domain.Effects, error) {
				changes.Add(1)
				j.Code.Tries++
				return domain.Effects{}, nil
			}); err != nil {
				t.Error(err)
			}
		})
		j, err := w.Journey(t.Context(), "j1")
		if err != nil || j.Code.Tries != writers || changes.Load() > 2*writers {
			t.Errorf("%d tries, %d changes, %v", j.Code.Tries, changes.Load(), err)
		}
		// A caller whose context is cancelled does not wait for its turn and does not
		// delay the callers behind it.
		left, leave := context.WithCancel(t.Context())
		if _, err := w.Update(t.Context(), known, func(j *domain.Journey) (domain.Effects, error) {
			leave()
			if _, err := w.Update(left, known, func(*domain.Journey) (domain.Effects, error) { return domain.Effects{}, nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("a caller that has left: %v", err)
			}
			return domain.Effects{}, nil
		}); err != nil {
			t.Error(err)
		}
	})
}
