package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
)

// portalMarks are what a whole journey may cost the portal and its database,
// in core-milliseconds.
var portalMarks = map[string]float64{"sqlite": 7, "postgres": 11}

func benchPortalCommand(p *product) *cobra.Command {
	var students, rounds, concurrency int
	var databases []string
	var asJSON bool
	var profile string
	cmd := &cobra.Command{
		Use:   "portal",
		Short: "What the portal costs by itself: no hash, and a Keycloak that answers at once",
		Long: `Let students go the whole way, mail included, through a portal whose Keycloak
is a stand-in that answers at once. The hash is measured apart and left out, with as many
hashes at once as the portal computes (limits.hashes_at_once), because two cores that hash
slow each other down: what remains is the portal's own cost and its database's.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			talk := cmd.OutOrStdout()
			if asJSON {
				talk = cmd.ErrOrStderr()
			}
			found := map[string]ownCost{}
			var failed error
			for _, database := range databases {
				c, err := portalCost(cmd.Context(), p, stackOptions{standIn: true, postgres: database == "postgres", people: students*rounds + students}, students, rounds, concurrency, profile, talk)
				if err != nil {
					return err
				}
				mark := portalMarks[database]
				holds := "holds"
				if c.Together.Median > mark {
					holds = "DOES NOT HOLD"
				}
				fmt.Fprintf(talk, "%-9s %.2f core-ms a journey (%.2f–%.2f): portal %.2f, database %.2f, the hash of %.2f left out; mark ≤ %g %s; %.0f journeys a second, memory %d MB at most\n",
					database, c.Together.Median, c.Together.Low, c.Together.High, c.Portal, c.Database, c.Hash, mark, holds, c.PerSecond, c.Memory>>20)
				for _, p := range c.Pages {
					fmt.Fprintf(talk, "  %-10s %6d bytes\n", p.Step, p.Bytes)
				}
				found[database] = c
				failed = errors.Join(failed, c.failed)
			}
			if asJSON {
				line, err := json.Marshal(found)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line)
			}
			return failed
		},
	}
	f := cmd.Flags()
	f.IntVar(&students, "students", 500, "students in each round")
	f.IntVar(&rounds, "rounds", 3, "rounds")
	f.IntVar(&concurrency, "concurrency", 8, "students on their way at once")
	f.StringSliceVar(&databases, "database", []string{"sqlite", "postgres"}, "sqlite, postgres or both")
	f.BoolVar(&asJSON, "json", false, "one line of JSON on the standard output, all else on the standard error")
	f.StringVar(&profile, "profile", "", "write a profile of the portal's processor time into this file, for go tool pprof")
	return cmd
}

// ownCost is what a journey costs the portal itself.
type ownCost struct {
	Together  bench.Figure `json:"core_ms"`
	Portal    float64      `json:"portal"`
	Database  float64      `json:"database"`
	Hash      float64      `json:"hash"` // left out of the others
	PerSecond float64      `json:"per_second"`
	Memory    int64        `json:"memory_bytes"`
	Pages     []page       `json:"pages"`
	failed    error
}

// page is what a step brings over the wire: headers, and what its page needs
// beside itself and was not fetched before.
type page struct {
	Step  string `json:"step"`
	Bytes int64  `json:"bytes"`
}

func portalCost(ctx context.Context, p *product, o stackOptions, students, rounds, concurrency int, profile string, talk io.Writer) (c ownCost, err error) {
	o.profile = profile
	s, err := startStack(ctx, o, p, talk)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return c, err
	}
	c.Hash = s.hash
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	memory := bench.Watch(watched, s.pids.Portal)
	w := &walkers{activation: bench.Activation{Portal: s.portal(), Box: s.box}}
	live := newLive(talk)
	ways, err := bench.Rounds(ctx, []bench.Contestant{w.contestant(s.box)}, s.pids, bench.Pace{AtOnce: concurrency}, students, students, rounds, live.tell, live.ended)
	if err != nil {
		return c, err
	}
	unwatch()
	c.Memory = (<-memory).Most
	var portal, database, together, rate []float64
	for _, r := range ways[bench.NameActivation] {
		portal, database = append(portal, r.Each(r.Cost.Portal)-s.hash), append(database, r.Each(r.Cost.Database))
		together, rate = append(together, r.Each(r.Cost.Portal+r.Cost.Database)-s.hash), append(rate, r.PerSecond())
		if len(r.Errors) > 0 {
			c.failed = errors.Join(c.failed, fmt.Errorf("bench: %d failed: %w", len(r.Errors), r.Errors[0]))
		}
	}
	c.Together, c.Portal, c.Database, c.PerSecond = bench.FigureOf(together), bench.FigureOf(portal).Median, bench.FigureOf(database).Median, bench.FigureOf(rate).Median
	for _, l := range (bench.Report{Ways: ways}).Lines() {
		c.Pages = append(c.Pages, page{l.Step, l.Bytes})
	}
	if n := s.standIn.Users(); n != w.count() {
		c.failed = errors.Join(c.failed, fmt.Errorf("bench: %d accounts for %d students", n, w.count()))
	}
	return c, nil
}
