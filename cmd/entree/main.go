// Command entree is the door to a university's digital workspace.
//
//	entree demo            everything on this machine, to look at
//	entree serve           the portal
//	entree import FILE     people from the enrolment
//	entree person export   everything that is held about one person; erase
//	entree audit verify    whether the record of what operators did is whole
//	entree realm plan      what a Keycloak realm lacks for the portal; apply, check
//	entree accounts plan   people who have an account in the realm already; apply
//	entree backup FILE     everything in one file, while the portal runs
//	entree restore FILE    and back
//	entree migrate         from SQLite to PostgreSQL, or back
//	entree bounces explain what the portal reads in mails that came back
//	entree schema status   the schema version of the database; migrate
//	entree config check    every fault of the configuration; sample
//	entree healthcheck     whether the portal on this machine answers
//	entree version         version, commit, schema
//	entree webhooks        try what relying parties are told, and send it again
//	entree charter publish the configuration's charters
//	entree evidence verify what the console exported
//
// It joins the parts: each adapter is made here and handed to the
// [activation.Service]; nothing else in the program knows them all.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // for images and systems without time zones

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback" // used only if the system has no certificate authorities

	"entree/internal/buildinfo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if stopped := (stopError{}); errors.As(err, &stopped) {
		os.Exit(exitStopped)
	}
	if err != nil {
		os.Exit(1)
	}
}

// run is the whole program, without its process: tests start it as a user
// does. An error was told on stderr already.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:           "entree",
		Short:         "Activate the accounts of a university's digital workspace",
		Version:       buildinfo.Read().Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	env := environment{environ: environ}
	root.AddCommand(
		serveCommand(env),
		demoCommand(env),
		importCommand(env),
		realmCommand(env), directoryCommand(env),
		accountsCommand(env),
		personCommand(env),
		auditCommand(env),
		charterCommand(env),
		evidenceCommand(env),
		bouncesCommand(env),
		webhooksCommand(env),
		migrateCommand(env),
		backupCommand(env),
		restoreCommand(env),
		schemaCommand(env),
		configCommand(env),
		healthcheckCommand(env),
		versionCommand(),
		manCommand(),
	)
	err := root.ExecuteContext(ctx)
	if err != nil && !errors.Is(err, errTold) {
		fmt.Fprintln(stderr, "entree:", err)
	}
	return err
}

// errTold is an error whose message stands on stderr already.
var errTold = errors.New("already told")

// environment is what a command sees of the process's environment.
type environment struct{ environ []string }

func (e environment) get(name string) string {
	for _, line := range e.environ {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}
