package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"entree/internal/domain"
	"entree/internal/jobs"
)

// queue is an in-memory queue. The tests of package store check the store's
// queue against the same rules; here time is fake, which is not possible with a
// database.
type queue struct {
	mu      sync.Mutex
	jobs    map[string]*waiting
	effects []domain.Effects
	fail    error // error that Finish returns
	broken  int   // calls of Finish and GiveUp that panic
	asked   int   // calls of Lease
	looked  int   // calls of DueKinds
}

type waiting struct {
	domain.Job
	until   time.Time
	givenUp bool
	reason  string
}

func newQueue(jobs ...domain.Job) *queue {
	q := &queue{jobs: map[string]*waiting{}}
	for _, j := range jobs {
		q.jobs[j.ID] = &waiting{Job: j}
	}
	return q
}

// asks returns how often the runner has asked for jobs.
func (q *queue) asks() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.asked
}

func (q *queue) take(w *waiting, holder string, until time.Time) domain.Job {
	w.Lease, w.until = holder, until
	w.Attempts++
	return w.Job
}

func (q *queue) Lease(_ context.Context, kind, holder string, n int, until time.Time) ([]domain.Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.asked++
	var out []domain.Job
	for _, w := range q.jobs {
		if len(out) < n && w.Kind == kind && !w.givenUp && !time.Now().Before(w.RunAt) && !time.Now().Before(w.until) {
			out = append(out, q.take(w, holder, until))
		}
	}
	return out, nil
}

func (q *queue) DueKinds(_ context.Context, kinds []string) (due []string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.looked++
	for _, w := range q.jobs {
		if slices.Contains(kinds, w.Kind) && !w.givenUp && !time.Now().Before(w.RunAt) && !time.Now().Before(w.until) {
			due = append(due, w.Kind)
		}
	}
	return due, nil
}

func (q *queue) LeaseOne(_ context.Context, id, holder string, until time.Time) (domain.Job, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, ok := q.jobs[id]
	if !ok || w.givenUp || time.Now().Before(w.until) {
		return domain.Job{}, domain.ErrNotFound
	}
	return q.take(w, holder, until), nil
}

func (q *queue) Waiting(_ context.Context, id string) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, ok := q.jobs[id]
	return ok && !w.givenUp, nil
}

func (q *queue) len() int { q.mu.Lock(); defer q.mu.Unlock(); return len(q.jobs) }

// committed returns the names of the committed effects, joined.
func (q *queue) committed() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var kinds []string
	for _, e := range q.effects {
		kinds = append(kinds, string(e.Events[0].Kind))
	}
	return strings.Join(kinds, " ")
}

func (q *queue) there(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.jobs[id] != nil
}

func (q *queue) held(j domain.Job) (*waiting, error) {
	w, ok := q.jobs[j.ID]
	if !ok || w.Lease != j.Lease {
		return nil, errors.New("the lease was lost")
	}
	return w, nil
}

func (q *queue) Extend(_ context.Context, j domain.Job, until time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, err := q.held(j)
	if err == nil {
		w.until = until
	}
	return err
}

func (q *queue) Finish(_ context.Context, j domain.Job, e domain.Effects) (written bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.panicIfBroken()
	if q.fail != nil {
		return false, q.fail
	}
	if _, err := q.held(j); err != nil {
		return false, err
	}
	delete(q.jobs, j.ID)
	if e.End != nil { // the journey has its outcome
		return false, nil
	}
	q.effects = append(q.effects, e)
	for _, next := range e.Jobs {
		q.jobs[next.ID] = &waiting{Job: next, until: next.LeaseUntil}
	}
	return true, nil
}

func (q *queue) Retry(_ context.Context, j domain.Job, at time.Time, reason string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	w, err := q.held(j)
	if err == nil {
		w.RunAt, w.until, w.reason = at, time.Time{}, reason
	}
	return err
}

func (q *queue) panicIfBroken() {
	if q.broken > 0 {
		q.broken--
		panic("a bug in a function of the effects")
	}
}

func (q *queue) GiveUp(_ context.Context, j domain.Job, reason string, _ bool, e domain.Effects) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.panicIfBroken()
	w, err := q.held(j)
	if err == nil {
		w.givenUp, w.reason = true, reason
		q.effects = append(q.effects, e)
	}
	return err
}

