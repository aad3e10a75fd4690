package bench

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"entree/internal/devenv/scripted"
)

// Monday is a simulated first day: students arrive by the day's curve, in compressed
// time, at a portal whose windows are compressed alike (ADR 0104).
type Monday struct {
	Portal    string
	Box       scripted.Box
	Processes Processes
	Person    func(i int) scripted.Person
	Students  int
	Factor    float64
	From, To  time.Duration // of the day
	Grace     time.Duration // real time that students have after the end of the day
	Seed      uint64
	// Figures reads the portal's metrics.
	Figures func(context.Context) (map[string]float64, error)
}

// Hour is one hour of the simulated day. The last one holds what came after it.
type Hour struct {
	Arrived  int            `json:"arrived"`
	Ended    map[end]int    `json:"ended"`
	OnTheWay int            `json:"on_the_way"` // at the end of the hour
	Refused  map[string]int `json:"refused"`    // by limit
	Shared   map[string]int `json:"refused_in_shared_networks"`
	steps    []Journey
	samples  []Sample
}

// Visit is how the day of one student ended.
type Visit struct {
	Login   string
	Patient bool
	Arrived bool
	End     end
	At      string // the last page
}

// Outcome is the result of a simulated day.
type Outcome struct {
	Hours  []Hour
	Visits []Visit
	Signs  []Sign
	Cost   Cost
	Took   time.Duration
	from   time.Duration
}

// day is a simulated day under way.
type day struct {
	Monday
	begun time.Time
	mu    sync.Mutex
	out   Outcome
}

// Run lets the day pass. It returns when every student has an account or has given up,
// or the grace is over.
func (m Monday) Run(ctx context.Context) (Outcome, error) {
	before, err := costs(m.Processes)
	if err != nil {
		return Outcome{}, err
	}
	d := &day{Monday: m, begun: time.Now(), out: Outcome{from: m.From, Visits: make([]Visit, m.Students)}}
	for range int((m.To-m.From+time.Hour-1)/time.Hour) + 1 {
		d.out.Hours = append(d.out.Hours, Hour{Ended: map[end]int{}, Refused: map[string]int{}, Shared: map[string]int{}})
	}
	lasts := time.Duration(float64(m.To-m.From)/m.Factor) + m.Grace
	run, cancel := context.WithTimeout(ctx, lasts)
	defer cancel()
	watching, unwatch := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); d.watch(watching) }()
	var all sync.WaitGroup
	for i, at := range Arrivals(m.Students, m.From, m.To, rand.New(rand.NewPCG(m.Seed, 0))) {
		all.Go(func() { d.visit(run, i, at) })
	}
	all.Wait()
	unwatch()
	<-watched
	d.out.Took = time.Since(d.begun)
	onTheWay := 0
	for i := range d.out.Hours {
		h := &d.out.Hours[i]
		onTheWay += h.Arrived
		for _, n := range h.Ended {
			onTheWay -= n
		}
		h.OnTheWay = onTheWay + h.Ended[endUnderWay]
	}
	after, err := costs(m.Processes)
	d.out.Cost = Cost{Portal: after.Portal - before.Portal, Keycloak: after.Keycloak - before.Keycloak, Database: after.Database - before.Database, Caller: after.Caller - before.Caller}
	if err == nil {
		err = ctx.Err()
	}
	return d.out, err
}

// now returns the time of the simulated day.
func (d *day) now() time.Duration {
	return d.From + time.Duration(float64(time.Since(d.begun))*d.Factor)
}

// count changes the current hour.
func (d *day) count(change func(*Hour)) {
	i := int((d.now() - d.From) / time.Hour)
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.out.Hours[min(i, len(d.out.Hours)-1)])
}

func (d *day) visit(ctx context.Context, i int, at time.Duration) {
	p := d.Person(i)
	v := newVisitor(p, d.Portal, d.Box, i, d.Factor, rand.New(rand.NewPCG(d.Seed, uint64(i)+1)), d.refused)
	defer v.Close()
	seen := Visit{Login: p.Login(), Patient: !v.temper.impatient}
	v.sleep(ctx, v.real(at-d.From))
	if seen.Arrived = ctx.Err() == nil; seen.Arrived {
		d.count(func(h *Hour) { h.Arrived++ })
		seen.End = v.live(ctx)
		seen.At = v.Where()
		d.count(func(h *Hour) {
			h.Ended[seen.End]++
			if seen.End == endFinished {
				h.steps = append(h.steps, v.journey)
			}
		})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.out.Visits[i] = seen
}

func (d *day) refused(limit string, n network) {
	d.count(func(h *Hour) {
		h.Refused[limit]++
		if n.shared {
			h.Shared[limit]++
		}
		if slices.Contains(runsOut, limit) {
			d.out.Signs = append(d.out.Signs, Sign{d.now(), limit})
		}
	})
}

// watch samples the portal twice a second until ctx ends.
func (d *day) watch(ctx context.Context) {
	every := time.NewTicker(500 * time.Millisecond)
	defer every.Stop()
	var last map[string]float64
	asked := time.Now()
	busy, idle := machineCPU()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		begun := time.Now()
		figures, err := d.Figures(ctx)
		if err != nil {
			continue // the portal is too busy: the next answer takes long
		}
		memory, _, _ := MemoryOf(d.Processes.Portal) // 0: not known on this system
		s := sampleOf(figures, last, begun.Sub(asked))
		s.At, s.Database, s.Memory = d.now(), time.Since(begun), memory
		nowBusy, nowIdle := machineCPU()
		if all := nowBusy - busy + nowIdle - idle; all > 0 {
			s.Busy = float64(nowBusy-busy) / float64(all)
		}
		last, asked, busy, idle = figures, begun, nowBusy, nowIdle
		d.count(func(h *Hour) {
			h.samples = append(h.samples, s)
			d.out.Signs = append(d.out.Signs, s.Signs()...)
		})
	}
}

// sampleOf returns the sample of the portal's metrics and of those some time before.
func sampleOf(now, before map[string]float64, since time.Duration) Sample {
	s := Sample{Waiting: map[string]float64{}, Oldest: map[string]time.Duration{}}
	for _, kind := range []string{"mail", "account"} {
		s.Waiting[kind] = now[`entree_database_jobs_waiting{kind="`+kind+`"}`]
		s.Oldest[kind] = time.Duration(now[`entree_database_jobs_oldest_seconds{kind="`+kind+`"}`] * float64(time.Second))
	}
	grown := func(name string) float64 { return now[name] - before[name] }
	// The sum of times that grew in a second is the number of those under way (Little).
	took := grown("entree_password_hash_seconds_sum")
	s.Hashes = took / since.Seconds()
	if n := grown("entree_password_hash_seconds_count"); n > 0 {
		s.HashTook = time.Duration(took / n * float64(time.Second))
	}
	for name := range maps.Keys(now) {
		if len(name) > 33 && name[:33] == "entree_http_request_seconds_sum{r" {
			s.Requests += grown(name) / since.Seconds()
		}
	}
	return s
}
