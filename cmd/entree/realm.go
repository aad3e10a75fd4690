package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"entree/config"
	"entree/keycloak"
	"entree/secret"
)

// realmCommand sets a realm up with the code that the demo uses.
func realmCommand(env environment) *cobra.Command {
	var path, user string
	cmd := &cobra.Command{
		Use:   "realm",
		Short: "Show, or do, what a Keycloak realm lacks for the portal",
		Long: `Hold the realm of the configuration against what the portal needs: its service
account with the least roles, the ENT's client, declared attributes, groups,
and the few settings without which a first password is in danger. "plan" shows what would change and why; "apply" does
that and nothing else, and applying again does nothing.

The administrator is one of the master realm; the password comes from
ENTREE_REALM_ADMIN_PASSWORD or ENTREE_REALM_ADMIN_PASSWORD_FILE.`,
	}
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.PersistentFlags().StringVar(&user, "admin", "admin", "an administrator of the master realm")
	open := func() (*keycloak.Client, keycloak.Wanted, error) {
		password, rest, err := env.adminPassword()
		if err != nil {
			return nil, keycloak.Wanted{}, err
		}
		c, err := config.Load(path, rest)
		if err != nil {
			return nil, keycloak.Wanted{}, err
		}
		return keycloak.NewAdmin(c.Keycloak.URL, c.Keycloak.Realm, user, password), wanted(c), nil
	}
	cmd.AddCommand(&cobra.Command{
		Use: "plan", Short: "Show what would change, and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			admin, want, err := open()
			if err != nil {
				return err
			}
			changes, err := admin.Plan(cmd.Context(), want)
			if err != nil {
				return err
			}
			for _, c := range changes {
				fmt.Fprintf(cmd.OutOrStdout(), "+ %s\n    because %s\n", c.What, c.Why)
			}
			if len(changes) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing to change")
			}
			return nil
		},
	}, &cobra.Command{
		Use: "apply", Short: "Do what plan shows", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			admin, want, err := open()
			if err != nil {
				return err
			}
			done := 0
			err = admin.Apply(cmd.Context(), want, func(c keycloak.Change) {
				done++
				fmt.Fprintf(cmd.OutOrStdout(), "+ %s\n", c.What)
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d changes\n", done)
			return nil
		},
	})
	return cmd
}

// adminPassword takes the administrator's password out of the environment: it
// is no key of the configuration, where it would stay.
func (e environment) adminPassword() (secret.Text, []string, error) {
	const name = "ENTREE_REALM_ADMIN_PASSWORD"
	var rest []string
	for _, line := range e.environ {
		if !strings.HasPrefix(line, name) {
			rest = append(rest, line)
		}
	}
	if file := e.get(name + "_FILE"); file != "" {
		raw, err := os.ReadFile(file)
		return secret.New(strings.TrimSpace(string(raw))), rest, err
	}
	if value := e.get(name); value != "" {
		return secret.New(value), rest, nil
	}
	return secret.Text{}, nil, fmt.Errorf("%s is missing: give it there, or the name of its file in %s_FILE", name, name)
}
