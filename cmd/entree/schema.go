package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
)

func schemaCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Show or migrate the database's schema",
		Long: `Show the schema version of the database, or migrate the database to the version
that this program needs. Needs the database of the configuration and no secret.

"entree serve" migrates by itself where database_migrate is automatic, which is
the default for SQLite. All other commands refuse a schema of another version.`,
	}
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.AddCommand(&cobra.Command{
		Use:   "status",
		Short: "Show the schema version of the database and of this program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.LoadForDatabase(path, env.environ)
			if err != nil {
				return err
			}
			state, err := store.ReadSchema(cmd.Context(), app.DatabaseOf(c))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case state.Database == 0:
				fmt.Fprintf(out, "The database is empty. This program needs schema version %d.\n", state.Program)
			case state.Current():
				fmt.Fprintf(out, "The database has schema version %d, which this program needs.\n", state.Database)
			default:
				return state.Err()
			}
			return nil
		},
	}, &cobra.Command{
		Use:   "migrate",
		Short: "Migrate the database to the schema version of this program",
		Long: `Migrate the database to the schema version of this program. Each migration is
one transaction; several instances may run the command at once.

Take a backup before: "entree backup FILE.db", run with the program that was
used until now.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.LoadForDatabase(path, env.environ)
			if err != nil {
				return err
			}
			before, err := store.Migrate(cmd.Context(), app.DatabaseOf(c))
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			switch {
			case before.Current():
				fmt.Fprintf(out, "The database has schema version %d already.\n", before.Program)
			case before.Database == 0:
				fmt.Fprintf(out, "Created schema version %d.\n", before.Program)
			default:
				fmt.Fprintf(out, "Migrated from schema version %d to %d.\n", before.Database, before.Program)
			}
			return nil
		},
	})
	return cmd
}
