// Package jobs runs the work that committed transactions requested of external
// systems.
//
// A job exists if and only if the transaction that created it was committed. A
// runner leases the job, calls its handler, and ends the job in one transaction
// with the handler's effects:
//
//	waiting ── lease ──► running ──┬── done ──────► gone, with its effects
//	   ▲                           ├── error ─────► waiting, later each time
//	   └───────────────────────────┘
//	                               └── permanent, or past its deadline ──► given up, visibly
//
// A new job may be committed with a lease (Runner.Lease). If its runner dies before
// the run, another takes it after 20 s.
//
// A lease is short and is extended while its job runs. The lease of a runner that
// died expires, and another runner takes the job. Each job therefore runs at least
// once, and its handler must be idempotent. Any number of runners may share one
// queue.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"crypto/rand"

	"entree/internal/domain"
	"entree/internal/outage"
)

// Queue stores the jobs. The store implements it.
type Queue interface {
	// DueKinds returns those of the kinds that have a due job which no holder has leased.
	DueKinds(ctx context.Context, kinds []string) ([]string, error)
	// Lease leases up to n due jobs of a kind to holder, until a time.
	Lease(ctx context.Context, kind, holder string, n int, until time.Time) ([]domain.Job, error)
	// LeaseOne leases one job, whether it is due or not. It returns
	// domain.ErrNotFound if the job has ended or another holder leased it.
	LeaseOne(ctx context.Context, id, holder string, until time.Time) (domain.Job, error)
	// Waiting reports whether a job has not ended yet.
	Waiting(ctx context.Context, id string) (bool, error)
	// Extend extends the lease of a job. It returns an error if another holder
	// has the job.
	Extend(ctx context.Context, j domain.Job, until time.Time) error
	// Finish ends a job and applies its handler's effects in one transaction. written
	// is false if the job ended without its effects (see domain.Effects.End).
	Finish(ctx context.Context, j domain.Job, e domain.Effects) (written bool, err error)
	// Retry ends the lease and makes the job due again at a time.
	Retry(ctx context.Context, j domain.Job, at time.Time, reason string) error
	// GiveUp ends a job that failed for good. It erases the payload unless keep is
	// true, which lets an administrator run the job again.
	GiveUp(ctx context.Context, j domain.Job, reason string, keep bool, e domain.Effects) error
}

// Options configures a runner. Queue, Clock and Log must be set.
type Options struct {
	Queue   Queue
	Clock   func() time.Time
	Log     *slog.Logger
	Workers int // jobs of one kind that run at the same time; 0 means 4
	// Ended, if not nil, is called at the end of each run with "done", "retried"
	// or "given_up".
	Ended func(kind, how string)
	// Trace, if not nil, begins the span of one run. end is called after the handler.
	Trace func(ctx context.Context, kind string, attempt int) (inner context.Context, end func(failed bool))
}

// Patient is a handler whose server may be unavailable for hours. It decides how
// long to wait after each attempt. If its job is given up, the queue keeps the
// payload, so that an administrator can run the job again.
type Patient interface {
	domain.Handler
	// Wait returns the time to wait after an attempt; the first attempt is 1.
	Wait(attempt int) time.Duration
}

const (
	leaseFor  = 20 * time.Second      // until another runner takes the job of a runner that died
	keepEvery = 5 * time.Second       // between two extensions of a lease
	runFor    = 2 * time.Minute       // longer than the time limit of any handler
	askFor    = 10 * time.Second      // for a query of the queue, so that a dead connection does not block a loop
	pollEvery = time.Second           // for jobs of all kinds that become due, or are of other instances
	firstWait = time.Second           // after the first error; doubled after each further one
	longest   = time.Minute           // the upper limit of that wait
	watch     = 20 * time.Millisecond // RunNow polls a job that another worker runs
)

