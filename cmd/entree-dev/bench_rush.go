package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"entree/internal/devenv/bench"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/mailbox"
	"entree/internal/devenv/realm"
)

// rushOptions are the flags of `entree-dev bench rush`.
type rushOptions struct {
	students, rounds, concurrency, warm, logins int
	rate                                        float64
	database, accounts, svg, keycloakHome, jvm  string
	alone, json                                 bool
}

func benchRushCommand(p *product) *cobra.Command {
	var o rushOptions
	cmd := &cobra.Command{
		Use:   "rush",
		Short: "The first Monday of September: the whole activation, beside what people would use instead",
		Long: `Let students go the whole way, from the first page to the last one, with the
code read from a real mailbox, on a stack of its own: a real Keycloak, a mail
server, and the portal in a process of its own. In the same run, in turn, the
other ways to an account: Keycloak's registration page, create and then
reset-password, one POST with the password, and the limit, which is one hash
and one bare POST with it, with the hash of golang.org/x/crypto and with the
portal's. Keycloak's Java compiles everything with its better compiler
(--jvm), because its own hash costs up to three times as much by chance
otherwise; the time of the compiler itself is counted for no way. If scripts/kratos.sh has built an Ory Kratos, a registration there
with the same hash and a code by mail takes part as well.

At the end: what an account costs by each way, in core-milliseconds from the
processes' own counters; the ratios; how long each step took; and whether
anything was lost. Ends with 1 if something was. Times are this machine's, only
the ratios mean something elsewhere.

Needs Java 17 or later; with --database postgres, an installed PostgreSQL, which
serves the portal and Keycloak then.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRush(cmd.Context(), o, p, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.students, "students", 500, "students in each round")
	f.IntVar(&o.rounds, "rounds", 3, "rounds of each way, in turn")
	f.IntVar(&o.concurrency, "concurrency", 8, "students on their way at once")
	f.Float64Var(&o.rate, "rate", 0, "or: students who arrive in a second, however many are on their way")
	f.IntVar(&o.warm, "warm-up", -1, "accounts of each way before anything is counted (default: half of the students, 20 to 250)")
	f.IntVar(&o.logins, "logins", 20, "activated students who log in at the end, as a sample")
	f.StringVar(&o.database, "database", "sqlite", "sqlite, with a file of Keycloak's own beside it, or postgres for both, as in production")
	f.StringVar(&o.accounts, "accounts", "keycloak", "where accounts are kept: keycloak, or directory, a slapd below Keycloak")
	f.BoolVar(&o.alone, "alone", false, "the activation alone, without the other ways")
	f.StringVar(&o.svg, "svg", "", "draw a picture into this file")
	f.BoolVar(&o.json, "json", false, "one line of JSON on the standard output, all else on the standard error")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	f.StringVar(&o.jvm, "jvm", "-XX:-TieredCompilation", "options of Keycloak's Java; an empty text leaves it its defaults")
	return cmd
}

func (o *rushOptions) check() error {
	switch {
	case o.students < 1 || o.rounds < 1 || o.concurrency < 1 || o.rate < 0 || o.logins < 0:
		return errors.New("--students, --rounds and --concurrency are 1 or more, --rate and --logins 0 or more")
	case o.accounts != "" && o.accounts != "keycloak" && o.accounts != "directory":
		return fmt.Errorf("--accounts is keycloak or directory, not %q", o.accounts)
	case o.database != "sqlite" && o.database != "postgres":
		return fmt.Errorf("--database is sqlite or postgres, not %q", o.database)
	}
	if o.warm < 0 {
		o.warm = min(max(o.students/2, 20), 250)
	}
	return nil
}

func runRush(ctx context.Context, o rushOptions, p *product, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	talk := stdout
	if o.json {
		talk = stderr
	}
	s, err := startStack(ctx, stackOptions{postgres: o.database == "postgres", keycloakHome: o.keycloakHome, jvm: o.jvm, directory: o.accounts == "directory", people: o.warm + o.students*o.rounds}, p, talk)
	defer func() { err = errors.Join(err, s.stop()) }()
	if err != nil {
		return err
	}
	realm := s.admin()
	walkers := &walkers{activation: bench.Activation{Portal: s.portal(), Box: s.box}}
	contestants := []bench.Contestant{walkers.contestant(s.box)}
	if !o.alone {
		peers, err := bench.Peers(ctx, realm, s.admin())
		if err != nil {
			return err
		}
		contestants = append(contestants, peers...)
		kratos, err := s.startKratos(ctx, talk)
		if err != nil {
			return err
		}
		contestants = append(contestants, kratos...)
	}
	count, _ := s.accounts()
	before, err := count(ctx)
	if err != nil {
		return err
	}
	watched, unwatch := context.WithCancel(ctx)
	defer unwatch()
	memory := bench.Watch(watched, s.pids.Portal)
	report := bench.Report{
		Machine: bench.ThisMachine(strings.TrimSpace(s.keycloak.Java()+" "+o.jvm), localkeycloak.Version, s.database), Students: o.students, Rounds: o.rounds, Warm: o.warm,
		Pace: bench.Pace{AtOnce: o.concurrency, Rate: o.rate},
	}
	live := newLive(talk)
	report.Ways, err = bench.Rounds(ctx, contestants, s.pids, report.Pace, o.warm, o.students, o.rounds, live.tell, live.ended)
	if err != nil {
		return err
	}
	unwatch()
	report.Memory = <-memory
	if report.Proof, err = walkers.prove(ctx, realm, count, before, s.box.Received(), o.logins, talk); err != nil {
		return err
	}
	report.Print(talk)
	if o.svg != "" {
		if err := os.WriteFile(o.svg, report.SVG(), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(talk, "drawn into", o.svg)
	}
	if o.json {
		line, err := report.JSON()
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%s\n", line)
	}
	return report.Err()
}

// walkers are the students of all rounds.
type walkers struct {
	activation bench.Activation
	spread     int // people between one student and the next; 0: none
	mu         sync.Mutex
	done       []bench.Student
}

func (w *walkers) contestant(box *mailbox.Mailbox) bench.Contestant {
	return bench.Contestant{
		Name: bench.NameActivation,
		One: func(ctx context.Context, i int, seen *bench.Journey) error {
			s, err := w.activation.Walk(ctx, student(i*max(1, w.spread)), seen)
			if err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.done = append(w.done, s)
			return nil
		},
		// The confirmations are part of an activation.
		Settle: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			if err := box.WaitReceived(ctx, 2*w.count()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil // what is missing is told at the end
		},
	}
}

func (w *walkers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.done)
}

// prove looks for every student in Keycloak and logs a sample in.
func (w *walkers) prove(ctx context.Context, realm *realm.Realm, count func(context.Context) (int, error), before, mails, logins int, talk io.Writer) (bench.Proof, error) {
	fmt.Fprintln(talk, "Looking up each student in Keycloak …")
	p := bench.Proof{Activated: len(w.done), Mails: mails, Tried: min(logins, len(w.done))}
	after, err := count(ctx)
	if err != nil {
		return p, err
	}
	p.Counted = after - before
	var mu sync.Mutex
	each := func(n int, to *int, f func(context.Context, bench.Student) (bool, error)) error {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(4)
		for i := range n {
			s := w.done[i*len(w.done)/n]
			group.Go(func() error {
				ok, err := f(ctx, s)
				mu.Lock()
				defer mu.Unlock()
				if ok {
					*to++
				}
				return err
			})
		}
		return group.Wait()
	}
	if err := each(len(w.done), &p.Found, func(ctx context.Context, s bench.Student) (bool, error) { return realm.Has(ctx, s.Login) }); err != nil {
		return p, err
	}
	err = each(p.Tried, &p.LoggedIn, func(ctx context.Context, s bench.Student) (bool, error) {
		if err := w.activation.LogIn(ctx, s); err != nil {
			fmt.Fprintln(talk, err)
			return false, nil
		}
		return true, nil
	})
	return p, err
}

// live prints the progress of a run: on a terminal in one line that changes, else a
// line at each end.
type live struct {
	out      io.Writer
	terminal bool
	last     time.Time
}

func newLive(out io.Writer) *live {
	f, is := out.(*os.File)
	if is {
		info, err := f.Stat()
		is = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return &live{out: out, terminal: is}
}

func (l *live) tell(name string, done, total int) {
	if !l.terminal || time.Since(l.last) < 100*time.Millisecond && done < total {
		return
	}
	l.last = time.Now()
	const width = 30
	full := width * done / max(1, total)
	fmt.Fprintf(l.out, "\r\x1b[K%s%s %d of %d  %s", strings.Repeat("█", full), strings.Repeat("░", width-full), done, total, name)
	if done == total {
		fmt.Fprint(l.out, "\r\x1b[K")
	}
}

func (l *live) ended(round int, r bench.Round) {
	fmt.Fprintf(l.out, "round %d  %-13s %5d done, %d failed, %6.1f a second\n", round, r.Name, r.Done, len(r.Errors), r.PerSecond())
}
