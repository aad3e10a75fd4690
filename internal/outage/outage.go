// Package outage decides which of many equal failures are logged: the first one
// of an outage, and its end. Retries in between are not. It also counts failures in a
// row, for a state that is reported.
package outage

import (
	"sync"
	"time"
)

// Tracker follows outages by name. The zero value is ready for use. It is safe
// for concurrent use.
type Tracker struct {
	mu      sync.Mutex
	outages map[string]outage
}

type outage struct {
	since time.Time
	until time.Time // a failure after this time begins a new outage
	count int
}

// Failed records a failure and reports whether it begins an outage. A further
// failure belongs to the outage if it occurs within quiet after the last one.
func (t *Tracker) Failed(name string, now time.Time, quiet time.Duration) (begins bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, known := t.outages[name]
	if !known || now.After(o.until) {
		o, begins = outage{since: now}, true
	}
	o.until, o.count = now.Add(quiet), o.count+1
	if t.outages == nil {
		t.outages = map[string]outage{}
	}
	t.outages[name] = o
	return begins
}

// Succeeded ends an outage. It returns the time since its first failure and the
// number of failures; count is 0 if there was no outage.
func (t *Tracker) Succeeded(name string, now time.Time) (lasted time.Duration, count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o, known := t.outages[name]
	if !known {
		return 0, 0
	}
	delete(t.outages, name)
	return now.Sub(o.since), o.count
}
