package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
)

// charterCommand publishes charters of the configuration.
func charterCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "Publish the configuration's charters, for an institution without a console",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "publish",
		Short: "Put the charters that the configuration names in force now",
		Long: `Put the charters that the configuration names in force now, if their texts are
not in force already. Give a changed text a new version first. At the next login,
each student with an account is asked to accept the new text.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), path, env, func(c config.Config, s *store.Store) error {
				published, err := app.PublishCharters(cmd.Context(), c, s, "entree charter publish")
				for _, v := range published {
					fmt.Fprintf(cmd.OutOrStdout(), "in force: version %s%s\n", v.Name, forWhom(v.Profile))
				}
				if err == nil && len(published) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "nothing to publish: these texts are in force")
				}
				return err
			})
		},
	})
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	return cmd
}

func forWhom(profile string) string {
	if profile == "" {
		return ""
	}
	return " for the profile " + profile
}
