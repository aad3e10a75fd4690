package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Contestant is a way to create accounts that is measured.
type Contestant struct {
	Name string
	// One creates the i-th account, counted over all rounds. Only a contestant
	// with separate steps uses the journey.
	One func(ctx context.Context, i int, seen *Journey) error
	// Settle, if set, waits for the work that a round leaves behind, which
	// belongs to the round's cost.
	Settle func(ctx context.Context) error
}

// Processes are the ids of the processes that work for a contestant; 0: none.
type Processes struct{ Portal, Keycloak, Database, Directory, Kratos int }

// FixedCompilers is the option with which Java keeps its compiler threads and their
// counters.
const FixedCompilers = "-XX:-UseDynamicNumberOfCompilerThreads"

// Cost is the processor time of a round, by process.
type Cost struct {
	Portal, Keycloak, Database, Directory, Kratos, Caller time.Duration
	// Compilers is the time of the compilers of Keycloak's Java, which Keycloak does
	// not include: it depends on what was compiled before, not on the accounts.
	Compilers time.Duration
}

// Journey holds the measurements of one visitor.
type Journey struct {
	Steps    []Step
	Requests int
}

// Step is one step as measured by the visitor.
type Step struct {
	Name  string
	Took  time.Duration
	Bytes int64 // bytes received, including headers and the page's style sheets and scripts
}

// add appends a step, or adds to the last one if it has the same name: the page
// of success may come after several looks at a waiting page.
func (j *Journey) add(name string, took time.Duration, bytes int64) {
	if n := len(j.Steps); n > 0 && j.Steps[n-1].Name == name {
		j.Steps[n-1].Took += took
		j.Steps[n-1].Bytes += bytes
		return
	}
	j.Steps = append(j.Steps, Step{name, took, bytes})
}

// Round is the result of one contestant in one round.
type Round struct {
	Name     string
	Done     int
	Errors   []error
	Took     time.Duration // from the first start to the last end
	Cost     Cost
	Journeys []Journey
}

// PerSecond returns the number of finished accounts per second.
func (r Round) PerSecond() float64 { return float64(r.Done) / r.Took.Seconds() }

// Each returns core-milliseconds per finished account.
func (r Round) Each(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000 / float64(max(1, r.Done))
}

// Pace is the arrival pattern of visitors.
type Pace struct {
	AtOnce int     // number of concurrent visitors
	Rate   float64 // or: arrivals per second, however many visitors are active
}

// Progress is called after each account.
type Progress func(name string, done, total int)

// Run lets a contestant create n accounts, the first of them with index first.
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
	out.Cost = Cost{
		Portal: after.Portal - before.Portal, Keycloak: after.Keycloak - before.Keycloak, Database: after.Database - before.Database,
		Directory: after.Directory - before.Directory, Kratos: after.Kratos - before.Kratos, Caller: after.Caller - before.Caller, Compilers: after.Compilers - before.Compilers,
	}
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
		_ = group.Wait() // the group only collects the errors
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
	for pid, to := range map[int]*time.Duration{p.Portal: &c.Portal, p.Keycloak: &c.Keycloak, p.Database: &c.Database, p.Directory: &c.Directory, p.Kratos: &c.Kratos} {
		if pid == 0 {
			continue
		}
		if *to, err = cpu(pid); err != nil {
			return c, err
		}
	}
	if p.Keycloak != 0 {
		if c.Compilers, err = compilers(p.Keycloak); err != nil {
			return c, err
		}
		c.Keycloak -= c.Compilers
	}
	c.Caller, err = OwnCPU()
	return c, err
}

// quiet waits, for ten seconds at most, until a process is almost idle.
// Keycloak's compiler works on after each contestant, and the next one must not
// be charged for it.
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
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		var now time.Duration
		if now, err = cpu(pid); err == nil && now-before < look/10 {
			return nil
		}
		before = now
	}
	return err
}

// Rounds runs contestants in turns. Each one warms up first, so that Keycloak's
// compiler treats all alike. Each round begins with another contestant, so that
// none always follows the same one.
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
				own = Pace{AtOnce: pace.AtOnce} // the other contestants run as fast as possible
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
