package intake

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"entree/internal/domain"
)

// The progress of a trial or import is a file beside the uploaded one, so that
// every instance that shares the folder shows it and none works on the same file.
// The instance that works writes it every second; without a sign of life for
// aliveFor, the instance counts as dead and the file may be taken again.
const (
	progressFile = "progress"
	showEvery    = time.Second
	aliveFor     = 15 * time.Second
)

// progress returns the progress of a file that this or another instance works on.
func (i *Intake) progress(id string) (Progress, bool) {
	i.mu.Lock()
	p, busy := i.working[id]
	i.mu.Unlock()
	if busy {
		return p, true
	}
	return i.elsewhere(id)
}

// elsewhere returns the progress that another instance has written.
func (i *Intake) elsewhere(id string) (p Progress, busy bool) {
	raw, err := os.ReadFile(i.path(id, progressFile))
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return Progress{}, false
	}
	return p, i.Now().Sub(p.Seen) < aliveFor
}

// take reports whether this instance may work on a file. The caller must call
// release afterwards.
func (i *Intake) take(id string, imports bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, busy := i.working[id]; busy {
		return false
	}
	if _, busy := i.elsewhere(id); busy {
		return false
	}
	// The file may be left from an instance that died. Two instances that find it at the
	// same time: the second O_EXCL fails.
	_ = os.Remove(i.path(id, progressFile)) // usually there is none
	f, err := os.OpenFile(i.path(id, progressFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		if !errors.Is(err, os.ErrExist) {
			i.Log.Error("write the progress of an import", "import", id, "error", err)
		}
		return false
	}
	_ = f.Close() // empty
	i.working[id] = Progress{Import: imports, Phase: domain.PhaseReading, Begun: i.Now()}
	i.show(id, true)
	stop := make(chan struct{})
	i.stops[id] = stop
	i.group.Go(func() { i.live(id, stop) })
	return true
}

// live shows that this instance works, also while the database does.
func (i *Intake) live(id string, stop chan struct{}) {
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		i.mu.Lock()
		if i.stops[id] == stop {
			i.show(id, true)
		}
		i.mu.Unlock()
	}
}

// show writes the progress for other instances, at most once a second unless
// always is true. The caller must hold i.mu.
func (i *Intake) show(id string, always bool) {
	p, now := i.working[id], i.Now()
	if !always && now.Sub(p.Seen) < showEvery {
		return
	}
	p.Seen = now
	i.working[id] = p
	raw, err := json.Marshal(p)
	if err == nil {
		err = os.WriteFile(i.path(id, progressFile+".new"), raw, 0o600)
	}
	if err == nil {
		err = os.Rename(i.path(id, progressFile+".new"), i.path(id, progressFile))
	}
	if err != nil {
		i.Log.Error("write the progress of an import", "import", id, "error", err)
	}
}

func (i *Intake) release(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.working, id)
	if stop := i.stops[id]; stop != nil {
		close(stop)
		delete(i.stops, id)
	}
	if err := os.Remove(i.path(id, progressFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		i.Log.Error("remove the progress of an import", "import", id, "error", err)
	}
}
