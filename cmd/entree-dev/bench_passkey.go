package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
	"entree/internal/passkey/passkeytest"
)

// passkeyOptions are the flags of `entree-dev bench passkey`.
type passkeyOptions struct {
	students, rounds, concurrency, warm int
	keycloakHome                        string
}

func benchPasskeyCommand(p *product) *cobra.Command {
	var o passkeyOptions
	cmd := &cobra.Command{
		Use:   "passkey",
		Short: "An activation with a passkey, beside one with a password",
		Long: `Let students of one profile activate their accounts, half of them with a passkey
of a device in software, half with a password, in turn, and print what one of each
costs in core-milliseconds. An activation with a passkey computes no hash.

Needs Java 17 or later.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPasskey(cmd.Context(), o, p, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.students, "students", 100, "students of each way in each round")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each way, in turn")
	f.IntVar(&o.concurrency, "concurrency", 4, "students at once")
	f.IntVar(&o.warm, "warm-up", 40, "students of each way before anything is counted")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

func runPasskey(ctx context.Context, o passkeyOptions, p *product, out io.Writer) (err error) {
	if o.students < 1 || o.rounds < 1 || o.concurrency < 1 || o.warm < 0 {
		return errors.New("--students, --rounds and --concurrency are 1 or more, --warm-up 0 or more")
	}
	all := o.warm + o.students*o.rounds
	s, err := startStack(ctx, stackOptions{keycloakHome: o.keycloakHome, passkeys: true, people: 2 * all}, p, out)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	way := func(name string, first int, device func([]byte) ([]byte, error)) bench.Contestant {
		activation := bench.Activation{Portal: s.portal(), Box: s.box, Passkey: device}
		return bench.Contestant{Name: name, One: func(ctx context.Context, i int, seen *bench.Journey) error {
			_, err := activation.Walk(ctx, student(first+i), seen)
			return err
		}}
	}
	const password, passkey = "password", "passkey"
	live := newLive(out)
	ways, err := bench.Rounds(ctx, []bench.Contestant{way(password, 0, nil), way(passkey, all, passkeytest.Device{Origin: s.portal()}.Register)},
		s.pids, bench.Pace{AtOnce: o.concurrency}, o.warm, o.students, o.rounds, live.tell, live.ended)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\ncore-milliseconds each, median\tportal\tKeycloak\ttogether\tper second\t")
	var failed []error
	for _, name := range []string{password, passkey} {
		median := func(of func(bench.Round) float64) float64 {
			var values []float64
			for _, r := range ways[name] {
				values = append(values, of(r))
			}
			return bench.FigureOf(values).Median
		}
		fmt.Fprintf(t, "an activation with a %s\t%.1f\t%.1f\t%.1f\t%.1f\t\n", name,
			median(func(r bench.Round) float64 { return r.Each(r.Cost.Portal) }), median(func(r bench.Round) float64 { return r.Each(r.Cost.Keycloak) }),
			median(func(r bench.Round) float64 { return r.Each(r.Cost.Portal + r.Cost.Keycloak) }), median(bench.Round.PerSecond))
		for _, r := range ways[name] {
			failed = append(failed, r.Errors...)
		}
	}
	return errors.Join(append(failed, t.Flush())...)
}
