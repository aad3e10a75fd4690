package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/secret"
	"entree/keycloak"
)

// realmCommand sets a realm up with the code that the demo uses.
func realmCommand(env environment) *cobra.Command {
	var path, user string
	cmd := &cobra.Command{
		Use:   "realm",
		Short: "Hold a Keycloak realm against what the portal needs",
		Long: `Hold the realm of the configuration against what the portal needs:

  clients      the portal's service account with the least roles, the ENT's
               client, the console's with its roles, if there is a console
  attributes   declared, and written by administrators only
  claims       the client scope "entree", for relying parties
  groups       those of the profiles
  settings     no self-registration, brute force detection, login events for six
               months, a password policy at least as strong as the portal's, the
               login theme, if one is named

"plan" shows what would change, and why, as a diff: + is made, ~ is changed.
"apply" does that and nothing else, and applying again does nothing. "check"
ends with 1 and one line for each thing that is missing or dangerous.

What the portal does not need is neither read nor changed. A client or client
scope of the same name that the portal did not make is never taken over: the
line says what to do.

The administrator is one of the master realm; the password comes from
ENTREE_REALM_ADMIN_PASSWORD or ENTREE_REALM_ADMIN_PASSWORD_FILE. "theme" needs
neither.`,
	}
	cmd.PersistentFlags().StringVar(&path, "config", "entree.yaml", "the configuration file")
	cmd.PersistentFlags().StringVar(&user, "admin", "admin", "an administrator of the master realm")
	// with runs a command on the realm as its administrator.
	with := func(run func(context.Context, *keycloak.Client, keycloak.Wanted, io.Writer) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			password, err := env.adminPassword()
			if err != nil {
				return err
			}
			c, err := config.Load(path, withoutAdminPassword(env.environ))
			if err != nil {
				return err
			}
			return run(cmd.Context(), keycloak.NewAdmin(c.Keycloak.URL, c.Keycloak.Realm, user, password), app.Wanted(c), cmd.OutOrStdout())
		}
	}
	cmd.AddCommand(
		&cobra.Command{Use: "plan", Short: "Show what would change, and why", Args: cobra.NoArgs, RunE: with(planRealm)},
		&cobra.Command{Use: "apply", Short: "Do what plan shows", Args: cobra.NoArgs, RunE: with(applyRealm)},
		themeCommand(func() (config.Config, error) { return config.Load(path, withoutAdminPassword(env.environ)) }),
		&cobra.Command{Use: "check", Short: "Say what is missing or dangerous; ends with 1 if anything is", Args: cobra.NoArgs, RunE: with(checkRealm)},
	)
	return cmd
}

func planRealm(ctx context.Context, admin *keycloak.Client, want keycloak.Wanted, out io.Writer) error {
	changes, err := admin.Plan(ctx, want)
	for _, c := range changes {
		fmt.Fprintln(out, c)
	}
	if err == nil && len(changes) == 0 {
		fmt.Fprintln(out, "nothing to change")
	}
	return err
}

func applyRealm(ctx context.Context, admin *keycloak.Client, want keycloak.Wanted, out io.Writer) error {
	done := 0
	err := admin.Apply(ctx, want, func(c keycloak.Change) {
		done++
		fmt.Fprintln(out, c)
	})
	switch {
	case err != nil && done > 0:
		return fmt.Errorf("after %d changes: %w", done, err)
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	case done == 0:
		fmt.Fprintln(out, "nothing to change")
	default:
		fmt.Fprintf(out, "%d changes\n", done)
	}
	return nil
}

func checkRealm(ctx context.Context, admin *keycloak.Client, want keycloak.Wanted, out io.Writer) error {
	found, err := admin.Check(ctx, want)
	if err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintln(out, f)
	}
	if len(found) > 0 {
		return errTold
	}
	fmt.Fprintln(out, "the realm has what the portal needs, and no known danger")
	return nil
}

// adminPasswordVariable, or its file, is no key of the configuration, where it
// would stay.
const adminPasswordVariable = "ENTREE_REALM_ADMIN_PASSWORD"

func withoutAdminPassword(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(line string) bool { return strings.HasPrefix(line, adminPasswordVariable) })
}

// adminPassword takes the administrator's password from the environment.
func (e environment) adminPassword() (secret.Text, error) {
	if file := e.get(adminPasswordVariable + "_FILE"); file != "" {
		raw, err := os.ReadFile(file)
		return secret.New(strings.TrimSpace(string(raw))), err
	}
	if value := e.get(adminPasswordVariable); value != "" {
		return secret.New(value), nil
	}
	return secret.Text{}, fmt.Errorf("%s is missing: give it there, or the name of its file in %s_FILE", adminPasswordVariable, adminPasswordVariable)
}