// Runner runs jobs. It implements domain.Runner and is safe for concurrent use
// after the last call of Handle.
type Runner struct {
	Options
	holder   string
	handlers map[string]domain.Handler
	wake     map[string]chan struct{}
	free     map[string]chan struct{} // holds a value for each free worker of a kind
	// running counts the current runs. Run returns after the last of them.
	running sync.WaitGroup
	// failing holds the kinds whose jobs fail, and causes the kinds with the error.
	failing, causes outage.Tracker
	// base is the context of runs: a job goes on if the caller of RunNow returns.
	// serving is true while Run takes new jobs, and current holds the runs by job.
	mu      sync.Mutex
	base    context.Context
	serving bool
	current map[string]*run
}

// run is one run of a job. over is set before ended is closed.
type run struct {
	ended chan struct{}
	over  bool
}

// New returns a runner without handlers. Handle must be called before Run.
func New(o Options) *Runner {
	if o.Workers == 0 {
		o.Workers = 4
	}
	if o.Ended == nil {
		o.Ended = func(string, string) {}
	}
	return &Runner{Options: o, holder: rand.Text(), handlers: map[string]domain.Handler{},
		wake: map[string]chan struct{}{}, free: map[string]chan struct{}{}, current: map[string]*run{}}
}

// Handle registers the handler of the jobs of a kind.
func (r *Runner) Handle(kind string, h domain.Handler) {
	r.handlers[kind] = h
	r.wake[kind] = make(chan struct{}, 1)
	r.free[kind] = make(chan struct{}, r.Workers)
	for range r.Workers {
		r.free[kind] <- struct{}{}
	}
}

// Wake makes the runner look for due jobs of these kinds immediately. Without
// arguments it looks for jobs of every kind.
func (r *Runner) Wake(kinds ...string) {
	for kind, c := range r.wake {
		if len(kinds) > 0 && !slices.Contains(kinds, kind) {
			continue
		}
		select {
		case c <- struct{}{}:
		default: // a wake-up is pending already
		}
	}
}

// Run runs jobs until ctx ends, then waits for the current runs. It returns nil.
func (r *Runner) Run(ctx context.Context) error {
	// The end of ctx does not cancel a run: a run has its own time limit, and its
	// outcome must be stored.
	r.mu.Lock()
	r.base, r.serving = context.WithoutCancel(ctx), true
	r.mu.Unlock()
	var loops sync.WaitGroup
	for kind := range r.handlers {
		loops.Go(func() { r.loop(ctx, kind) })
	}
	loops.Go(func() { r.poll(ctx) })
	loops.Wait()
	r.mu.Lock()
	r.serving = false
	r.mu.Unlock()
	r.running.Wait()
	return nil
}

// poll wakes the loops of the kinds that have due jobs. One query for all kinds costs an
// idle portal less than one for each.
func (r *Runner) poll(ctx context.Context) {
	kinds := slices.Sorted(maps.Keys(r.handlers))
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		due, err := r.due(ctx, kinds)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("look for due jobs", "error", err)
		}
		if len(due) > 0 {
			r.Wake(due...)
		}
	}
}

func (r *Runner) due(ctx context.Context, kinds []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return r.Queue.DueKinds(ctx, kinds)
}

// loop leases as many jobs of a kind as there are free workers.
func (r *Runner) loop(ctx context.Context, kind string) {
	free := r.free[kind]
	for {
		select {
		case <-ctx.Done():
			return
		case <-free: // a job is leased only if a worker is free for it
		}
		n := 1 + takeAll(free)
		leased, err := r.lease(ctx, kind, n)
		if err != nil && ctx.Err() == nil {
			r.Log.Error("lease jobs", "kind", kind, "error", err)
		}
		for _, job := range leased {
			r.start(job, func() { free <- struct{}{} })
		}
		for range n - len(leased) {
			free <- struct{}{}
		}
		if len(leased) == n { // more jobs may be due
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-r.wake[kind]:
		}
	}
}

