package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
)

// mondayOptions are the flags of `entree-dev bench monday`.
type mondayOptions struct {
	students, factor, perNetwork, altogether int
	from, to, grace, after                   time.Duration
	seed                                     uint64
	standIn, json                            bool
	database, keycloakHome                   string
}

func benchMondayCommand(p *product) *cobra.Command {
	var o mondayOptions
	cmd := &cobra.Command{
		Use:   "monday",
		Short: "A first Monday of September in minutes: queues, waits, and what runs out first",
		Long: `Let students arrive by the curve of a day, with the peak after the invitation
mail at 9:00, at the real program. Most share the address of a campus or of a
mobile operator, named by the trusted proxy. Mails come late, a few never; a
fifth of the students are impatient: they ask for another code, press twice,
begin again and give up.

An hour of the day takes an hour divided by --factor, and --students is the
number of a real day divided by it too. So each real second has the load of
production. The times of people are compressed: the curve, the mails' delays, the
life of a code, the wait for the next one and the windows of the rate limits. The
limits of mails per network and altogether are divided too, so that they refill
at the pace of production; limits of one person, and wrong codes per network, keep
their number. The machine is not compressed: a hash, a commit and Keycloak take
the time they take (ADR 0104). The smaller the factor, the less chance decides.

The default is the morning of one of the three machines in docs/operations.md:
three arrivals a second in the busiest hour, nine at its peak. At the end: the hours, the waits of
each step, the refusals by limit, and what ran out first. Ends with 1 if a
student who waited has no account, or a student has two.

Needs Java 17 or later, or --stand-in; with --database postgres, an installed
PostgreSQL.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMonday(cmd.Context(), o, p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.students, "students", 360, "students who arrive on that day")
	f.IntVar(&o.factor, "factor", 60, "times that the day passes faster: 60 makes an hour a minute")
	f.DurationVar(&o.from, "from", 8*time.Hour, "time of day at which the simulation begins")
	f.DurationVar(&o.to, "to", 11*time.Hour+30*time.Minute, "time of day after which no student arrives")
	f.DurationVar(&o.grace, "grace", 0, "real time for the students who are on their way then (default: three minutes and two hours of the day)")
	f.IntVar(&o.perNetwork, "mails-per-network", 600, "limits.mails_per_network_per_10_minutes of production")
	f.IntVar(&o.altogether, "mails-altogether", 6000, "limits.mails_altogether_per_10_minutes of production, this machine's share")
	f.BoolVar(&o.standIn, "stand-in", false, "a stand-in for Keycloak")
	f.DurationVar(&o.after, "answer-after", 0, "time that the stand-in needs to create an account")
	f.StringVar(&o.database, "database", "sqlite", "sqlite, or postgres for the portal and Keycloak")
	f.Uint64Var(&o.seed, "seed", 1, "another number draws other students")
	f.BoolVar(&o.json, "json", false, "one line of JSON on the standard output, all else on the standard error")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

func (o *mondayOptions) check() error {
	switch {
	case o.students < 1 || o.factor < 1 || o.perNetwork < 1 || o.altogether < 1:
		return errors.New("--students, --factor, --mails-per-network and --mails-altogether are 1 or more")
	case o.from < 0 || o.to > 24*time.Hour || o.to-o.from < time.Minute:
		return errors.New("--from and --to are times of one day, at least a minute apart")
	case o.after != 0 && !o.standIn:
		return errors.New("--answer-after needs --stand-in")
	case o.database != "sqlite" && o.database != "postgres":
		return fmt.Errorf("--database is sqlite or postgres, not %q", o.database)
	}
	if o.grace == 0 {
		o.grace = 3*time.Minute + 2*time.Hour/time.Duration(o.factor)
	}
	return nil
}

// stack returns the settings of the stack: compressed limits, and this machine as a
// trusted proxy.
func (o mondayOptions) stack() stackOptions {
	scaled := func(key string, n int) string { return fmt.Sprintf("ENTREE_LIMITS_%s=%d", key, max(1, n/o.factor)) }
	return stackOptions{
		standIn: o.standIn, answerAfter: o.after, postgres: o.database == "postgres", keycloakHome: o.keycloakHome, jvm: "-XX:-TieredCompilation", people: o.students, compression: o.factor,
		environ: []string{
			"ENTREE_PORTAL_TRUSTED_PROXIES=127.0.0.1", "ENTREE_PORTAL_PROXY_HEADER=x-forwarded-for",
			scaled("MAILS_PER_NETWORK_PER_10_MINUTES", o.perNetwork), scaled("MAILS_ALTOGETHER_PER_10_MINUTES", o.altogether),
			scaled("WRONG_CODES_ALTOGETHER_PER_DAY", 5000),
		},
	}
}

func runMonday(ctx context.Context, o mondayOptions, p *product, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	talk := stdout
	if o.json {
		talk = stderr
	}
	s, err := startStack(ctx, o.stack(), p, talk)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	accounts, has := s.accounts()
	before, err := accounts(ctx)
	if err != nil {
		return err
	}
	monday := bench.Monday{
		Portal: s.portal(), Box: s.box, Processes: s.pids, Students: o.students, Factor: float64(o.factor), From: o.from, To: o.to, Grace: o.grace, Seed: o.seed,
		Figures: func(ctx context.Context) (map[string]float64, error) { return readFigures(ctx, s.portal()+"/metrics") },
		Person:  student,
	}
	fmt.Fprintf(talk, "%d students from %s to %s, in %s; at the peak %.1f arrive in a real second …\n\n", o.students, o.from, o.to, (o.to-o.from)/time.Duration(o.factor),
		float64(o.students)*bench.PeakShare(o.from, o.to)/60*float64(o.factor))
	day, err := monday.Run(ctx)
	if err != nil {
		return err
	}
	// The account of a student who gave up on the last page may still be on its way.
	after, err := settled(ctx, accounts)
	if err != nil {
		return err
	}
	proven, err := day.Prove(after-before, func(login string) (bool, error) { return has(ctx, login) })
	if err != nil {
		return err
	}
	day.Print(talk)
	fmt.Fprintf(talk, "%d accounts, %d students who have one, %d lost.\n", proven.Accounts, proven.Found, len(proven.Lost))
	if len(proven.Lost) > 0 {
		fmt.Fprintln(talk, strings.Join(proven.Lost[:min(10, len(proven.Lost))], "\n"))
	}
	if o.json {
		summary := day.Summary()
		summary["proof"], summary["students"], summary["factor"] = proven, o.students, o.factor
		summary["machine"] = bench.ThisMachine("", "", s.database)
		line, err := json.Marshal(summary)
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s\n", line)
	}
	return proven.Err()
}

// settled returns the number of accounts once it has not changed for two seconds.
func settled(ctx context.Context, count func(context.Context) (int, error)) (int, error) {
	for last := -1; ; {
		n, err := count(ctx)
		if err != nil || n == last {
			return n, err
		}
		last = n
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}
