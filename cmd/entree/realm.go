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

// realmRun is one run of a realm command: the flags, and the realm that they lead to.
type realmRun struct {
	path                               string
	user, otp                          string
	client, device, clientRealm        string
	only, without                      []string
	mayCreate, withNotes, withRegistry bool

	config config.Config
	admin  *keycloak.Client
	want   keycloak.Wanted
	out    io.Writer
}

// realmCommand compares a realm with the settings that the portal needs, and applies
// them. The demo sets its realm up with the same code.
func realmCommand(env environment) *cobra.Command {
	var r realmRun
	cmd := &cobra.Command{
		Use:   "realm",
		Short: "Compare a Keycloak realm with the settings that the portal needs, and apply them",
		Long: `Compare the realm of the configuration with the settings that the portal needs:

  clients      the portal's service account with the fewest roles it needs, the ENT's
               client and, if there is a console, the console's client with its roles
  attributes   declared, and written by administrators only
  claims       the client scope "entree", for relying parties
  groups       the groups of the profiles
  settings     no self-registration, brute force detection, login events for six
               months, a password policy at least as strong as the portal's, and
               keycloak.login_theme, if it is set

"plan" shows what would change, and why, as a diff: + is created, ~ is changed.
"apply" makes these changes and no others; a second "apply" changes nothing.
"check" prints one line for each setting that is missing or dangerous, and then
ends with 1. It also counts the people of the registry whose values the realm's
user profile refuses, if the database exists; --without registry leaves that out.

Settings that the portal does not need are neither read nor changed. A client or
client scope of the same name that the portal did not create is never changed: the
output says what to do about it.

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
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.path, "config", "entree.yaml", "the configuration file")
	flags.StringVar(&r.user, "admin", "admin", "name of an administrator of the master realm")
	flags.StringVar(&r.otp, "otp", "", "the code of the administrator's second factor")
	flags.StringVar(&r.client, "client", "", "a service account instead of an administrator")
	flags.StringVar(&r.device, "device", "", "a client with the device flow instead of a password")
	flags.StringVar(&r.clientRealm, "client-realm", "", "the realm of --client or --device")
	flags.StringSliceVar(&r.only, "only", nil, "parts that are planned, applied and checked")
	flags.StringSliceVar(&r.without, "without", nil, "parts that are left out")
	flags.BoolVar(&r.withNotes, "notes", false, "also print findings that may stay as they are")
	flags.BoolVar(&r.mayCreate, "create-realm", false, "create the realm if it does not exist")
	with := func(do func(context.Context) error, needsRealm bool) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			r.out = cmd.OutOrStdout()
			if err := r.login(env, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return keycloak.Explain(r.run(cmd.Context(), do, needsRealm), r.config.Keycloak.URL)
		}
	}
	cmd.AddCommand(
		&cobra.Command{Use: "plan", Short: "Show what would change, and why", Args: cobra.NoArgs, RunE: with(r.plan, false)},
		&cobra.Command{Use: "apply", Short: "Make the changes that plan shows", Args: cobra.NoArgs, RunE: with(r.apply, true)},
		themeCommand(func() (config.Config, error) { return config.Load(r.path, withoutAdminPassword(env.environ)) }),
		&cobra.Command{Use: "check", Short: "Print each setting that is missing or dangerous; ends with 1 if there is one", Args: cobra.NoArgs, RunE: with(r.check, false)},
	)
	return cmd
}

// login reads the configuration and the password, and sets the administrator's client
// and the wanted settings.
func (r *realmRun) login(env environment, stderr io.Writer) (err error) {
	var password secret.Text
	if r.device == "" {
		if password, err = env.adminPassword(); err != nil {
			return err
		}
	}
	c, err := config.Load(r.path, withoutAdminPassword(env.environ))
	if err != nil {
		return err
	}
	if !c.HasKeycloak() {
		return errors.New("this configuration has no Keycloak: `entree directory check` compares the directory of accounts with it")
	}
	switch {
	case r.device != "":
		r.admin = keycloak.NewDeviceAdmin(c.Keycloak.URL, c.Keycloak.Realm, cmp.Or(r.clientRealm, "master"), r.device, func(address, code string) {
			fmt.Fprintf(stderr, "Open %s in a browser and log in. The code is %s.\n", address, code)
		})
	case r.client != "":
		r.admin = keycloak.NewServiceAdmin(c.Keycloak.URL, c.Keycloak.Realm, cmp.Or(r.clientRealm, c.Keycloak.Realm), r.client, password)
	default:
		r.admin = keycloak.NewAdmin(c.Keycloak.URL, c.Keycloak.Realm, r.user, password, r.otp)
	}
	r.admin.Trust(c.Roots())
	r.config, r.want = c, app.Wanted(c)
	r.withRegistry = !slices.Contains(r.without, app.PartRegistry)
	r.want.Only, r.want.Without = r.only, slices.DeleteFunc(slices.Clone(r.without), func(part string) bool { return part == app.PartRegistry })
	return nil
}

// run prints the notes, reports a missing realm and calls do. If needsRealm is set, a
// missing realm that may not be created is an error.
func (r *realmRun) run(ctx context.Context, do func(context.Context) error, needsRealm bool) error {
	if r.withNotes {
		notes, err := r.admin.Notes(ctx)
		if err != nil {
			return err
		}
		for _, n := range notes {
			fmt.Fprintln(r.out, "note: "+n.String())
		}
	}
	exists, err := r.admin.RealmExists(ctx)
	if err != nil {
		return err
	}
	if !exists && !r.mayCreate {
		missing := fmt.Sprintf("there is no realm %q at %s: check keycloak.realm and keycloak.url; --create-realm creates it", r.config.Keycloak.Realm, r.config.Keycloak.URL)
		if needsRealm {
			return errors.New(missing)
		}
		fmt.Fprintln(r.out, "! "+missing)
	}
	return do(ctx)
}

func (r *realmRun) plan(ctx context.Context) error {
	changes, err := r.admin.Plan(ctx, r.want)
	for _, c := range changes {
		fmt.Fprintln(r.out, c)
	}
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		fmt.Fprintln(r.out, "nothing to change")
	}
	warnings, err := r.admin.Warnings(ctx, r.want)
	for _, w := range warnings {
		fmt.Fprintln(r.out, "! "+w.String())
	}
	return err
}

func (r *realmRun) apply(ctx context.Context) error {
	done := 0
	err := r.admin.Apply(ctx, r.want, func(c keycloak.Change) {
		done++
		fmt.Fprintln(r.out, c)
	})
	switch {
	case err != nil && done > 0:
		return fmt.Errorf("after %d changes: %w", done, err)
	case err != nil:
		return fmt.Errorf("nothing was changed: %w", err)
	case done == 0:
		fmt.Fprintln(r.out, "nothing to change")
	default:
		fmt.Fprintf(r.out, "%d changes\n", done)
	}
	return nil
}

func (r *realmRun) check(ctx context.Context) error {
	found, err := app.CheckRealm(ctx, r.config, r.admin, r.want, r.withRegistry)
	if err != nil {
		return err
	}
	for _, f := range found {
		fmt.Fprintln(r.out, f)
	}
	if len(found) > 0 {
		return errTold
	}
	fmt.Fprintln(r.out, "the realm has what the portal needs, and no known danger")
	return nil
}

// adminPasswordVariable holds the administrator's password. It is not a key of the
// configuration, so that the password is not left in a file.
const adminPasswordVariable = "ENTREE_REALM_ADMIN_PASSWORD"

// withoutAdminPassword returns an environment that config.Load accepts: it rejects
// variables that are no key.
func withoutAdminPassword(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(line string) bool { return strings.HasPrefix(line, adminPasswordVariable) })
}

// adminPassword reads the administrator's password from the environment, or from the
// file that it names.
func (e environment) adminPassword() (secret.Text, error) {
	if file := e.get(adminPasswordVariable + "_FILE"); file != "" {
		raw, err := os.ReadFile(file)
		return secret.New(strings.TrimSpace(string(raw))), err
	}
	if value := e.get(adminPasswordVariable); value != "" {
		return secret.New(value), nil
	}
	return secret.Text{}, fmt.Errorf("%s is missing: set it to the password, or set %s_FILE to the name of a file that holds it", adminPasswordVariable, adminPasswordVariable)
}
