package activation_test

import (
	"context"
	"sync/atomic"
	"testing"

	"entree/internal/activation"
	"entree/internal/domain"
)

// broken is a store that, while it is set, panics after it has asked for the effects of
// a change.
type broken struct {
	domain.Store
	is atomic.Bool
}

func (b *broken) Update(ctx context.Context, j domain.Journey, change func(*domain.Journey) (domain.Effects, error)) (domain.Journey, error) {
	if !b.is.Load() {
		return b.Store.Update(ctx, j, change)
	}
	_, err := change(&j)
	panic(err)
}

func (b *broken) Begin(ctx context.Context, j domain.Journey, e domain.Effects) error {
	if !b.is.Load() {
		return b.Store.Begin(ctx, j, e)
	}
	_, err := e.Spend.More(domain.Taken{Levels: make([]domain.Level, len(e.Spend.Acts))})
	panic(err)
}

// leases counts the leases that were not settled.
type leases struct {
	domain.Runner
	made, open, committed int
}

func (l *leases) Lease(all []domain.Job) func(bool) {
	l.made++
	l.open++
	settle := l.Runner.Lease(all)
	return func(committed bool) {
		settle(committed)
		l.open--
		if committed {
			l.committed++
		}
	}
}

// A panic in the store leaves no worker reserved and starts no job.
func TestAPanicSettlesTheLease(t *testing.T) {
	w := newWorld(t, jeanPierre())
	store, l := &broken{Store: w.store}, &leases{Runner: w.Runner}
	w.Store, w.Runner = store, l // before the first job
	j, _, err := w.Journey(t.Context(), w.ask("etudiant", "jp.martin@example.net"))
	if err != nil {
		t.Fatal(err)
	}
	for what, act := range map[string]func() error{
		"a change": func() error { return w.Service.Extend(t.Context(), &j) },
		"a request": func() error {
			_, err := w.Request(t.Context(), activation.Request{Profile: "etudiant", Address: "jp.martin@example.net", Lang: domain.French, Client: "192.0.2.0"})
			return err
		},
	} {
		l.made, l.open, l.committed = 0, 0, 0
		store.is.Store(true)
		panics := func() (did bool) {
			defer func() { did = recover() != nil }()
			_ = act()
			return false
		}
		if !panics() || l.made != 1 || l.open != 0 || l.committed != 0 {
			t.Errorf("%s that panics: %d leases, %d are not settled, %d committed", what, l.made, l.open, l.committed)
		}
		store.is.Store(false)
		if err := act(); err != nil || l.made != 2 || l.open != 0 || l.committed != 1 {
			t.Errorf("%s: %v, %d leases, %d are not settled, %d committed", what, err, l.made, l.open, l.committed)
		}
	}
}
