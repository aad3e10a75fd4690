package app

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"entree/internal/store"
)

type paper struct{ at time.Time }

func (p *paper) Witness(context.Context) (time.Time, error) { return p.at, nil }
func (p *paper) SetWitness(_ context.Context, at time.Time) error {
	p.at = at
	return nil
}

// A database that was put back is found out, however that was done, and one
// that only went on is not.
func TestI1_ARestoredDatabaseIsFoundOut(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *store.Store {
		s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, name), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	keycloak := &paper{}
	start := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	compare := func(s *store.Store, after time.Duration, want bool) {
		t.Helper()
		got, err := compareAges(t.Context(), keycloak, s, start.Add(after))
		at, _ := s.RestoredAt(t.Context())
		if err != nil || got != want || at.IsZero() == want {
			t.Errorf("after %v: restored at %v, and said %v, %v; want %v", after, at, got, err, want)
		}
	}
	s := open("entree.db")
	compare(s, 0, false)
	compare(s, 10*time.Minute, false)
	if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db"), func(store.Copied) {}); err != nil {
		t.Fatal(err)
	}
	compare(s, 5*time.Minute, false) // the clock was put back
	compare(s, 20*time.Minute, false)
	if err := s.Advance(t.Context(), witnessMark, start.Add(30*time.Minute)); err != nil { // killed before Keycloak heard of it
		t.Fatal(err)
	}
	compare(s, 40*time.Minute, false)
	old := open("copy.db")
	compare(old, 50*time.Minute, true)
	if said, err := compareAges(t.Context(), keycloak, old, start.Add(time.Hour)); said || err != nil {
		t.Errorf("it is said again: %v, %v", said, err)
	}
	if at, err := old.RestoredAt(t.Context()); at.IsZero() || err != nil {
		t.Errorf("the mark went: %v", err)
	}
	compare(open("empty.db"), 2*time.Hour, true)
}
