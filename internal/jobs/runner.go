// Package jobs works off what was committed for the world outside.
//
// A job exists exactly if the transaction that asked for it was committed. A
// runner leases it, runs its handler, and ends it in one transaction with the
// handler's effects:
//
//	waiting ── lease ──► running ──┬── done ──────► gone, with its effects
//	   ▲                           ├── error ─────► waiting, later each time
//	   └───────────────────────────┘
//	                               └── permanent, or past its deadline ──► given up, visibly
//
// A lease is short and is kept up while its job is worked on. A runner that dies
// leaves one that runs out, and the job is taken again: so each job is done at
// least once, and its handler has to bear that. Any number of runners may share
// one queue.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"crypto/rand"

	"entree/internal/domain"
)

// Queue is where jobs wait: the store.
type Queue interface {
	// Lease takes up to n due jobs of a kind for the holder, until a time.
	Lease(ctx context.Context, kind, holder string, n int, until time.Time) ([]domain.Job, error)
	// LeaseOne takes one job, due or not; domain.ErrNotFound where it is at
	// its end or somebody else holds it.
	LeaseOne(ctx context.Context, id, holder string, until time.Time) (domain.Job, error)
	// Waiting tells whether a job has not come to its end yet.
	Waiting(ctx context.Context, id string) (bool, error)
	// Extend holds a leased job for longer; an error where somebody else has it.
	Extend(ctx context.Context, j domain.Job, until time.Time) error
	Finish(ctx context.Context, j domain.Job, e domain.Effects) error
	Retry(ctx context.Context, j domain.Job, at time.Time, reason string) error
	// GiveUp ends a job that cannot be done, and erases its payload unless it is
	// to be kept for another try.
	GiveUp(ctx context.Context, j domain.Job, reason string, keep bool, e domain.Effects) error
}

// Options is what a runner is made of.
type Options struct {
	Queue   Queue
	Clock   func() time.Time
	Log     *slog.Logger
	Workers int // at once, for each kind; 0: 4
	// Ended, if set, is told how each run ended: "done", "retried" or
	// "given_up".
	Ended func(kind, how string)
}

// Patient is a handler whose outside may be away for hours. It says how long to
// wait after each try, and a job of its that is given up is kept whole: somebody
// may have it done again.
type Patient interface {
	domain.Handler
	// Wait gives the time after the try of a number, from 1 on.
	Wait(attempt int) time.Duration
}

// Times that a runner keeps.
const (
	leaseFor  = 20 * time.Second // how long a job waits for a runner that died
	keepEvery = 5 * time.Second  // how often a lease is kept up
	runFor    = 2 * time.Minute  // more than any handler's own time limits
	askFor    = 10 * time.Second // for an answer of the queue: a dead connection must not hold a loop
	pollEvery = time.Second      // for jobs that fall due, and those of other instances
	firstWait = time.Second      // after the first error; doubled each time
	longest   = time.Minute
	watch     = 20 * time.Millisecond // RunNow, while another works on the job
)

// Runner works jobs off. It is an activation.Runner.
type Runner struct {
	Options
	holder   string
	handlers map[string]domain.Handler
	wake     map[string]chan struct{}
	// running counts the runs under way, so that Run ends after them.
	running sync.WaitGroup
	// base is the context of runs: RunNow's caller may go, its job goes on.
	mu   sync.Mutex
	base context.Context
}

// New gives a runner. Handle has to be called before Run.
func New(o Options) *Runner {
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Ended == nil {
		o.Ended = func(string, string) {}
	}
	return &Runner{Options: o, holder: rand.Text(), handlers: map[string]domain.Handler{}, wake: map[string]chan struct{}{}}
}

// Handle says who does the jobs of a kind.
func (r *Runner) Handle(kind string, h domain.Handler) {
	r.handlers[kind] = h
	r.wake[kind] = make(chan struct{}, 1)
}

