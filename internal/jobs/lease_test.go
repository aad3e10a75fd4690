package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"entree/internal/domain"
	"entree/internal/jobs"
)

// commit puts jobs into the queue, as a transaction does.
func (q *queue) commit(all ...domain.Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range all {
		q.jobs[j.ID] = &waiting{Job: j, until: j.LeaseUntil}
	}
}

func TestLease_AJobRunsAtOnceAndIsAskedForByNoQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var ran []domain.Job
		running(t, q, handler{run: func(j domain.Job) error { time.Sleep(100 * time.Millisecond); ran = append(ran, j); return nil }}, func(r *jobs.Runner) {
			synctest.Wait()
			all := []domain.Job{job("a")}
			settle := r.Lease(all)
			if all[0].Lease == "" || all[0].Attempts != 1 || !all[0].LeaseUntil.Equal(time.Now().Add(20*time.Second)) {
				t.Fatalf("%+v", all[0])
			}
			q.commit(all...)
			settle(true)
			begun := time.Now()
			if err := r.RunNow(t.Context(), "a"); err != nil || time.Since(begun) != 100*time.Millisecond || len(ran) != 1 {
				t.Errorf("%v after %v, %d runs", err, time.Since(begun), len(ran))
			}
		})
		if q.len() != 0 || q.committed() != "done" || len(ran) != 1 || ran[0].Attempts != 1 {
			t.Errorf("%d jobs wait, committed %q, %+v", q.len(), q.committed(), ran)
		}
	})
}

func TestLease_AJobThatWasNotCommittedDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		ran := 0
		running(t, q, handler{run: func(domain.Job) error { ran++; return nil }}, func(r *jobs.Runner) {
			synctest.Wait()
			for range 5 { // more than there are workers: each is free again
				all := []domain.Job{job("a")}
				settle := r.Lease(all)
				if all[0].Lease == "" {
					t.Fatal("no worker is free")
				}
				settle(false)
			}
			time.Sleep(time.Minute)
		})
		if ran != 0 {
			t.Errorf("%d runs", ran)
		}
	})
}

// The jobs for which no worker is free, and those that are not due, are left to the
// runner's own queries. None of them is forgotten.
func TestLease_NoMoreThanThereAreFreeWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		var s slow
		running(t, q, s.handler(), func(r *jobs.Runner) {
			synctest.Wait()
			later := job("later")
			later.RunAt = time.Now().Add(time.Minute)
			all := []domain.Job{later, job("a"), job("b"), job("c"), job("d"), job("e")}
			all[5].Lease, all[5].Attempts = "of an earlier try", 1
			settle := r.Lease(all)
			leased := 0
			for _, j := range all {
				if j.Lease != "" {
					leased++
				}
			}
			if leased != 2 || all[0].Lease != "" || all[5].Lease != "" || all[5].Attempts != 0 {
				t.Errorf("%d of two workers: %+v", leased, all)
			}
			q.commit(all...)
			settle(true)
			time.Sleep(4 * time.Second)
			if runs, most := s.ran(); runs != 5 || most != 2 {
				t.Errorf("%d runs, %d at once", runs, most)
			}
			time.Sleep(2 * time.Minute)
		})
		if runs, _ := s.ran(); runs != 6 || q.len() != 0 {
			t.Errorf("%d runs, %d wait", runs, q.len())
		}
	})
}

func TestLease_NothingBeforeAndAfterTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		h := handler{run: func(domain.Job) error { time.Sleep(10 * time.Second); return nil }}
		all := []domain.Job{job("a")}
		early := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
		early.Handle("k", h)
		if early.Lease(all)(true); all[0].Lease != "" {
			t.Error("a runner leased a job before its run")
		}
		var r *jobs.Runner
		running(t, q, h, func(running *jobs.Runner) {
			r = running
			synctest.Wait()
			settle := r.Lease(all)
			q.commit(all...)
			settle(true)
		})
		if q.len() != 0 {
			t.Error("the job was cut off by the stop")
		}
		again := []domain.Job{job("b")}
		if r.Lease(again)(true); again[0].Lease != "" {
			t.Error("a stopped runner leased a job")
		}
	})
}

// A job whose effects were dropped, because its journey has its outcome, orders
// nothing.
func TestLease_EffectsThatWereDroppedOrderNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, dropped := range []bool{false, true} {
			q := newQueue()
			h := &ordering{dropped: dropped}
			r := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler), Workers: 2})
			r.Handle("orders", h)
			r.Handle("k", handler{run: func(domain.Job) error { h.mails++; return nil }})
			order := job("order")
			order.Kind = "orders"
			q.commit(order)
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
			stop()
			if want := map[bool]int{false: 1, true: 0}[dropped]; h.mails != want || q.len() != 0 {
				t.Errorf("dropped %t: %d mails, %d jobs wait", dropped, h.mails, q.len())
			}
		}
	})
}

// An end of a job that panics frees the workers that it reserved for the next jobs.
func TestLease_APanicInTheEndReservesNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		q.broken = 5 // more than there are workers
		h := &ordering{}
		r := jobs.New(jobs.Options{Queue: q, Clock: time.Now, Log: slog.New(slog.DiscardHandler), Workers: 2})
		r.Handle("orders", h)
		r.Handle("k", handler{run: func(domain.Job) error { h.mails++; return nil }})
		order := job("order")
		order.Kind = "orders"
		q.commit(order)
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
		defer stop()
		if err := r.Run(ctx); err != nil { // waits for every run that was counted
			t.Error(err)
		}
		if h.mails != 1 || q.len() != 0 {
			t.Errorf("%d mails, %d jobs wait", h.mails, q.len())
		}
	})
}

// A job that is not due does not make the runner ask for jobs.
func TestLease_AJobThatIsNotDueWakesNoLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		running(t, q, handler{run: func(domain.Job) error { return nil }}, func(r *jobs.Runner) {
			synctest.Wait()
			later := job("later")
			later.RunAt = time.Now().Add(time.Millisecond)
			all := []domain.Job{later}
			asked := q.asks()
			settle := r.Lease(all)
			q.commit(all...)
			settle(true)
			synctest.Wait()
			if q.asks() != asked {
				t.Error("the runner asked for the job before it was due")
			}
			time.Sleep(2 * time.Second)
		})
		if q.len() != 0 {
			t.Error("the job was forgotten")
		}
	})
}

// A runner without due jobs looks once in a second for those of all its kinds.
func TestRun_AnIdleRunnerLooksOncePerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		nothing := handler{run: func(domain.Job) error { return nil }}
		running(t, q, nothing, func(r *jobs.Runner) {
			time.Sleep(10*time.Second + time.Millisecond)
		})
		if q.asks() != 1 || q.looked != 10 {
			t.Errorf("%d leases were tried, and %d times a due job was looked for", q.asks(), q.looked)
		}
	})
}

// ordering is a handler whose effects order a mail.
type ordering struct {
	dropped bool
	mails   int
}

func (o *ordering) Run(context.Context, domain.Job) (domain.Effects, error) {
	e := domain.Effects{Events: []domain.Event{{Kind: "ordered"}}, Jobs: []domain.Job{job("mail")}}
	if o.dropped {
		e.End = &domain.JourneyEnd{}
	}
	return e, nil
}

func (o *ordering) Abandon(context.Context, domain.Job, error) (domain.Effects, error) {
	return domain.Effects{}, errors.New("not abandoned")
}
