package store

import (
	"context"
	"sync"

	"entree/internal/domain"
)

// turns lets the writers of one journey in this program act one after the other.
// Without it, a hundred requests of one browser at once cost thousands of
// transactions: each commit makes all others read the journey and try again. Writers
// of different journeys do not wait for each other.
type turns struct {
	mu sync.Mutex
	at map[domain.JourneyID]*turn
}

type turn struct {
	free  chan struct{} // holds one value while no writer acts
	users int           // writers that act or wait
}

// take waits for the journey's turn and returns the function that ends it. It returns
// the context's error if that comes first.
func (t *turns) take(ctx context.Context, id domain.JourneyID) (end func(), err error) {
	t.mu.Lock()
	if t.at == nil {
		t.at = map[domain.JourneyID]*turn{}
	}
	mine := t.at[id]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		t.at[id] = mine
	}
	mine.users++
	t.mu.Unlock()
	select {
	case <-mine.free:
		return func() {
			mine.free <- struct{}{}
			t.leave(id, mine)
		}, nil
	case <-ctx.Done():
		t.leave(id, mine)
		return nil, ctx.Err()
	}
}

// leave removes the turn of a journey that has no writer any more.
func (t *turns) leave(id domain.JourneyID, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.at, id)
	}
}
