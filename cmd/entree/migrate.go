package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
)

func migrateCommand(env environment) *cobra.Command {
	var path, from, to string
	cmd := &cobra.Command{
		Use:   "migrate --to postgres://…",
		Short: "Move all data from one database to another",
		Long: `Move all data of the portal from its database to an empty one, from SQLite to
PostgreSQL or back. Stop the portal first: the command locks the old database,
and data that is written to it afterwards is not moved.

Before the command commits, it reads each new table again and compares the number
of rows and a checksum: either all data is moved, or none. The old database is
not changed. Then name the new database under "database" and start the portal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				c, err := config.LoadForDatabase(path, env.environ)
				if err != nil {
					return err
				}
				from = app.DatabaseOf(c)
			}
			t := newTable(cmd.OutOrStdout())
			if err := app.Move(cmd.Context(), from, to, t.row); err != nil {
				return err
			}
			return t.end("moved and compared")
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file, for its database")
	cmd.Flags().StringVar(&from, "from", "", "the database to read, instead of the configuration's")
	cmd.Flags().StringVar(&to, "to", "", "the database to fill: postgres://… or sqlite:FILE")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func backupCommand(env environment) *cobra.Command {
	return copyCommand(env, app.Backup, func(file string) string { return "kept in " + file }, cobra.Command{
		Use:   "backup FILE.db",
		Short: "Copy all data into one file while the portal runs",
		Long: `Copy all data of the portal into one new SQLite file, from either database,
while the portal runs. The copy is consistent, and the command checks that it can
be read before it ends.

The file contains personal data. Jobs for Keycloak and the mail server are sealed
with the secret, which is not in the file: keep the secret elsewhere.`,
	})
}

func restoreCommand(env environment) *cobra.Command {
	return copyCommand(env, app.Restore, func(string) string { return "moved and compared" }, cobra.Command{
		Use:   "restore FILE.db",
		Short: "Fill an empty database from a backup",
		Long: `Fill the configuration's database, which must be empty or missing, from a file
that "entree backup" created. Stop the portal first.

All journeys end, so that a code that was used after the backup cannot be used
again; students who were on the way begin again. An account that was created
after the backup is known to Keycloak only: from now on the portal looks each
person up in Keycloak by number before it creates an account. A person who has an
account there is parked until an administrator decides.`,
	})
}

// copyCommand completes a command that copies all data between the configured database
// and the file of its argument. done returns the end of the last line that it prints.
func copyCommand(env environment, do func(context.Context, config.Config, string, func(store.Copied)) error, done func(file string) string, cmd cobra.Command) *cobra.Command {
	var path string
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := config.LoadForDatabase(path, env.environ)
		if err != nil {
			return err
		}
		t := newTable(cmd.OutOrStdout())
		if err := do(cmd.Context(), c, args[0], t.row); err != nil {
			return err
		}
		return t.end(done(args[0]))
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return &cmd
}

// table prints what was copied, a line for each table.
type table struct {
	*tabwriter.Writer
	out  io.Writer
	rows int64
}

func newTable(out io.Writer) *table {
	return &table{Writer: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), out: out}
}

func (t *table) row(c store.Copied) {
	t.rows += c.Rows
	fmt.Fprintf(t.Writer, "%s\t%d rows\t%s\n", c.Table, c.Rows, c.SHA256[:16])
}

func (t *table) end(what string) error {
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%d rows %s\n", t.rows, what)
	return err
}
