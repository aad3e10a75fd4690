// Command entree is the portal of a university's digital workspace, and its commands
// for operators:
//
//	entree demo            start everything on this machine, to try it
//	entree serve           serve the portal
//	entree import FILE     import people from a file or a directory
//	entree person export   export all data about one person; erase
//	entree audit verify    check the audit trail of the operators' acts; export
//	entree realm plan      show what a Keycloak realm lacks; apply, check, theme
//	entree directory check check the LDAP directory that holds the accounts
//	entree accounts plan   find people who have an account already; apply
//	entree backup FILE     copy all data into one file, while the portal runs
//	entree restore FILE    fill an empty database from a backup
//	entree migrate         move all data from SQLite to PostgreSQL, or back
//	entree bounces explain show what the portal reads in bounce mails
//	entree schema status   show the schema version of the database; migrate
//	entree config check    print every fault of the configuration; sample
//	entree healthcheck     check whether the portal on this machine answers
//	entree version         show version, commit and schema
//	entree webhooks        test webhooks; list and resend dead letters
//	entree charter publish publish the configuration's charters
//	entree evidence verify check an export of accepted charters; key
//	entree man             write the manual page
//
// Package main parses flags and prints. [entree/internal/app] creates the adapters and
// connects them.
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
	"entree/internal/outcome"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if outcome.IsStopped(err) {
		os.Exit(exitStopped)
	}
	if err != nil {
		os.Exit(1)
	}
}

// run runs the command of args. It prints an error to stderr before it returns it.
// Tests call it instead of starting a process.
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

// errTold makes the program end with 1 without another line: the command has printed
// what it found.
var errTold = errors.New("already told")

// environment holds the variables that a command may read, in the form of os.Environ.
type environment struct{ environ []string }

func (e environment) get(name string) string {
	for _, line := range e.environ {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}
