package activation_test

import (
	"testing"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
)

// The wait for the next code doubles up to ten times the first wait, which a simulation
// shortens.
func TestResendAt_DoublesUpToTenTimes(t *testing.T) {
	for first, want := range map[time.Duration][]time.Duration{
		0:                      {30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		500 * time.Millisecond: {500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second},
	} {
		s, err := activation.New(activation.Options{Clock: func() time.Time { return start }, Profiles: []domain.Profile{{Key: "etudiant", Login: "o{number}", Address: "{first}@example.org"}}, ResendWait: first})
		if err != nil {
			t.Fatal(err)
		}
		for i, wait := range want {
			var j domain.Journey
			j.Code.Sent, j.Code.SentAt = i+1, start
			if got := s.ResendAt(j).Sub(start); got != wait {
				t.Errorf("after %d codes: %s, want %s", i+1, got, wait)
			}
		}
	}
}
