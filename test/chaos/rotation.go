package main

import (
	"slices"
	"strings"
	"sync"

	"entree/internal/devenv/outside"
	"entree/internal/secret"
)

// rotation changes the portal's secret as docs/operations.md says, by the
// restarts that the faults bring anyway:
//
//	a ──► a,b ──► b,a ──► b,a,c ──► c,b,a ──► …
//
// The next state is begun only when every instance was started with the one
// before, so that each knows a key before another one seals with it. No key is
// taken away: a journey may have begun under any of them.
type rotation struct {
	mu     sync.Mutex
	keys   []string // the first one seals
	behind bool     // the newest one stands last
	state  int
	at     map[*outside.Instance]int // the state that each was last started with
}

func newRotation(key string, instances []*outside.Instance) *rotation {
	r := &rotation{keys: []string{key}, at: map[*outside.Instance]int{}}
	for _, i := range instances {
		r.at[i] = 0
	}
	return r
}

// next returns the secret with which an instance is started.
func (r *rotation) next(i *outside.Instance) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	everywhere := true
	for _, at := range r.at {
		everywhere = everywhere && at == r.state
	}
	if everywhere {
		r.state++
		if r.behind {
			newest := len(r.keys) - 1
			r.keys = slices.Insert(r.keys[:newest], 0, r.keys[newest])
		} else {
			r.keys = append(r.keys, secret.GenerateKey().Reveal())
		}
		r.behind = !r.behind
	}
	r.at[i] = r.state
	return strings.Join(r.keys, ",")
}

// all returns every key that was used, and how often a new one began to seal.
func (r *rotation) all() (keys []string, sealed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys), r.state / 2
}