// handler runs a function of the test.
type handler struct {
	run     func(domain.Job) error
	abandon func(domain.Job, error)
}

func (h handler) Run(_ context.Context, j domain.Job) (domain.Effects, error) {
	return domain.Effects{Events: []domain.Event{{Kind: "done"}}}, h.run(j)
}

func (h handler) Abandon(_ context.Context, j domain.Job, cause error) (domain.Effects, error) {
	if h.abandon != nil {
		h.abandon(j, cause)
	}
	return domain.Effects{Events: []domain.Event{{Kind: "abandoned"}}}, nil
}

func job(id string) domain.Job {
	return domain.Job{ID: id, Kind: "k", RunAt: time.Now(), Created: time.Now(), Deadline: time.Now().Add(time.Hour)}
}

// running runs a runner in fake time while f runs.
func running(t *testing.T, q *queue, h handler, f func(r *jobs.Runner)) {
	t.Helper()
	r := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler), Workers: 2})
	r.Handle("k", h)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	f(r)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRun_ADueJobIsDoneAndItsEffectsAreCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		later := job("later")
		later.RunAt = time.Now().Add(10 * time.Minute)
		q := newQueue(job("now"), later)
		running(t, q, handler{run: func(domain.Job) error { return nil }}, func(*jobs.Runner) {
			time.Sleep(time.Minute)
			if q.len() != 1 || q.committed() != "done" {
				t.Errorf("%d jobs wait, committed %q", q.len(), q.committed())
			}
			time.Sleep(10 * time.Minute)
			if q.len() != 0 {
				t.Error("a job that fell due waits")
			}
		})
	})
}

func TestRun_AnErrorPutsOffLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		q := newQueue(job("a"))
		fail := func(domain.Job) error {
			at = append(at, time.Now())
			if len(at) < 9 {
				return errors.New("not yet")
			}
			return nil
		}
		running(t, q, handler{run: fail}, func(*jobs.Runner) { time.Sleep(30 * time.Minute) })
		if len(at) != 9 || q.len() != 0 {
			t.Fatalf("%d tries, %d jobs wait", len(at), q.len())
		}
		for i := 1; i < len(at); i++ {
			least, most := min(time.Second<<(i-1), time.Minute)/2, min(time.Second<<(i-1), time.Minute)+2*time.Second
			if d := at[i].Sub(at[i-1]); d < least || d > most {
				t.Errorf("try %d came after %v, want %v to %v", i+1, d, least, most)
			}
		}
	})
}

func TestI5_WhatCannotBeDoneIsGivenUpVisibly(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		wait time.Duration
	}{
		"permanent":         {domain.Permanent(errors.New("550")), time.Minute},
		"past its deadline": {errors.New("450"), 2 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(job("a"))
			var cause error
			h := handler{run: func(domain.Job) error { return c.err }, abandon: func(_ domain.Job, err error) { cause = err }}
			running(t, q, h, func(*jobs.Runner) { time.Sleep(c.wait) })
			if w := q.jobs["a"]; w == nil || !w.givenUp || w.reason != c.err.Error() || !errors.Is(cause, c.err) {
				t.Errorf("%s: %+v, cause %v", name, w, cause)
			}
			if q.committed() != "abandoned" {
				t.Errorf("%s: committed %q", name, q.committed())
			}
		})
	}
}

func TestRun_APanicIsAnErrorThatMayPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"))
		tries := 0
		running(t, q, handler{run: func(domain.Job) error {
			if tries++; tries == 1 {
				panic("a bug")
			}
			return nil
		}}, func(*jobs.Runner) { time.Sleep(time.Minute) })
		if tries != 2 || q.len() != 0 {
			t.Errorf("%d tries, %d jobs wait", tries, q.len())
		}
	})
}

// The functions of the effects run when the end of a job is stored. Their panic is an
// error of the job.
func TestRun_APanicInTheEffectsIsAnErrorThatMayPass(t *testing.T) {
	for how, err := range map[string]error{"done": nil, "abandoned": domain.Permanent(errors.New("550"))} {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(job("a"))
			q.broken = 3 // more than there are workers
			tries := 0
			running(t, q, handler{run: func(domain.Job) error { tries++; return err }}, func(*jobs.Runner) { time.Sleep(10 * time.Minute) })
			if tries != 4 || q.committed() != how {
				t.Errorf("%s: %d tries, committed %q", how, tries, q.committed())
			}
		})
	}
}

