package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
)

func migrateCommand(env environment) *cobra.Command {
	var path, from, to string
	cmd := &cobra.Command{
		Use:   "migrate --to postgres://…",
		Short: "Move everything from one database to another",
		Long: `Move everything that the portal keeps from its database to an empty one, from
SQLite to PostgreSQL or back. Stop the portal first: the old database is held
still meanwhile, and what is written there afterwards stays there.

What arrived is read again and compared, table by table, by its number of rows
and a checksum, before it is committed: all of it is there, or nothing. The old
database is not changed. Then name the new one under "database" and start.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if from == "" {
				c, err := config.LoadForDatabase(path, env.environ)
				if err != nil {
					return err
				}
				from = app.DatabaseOf(c)
			}
			return move(cmd.Context(), from, to, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file, for its database")
	cmd.Flags().StringVar(&from, "from", "", "the database to leave, instead of the configuration's")
	cmd.Flags().StringVar(&to, "to", "", "the database to fill: postgres://… or sqlite:FILE")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func move(ctx context.Context, from, to string, out io.Writer) error {
	if file, is := strings.CutPrefix(from, "sqlite:"); is {
		if _, err := os.Stat(file); err != nil { // opening would make an empty one
			return err
		}
	}
	old, err := store.Open(ctx, from, time.Now)
	if err != nil {
		return err
	}
	defer old.Close()
	fresh, err := store.Open(ctx, to, time.Now)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	defer fresh.Close()
	t := newTable(out)
	if err := store.Copy(ctx, old, fresh, t.row); err != nil {
		return fmt.Errorf("nothing was moved: %w", err)
	}
	return t.end("moved and compared")
}

func backupCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "backup FILE.db",
		Short: "Copy everything into one file while the portal runs",
		Long: `Copy everything that the portal keeps into one new SQLite file, from either
database, while the portal goes on working. The copy is of one moment, and is
read once, whole, before the command ends.

The file holds personal data, and what waits for Keycloak or the mail server
sealed with the secret, which is not in it: keep the secret elsewhere.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.LoadForDatabase(path, env.environ)
			if err != nil {
				return err
			}
			if _, err := os.Lstat(args[0]); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is there already: name a new file", args[0])
			}
			s, err := app.OpenStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			// Created with its mode before anything is written, so that no other user can read it at any moment.
			f, err := os.OpenFile(args[0], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
			t := newTable(cmd.OutOrStdout())
			if err := s.Backup(cmd.Context(), args[0], t.row); err != nil {
				return errors.Join(err, os.Remove(args[0]))
			}
			return t.end("kept in " + args[0])
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return cmd
}

func restoreCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "restore FILE.db",
		Short: "Fill an empty database from a backup",
		Long: `Fill the configuration's database, which has to be empty or not there, from a
file that "entree backup" made. Stop the portal first.

Every visit ends: a code that was spent after the backup was made is not spent
again, and whoever was on the way begins once more. Whoever got an account since
is known to Keycloak and not here; from now on everybody is sought there by
number before an account is made, such a person is parked for you to judge, and
nothing is made twice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.LoadForDatabase(path, env.environ)
			if err != nil {
				return err
			}
			file, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			to := app.DatabaseOf(c)
			if err := move(cmd.Context(), "sqlite:"+file, to, cmd.OutOrStdout()); err != nil {
				return err
			}
			s, err := app.OpenStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			return errors.Join(s.MarkRestored(cmd.Context()), s.ForgetVisitors(cmd.Context()))
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return cmd
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
