package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
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

// A wrong code counts under the key that a right code of the same journey removes. Two
// instances that write both at once do not wait for each other.
func TestAWrongAndARightCodeAtOnceBothEnd(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		if !strings.HasPrefix(w.dsn, "postgres") {
			return // one writer at a time
		}
		w.must(w.Begin(t.Context(), journey("j"), domain.Effects{}))
		_, err := w.TakeAll(t.Context(), []domain.Act{once}, start)
		w.must(err)
		other := w.instance() // within one, the writers of a journey take turns
		right := make(chan error, 1)
		enterRight := sync.OnceFunc(func() {
			_, err := other.Update(t.Context(), domain.Journey{ID: "j"}, func(j *domain.Journey) (domain.Effects, error) {
				j.ProvenAt = start
				return domain.Effects{Forget: []string{once.Key}}, nil
			})
			right <- err
		})
		// The wrong code has locked its limit when the right code comes.
		waitForRight := func(domain.Taken) (domain.Effects, error) {
			go enterRight()
			for {
				n, err := w.LockWaits(t.Context())
				if err != nil || n > 0 || len(right) > 0 {
					return domain.Effects{}, err
				}
			}
		}
		_, err = w.Update(t.Context(), domain.Journey{ID: "j"}, func(j *domain.Journey) (domain.Effects, error) {
			j.VerifyTries++
			return domain.Effects{Spend: &domain.Spend{At: start, Count: true, Acts: []domain.Act{once}, More: waitForRight}}, nil
		})
		if err := errors.Join(err, <-right); err != nil {
			t.Fatal(err)
		}
		if j, err := w.Journey(t.Context(), "j"); err != nil || j.VerifyTries != 1 || j.ProvenAt.IsZero() {
			t.Errorf("%+v, %v", j, err)
		}
		if n := levels(t, w, []domain.Act{once}, start)[0]; n != 0 {
			t.Errorf("%d acts are counted", n)
		}
	})
}
