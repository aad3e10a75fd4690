package main

import (
	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/outcome"
	"entree/internal/store"
)

// accountsRun holds the flags of the accounts commands.
type accountsRun struct {
	env     environment
	config  string
	json    bool
	show    int
	unowned string
}

// accountsCommand compares the people of the registry with the accounts that exist.
func accountsCommand(env environment) *cobra.Command {
	a := &accountsRun{env: env}
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "Find the people who have an account already",
		Long: `Find the people who have an account already, so that no person gets a second one.
Both commands read all accounts of the realm, in pages, and all people without an
account, and change nothing in the realm. Without Keycloak they read the entries of
the directory; if directory.way is activate, only those with a password.

  plan    compares, and prints each match with the reasons for and against it
  apply   compares, and adopts the certain matches: from then on these people are
          active, and a request for an activation is answered with their login

Matches are

  certain         the same number, or another reason of matching.certain; adopted
  likely          the same login, address, or names and birth date; an operator
                  confirms or rejects each one in the console
  contradictory   one person with two accounts, one account of two people, or
                  values that exclude each other; decided in the console

A person with an open match cannot activate until it is decided. An account
without a person is not changed; --unowned lists such accounts. The key
matching.mark decides whether the portal writes its mark into adopted accounts. It
never changes anything else in them. See docs/introduce.md.`,
		Args: cobra.NoArgs,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&a.config, "config", "entree.yaml", "the configuration file")
	flags.BoolVar(&a.json, "json", false, "print the outcome as one JSON object on the standard output")
	flags.IntVar(&a.show, "show", 20, "number of matches of each class that are listed; -1: all")
	flags.StringVar(&a.unowned, "unowned", "", "write the accounts without a person to this CSV file")
	cmd.AddCommand(
		&cobra.Command{Use: "plan", Short: "Compare, and show what would be adopted", Args: cobra.NoArgs, RunE: a.run(false)},
		&cobra.Command{Use: "apply", Short: "Compare, and adopt the certain matches", Args: cobra.NoArgs, RunE: a.run(true)},
	)
	return cmd
}

func (a *accountsRun) run(apply bool) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd.Context(), a.config, a.env, func(c config.Config, s *store.Store) error {
			found, err := app.CompareAccounts(cmd.Context(), c, s, apply, a.unowned, outcome.NewStatus(cmd.ErrOrStderr()))
			if err != nil {
				return err
			}
			if a.json {
				return found.WriteJSON(cmd.OutOrStdout())
			}
			return found.WriteText(cmd.OutOrStdout(), a.show)
		})
	}
}
