package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"entree/internal/devenv/bench"
)

// recoveryOptions are the flags of `entree-dev bench recovery`.
type recoveryOptions struct {
	students, concurrency, warm int
	keycloakHome                string
}

func benchRecoveryCommand(p *product) *cobra.Command {
	var o recoveryOptions
	cmd := &cobra.Command{
		Use:   "recovery",
		Short: "A forgotten password, beside Keycloak's own reset",
		Long: `Let students with an account choose a new password by the portal's pages, and
as many users of a realm beside it by Keycloak's own "forgot password", with a real
mailbox, and print what one of each costs in core-milliseconds.

Needs Java 17 or later.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRecovery(cmd.Context(), o, p, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.students, "students", 100, "new passwords by each way")
	f.IntVar(&o.concurrency, "concurrency", 4, "students at once")
	f.IntVar(&o.warm, "warm-up", 40, "new passwords by each way before anything is counted")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

func runRecovery(ctx context.Context, o recoveryOptions, p *product, out io.Writer) (err error) {
	if o.students < 1 || o.concurrency < 1 || o.warm < 0 {
		return errors.New("--students and --concurrency are 1 or more, --warm-up 0 or more")
	}
	all := o.warm + o.students
	s, err := startStack(ctx, stackOptions{keycloakHome: o.keycloakHome, people: all}, p, out)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Activating the accounts …")
	activation := bench.Activation{Portal: s.portal(), Box: s.box}
	var group errgroup.Group
	group.SetLimit(o.concurrency)
	for i := range all {
		group.Go(func() error {
			_, err := activation.Walk(ctx, student(i), &bench.Journey{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	forgotten, err := bench.Forgotten(ctx, s.admin(), s.admin(), s.box, s.box.SMTPAddr(), all)
	if err != nil {
		return err
	}
	live := newLive(out)
	ways, err := bench.Rounds(ctx, []bench.Contestant{bench.Recovery(s.portal(), s.box, student), forgotten}, s.pids, bench.Pace{AtOnce: o.concurrency}, o.warm, o.students, 1, live.tell, live.ended)
	if err != nil {
		return err
	}
	ours, theirs := ways[bench.NameRecovery][0], ways[bench.NameForgotten][0]
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\ncore-milliseconds each\tportal\tKeycloak\ttogether\tper second\t")
	fmt.Fprintf(t, "a new password by the portal\t%.1f\t%.1f\t%.1f\t%.1f\t\n", ours.Each(ours.Cost.Portal), ours.Each(ours.Cost.Keycloak), ours.Each(ours.Cost.Portal+ours.Cost.Keycloak), ours.PerSecond())
	fmt.Fprintf(t, "Keycloak's own reset\t–\t%.1f\t%.1f\t%.1f\t\n", theirs.Each(theirs.Cost.Keycloak), theirs.Each(theirs.Cost.Keycloak), theirs.PerSecond())
	if err := t.Flush(); err != nil {
		return err
	}
	return errors.Join(append(ours.Errors, theirs.Errors...)...)
}
