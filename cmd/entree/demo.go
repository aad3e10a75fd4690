package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"entree/config"
	"entree/keycloak/local"
	"entree/mail/mailbox"
)

// demoOptions are the flags of `entree demo`.
type demoOptions struct {
	dir          string
	listen       string
	mailbox      string
	keycloakPort int
	keycloakHome string
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
Ctrl-C stops all of it; a second start on the same folder goes on with the same
data.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), o, env, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "folder that keeps everything (default: entree/demo in the user's cache)")
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "where the portal answers; port 0: any free one")
	f.StringVar(&o.mailbox, "mailbox", "127.0.0.1:8025", "where the mailbox answers; port 0: any free one")
	f.IntVar(&o.keycloakPort, "keycloak-port", 8180, "where Keycloak answers on loopback; 0: any free one")
	f.StringVar(&o.keycloakHome, "keycloak-home", "", "an unpacked Keycloak distribution to use")
	return cmd
}

// runDemo starts the parts in the order in which they need one another and
// stops them in the other one.
func runDemo(ctx context.Context, o demoOptions, env environment, stdout, stderr io.Writer) (err error) {
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
	secrets, err := demoSecrets(o.dir)
	if err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(o.dir, "entree.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := slog.New(slog.NewJSONHandler(logFile, nil))

	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	box, err := mailbox.Start(mailbox.Options{SMTPAddr: "127.0.0.1:0", HTTPAddr: o.mailbox, Dir: o.dir})
	if err != nil {
		return fmt.Errorf("--mailbox: %w", err)
	}
	defer box.Close()
	fmt.Fprintln(stdout, "Keycloak is starting; the first time this takes about a minute.")
	kc, err := local.Start(ctx, local.Options{
		Dir: filepath.Join(o.dir, "keycloak"), Home: o.keycloakHome, Port: o.keycloakPort, Out: stdout, Environ: env.environ,
	})
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := kc.Stop(); err == nil {
			err = stopErr
		}
	}()

	base := "http://" + listener.Addr().String()
	path, err := writeDemoConfig(o.dir, demoAddresses{portal: base, keycloak: kc.URL(), smtp: box.SMTPAddr()}, secrets)
	if err != nil {
		return err
	}
	c, err := config.Load(path, nil)
	if err != nil {
		return err
	}
	if err := applyRealm(ctx, c, kc); err != nil {
		return fmt.Errorf("set the realm up: %w", err)
	}
	a, err := newApp(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.close()
	people, err := fillRegistry(ctx, a)
	if err != nil {
		return fmt.Errorf("fill the registry: %w", err)
	}
	places := demoPlaces{Portal: base, Keycloak: kc.URL(), Realm: c.Keycloak.Realm, Mailbox: box.URL(), People: people}
	if err := places.write(filepath.Join(o.dir, "demo.json")); err != nil {
		return err
	}
	places.tell(stdout, o.dir)
	return a.serve(ctx, listener)
}

var _ = time.Now
