package outage_test

import (
	"testing"
	"time"

	"entree/internal/outage"
)

func TestO8_AnOutageIsToldOnceAtItsBeginAndEnd(t *testing.T) {
	var tracker outage.Tracker
	at := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	begins := 0
	for i := range 100 {
		if tracker.Failed("mail", at.Add(time.Duration(i)*time.Minute), 2*time.Minute) {
			begins++
		}
	}
	if begins != 1 {
		t.Errorf("100 failures begin %d outages", begins)
	}
	if !tracker.Failed("keycloak", at, time.Minute) {
		t.Error("another system's outage is hidden")
	}
	if lasted, count := tracker.Succeeded("mail", at.Add(100*time.Minute)); lasted != 100*time.Minute || count != 100 {
		t.Errorf("the outage lasted %v with %d failures", lasted, count)
	}
	if _, count := tracker.Succeeded("mail", at); count != 0 {
		t.Error("an outage ends twice")
	}
	tracker.Failed("mail", at, time.Minute)
	if !tracker.Failed("mail", at.Add(time.Hour), time.Minute) {
		t.Error("a failure an hour later begins no outage of its own")
	}
}
