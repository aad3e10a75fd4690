package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
)

func directoryCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{Use: "directory", Short: "Check the LDAP directory that holds the accounts"}
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.AddCommand(&cobra.Command{
		Use: "check", Short: "Print each fault of the directory; ends with 1 if there is one", Args: cobra.NoArgs,
		Long: `Bind to the directory of accounts with the portal's own rights, compare its schema
with the configuration, and prove the scheme of the passwords: a probe entry is
written, bound with a fresh password, and removed. "entree serve" does the same at
its start. For the federation of Keycloak see "entree realm check".`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			if !c.InDirectory() {
				fmt.Fprintln(cmd.OutOrStdout(), "accounts.store is keycloak: there is no directory to check")
				return nil
			}
			found, err := app.CheckDirectory(cmd.Context(), c)
			if err != nil {
				return err
			}
			for _, f := range found {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			if len(found) > 0 {
				return errTold
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the directory has what the portal needs, and passwords in the scheme "+c.Directory.Scheme+" bind")
			return nil
		},
	})
	return cmd
}
