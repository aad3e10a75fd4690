package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
)

// soakOptions are the flags of `entree-dev bench soak`.
type soakOptions struct {
	lasts        time.Duration
	rate         float64
	database     string
	keycloakHome string
}

func benchSoakCommand(p *product) *cobra.Command {
	var o soakOptions
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Load for half an hour: does the portal stay as it is?",
		Long: `Let students come and activate at one pace for a long time, on a stack of its
own like that of "bench rush", and look at the portal twice a second: what it
holds of memory, goroutines and descriptors.

The first tenth is left out: what is filled once is no leak. Of the rest the
first fifth is held against the last one, median against median. It is flat
where the last is higher by no more than a tenth and, for memory, 8 MB, for
goroutines and descriptors, 10. Ends with 1 where it is not, or anything was lost.

Needs Java 17 or later; with --database postgres, an installed PostgreSQL.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSoak(cmd.Context(), o, p, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.lasts, "for", 30*time.Minute, "how long")
	f.Float64Var(&o.rate, "rate", 4, "students who arrive in a second")
	f.StringVar(&o.database, "database", "sqlite", "the portal's: sqlite or postgres")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

func (o soakOptions) check() error {
	switch {
	case o.lasts < 30*time.Second || o.rate <= 0:
		return errors.New("--for is 30s or more, --rate more than 0")
	case o.database != "sqlite" && o.database != "postgres":
		return fmt.Errorf("--database is sqlite or postgres, not %q", o.database)
	}
	return nil
}

func runSoak(ctx context.Context, o soakOptions, p *product, talk io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	students := int(o.lasts.Seconds() * o.rate)
	s, err := startStack(ctx, stackOptions{postgres: o.database == "postgres", keycloakHome: o.keycloakHome, people: students}, p, talk)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	realm := s.admin()
	before, err := realm.Count(ctx)
	if err != nil {
		return err
	}
	walkers := &walkers{activation: bench.Activation{Portal: s.portal(), Box: s.box}}
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	seen := make(chan []sample, 1)
	go func() { seen <- watchPortal(watched, s.pids.Portal, s.portal()) }()
	fmt.Fprintf(talk, "%d students in %s …\n", students, o.lasts)
	round, err := bench.Run(ctx, walkers.contestant(s.box), s.pids, bench.Pace{Rate: o.rate}, 0, students, newLive(talk).tell)
	if err != nil {
		return err
	}
	unwatch()
	samples := <-seen
	proof, err := walkers.prove(ctx, realm, realm.Count, before, s.box.Received(), 20, talk)
	if err != nil {
		return err
	}
	fmt.Fprintf(talk, "\n%d activated, %d failed, %d accounts found, %d mails, %d of %d logins\n", round.Done, len(round.Errors), proof.Found, proof.Mails, proof.LoggedIn, proof.Tried)
	rises := judgeFlat(samples, talk)
	switch {
	case len(round.Errors) > 0:
		return fmt.Errorf("%d students failed, the first one: %w", len(round.Errors), round.Errors[0])
	case !proof.Whole():
		return fmt.Errorf("some students did not reach the expected end: %+v", proof)
	case len(rises) > 0:
		return fmt.Errorf("these figures grow: %s", strings.Join(rises, ", "))
	}
	fmt.Fprintln(talk, "flat")
	return nil
}

// sample is what the portal held at one time: bytes, goroutines, descriptors.
type sample [3]float64

// grows are the figures of a sample, with what may be between the first fifth
// and the last one beside a tenth.
var grows = [len(sample{})]struct {
	name  string
	unit  float64
	slack float64
}{{"memory, MB", 1 << 20, 8 << 20}, {"goroutines", 1, 10}, {"descriptors", 1, 10}}

// watchPortal samples the portal until ctx ends.
func watchPortal(ctx context.Context, pid int, address string) (all []sample) {
	every := time.NewTicker(500 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-every.C:
		}
		memory, _, err := bench.MemoryOf(pid)
		if err != nil {
			return all // it has ended, which is seen elsewhere
		}
		figures, err := readFigures(ctx, address+"/metrics")
		if err != nil {
			continue // too busy to tell: the samples are many
		}
		all = append(all, sample{float64(memory), figures["go_goroutines"], figures["process_open_fds"]})
	}
}

// readFigures returns the metrics without labels.
func readFigures(ctx context.Context, address string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	out := map[string]float64{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = n
		}
	}
	return out, nil
}

// judgeFlat prints the fifths and returns the figures that rose from the first to the last.
func judgeFlat(all []sample, talk io.Writer) (rises []string) {
	all = all[len(all)/10:]
	if len(all) < 20 {
		return []string{fmt.Sprintf("%d samples tell nothing", len(all))}
	}
	out := tabwriter.NewWriter(talk, 0, 0, 2, ' ', tabwriter.AlignRight)
	for i, g := range grows {
		var fifths [5]float64
		fmt.Fprintf(out, "%s\t", g.name)
		for k := range fifths {
			fifths[k] = medianOf(all[len(all)*k/5:len(all)*(k+1)/5], i)
			fmt.Fprintf(out, "%.0f\t", fifths[k]/g.unit)
		}
		fmt.Fprintln(out)
		if first, last := fifths[0], fifths[4]; first == 0 || last > first*1.1+g.slack {
			rises = append(rises, fmt.Sprintf("%s from %.0f to %.0f", g.name, first/g.unit, last/g.unit))
		}
	}
	_ = out.Flush() // to the terminal
	return rises
}

func medianOf(some []sample, figure int) float64 {
	var values []float64
	for _, s := range some {
		values = append(values, s[figure])
	}
	slices.Sort(values)
	return values[len(values)/2]
}
