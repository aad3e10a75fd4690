// Package demo runs the whole portal on one machine for people to look at: a
// real Keycloak, a mail server and an SMS gateway whose messages are on a page, a
// registry with invented people, optionally a CAS server, and the portal itself. It is the work behind
// `entree demo`; [democonfig] writes its configuration.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/democonfig"
	"entree/internal/devenv/localcas"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/localldap"
	"entree/internal/devenv/mailbox"
	"entree/internal/domain"
)

// Options are the settings of a demo.
type Options struct {
	Dir          string // all files; empty: entree/demo in the user's cache folder
	Listen       string // host:port of the portal; port 0: any free one
	Mailbox      string // host:port of the mailbox's page; port 0: any free one
	KeycloakPort int    // 0: any free one
	KeycloakHome string // an unpacked Keycloak distribution; empty: found or fetched
	SSO          string // "oidc" or "cas"
	CASPort      int    // with SSO "cas"; 0: any free one
	Accounts     string // where accounts are kept: "keycloak" (the default) or "directory"
	Passkeys     bool   // offer students a passkey after the first login, at addresses with a name
}

// named returns an address of loopback as the demo shows it: with passkeys, which belong
// to a name, localhost in place of the number.
func (o Options) named(address string) string {
	if !o.Passkeys {
		return address
	}
	return strings.Replace(address, "127.0.0.1", "localhost", 1)
}

// Run starts the parts in the order of their dependencies and stops them in
// reverse order when ctx ends. Ctrl-C is the normal end of a demo, so a cancelled
// ctx is no error.
func Run(ctx context.Context, o Options, getenv func(string) string, stdout io.Writer) (err error) {
	if o.Dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("name a folder with --dir: %w", err)
		}
		o.Dir = filepath.Join(cache, "entree", "demo")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	casPort, err := o.casPort()
	if err != nil {
		return err
	}
	marker := filepath.Join(o.Dir, "demo.json")
	if err := errors.Join(forget(marker), democonfig.WriteSecrets(o.Dir)); err != nil {
		return err
	}
	logFile, err := os.OpenFile(filepath.Join(o.Dir, "entree.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	log := app.NewLog(config.Log{Level: "info", Format: "json"}, logFile)

	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	box, err := mailbox.Start(mailbox.Options{SMTP: "127.0.0.1:0", HTTP: o.Mailbox, Dir: o.Dir})
	if err != nil {
		return fmt.Errorf("--mailbox: %w", err)
	}
	defer box.Close()
	ldap, err := o.startDirectory(ctx, stdout)
	if err != nil {
		return err
	}
	if ldap != nil {
		defer ldap.Stop()
	}
	fmt.Fprintln(stdout, "Starting Keycloak …")
	themes := filepath.Join(o.Dir, "themes")
	kc, err := localkeycloak.Start(ctx, localkeycloak.Options{
		Dir: filepath.Join(o.Dir, "keycloak"), Home: o.KeycloakHome, Themes: themes, Port: o.KeycloakPort, Out: stdout, Getenv: getenv,
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
	at := democonfig.Addresses{Portal: o.named("http://" + listen), Listen: listen, Keycloak: o.named(kc.URL()), SMTPHost: smtpHost, SMTPPort: smtpPort, SMS: box.SMSURL()}
	if casPort != 0 {
		at.CAS = localcas.At(casPort)
	}
	if o.Passkeys {
		at.Credential = string(domain.PasswordOrPasskey)
	}
	if ldap != nil {
		at.Directory = ldap.URL
	}
	c, err := democonfig.Write(o.Dir, at)
	if err != nil {
		return err
	}
	if err := app.WriteTheme(themes, c); err != nil { // Keycloak reads it when a page is asked for
		return fmt.Errorf("write the theme: %w", err)
	}
	operators, err := keepOperators(o.Dir)
	if err != nil {
		return err
	}
	if err := SetUpRealm(ctx, c, kc, operators); err != nil {
		return fmt.Errorf("set the realm up: %w", err)
	}
	if ldap != nil {
		if err := Federate(ctx, c, kc, ldap); err != nil {
			return fmt.Errorf("make the directory known to Keycloak: %w", err)
		}
	}
	if casPort != 0 {
		cas, err := startCAS(ctx, o.Dir, casPort, c, kc, getenv, stdout)
		if err != nil {
			return err
		}
		defer cas.Stop()
	}
	a, err := app.New(ctx, c, log)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.ReadPolicy(ctx); err != nil {
		return err
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return a.Serve(running, listener) })
	group.Go(func() error {
		if err := fillRegistry(running, a, box); err != nil {
			return fmt.Errorf("fill the registry: %w", err)
		}
		found, err := places(running, a, at.Keycloak, box.URL(), operators)
		if err != nil {
			return err
		}
		if ldap != nil {
			found.Directory = &demoDirectory{ldap.URL, localldap.People}
		}
		if err := found.write(marker); err != nil {
			return err
		}
		found.tell(stdout, o.Dir)
		return nil
	})
	err = group.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // Ctrl-C is how a demo ends
	}
	return errors.Join(err, forget(marker))
}
