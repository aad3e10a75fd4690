// Command entree-dev holds the commands that developers need and no production
// machine does: it measures and attacks the portal.
//
//	entree-dev bench rush      the whole activation beside Keycloak's own ways
//	entree-dev bench portal    the cost of the portal alone
//	entree-dev bench growth    the cost with up to three million people
//	entree-dev bench import    an import beside the database's own loader
//	entree-dev bench monday    a first Monday of September in minutes
//	entree-dev bench soak      whether memory stays flat for half an hour
//	entree-dev hostile         whether a thousand hostile connections keep students out
//
// The measured program is cmd/entree, built for each run or named by --entree.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		os.Exit(1)
	}
}

// run runs one command. It writes the error that it returns to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:           "entree-dev",
		Short:         "Measure and attack the portal",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(benchCommand(), hostileCommand())
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "entree-dev:", err)
	}
	return err
}
