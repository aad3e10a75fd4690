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
		Long: `Start everything on this machine, to look at: a real Keycloak, a mail server
whose mailbox is a page, a registry of some 200 people, and the portal.

Needs Java 17 or later. Keycloak itself is taken from --keycloak-home, from
KEYCLOAK_HOME, from the user's cache, or fetched once by the Maven client.
With --sso cas, people get into the ENT by a real Apereo CAS that hands logins on
to Keycloak; it needs Java 21 or later and is fetched in the same way.
With --accounts directory, accounts are kept in an OpenLDAP below Keycloak: slapd has
to be installed (on Debian: apt-get install slapd ldap-utils).
Ctrl-C stops all of it; a second start on the same folder goes on with the same
data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), o, env.get, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "folder that keeps everything (default: entree/demo in the user's cache)")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "where the portal answers; port 0: any free one")
	f.StringVar(&o.Mailbox, "mailbox", "127.0.0.1:8025", "where the mailbox answers; port 0: any free one")
	f.IntVar(&o.KeycloakPort, "keycloak-port", 8180, "where Keycloak answers on loopback; 0: any free one")
	f.StringVar(&o.KeycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	f.StringVar(&o.SSO, "sso", "oidc", "how people get into the ENT: oidc, or cas")
	f.StringVar(&o.Accounts, "accounts", "keycloak", "where accounts are kept: keycloak, or directory")
	f.IntVar(&o.CASPort, "cas-port", 8280, "where CAS answers on loopback, with --sso cas; 0: any free one")
	return cmd
}
