package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entree/internal/devenv/bench"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/realm"
)

// compilerOptions are the flags of `entree-dev bench compiler`.
type compilerOptions struct {
	starts, users, warm int
	jvms                []string
	keycloakHome        string
}

func benchCompilerCommand() *cobra.Command {
	var o compilerOptions
	cmd := &cobra.Command{
		Use:   "compiler",
		Short: "What Keycloak's hash costs, start by start, with different options of Java",
		Long: `Start Keycloak several times with each of the given options of Java, in turns, and
print for each start how many times its hash costs that of golang.org/x/crypto: the
difference between a user created with a password and one created with a hash.

Java's compiler decides anew in each process how well it compiles Keycloak's Argon2,
so one start says little.

Needs Java 17 or later.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runCompiler(cmd.Context(), o, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.starts, "starts", 10, "starts with each of the options")
	f.IntVar(&o.users, "users", 100, "users of each kind in each start")
	f.IntVar(&o.warm, "warm-up", 200, "users of each kind before anything is counted")
	f.StringArrayVar(&o.jvms, "jvm", []string{"", "-XX:MaxInlineSize=64", "-XX:-TieredCompilation"}, "options of Keycloak's Java, separated by spaces; may be given several times")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

func runCompiler(ctx context.Context, o compilerOptions, out io.Writer) error {
	if o.starts < 1 || o.users < 1 || o.warm < 0 || len(o.jvms) == 0 {
		return errors.New("--starts and --users are 1 or more, --warm-up 0 or more, --jvm is given at least once")
	}
	found := make([][]float64, len(o.jvms))
	for start := range o.starts {
		for k, jvm := range o.jvms {
			ratio, err := hashOfOneStart(ctx, o, jvm, out)
			if err != nil {
				return err
			}
			found[k] = append(found[k], ratio)
			fmt.Fprintf(out, "start %d  %-30s %.2f ×\n", start+1, orDefault(jvm), ratio)
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\noptions of Java\tKeycloak's hash to x/crypto's, median (lowest–highest)")
	for k, jvm := range o.jvms {
		f := bench.FigureOf(found[k])
		fmt.Fprintf(t, "%s\t%.2f × (%.2f–%.2f)\n", orDefault(jvm), f.Median, f.Low, f.High)
	}
	return t.Flush()
}

func orDefault(jvm string) string {
	if jvm == "" {
		return "(default)"
	}
	return jvm
}

// hashOfOneStart starts a new Keycloak and returns the ratio of the cost of its hash to
// that of golang.org/x/crypto.
func hashOfOneStart(ctx context.Context, o compilerOptions, jvm string, out io.Writer) (ratio float64, err error) {
	dir, err := os.MkdirTemp("", "entree-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server, err := localkeycloak.Start(ctx, localkeycloak.Options{Dir: filepath.Join(dir, "keycloak"), Home: o.keycloakHome, JVM: append(strings.Fields(jvm), bench.FixedCompilers), Out: out, Getenv: os.Getenv})
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	of := func(name string) *realm.Realm {
		return realm.New(server.URL(), name, server.AdminUser(), server.AdminPassword())
	}
	contestants, err := bench.HashPeers(ctx, of("master"), of(""))
	if err != nil {
		return 0, err
	}
	ways, err := bench.Rounds(ctx, contestants, bench.Processes{Keycloak: server.PID()}, bench.Pace{AtOnce: 2}, o.warm, o.users, 1, func(string, int, int) {}, func(int, bench.Round) {})
	if err != nil {
		return 0, err
	}
	for _, rounds := range ways {
		err = errors.Join(append([]error{err}, rounds[0].Errors...)...)
	}
	return (bench.Report{Ways: ways}).Hash().Median, err
}
