package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
)

// themeCommand writes the theme of Keycloak's login page.
func themeCommand(load func() (config.Config, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "theme DIR",
		Short: "Write the theme of Keycloak's login page, with the way to the portal",
		Long: `Write the folder entree into DIR: a theme for Keycloak's login pages with the
institution's name, logo and colours, "Première connexion ? Activer mon compte"
and, if portal.forgotten_url is set, the forgotten password.

DIR is Keycloak's folder of themes, or is copied there; Keycloak is restarted;
keycloak.login_theme: entree and "entree realm apply" make the realm use it.
deploy/keycloak/README.md tells more. Writing again replaces what was written.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := load()
			if err != nil {
				return err
			}
			if err := app.WriteTheme(args[0], c); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", filepath.Join(args[0], app.ThemeName))
			return nil
		},
	}
}
