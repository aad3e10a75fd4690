package main

import (
	"os"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/mail/bounce"
)

func bouncesCommand(env environment) *cobra.Command {
	c := &cobra.Command{Use: "bounces", Short: "Explain bounce mails"}
	c.AddCommand(explainCommand(env))
	return c
}

func explainCommand(env environment) *cobra.Command {
	var file string
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain FILE…",
		Short: "Show what the portal reads in bounce mails",
		Long: `Show what the portal reads in bounce mails (.eml or mbox files), as if each
were about a mail of the portal: the recipients, the status, the words of the
refusing server and the outcome.

  wrong     the address does not exist; the portal sends no more mails to it
  returned  the mail came back, but the address may be right
  none      no failed delivery: a delay, an absence notice, any other mail

No configuration is needed. With --config, the institution's own rules
(bounces.rules) come before the built-in ones.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules := bounce.DefaultRules()
			if file != "" {
				c, err := config.Load(file, env.environ)
				if err != nil {
					return err
				}
				if rules, err = app.BounceRules(c.BounceRules()); err != nil {
					return err
				}
			}
			for _, name := range args {
				raw, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				if err := bounce.ExplainFile(cmd.OutOrStdout(), name, raw, rules, asJSON); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file with the institution's rules")
	c.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON per mail")
	return c
}
