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
		Short: "Write a theme for Keycloak's login page with a link to the portal",
		Long: `Write the folder entree into DIR: a theme for Keycloak's login pages with the
institution's name, logo and colours, the link "Première connexion ? Activer mon
compte" and, if portal.forgotten_url is set, a link for a forgotten password.

Then:

  1. copy the folder into Keycloak's folder of themes, unless DIR is that folder
  2. restart Keycloak
  3. set keycloak.login_theme: entree and run "entree realm apply"

A second run replaces the files. See deploy/keycloak/README.md.`,
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
