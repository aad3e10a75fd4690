package intake

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"
)

// O1: two instances that share the folder show each other's trials and imports,
// and never work on one file at the same time.
func TestO1_AnImportIsLiveOnEveryInstance(t *testing.T) {
	folder := t.TempDir()
	var clock atomic.Int64
	options := Options{Folder: folder, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(clock.Load(), 0) }}
	a, b := New(t.Context(), options), New(t.Context(), options)
	defer a.Close()
	defer b.Close()
	const id = "0123456789abcdef0123456789abcdef"
	if !plainID.MatchString(id) {
		t.Fatal("the id has another form")
	}
	if err := a.keep(File{ID: id, Name: "people.csv", At: options.Now()}); err != nil {
		t.Fatal(err)
	}
	shown := func(on *Intake) *Progress {
		t.Helper()
		_, p, err := on.File(id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if shown(b) != nil || !a.take(id, true) {
		t.Fatal("a waiting file is busy")
	}
	a.mu.Lock()
	p := a.working[id]
	p.Lines, p.Done = 4000, 0.4
	a.working[id] = p
	a.show(id, true)
	a.mu.Unlock()
	if p := shown(b); p == nil || !p.Import || p.Lines != 4000 || p.Done != 0.4 {
		t.Errorf("the other instance shows %+v", p)
	}
	if b.take(id, true) {
		t.Error("two instances work on one file")
	}
	a.release(id)
	if shown(b) != nil || shown(a) != nil {
		t.Error("an import that has ended is shown as running")
	}
	// An instance that dies leaves its progress behind.
	if !a.take(id, false) {
		t.Fatal("a released file is busy")
	}
	a.mu.Lock()
	close(a.stops[id]) // no more signs of life
	delete(a.stops, id)
	a.mu.Unlock()
	clock.Add(int64(aliveFor/time.Second) - 1)
	if shown(b) == nil || b.take(id, false) {
		t.Error("a slow instance counts as dead")
	}
	clock.Add(2)
	if shown(b) != nil || !b.take(id, false) {
		t.Error("the file of a dead instance stays busy")
	}
	b.release(id)
}
