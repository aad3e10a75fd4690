package main

import (
	"slices"
	"strings"
	"sync"

	"entree/internal/devenv/outside"
	"entree/internal/secret"
)

// rotation changes the portal's secret as described in docs/operations.md,
// using the restarts that the faults cause:
//
//	a ──► a,b ──► b,a ──► b,a,c ──► c,b,a ──► …
//
// The next state begins only when every instance was started with the preceding
// one, so that every instance has a key before another one seals with it. No
// key is removed, because a journey may have begun under any of them.
type rotation struct {
	mu     sync.Mutex
	keys   []string // the first one seals
	behind bool     // the newest key is last in the list
	state  int
	at     map[*outside.Instance]int // the state with which each instance was last started
}

func newRotation(key string, instances []*outside.Instance) *rotation {
	r := &rotation{keys: []string{key}, at: map[*outside.Instance]int{}}
	for _, i := range instances {
		r.at[i] = 0
	}
	return r
}

// next returns the secret for the next start of an instance.
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

// all returns every key that was used, and the number of changes of the sealing
// key.
func (r *rotation) all() (keys []string, sealed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys), r.state / 2
}
