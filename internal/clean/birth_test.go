package clean_test

import (
	"testing"
	"time"

	"entree/internal/clean"
)

func TestBirthDate(t *testing.T) {
	now := time.Date(2026, time.September, 7, 12, 0, 0, 0, time.UTC)
	for typed, want := range map[string]string{
		"2007-03-17": "2007-03-17", " 17/03/2007 ": "2007-03-17", "17/03/2007\u200b": "2007-03-17", "2024-02-29": "2024-02-29", "1916-01-01": "1916-01-01", "2026-09-07": "2026-09-07",
		"": "", "2007": "", "2007-02-29": "", "31/04/2007": "", "17.03.2007": "", "03/17/2007": "", "1915-12-31": "", "0007-03-17": "", "2026-09-08": "", "17/03/07": "", "2007-3-17": "",
		"2007-03-17\x00": "", "2007-03-17T00:00:00Z": "",
	} {
		if got, err := clean.BirthDate(typed, now); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", typed, got, err, want)
		}
	}
}