// takeAll takes the values that a channel holds now, and returns their number.
func takeAll(from <-chan struct{}) (n int) {
	for {
		select {
		case <-from:
			n++
		default:
			return n
		}
	}
}

func (r *Runner) lease(ctx context.Context, kind string, n int) ([]domain.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return r.Queue.Lease(ctx, kind, r.holder+rand.Text(), n, r.Clock().Add(leaseFor))
}

// RunNow runs one job immediately and returns when the job has ended or ctx is
// over; the job goes on in the second case. If another worker runs the job, RunNow
// waits for that worker.
func (r *Runner) RunNow(ctx context.Context, id string) error {
	r.mu.Lock()
	current := r.current[id]
	r.mu.Unlock()
	if current == nil {
		job, err := r.Queue.LeaseOne(ctx, id, r.holder+rand.Text(), r.Clock().Add(leaseFor))
		if errors.Is(err, domain.ErrNotFound) {
			return r.await(ctx, id)
		}
		if err != nil {
			return err
		}
		current = r.start(job, func() {})
	}
	select {
	case <-current.ended:
		if current.over {
			return nil
		}
		return r.await(ctx, id) // the retry may be due in a moment
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lease implements domain.Runner. A job that is leased when it is committed saves the
// commit of its lease. It leases nothing before Run starts or after Run has stopped taking jobs.
func (r *Runner) Lease(all []domain.Job) (settle func(committed bool)) {
	now := r.Clock()
	var mine []domain.Job
	var others []string
	for i := range all {
		j := &all[i]
		j.Lease, j.LeaseUntil, j.Attempts = "", time.Time{}, 0
		if j.RunAt.After(now) {
			continue // no query would lease it yet
		}
		if !r.reserve(j.Kind) {
			others = append(others, j.Kind)
			continue
		}
		j.Lease, j.LeaseUntil, j.Attempts = r.holder+rand.Text(), now.Add(leaseFor), 1
		mine = append(mine, *j)
	}
	return func(committed bool) {
		for _, j := range mine {
			release := func() { r.free[j.Kind] <- struct{}{} }
			if committed {
				r.start(j, release)
			} else {
				release()
			}
			r.running.Done() // start counts the run
		}
		if committed && len(others) > 0 {
			r.Wake(others...)
		}
	}
}

// reserve takes a free worker of a kind, if there is one, and counts a run.
func (r *Runner) reserve(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.serving {
		return false
	}
	select {
	case <-r.free[kind]:
		r.running.Add(1)
		return true
	default:
		return false
	}
}

// start runs a leased job and calls release at its end.
func (r *Runner) start(job domain.Job, release func()) *run {
	current := &run{ended: make(chan struct{})}
	r.mu.Lock()
	r.current[job.ID] = current
	r.mu.Unlock()
	r.running.Go(func() {
		defer release()
		current.over = r.run(r.context(), job)
		r.mu.Lock()
		if r.current[job.ID] == current {
			delete(r.current, job.ID)
		}
		r.mu.Unlock()
		close(current.ended)
	})
	return current
}

// await polls a job until it has ended or ctx is over.
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

// run runs one leased job and stores how it ended. over reports whether there is
// nothing to wait for: the job has ended for good, or was put off by its handler
// until something changes.
func (r *Runner) run(ctx context.Context, job domain.Job) (over bool) {
	ctx, cancel := context.WithTimeout(ctx, runFor)
	defer cancel()
	defer r.keep(ctx, job)()
	handler, ok := r.handlers[job.Kind]
	if !ok {
		return r.end(job, "retried", r.Queue.Retry(ctx, job, r.Clock().Add(longest), "no handler is registered for this kind"))
	}
	effects, err := r.traced(ctx, job, handler)
	var stored error
	if err == nil { // the effects have functions, which may panic as the handler may
		err = guarded(func() error { stored = r.finish(ctx, job, effects); return nil })
	}
	switch {
	case err == nil:
		if lasted, failures := r.failing.Succeeded(job.Kind, r.Clock()); failures > 0 {
			r.Log.Info("jobs succeed again", "kind", job.Kind, "failures", failures, "after", lasted.Round(time.Second).String())
		}
		return r.end(job, "done", stored)
	case domain.IsPermanent(err) || !r.Clock().Before(job.Deadline):
		return r.giveUp(ctx, job, handler, err)
	default:
		wait, waits := domain.RetryAfter(err)
		if !waits {
			wait = backOff(handler, job.Attempts)
		}
		at := r.Clock().Add(wait)
		r.logRetry(ctx, job, err, wait, waits && job.Attempts > 1)
		over = r.end(job, "retried", r.Queue.Retry(ctx, job, at, err.Error()))
		return over || waits
	}
}

// finish stores the end of a job with its effects, and runs the jobs among them.
func (r *Runner) finish(ctx context.Context, job domain.Job, e domain.Effects) error {
	committed := false
	settle := r.Lease(e.Jobs)
	defer func() { settle(committed) }() // also after a panic
	written, err := r.Queue.Finish(ctx, job, e)
	committed = err == nil && written
	return err
}

// traced calls the handler, within a span if jobs are traced.
func (r *Runner) traced(ctx context.Context, job domain.Job, handler domain.Handler) (effects domain.Effects, err error) {
	if r.Trace != nil {
		var end func(failed bool)
		ctx, end = r.Trace(ctx, job.Kind, job.Attempts)
		defer func() { end(err != nil) }()
	}
	err = guarded(func() (err error) { effects, err = handler.Run(ctx, job); return err })
	return effects, err
}

// quiet is the time after the next attempt within which a failure with the same
// cause belongs to the same outage.
const quiet = 10 * time.Minute

// logRetry logs a failed attempt: as a warning if it begins an outage, that is, if
// no job of its kind has failed for the same cause lately, and for debugging
// otherwise. expected is true for a retry that the handler asked for.
func (r *Runner) logRetry(ctx context.Context, job domain.Job, err error, wait time.Duration, expected bool) {
	level := slog.LevelDebug
	r.failing.Failed(job.Kind, r.Clock(), wait+quiet)
	if r.causes.Failed(job.Kind+"\n"+err.Error(), r.Clock(), wait+quiet) && !expected {
		level = slog.LevelWarn
	}
	r.Log.Log(ctx, level, "job failed and is retried; further failures for this cause are not logged", "kind", job.Kind, "job", job.ID, "attempt", job.Attempts, "error", err)
}

// keep extends the lease of a job until over is called.
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
	_, keep := handler.(Patient)
	var stored error
	err := guarded(func() error {
		effects, err := handler.Abandon(ctx, job, cause)
		if err == nil {
			stored = r.Queue.GiveUp(ctx, job, cause.Error(), keep, effects)
		}
		return err
	})
	if err != nil {
		r.Log.Error("abandon a job", "kind", job.Kind, "job", job.ID, "error", err)
		return r.end(job, "retried", r.Queue.Retry(ctx, job, r.Clock().Add(longest), err.Error()))
	}
	r.Log.Error("job given up", "kind", job.Kind, "job", job.ID, "attempts", job.Attempts, "error", cause)
	return r.end(job, "given_up", stored)
}

// end reports how a run ended to the log and to Ended; err is the error of storing
// that. After an error the lease expires and the job runs again.
func (r *Runner) end(job domain.Job, how string, err error) (over bool) {
	if err != nil {
		r.Log.Error("store the end of a job", "kind", job.Kind, "job", job.ID, "end", how, "error", err)
		return false
	}
	r.Ended(job.Kind, how)
	return how != "retried"
}

// guarded calls f and turns a panic into an error, so that the job is retried.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// backOff returns the time to wait after an attempt: a random half to the whole of
// a limit that doubles with each attempt up to a minute, or of the handler's own
// Wait. Random times keep the retries of many jobs from arriving together.
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