func TestRun_AnEndThatCannotBeWrittenIsDoneAgainAfterTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"))
		q.fail = errors.New("disk full")
		tries := 0
		running(t, q, handler{run: func(domain.Job) error { tries++; return nil }}, func(*jobs.Runner) {
			time.Sleep(time.Minute)
			q.mu.Lock()
			q.fail = nil
			q.mu.Unlock()
			time.Sleep(5 * time.Minute)
		})
		if tries < 3 || q.len() != 0 { // one per lease
			t.Errorf("%d tries, %d jobs wait", tries, q.len())
		}
	})
}

// A job that takes longer than a lease stays with its worker.
func TestRun_ALeaseIsKeptUpWhileTheJobIsWorkedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"))
		runs := 0
		running(t, q, handler{run: func(domain.Job) error { runs++; time.Sleep(100 * time.Second); return nil }}, func(*jobs.Runner) {
			time.Sleep(4 * time.Minute)
		})
		if runs != 1 || q.len() != 0 {
			t.Errorf("it ran %d times, %d jobs wait", runs, q.len())
		}
	})
}

// The job of a dead runner is taken over within seconds, not minutes, because a
// student waits for it.
func TestRun_AJobOfADeadRunnerIsTakenWithinHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"))
		dead := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		dead.Handle("k", handler{run: func(domain.Job) error { runtime.Goexit(); return nil }})
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_ = dead.RunNow(ctx, "a")
		running(t, q, handler{run: func(domain.Job) error { return nil }}, func(*jobs.Runner) { time.Sleep(30 * time.Second) })
		if q.len() != 0 {
			t.Error("the job still waits for the dead one")
		}
	})
}

// slow is a handler of jobs that take a second each, which counts them.
type slow struct {
	mu              sync.Mutex
	now, most, runs int
}

func (s *slow) handler() handler {
	return handler{run: func(domain.Job) error {
		s.count(1)
		time.Sleep(time.Second)
		s.count(-1)
		return nil
	}}
}

func (s *slow) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += n
	s.most, s.runs = max(s.most, s.now), s.runs+max(n, 0)
}

// ran returns the number of jobs that have run or do, and the most at once.
func (s *slow) ran() (runs, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs, s.most
}

func TestRun_NoMoreAtOnceThanThereAreWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"), job("b"), job("c"), job("d"), job("e"))
		var s slow
		running(t, q, s.handler(), func(*jobs.Runner) { time.Sleep(time.Minute) })
		if runs, most := s.ran(); runs != 5 || most != 2 || q.len() != 0 {
			t.Errorf("%d jobs ran, %d at once, %d wait", runs, most, q.len())
		}
	})
}

func TestRun_WhatIsUnderWayComesToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("a"))
		running(t, q, handler{run: func(domain.Job) error { time.Sleep(10 * time.Second); return nil }}, func(*jobs.Runner) {
			time.Sleep(2 * time.Second) // and then the program is told to stop
		})
		if q.len() != 0 {
			t.Error("the job was cut off")
		}
	})
}

func TestRunNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(job("quick"), job("slow"), job("once more"))
		tries := map[string]int{}
		var mu sync.Mutex
		r := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		r.Handle("k", handler{run: func(j domain.Job) error {
			mu.Lock()
			tries[j.ID]++
			n := tries[j.ID]
			mu.Unlock()
			switch {
			case j.ID == "slow":
				time.Sleep(time.Minute)
			case strings.HasPrefix(j.ID, "once") && n == 1:
				return errors.New("restarting")
			}
			return nil
		}})
		if err := r.RunNow(t.Context(), "quick"); err != nil || q.there("quick") {
			t.Errorf("%v", err)
		}
		if err := r.RunNow(t.Context(), "unknown"); err != nil {
			t.Errorf("a job that is over: %v", err)
		}
		short, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		begun := time.Now()
		if err := r.RunNow(short, "slow"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		time.Sleep(2 * time.Minute)
		if q.there("slow") {
			t.Error("the work did not go on when its visitor had left")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		if err := r.RunNow(t.Context(), "once more"); err != nil || q.there("once more") {
			t.Errorf("a job that another run finished: %v", err)
		}
		stop()
		<-ended
	})
}
