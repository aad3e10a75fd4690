package outage

import (
	"fmt"
	"sync"
	"time"
)

// A server is reported after streakMost failures in a row, until it accepts something
// or the last failure is streakShown old.
const (
	streakMost  = 3
	streakShown = 15 * time.Minute
)

// Streak counts failures in a row. The zero value is ready for use. It is safe for
// concurrent use, and reads the system's clock.
type Streak struct {
	mu     sync.Mutex
	failed int
	last   error
	at     time.Time
}

// Note records one result; nil ends the streak.
func (s *Streak) Note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.failed = 0
		return
	}
	s.failed, s.last, s.at = s.failed+1, err, time.Now()
}

// Fault returns an error with the number of failures and the last one, or nil if there
// is nothing to report. what names the things that failed: "mails".
func (s *Streak) Fault(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed >= streakMost && time.Since(s.at) < streakShown {
		return fmt.Errorf("the last %d %s were not accepted: %w", s.failed, what, s.last)
	}
	return nil
}
