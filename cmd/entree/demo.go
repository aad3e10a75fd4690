package main

import (
	"github.com/spf13/cobra"

	"entree/internal/devenv/demo"
)

func demoCommand(env environment) *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start everything on this machine: Keycloak, a mailbox, 200 people and the portal",
		Long: `Start a complete installation on this machine, to try it: a real Keycloak, a mail
server with a page that shows the mails, a registry of about 200 people, and the
portal.

The demo needs Java 17 or later. It uses the Keycloak in --keycloak-home, in
KEYCLOAK_HOME or in the user's cache, or downloads one by the Maven client.
With --sso cas, the login to the ENT goes through a real Apereo CAS, which delegates
to Keycloak; it needs Java 21 or later and is downloaded in the same way.
With --accounts directory, the accounts are in an OpenLDAP below Keycloak, which
needs slapd (on Debian: apt-get install slapd ldap-utils).
Students choose a password and are offered a passkey after the first login. The addresses
have the name localhost, since a passkey belongs to a name. --passkeys=false offers none;
neither do --sso cas and --accounts directory, unless --passkeys is given.

Ctrl-C stops all programs. The next start with the same folder has the same data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("passkeys") {
				o.Passkeys = o.SSO == "oidc" && o.Accounts == "keycloak"
			}
			return demo.Run(cmd.Context(), o, env.get, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "folder of all data (default: entree/demo in the user's cache)")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of the portal; port 0: any free one")
	f.StringVar(&o.Mailbox, "mailbox", "127.0.0.1:8025", "address of the mailbox's page; port 0: any free one")
	f.IntVar(&o.KeycloakPort, "keycloak-port", 8180, "Keycloak's port on loopback; 0: any free one")
	f.StringVar(&o.KeycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	f.StringVar(&o.SSO, "sso", "oidc", "protocol of the login to the ENT: oidc or cas")
	f.StringVar(&o.Accounts, "accounts", "keycloak", "store of the accounts: keycloak or directory")
	f.BoolVar(&o.Passkeys, "passkeys", true, "offer students a passkey after the first login")
	f.IntVar(&o.CASPort, "cas-port", 8280, "CAS's port on loopback, with --sso cas; 0: any free one")
	return cmd
}
