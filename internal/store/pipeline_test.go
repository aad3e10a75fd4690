package store_test

import (
	"context"
	"testing"
	"time"

	"entree/internal/domain"
)

var once = domain.Act{Key: "strike", Rate: domain.Rate{Burst: 5, Per: time.Hour}}

// A panic within a transaction reaches the caller, changes nothing and keeps no
// connection.
func TestAPanicEndsItsTransaction(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		got := make(chan any, 1)
		go func() {
			defer func() { got <- recover() }()
			_ = w.Apply(ctx, domain.Effects{Spend: &domain.Spend{At: start, Count: true, Acts: []domain.Act{once},
				More: func(domain.Taken) (domain.Effects, error) { panic("broken") }}})
		}()
		select {
		case p := <-got:
			if p != "broken" {
				t.Errorf("the caller got %v", p)
			}
		case <-ctx.Done():
			t.Fatal("the panic did not reach the caller")
		}
		_, err := w.TakeAll(ctx, []domain.Act{once}, start)
		w.must(err)
		if n := levels(t, w, []domain.Act{once}, start)[0]; n != 1 {
			t.Errorf("%d acts are counted", n)
		}
	})
}
