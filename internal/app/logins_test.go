package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"entree/internal/domain"
)

// marks keeps marks in memory.
type marks map[string]time.Time

func (m marks) Mark(_ context.Context, name string) (time.Time, error) { return m[name], nil }

func (m marks) Advance(_ context.Context, name string, to time.Time) error {
	if m[name].Before(to) {
		m[name] = to
	}
	return nil
}

// The changes of the first reading are told if they are younger than an hour, and those
// after it always, also if it was interrupted. A quiet realm's last events are not read
// again for ever.
func TestFactorReader_WhatIsReadAndTold(t *testing.T) {
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	began := now
	kept := marks{}
	var noted error
	var since time.Time
	read := func(ages ...time.Duration) (told []bool) {
		t.Helper()
		err := factorReader{
			events: func(_ context.Context, from time.Time, see func([]domain.FactorEvent, time.Time) error) error {
				since = from
				for _, age := range ages {
					if err := see([]domain.FactorEvent{{At: now.Add(-age)}}, now.Add(-age)); err != nil {
						return err
					}
				}
				return nil
			},
			marks: kept,
			note: func(_ context.Context, page []domain.FactorEvent, after time.Time) error {
				for _, e := range page {
					told = append(told, e.At.After(after))
				}
				if len(told) == 2 {
					return noted
				}
				return nil
			},
			clock: func() time.Time { return now },
		}.read(t.Context())
		if !errors.Is(err, noted) {
			t.Fatal(err)
		}
		return told
	}
	noted = errors.New("the database is away")
	if told := read(100*24*time.Hour, 99*24*time.Hour); told[0] || told[1] || since != now.Add(-factorsSince) {
		t.Errorf("the first reading, from %v, tells %t", since, told)
	}
	noted = nil
	now = now.Add(time.Minute)
	if told := read(99*24*time.Hour, 2*time.Hour, 59*time.Minute); told[0] || told[1] || !told[2] {
		t.Errorf("the first reading, begun again, tells %t", told)
	}
	if read(); since != now.Add(-59*time.Minute-overlap) {
		t.Errorf("soon after the last event the next reading is from %v", since)
	}
	now = now.Add(5 * time.Hour) // the portal was away
	if told := read(4*time.Hour, time.Second); !told[0] || !told[1] || !since.Equal(began.Add(2*time.Minute-time.Hour+time.Millisecond)) {
		t.Errorf("the reading after five hours, from %v, tells %t", since, told)
	}
}
