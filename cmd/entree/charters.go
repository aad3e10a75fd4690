package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/charter"
	"entree/internal/config"
)

// charterCommand publishes for an institution that has no console.
func charterCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "charter",
		Short: "Publish the configuration's charters, for whoever has no console",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "publish",
		Short: "Put the charters that the configuration names in force now",
		Long: `Put the charters that the configuration names in force now, if their texts are
not in force already. Give a changed text a new version first. Everybody who is
active is asked for their agreement at their next login.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			s, err := app.OpenStore(cmd.Context(), c)
			if err != nil {
				return err
			}
			defer s.Close()
			service := &charter.Service{Store: s, Cache: charter.NewCache(s, time.Now), Clock: time.Now}
			published, err := service.PublishAll(cmd.Context(), c.Texts().All(), "entree charter publish")
			for _, v := range published {
				fmt.Fprintf(cmd.OutOrStdout(), "in force: version %s%s\n", v.Name, forWhom(v.Profile))
			}
			if err == nil && len(published) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing to publish: these texts are in force")
			}
			return err
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
