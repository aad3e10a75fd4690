package main

import (
	"cmp"
	"context"
	"errors"
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
		Short: "Compare a Keycloak realm with the settings that the portal needs, and apply them",
		Long: `Compare the realm of the configuration with the settings that the portal needs:

  clients      the portal's service account with the least roles, the ENT's
               client, the console's with its roles, if there is a console
  attributes   declared, and written by administrators only
  claims       the client scope "entree", for relying parties
  groups       the groups of the profiles
  settings     no self-registration, brute force detection, login events for six
               months, a password policy at least as strong as the portal's, the
               login theme, if one is named

"plan" shows what would change, and why, as a diff: + is created, ~ is changed.
"apply" makes these changes and no others; a second "apply" changes nothing.
"check" prints one line for each setting that is missing or dangerous, and then
ends with 1. It also counts the people of the registry whose values the realm's
user profile refuses, if the database exists; --without registry leaves that out.

Settings that the portal does not need are neither read nor changed. A client or
client scope of the same name that the portal did not create is never changed; the
line says what to do.

Parts can be chosen by name: --only profile,groups or --without passwordPolicy.
The parts are settings (or the name of one setting), profile, groups, claims,
portal, ent and console. Each change says what it means for existing users. A
realm that does not exist is created only with --create-realm.

Ways to log in:

  --admin NAME   an administrator of the master realm by password, which comes from
                 ENTREE_REALM_ADMIN_PASSWORD or ENTREE_REALM_ADMIN_PASSWORD_FILE,
                 with --otp if the account has a second factor
  --client ID    a service account; the secret comes from the same variables. For
                 "check" it needs only view-realm, view-users and view-clients of
                 realm-management, which suits cron
  --device ID    a client of the master realm with the device flow: an
                 administrator logs in with a browser, with any second factor

--client-realm is the realm of that client: the realm itself for a service
account, master otherwise. "theme" needs no login.`,
	}
	var otp, client, device, clientRealm string
	var only, without []string
	var create, notes bool
	flags := cmd.PersistentFlags()
	flags.StringVar(&path, "config", "entree.yaml", "the configuration file")
	flags.StringVar(&user, "admin", "admin", "name of an administrator of the master realm")
	flags.StringVar(&otp, "otp", "", "the code of the administrator's second factor")
	flags.StringVar(&client, "client", "", "a service account instead of an administrator")
	flags.StringVar(&device, "device", "", "a client with the device flow instead of a password")
	flags.StringVar(&clientRealm, "client-realm", "", "the realm of --client or --device")
	flags.StringSliceVar(&only, "only", nil, "parts that are planned, applied and checked")
	flags.StringSliceVar(&without, "without", nil, "parts that are left out")
	flags.BoolVar(&notes, "notes", false, "also print findings that may stay as they are")
	flags.BoolVar(&create, "create-realm", false, "create the realm if it does not exist")
	// with runs a command on the realm as its administrator.
	with := func(makes bool, run func(context.Context, *keycloak.Client, realmWanted, io.Writer) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			var password secret.Text
			var err error
			if device == "" {
				if password, err = env.adminPassword(); err != nil {
					return err
				}
			}
			c, err := config.Load(path, withoutAdminPassword(env.environ))
			if err != nil {
				return err
			}
			var admin *keycloak.Client
			switch {
			case device != "":
				admin = keycloak.NewDeviceAdmin(c.Keycloak.URL, c.Keycloak.Realm, cmp.Or(clientRealm, "master"), device, func(address, code string) {
					fmt.Fprintf(cmd.ErrOrStderr(), "Open %s in a browser and log in. The code is %s.\n", address, code)
				})
			case client != "":
				admin = keycloak.NewServiceAdmin(c.Keycloak.URL, c.Keycloak.Realm, cmp.Or(clientRealm, c.Keycloak.Realm), client, password)
			default:
				admin = keycloak.NewAdmin(c.Keycloak.URL, c.Keycloak.Realm, user, password, otp)
			}
			admin.Trust(c.Roots())
			want := realmWanted{Wanted: app.Wanted(c), config: c, people: !slices.Contains(without, partRegistry)}
			want.Only, want.Without = only, slices.DeleteFunc(slices.Clone(without), func(part string) bool { return part == partRegistry })
			if notes {
				told, err := admin.Notes(cmd.Context())
				if err != nil {
					return keycloak.Explain(err, c.Keycloak.URL)
				}
				for _, n := range told {
					fmt.Fprintln(cmd.OutOrStdout(), "note: "+n.String())
				}
			}
			there, err := admin.RealmExists(cmd.Context())
			if err == nil && !there && !create {
				missing := fmt.Sprintf("there is no realm %q at %s: check keycloak.realm and keycloak.url; --create-realm creates it", c.Keycloak.Realm, c.Keycloak.URL)
				if makes {
					return errors.New(missing)
				}
				fmt.Fprintln(cmd.OutOrStdout(), "! "+missing)
			}
			if err == nil {
				err = run(cmd.Context(), admin, want, cmd.OutOrStdout())
			}
			return keycloak.Explain(err, c.Keycloak.URL)
		}
	}
	cmd.AddCommand(
		&cobra.Command{Use: "plan", Short: "Show what would change, and why", Args: cobra.NoArgs, RunE: with(false, planRealm)},
		&cobra.Command{Use: "apply", Short: "Make the changes that plan shows", Args: cobra.NoArgs, RunE: with(true, applyRealm)},
		themeCommand(func() (config.Config, error) { return config.Load(path, withoutAdminPassword(env.environ)) }),
		&cobra.Command{Use: "check", Short: "Print each setting that is missing or dangerous; ends with 1 if there is one", Args: cobra.NoArgs, RunE: with(false, checkRealm)},
	)
	return cmd
}

// partRegistry names the count of people in "check --without".
const partRegistry = "registry"

// realmWanted holds the settings that a realm is compared with.
type realmWanted struct {
	keycloak.Wanted
	config config.Config
	people bool // count the people whom the realm would refuse
}

func planRealm(ctx context.Context, admin *keycloak.Client, want realmWanted, out io.Writer) error {
	changes, err := admin.Plan(ctx, want.Wanted)
	for _, c := range changes {
		fmt.Fprintln(out, c)
	}
	if err == nil && len(changes) == 0 {
		fmt.Fprintln(out, "nothing to change")
	}
	if err != nil {
		return err
	}
	warnings, err := admin.Warnings(ctx, want.Wanted)
	for _, w := range warnings {
		fmt.Fprintln(out, "! "+w.String())
	}
	return err
}

func applyRealm(ctx context.Context, admin *keycloak.Client, want realmWanted, out io.Writer) error {
	done := 0
	err := admin.Apply(ctx, want.Wanted, func(c keycloak.Change) {
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

func checkRealm(ctx context.Context, admin *keycloak.Client, want realmWanted, out io.Writer) error {
	found, err := admin.Check(ctx, want.Wanted)
	if err != nil {
		return err
	}
	if there, err := admin.RealmExists(ctx); err == nil && there && want.people {
		more, err := app.RegistryFindings(ctx, want.config, admin)
		if err != nil && !errors.Is(err, app.ErrNoRegistry) {
			more = []keycloak.Finding{{What: "the people of the registry were not counted", Why: err.Error(), Do: "run the command where the database can be reached, or leave the count out: --without " + partRegistry}}
		}
		found = append(found, more...)
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