// Wake makes the runner look for jobs of these kinds at once; none: of all.
func (r *Runner) Wake(kinds ...string) {
	for kind, c := range r.wake {
		if len(kinds) > 0 && !slices.Contains(kinds, kind) {
			continue
		}
		select {
		case c <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Run works jobs off until ctx ends, then waits for those under way.
func (r *Runner) Run(ctx context.Context) error {
	// A run is not cut off by the end of the program: it has its own limits,
	// and its outcome should be written down.
	r.mu.Lock()
	r.base = context.WithoutCancel(ctx)
	r.mu.Unlock()
	var loops sync.WaitGroup
	for kind := range r.handlers {
		loops.Go(func() { r.loop(ctx, kind) })
	}
	loops.Wait()
	r.running.Wait()
	return nil
}

// loop leases as many jobs of a kind as there are free workers.
func (r *Runner) loop(ctx context.Context, kind string) {
	free := make(chan struct{}, r.Workers)
	for range r.Workers {
		free <- struct{}{}
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-free: // at least one worker is free before anything is leased
		}
		n := 1 + len(free)
		leased, err := r.lease(ctx, kind, n)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("lease jobs", "kind", kind, "error", err)
		}
		for i, job := range leased {
			if i > 0 {
				<-free
			}
			r.running.Go(func() {
				r.run(r.context(), job)
				free <- struct{}{}
			})
		}
		switch len(leased) {
		case n: // there may be more
			continue
		case 0:
			free <- struct{}{}
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake[kind]:
		case <-poll.C:
		}
	}
}

func (r *Runner) lease(ctx context.Context, kind string, n int) ([]domain.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return r.Queue.Lease(ctx, kind, r.holder+rand.Text(), n, r.Clock().Add(leaseFor))
}

// RunNow works one job off at once and returns when it came to its end, or when
// ctx is over; the work itself goes on. Where another worker
// has the job, it waits for that one.
func (r *Runner) RunNow(ctx context.Context, id string) error {
	job, err := r.Queue.LeaseOne(ctx, id, r.holder+rand.Text(), r.Clock().Add(leaseFor))
	if errors.Is(err, domain.ErrNotFound) {
		return r.await(ctx, id)
	}
	if err != nil {
		return err
	}
	done := make(chan bool, 1)
	r.running.Go(func() { done <- r.run(r.context(), job) })
	select {
	case over := <-done:
		if over {
			return nil
		}
		return r.await(ctx, id) // it may have been put off for a moment only
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await watches a job that another worker has.
func (r *Runner) await(ctx context.Context, id string) error {
	tick := time.NewTicker(watch)
	defer tick.Stop()
	for {
		waiting, err := r.Queue.Waiting(ctx, id)
		if err != nil || !waiting {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *Runner) context() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.base == nil {
		return context.Background()
	}
	return r.base
}

// run does one leased job and writes down how it ended; over tells that nobody
// has to do it again.
func (r *Runner) run(ctx context.Context, job domain.Job) (over bool) {
	ctx, cancel := context.WithTimeout(ctx, runFor)
	defer cancel()
	defer r.keep(ctx, job)()
	handler, ok := r.handlers[job.Kind]
	if !ok {
		return r.end(job, "retried", r.Queue.Retry(ctx, job, r.Clock().Add(longest), "nobody handles this kind"))
	}
	effects, err := guarded(func() (domain.Effects, error) { return handler.Run(ctx, job) })
	switch {
	case err == nil:
		return r.end(job, "done", r.Queue.Finish(ctx, job, effects))
	case domain.IsPermanent(err) || !r.Clock().Before(job.Deadline):
		return r.giveUp(ctx, job, handler, err)
	default:
		at := r.Clock().Add(backOff(handler, job.Attempts))
		r.Log.Warn("job put off", "kind", job.Kind, "job", job.ID, "attempt", job.Attempts, "error", err)
		return r.end(job, "retried", r.Queue.Retry(ctx, job, at, err.Error()))
	}
}

// keep holds the lease on a job until it is told that the job is over.
func (r *Runner) keep(ctx context.Context, job domain.Job) (over func()) {
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() {
		tick := time.NewTicker(keepEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := r.Queue.Extend(ctx, job, r.Clock().Add(leaseFor)); err != nil && ctx.Err() == nil {
				r.Log.Warn("keep a lease", "kind", job.Kind, "job", job.ID, "error", err)
			}
		}
	})
	return func() { cancel(); kept.Wait() }
}

func (r *Runner) giveUp(ctx context.Context, job domain.Job, handler domain.Handler, cause error) (over bool) {
	effects, err := guarded(func() (domain.Effects, error) { return handler.Abandon(ctx, job, cause) })
	if err != nil {
		r.Log.Error("abandon a job", "kind", job.Kind, "job", job.ID, "error", err)
		return r.end(job, "retried", r.Queue.Retry(ctx, job, r.Clock().Add(longest), err.Error()))
	}
	_, keep := handler.(Patient)
	r.Log.Error("job given up", "kind", job.Kind, "job", job.ID, "attempts", job.Attempts, "error", cause)
	return r.end(job, "given_up", r.Queue.GiveUp(ctx, job, cause.Error(), keep, effects))
}

// end tells how a run ended. Where that could not be written down, the lease
// runs out and the job is done again.
func (r *Runner) end(job domain.Job, how string, err error) (over bool) {
	if err != nil {
		r.Log.Error("write down a job's end", "kind", job.Kind, "job", job.ID, "end", how, "error", err)
		return false
	}
	r.Ended(job.Kind, how)
	return how != "retried"
}

// guarded takes a panic for an error that may pass.
func guarded(f func() (domain.Effects, error)) (e domain.Effects, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// backOff is a random time up to twice as long after each try, a minute at
// most or as long as the handler says: retries of many jobs do not come in
// waves.
func backOff(h domain.Handler, attempt int) time.Duration {
	limit := min(firstWait<<min(attempt-1, 16), longest)
	if p, ok := h.(Patient); ok {
		limit = p.Wait(attempt)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(limit/2)))
	if err != nil {
		return limit
	}
	return limit/2 + time.Duration(n.Int64())
}
