package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
)

func configCommand(env environment) *cobra.Command {
	var path string
	cmd := &cobra.Command{Use: "config", Short: "Check the configuration, or write a sample"}
	var connect, template bool
	check := &cobra.Command{
		Use:   "check",
		Short: "Check the file, the environment and the secrets; ends with 1 if anything is wrong",
		Long: `Check the configuration file, the environment and the files that they name, and
print one line for each fault. Values that still come from the sample are
printed as notes. Nothing is started and nothing is changed.

--connect also asks every system that the configuration names whether it
answers and accepts the portal's credentials: database, Keycloak with its realm,
single sign-on, mail server, mailbox for bounces, directories. No mail is sent.

--template accepts missing secrets, for a file that is prepared on another
machine.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := config.Load
			if template {
				load = config.LoadTemplate
			}
			c, err := load(path, env.environ)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, note := range c.SampleValues() {
				fmt.Fprintln(out, "note: "+note)
			}
			failed := 0
			if connect {
				app.Connect(cmd.Context(), c, func(p app.Probe) {
					if p.Err != nil {
						failed++
						fmt.Fprintf(out, "%s (%s): %v\n", p.Name, p.At, p.Err)
						return
					}
					fmt.Fprintf(out, "%s (%s): ok\n", p.Name, p.At)
				})
			}
			if failed > 0 {
				return fmt.Errorf("%d of the systems that %s names cannot be used", failed, path)
			}
			fmt.Fprintf(out, "%s has no faults\n", path)
			return nil
		},
	}
	check.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	check.Flags().BoolVar(&connect, "connect", false, "ask every system whether it accepts the portal")
	check.Flags().BoolVar(&template, "template", false, "accept missing secrets")
	check.MarkFlagsMutuallyExclusive("connect", "template")
	cmd.AddCommand(check, sampleCommand())
	return cmd
}

// healthcheckCommand is for containers, whose images have no other program that
// could ask.
func healthcheckCommand(env environment) *cobra.Command {
	var path string
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Check whether the portal on this machine answers; ends with 1 if not",
		Long: `Ask the portal that runs with this configuration on this machine whether it
answers: /healthz, or /readyz with --ready. Needs no secret. For HEALTHCHECK of a
container and for scripts.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.LoadForDatabase(path, env.environ)
			if err != nil {
				return err
			}
			if err := app.Healthy(cmd.Context(), c, ready); err != nil {
				return errors.Join(errors.New("the portal does not answer"), err)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether the portal can serve students")
	return cmd
}
