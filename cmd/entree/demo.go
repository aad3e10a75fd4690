package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"entree/internal/config"
	"entree/internal/devenv/localcas"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/mailbox"
)

// demoOptions are the flags of `entree demo`.
type demoOptions struct {
	dir          string
	listen       string
	mailbox      string
	keycloakPort int
	keycloakHome string
	sso          string
	casAt        int
}

func demoCommand(env environment) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start everything on this machine: Keycloak, a mailbox, 200 people and the portal",
		Long: `Start everything on this machine, to look at: a real Keycloak, a mail server
whose mailbox is a page, a registry of some 200 people, and the portal.

Needs Java 17 or later. Keycloak itself is taken from --keycloak-home, from
KEYCLOAK_HOME, from the user's cache, or fetched once by the Maven client.
With --sso cas, people get into the ENT by a real Apereo CAS that hands logins on
to Keycloak; it needs Java 21 or later and is fetched in the same way.
Ctrl-C stops all of it; a second start on the same folder goes on with the same
data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, env, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "folder that keeps everything (default: entree/demo in the user's cache)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "where the portal answers; port 0: any free one")
	f.StringVar(&o.mailbox, "mailbox", "127.0.0.1:8025", "where the mailbox answers; port 0: any free one")
	f.IntVar(&o.keycloakPort, "keycloak-port", 8180, "where Keycloak answers on loopback; 0: any free one")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	f.StringVar(&o.sso, "sso", "oidc", "how people get into the ENT: oidc, or cas")
	f.IntVar(&o.casAt, "cas-port", 8280, "where CAS answers on loopback, with --sso cas; 0: any free one")
	return cmd
}

// runDemo starts the parts in the order in which they need one another and
// stops them in the other one.
func runDemo(ctx context.Context, o demoOptions, env environment, stdout io.Writer) (err error) {
	if o.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("name a folder with --dir: %w", err)
		}
		o.dir = filepath.Join(cache, "entree", "demo")
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return err
	}
	casPort, err := o.casPort()
	if err != nil {
		return err
	}
	marker := filepath.Join(o.dir, "demo.json")
	if err := errors.Join(forget(marker), writeSecrets(o.dir)); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(o.dir, "entree.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := newLog(config.Log{Level: "info", Format: "json"}, logFile)

	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: o.mailbox, Dir: o.dir})
	if err != nil {
		return fmt.Errorf("--mailbox: %w", err)
	}
	defer box.Close()
	fmt.Fprintln(stdout, "Starting Keycloak …")
	themes := filepath.Join(o.dir, "themes")
	kc, err := localkeycloak.Start(ctx, localkeycloak.Options{
		Dir: filepath.Join(o.dir, "keycloak"), Home: o.keycloakHome, Themes: themes, Port: o.keycloakPort, Out: stdout, Getenv: env.get,
	})
	if err != nil {
		return err
	}
	defer kc.Stop()

	smtpHost, smtpPort, err := net.SplitHostPort(box.SMTPAddr())
	if err != nil {
		return err
	}
	listen := listener.Addr().String()
	at := demoAddresses{Portal: "http://" + listen, Listen: listen, Keycloak: kc.URL(), SMTPHost: smtpHost, SMTPPort: smtpPort}
	if casPort != 0 {
		at.CAS = localcas.At(casPort)
	}
	c, err := writeDemoConfig(o.dir, at)
	if err != nil {
		return err
	}
	if err := writeTheme(themes, c); err != nil { // Keycloak reads it when a page is asked for
		return fmt.Errorf("write the theme: %w", err)
	}
	operators, err := keepOperators(o.dir)
	if err != nil {
		return err
	}
	if err := setUpRealm(ctx, c, kc, operators); err != nil {
		return fmt.Errorf("set the realm up: %w", err)
	}
	if casPort != 0 {
		cas, err := startCAS(ctx, o.dir, casPort, c, kc, env.get, stdout)
		if err != nil {
			return err
		}
		defer cas.Stop()
	}
	a, err := newApp(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.close()
	if err := a.policy.read(ctx); err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serve(running, listener) })
	group.Go(func() error {
		if err := fillRegistry(running, a, box); err != nil {
			return fmt.Errorf("fill the registry: %w", err)
		}
		places, err := a.places(running, kc.URL(), box.URL(), operators)
		if err != nil {
			return err
		}
		if err := places.write(marker); err != nil {
			return err
		}
		places.tell(stdout, o.dir)
		return nil
	})
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C is how a demo ends
	}
	return errors.Join(err, forget(marker))
}
