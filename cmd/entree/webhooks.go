package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/store"
	"entree/internal/webhook"
)

// webhooksCommand tries webhooks and sends dead letters again.
func webhooksCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Test a webhook; list and resend the messages that were given up",
		Long: `Webhooks notify relying parties of accounts. docs/webhooks.md describes the
messages and how to verify them.

  test    sends a test message to one relying party and prints the outcome
  dead    lists the dead letters: messages that the receiver did not accept in
          three days
  again   sends dead letters once more`,
	}
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.AddCommand(&cobra.Command{
		Use: "test NAME", Short: "Send a test message now and print the outcome", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := config.Load(path, env.environ)
			if err != nil {
				return err
			}
			w := app.NewWebhooks(c)
			job, err := w.Try(args[0])
			if err != nil {
				return err
			}
			if _, err := w.Handlers()[job.Kind].Run(cmd.Context(), job); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s accepted the message\n", args[0])
			return nil
		},
	}, &cobra.Command{
		Use: "dead", Short: "List the dead letters", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd.Context(), path, env, func(_ config.Config, s *store.Store) error {
				letters, err := s.DeadLetters(cmd.Context(), 1000)
				if err != nil {
					return err
				}
				if len(letters) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "no dead letters")
					return nil
				}
				out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(out, "ID\tWEBHOOK\tGIVEN UP\tTRIES\tWHY")
				for _, l := range letters {
					fmt.Fprintf(out, "%s\t%s\t%s\t%d\t%s\n", l.ID, strings.TrimPrefix(l.Kind, webhook.QueuePrefix), l.GivenUp.Format(time.RFC3339), l.Attempts, l.Reason)
				}
				return out.Flush()
			})
		},
	}, &cobra.Command{
		Use: "again ID... | all", Short: "Send dead letters once more", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return withStore(cmd.Context(), path, env, func(c config.Config, s *store.Store) error {
				if len(ids) == 1 && ids[0] == "all" {
					ids = nil
				}
				n, err := app.SendAgain(cmd.Context(), c, s, ids)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%d messages wait to be sent again\n", n)
				}
				return err
			})
		},
	})
	return cmd
}
