package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Contestant is a way to an account.
type Contestant struct {
	Name string
	// One makes the i-th account of all rounds together. Only a contestant that walks
	// step by step uses the journey.
	One func(ctx context.Context, i int, seen *Journey) error
	// Settle, if set, waits for what a round leaves behind: it belongs to the
	// round's cost.
	Settle func(ctx context.Context) error
}

// Processes are the ids of the processes that work for a contestant; 0: none.
type Processes struct{ Portal, Keycloak, Database int }

// Cost is the processor's time of a round, by who used it.
type Cost struct{ Portal, Keycloak, Database, Caller time.Duration }

// Journey is what one visitor saw.
type Journey struct {
	Steps    []Step
	Requests int
}

// Step is one step as the visitor felt it.
type Step struct {
	Name  string
	Took  time.Duration
	Bytes int64 // over the wire, with headers and what the page needs beside itself
}

func (j *Journey) add(name string, took time.Duration, bytes int64) {
	j.Steps = append(j.Steps, Step{name, took, bytes})
}

// Round is one contestant's turn.
type Round struct {
	Name     string
	Done     int
	Errors   []error
	Took     time.Duration // from the first arrival to the last end
	Cost     Cost
	Journeys []Journey
}

// PerSecond is how many were done in a second.
func (r Round) PerSecond() float64 { return float64(r.Done) / r.Took.Seconds() }

// Each returns core-milliseconds per finished account.
func (r Round) Each(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(1, r.Done))
}

// Pace is how visitors come.
type Pace struct {
	AtOnce int     // so many are on their way at any time
	Rate   float64 // or: so many arrive in a second, however many are on their way
}

// Progress is told after each account.
type Progress func(name string, done, total int)

// Run lets a contestant make the accounts from first on, n of them.
func Run(ctx context.Context, c Contestant, p Processes, pace Pace, first, n int, tell Progress) (Round, error) {
	before, err := costs(p)
	if err != nil {
		return Round{}, err
	}
	out := Round{Name: c.Name}
	var mu sync.Mutex
	begun := time.Now()
	last := begun
	one := func(i int) {
		var j Journey
		err := c.One(ctx, i, &j)
		mu.Lock()
		defer mu.Unlock()
		last = time.Now()
		if err != nil {
			out.Errors = append(out.Errors, err)
		} else {
			out.Done++
			out.Journeys = append(out.Journeys, j)
		}
		tell(c.Name, out.Done+len(out.Errors), n)
	}
	if err := arrive(ctx, pace, first, n, one); err != nil {
		return out, err
	}
	out.Took = last.Sub(begun)
	if c.Settle != nil {
		if err := c.Settle(ctx); err != nil {
			return out, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	after, err := costs(p)
	out.Cost = Cost{after.Portal - before.Portal, after.Keycloak - before.Keycloak, after.Database - before.Database, after.Caller - before.Caller}
	return out, err
}

func arrive(ctx context.Context, pace Pace, first, n int, one func(int)) error {
	var group errgroup.Group
	if pace.Rate > 0 {
		every := time.NewTicker(time.Duration(float64(time.Second) / pace.Rate))
		defer every.Stop()
		for i := range n {
			group.Go(func() error { one(first + i); return nil })
			select {
			case <-every.C:
			case <-ctx.Done():
			}
		}
		_ = group.Wait() // one keeps the errors
		return ctx.Err()
	}
	group.SetLimit(max(1, pace.AtOnce))
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { one(first + i); return nil })
	}
	_ = group.Wait()
	return ctx.Err()
}

func costs(p Processes) (c Cost, err error) {
	for pid, to := range map[int]*time.Duration{p.Portal: &c.Portal, p.Keycloak: &c.Keycloak, p.Database: &c.Database} {
		if pid == 0 {
			continue
		}
		if *to, err = cpu(pid); err != nil {
			return c, err
		}
	}
	c.Caller, err = ownCPU()
	return c, err
}

// quiet waits, for ten seconds at most, until a process has hardly anything left
// to do: Keycloak's compiler works on for a while after each way, and the next
// one is not to pay for that.
func quiet(ctx context.Context, pid int) error {
	const look = 500 * time.Millisecond
	if pid == 0 {
		return nil
	}
	before, err := cpu(pid)
	for range 20 {
		if err != nil {
			return err
		}
		if err := wait(ctx, look); err != nil {
			return err
		}
		var now time.Duration
		if now, err = cpu(pid); err == nil && now-before < look/10 {
			return nil
		}
		before = now
	}
	return err
}

// Rounds lets contestants work in turn. Each one warms up first, so that
// Keycloak's compiler has seen every way alike; each round begins with another
// one, so that no contestant always follows the same one.
func Rounds(ctx context.Context, contestants []Contestant, p Processes, pace Pace, warm, n, rounds int, tell Progress, ended func(round int, r Round)) (map[string][]Round, error) {
	for _, c := range contestants {
		if _, err := Run(ctx, c, p, Pace{AtOnce: pace.AtOnce}, 0, warm, func(name string, done, total int) { tell("warm up: "+name, done, total) }); err != nil {
			return nil, err
		}
	}
	out := map[string][]Round{}
	for i := range rounds {
		for k := range contestants {
			c := contestants[(k+i)%len(contestants)]
			own := pace
			if c.Name != NameActivation {
				own = Pace{AtOnce: pace.AtOnce} // the others are driven as fast as they go
			}
			if err := quiet(ctx, p.Keycloak); err != nil {
				return out, err
			}
			r, err := Run(ctx, c, p, own, warm+i*n, n, tell)
			if err != nil {
				return out, err
			}
			ended(i+1, r)
			out[c.Name] = append(out[c.Name], r)
		}
	}
	return out, nil
}
