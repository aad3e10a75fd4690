package bench

import (
	"context"
	"sync"
)

// Letters collects mails by address as they arrive.
type Letters struct {
	mu      sync.Mutex
	count   int
	newest  map[string]letters
	arrived chan struct{} // closed and replaced at each mail
	waiting map[string]chan struct{}
}

type letters struct {
	n    int
	text string
}

// NewLetters returns an empty box.
func NewLetters() *Letters {
	return &Letters{newest: map[string]letters{}, waiting: map[string]chan struct{}{}, arrived: make(chan struct{})}
}

// Put adds a mail.
func (l *Letters) Put(to, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	l.newest[to] = letters{l.newest[to].n + 1, text}
	if c, ok := l.waiting[to]; ok {
		close(c)
		delete(l.waiting, to)
	}
	close(l.arrived)
	l.arrived = make(chan struct{})
}

// Wait implements Post.
func (l *Letters) Wait(ctx context.Context, to string, n int) (string, error) {
	for {
		l.mu.Lock()
		got := l.newest[to]
		c, ok := l.waiting[to]
		if !ok {
			c = make(chan struct{})
			l.waiting[to] = c
		}
		l.mu.Unlock()
		if got.n >= n {
			return got.text, nil
		}
		select {
		case <-c:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// Count returns the number of received mails.
func (l *Letters) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// All waits until n mails have arrived.
func (l *Letters) All(ctx context.Context, n int) error {
	for {
		l.mu.Lock()
		count, arrived := l.count, l.arrived
		l.mu.Unlock()
		if count >= n {
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
