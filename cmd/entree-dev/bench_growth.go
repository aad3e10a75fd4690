package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/devenv/bench"
	"entree/internal/devenv/demopeople"
	"entree/internal/helpdesk"
)

// The marks of growth.
const (
	growthMark = 1.2       // the largest registry's cost, to the smallest one's
	memoryMark = 150 << 20 // bytes that a portal may hold under load
)

// growthOptions are the flags of `entree-dev bench growth`.
type growthOptions struct {
	sizes                               []int
	students, rounds, open, concurrency int
	database                            string
	json                                bool
}

func benchGrowthCommand(p *product) *cobra.Command {
	var o growthOptions
	cmd := &cobra.Command{
		Use:   "growth",
		Short: "Whether an activation costs more among three million people, and what a thousand open journeys hold",
		Long: `Enrol so many people into a registry of each size, let students activate among
them through a portal of each, in turn, with a Keycloak that answers at once,
and compare what a journey costs. Then let a thousand students wait before the
charter together, in the largest one, and go on. Three million people take some
minutes and 3 GB in the temporary folder.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			talk := cmd.OutOrStdout()
			if o.json {
				talk = cmd.ErrOrStderr()
			}
			g, err := runGrowth(cmd.Context(), o, p, talk)
			if err != nil {
				return err
			}
			if o.json {
				line, err := json.Marshal(g)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line)
			}
			return g.failed
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&o.sizes, "sizes", []int{1_000, 100_000, 3_000_000}, "people in each registry")
	f.IntVar(&o.students, "students", 100, "students in each round")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each size, in turn")
	f.IntVar(&o.concurrency, "concurrency", 8, "students on their way at once")
	f.IntVar(&o.open, "open", 1000, "journeys that are open at once, in the largest registry; 0: none")
	f.StringVar(&o.database, "database", "sqlite", "sqlite or postgres")
	f.BoolVar(&o.json, "json", false, "one line of JSON on the standard output, all else on the standard error")
	return cmd
}

// growth is what a run found.
type growth struct {
	Sizes  []sized      `json:"sizes"`
	Ratio  bench.Figure `json:"largest_to_smallest"`
	Holds  bool         `json:"ratio_holds"`
	Open   int          `json:"open_at_once"`
	Memory bench.Memory `json:"memory_with_them"`
	failed error
}

type sized struct {
	People  int          `json:"people"`
	Journey bench.Figure `json:"core_ms"`
	Memory  int64        `json:"memory_bytes"`
	Enrol   float64      `json:"enrol_seconds"`
	Search  float64      `json:"search_ms"` // by a name, the median of nine
	List    float64      `json:"list_ms"`   // the first page of the list
	stack   *stack
	walkers *walkers
	costs   []float64
}

func runGrowth(ctx context.Context, o growthOptions, p *product, talk io.Writer) (g growth, err error) {
	warm := o.students
	needed := warm + o.students*o.rounds
	slices.Sort(o.sizes)
	if len(o.sizes) == 0 || o.sizes[0] < needed || o.sizes[len(o.sizes)-1] < needed+o.open {
		return g, fmt.Errorf("the smallest registry has to hold %d people, the largest one %d: fewer --students, --rounds or --open, or larger --sizes", needed, needed+o.open)
	}
	g.Sizes = make([]sized, len(o.sizes))
	defer func() {
		for _, s := range g.Sizes {
			if s.stack != nil {
				err = errors.Join(err, s.stack.stop())
			}
		}
	}()
	for i, n := range o.sizes {
		begun := time.Now()
		s := &g.Sizes[i]
		s.People = n
		s.stack, err = startStack(ctx, stackOptions{standIn: true, postgres: o.database == "postgres", people: n}, p, talk)
		if err != nil {
			return g, err
		}
		s.Enrol = time.Since(begun).Seconds()
		fmt.Fprintf(talk, "%9d people enrolled in %.0f s\n", n, s.Enrol)
		s.walkers = &walkers{activation: bench.Activation{Portal: s.stack.portal(), Box: s.stack.box}, spread: n / (needed + o.open)}
		if s.Search, s.List, err = searched(ctx, s.stack); err != nil {
			return g, err
		}
	}
	live := newLive(talk)
	for round := range o.rounds + 1 {
		for i := range g.Sizes {
			s := &g.Sizes[i]
			c := s.walkers.contestant(s.stack.box)
			c.Name = fmt.Sprintf("among %d", s.People)
			r, err := bench.Run(ctx, c, s.stack.pids, bench.Pace{AtOnce: o.concurrency}, round*o.students, o.students, live.tell)
			if err != nil {
				return g, err
			}
			if len(r.Errors) > 0 {
				g.failed = errors.Join(g.failed, fmt.Errorf("%s: %d failed: %w", c.Name, len(r.Errors), r.Errors[0]))
			}
			if round > 0 { // the first one warms up
				s.costs = append(s.costs, r.Each(r.Cost.Portal+r.Cost.Database)-s.stack.hash)
				live.ended(round, r)
			}
		}
	}
	var ratios []float64
	for i := range g.Sizes {
		s := &g.Sizes[i]
		s.Journey = bench.FigureOf(s.costs)
		if _, s.Memory, err = bench.MemoryOf(s.stack.pids.Portal); err != nil {
			return g, err
		}
		fmt.Fprintf(talk, "%9d people: %.2f core-ms a journey (%.2f–%.2f), portal %d MB at most; a person found in %.1f ms, the list in %.1f ms\n",
			s.People, s.Journey.Median, s.Journey.Low, s.Journey.High, s.Memory>>20, s.Search, s.List)
	}
	first, last := g.Sizes[0], &g.Sizes[len(g.Sizes)-1]
	for i := range last.costs {
		ratios = append(ratios, last.costs[i]/first.costs[i])
	}
	g.Ratio = bench.FigureOf(ratios)
	g.Holds = g.Ratio.Median <= growthMark
	fmt.Fprintf(talk, "the largest to the smallest: %.2f × (%.2f–%.2f), mark ≤ %.1f %s\n", g.Ratio.Median, g.Ratio.Low, g.Ratio.High, growthMark, holds(g.Holds))
	if o.open > 0 {
		if err := g.openMany(ctx, last, needed, o.open, live, talk); err != nil {
			return g, err
		}
	}
	return g, nil
}

func holds(yes bool) string {
	if yes {
		return "holds"
	}
	return "DOES NOT HOLD"
}

// comeEach is how many students come in a second, and go on in a second once all
// are there: what one small machine has time for.
const comeEach = 20

// arrived is what a student calls who stands before the charter.
type arrived struct{}

// openMany lets students wait before the charter until all of them are there.
func (g *growth) openMany(ctx context.Context, s *sized, first, n int, live *live, talk io.Writer) error {
	var there sync.WaitGroup
	there.Add(n)
	all := make(chan struct{})
	go func() { there.Wait(); close(all) }()
	var mu sync.Mutex
	open := 0
	s.walkers.activation.Pause = func(ctx context.Context) error {
		mu.Lock()
		open++
		turn := open
		g.Open = max(g.Open, open)
		mu.Unlock()
		ctx.Value(arrived{}).(func())()
		select {
		case <-all:
		case <-ctx.Done():
			return ctx.Err()
		}
		select { // students finish reading at different moments
		case <-time.After(time.Duration(turn) * time.Second / comeEach):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	memory := bench.Watch(watched, s.stack.pids.Portal)
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	c := s.walkers.contestant(s.stack.box)
	c.Name = "open at once"
	walk := c.One
	c.One = func(ctx context.Context, i int, seen *bench.Journey) error {
		is := sync.OnceFunc(there.Done)
		defer is() // the others do not wait for a student who failed
		return walk(context.WithValue(ctx, arrived{}, is), i, seen)
	}
	r, err := bench.Run(limited, c, s.stack.pids, bench.Pace{Rate: comeEach}, first, n, live.tell)
	if err != nil {
		return err
	}
	unwatch()
	g.Memory = <-memory
	if len(r.Errors) > 0 {
		g.failed = errors.Join(g.failed, fmt.Errorf("%d of %d that were open at once failed: %w", len(r.Errors), n, r.Errors[0]))
	}
	fmt.Fprintf(talk, "%d journeys open at once, %d done, %d failed; the portal's memory: %s; mark ≤ %d MB %s\n",
		g.Open, r.Done, len(r.Errors), g.Memory, memoryMark>>20, holds(g.Memory.Most <= memoryMark))
	return nil
}

// searched measures two acts of an operator: the search for a person, and the list.
func searched(ctx context.Context, s *stack) (search, list float64, err error) {
	db, err := app.OpenStore(ctx, s.config)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	median := func(q helpdesk.Query) (float64, error) {
		var took []float64
		for range 9 {
			begun := time.Now()
			if _, err := db.FindPeople(ctx, q); err != nil {
				return 0, err
			}
			took = append(took, float64(time.Since(begun).Microseconds())/1000)
		}
		return bench.FigureOf(took).Median, nil
	}
	p := demopeople.Student(7)
	if search, err = median(helpdesk.Query{Words: p.FamilyName + " " + p.Number, Sort: helpdesk.ByName}); err != nil {
		return 0, 0, err
	}
	list, err = median(helpdesk.Query{Sort: helpdesk.ByName, Profile: p.Profile})
	return search, list, err
}
