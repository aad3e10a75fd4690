package keycloak

import (
	"context"
	"sync"
	"time"
)

// rememberedFor is how long an answer about the realm is used again. A change of the realm
// takes effect after it at the latest.
const rememberedFor = time.Minute

// remembered holds answers about the realm that many requests need, by a name.
type remembered[T any] struct {
	mu   sync.Mutex
	held map[string]answer[T]
}

type answer[T any] struct {
	value T
	at    time.Time
}

// get returns the answer of the last minute, or that of read. keep reports whether the
// answer may be used again; an error is not.
func (r *remembered[T]) get(ctx context.Context, name string, now time.Time, read func(context.Context) (value T, keep bool, err error)) (T, error) {
	r.mu.Lock()
	a, has := r.held[name]
	r.mu.Unlock()
	if age := now.Sub(a.at); has && age >= 0 && age < rememberedFor {
		return a.value, nil
	}
	value, keep, err := read(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && keep {
		if r.held == nil {
			r.held = map[string]answer[T]{}
		}
		r.held[name] = answer[T]{value, now}
	}
	return value, err
}
