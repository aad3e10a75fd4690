package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"entree/internal/config"
	"entree/internal/mail"
	"entree/internal/registry"
	"entree/internal/store"
	"entree/keycloak"
)

// Probe is the result of asking one system that the configuration names.
type Probe struct {
	Name string // such as "database" or "source annuaire"
	At   string // the address, without credentials
	Err  error  // nil: the system answers and accepts the portal
}

// probeLimit is the time limit of one probe.
const probeLimit = 20 * time.Second

// Connect asks every system that the configuration names whether it answers and
// accepts the portal's credentials. It sends no mail and changes
// nothing, except for a probe entry in the directory of accounts, which it removes. It
// tells each result in the order of the configuration.
func Connect(ctx context.Context, c config.Config, tell func(Probe)) {
	ask := func(name, at string, run func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		tell(Probe{Name: name, At: at, Err: run(ctx)})
	}
	ask("database", withoutPassword(c.Database), func(ctx context.Context) error { return probeDatabase(ctx, c) })
	if c.HasKeycloak() {
		ask("keycloak", c.Keycloak.URL, func(ctx context.Context) error { return probeKeycloak(ctx, c) })
	}
	if c.InDirectory() {
		ask("directory of accounts", c.Directory.URL, func(ctx context.Context) error {
			found, err := CheckDirectory(ctx, c)
			if err == nil && len(found) > 0 {
				err = findingsError(found)
			}
			return err
		})
	}
	if c.SSO.Kind == "cas" {
		ask("CAS server", c.SSO.CASURL, func(ctx context.Context) error {
			return probeURL(ctx, c, strings.TrimRight(c.SSO.CASURL, "/")+"/login")
		})
	}
	issuers := map[string]string{}
	if c.SSO.Kind == "oidc" {
		issuers[c.Issuer()] = "single sign-on"
	}
	if !c.Console.ClientSecret.Empty() {
		issuers[c.ConsoleIssuer()] = cmp.Or(issuers[c.ConsoleIssuer()], "single sign-on of the console")
	}
	for _, issuer := range slices.Sorted(maps.Keys(issuers)) {
		ask(issuers[issuer], issuer, func(ctx context.Context) error {
			return probeURL(ctx, c, strings.TrimRight(issuer, "/")+"/.well-known/openid-configuration")
		})
	}
	ask("mail server", fmt.Sprintf("%s:%d", c.SMTP.Host, c.SMTP.Port), func(ctx context.Context) error { return probeMail(ctx, c) })
	if c.HasSMS() {
		ask("SMS gateway", c.SMS.Way, func(ctx context.Context) error { return probeSMS(ctx, c) })
	}
	switch b := c.Bounces; b.Kind {
	case "imap":
		ask("mailbox for bounces", fmt.Sprintf("%s:%d", b.Host, b.Port), newIMAP(c).Check)
	case "folder":
		ask("folder for bounces", c.BounceFolder(), func(context.Context) error { _, err := os.ReadDir(c.BounceFolder()); return err })
	}
	for _, s := range c.Sources {
		ask("source "+s.Name, s.URL, func(ctx context.Context) error {
			m := registry.Mapping{}
			t, err := openSource(ctx, s, &m)
			if err != nil {
				return err
			}
			_, _, err = t.Next()
			return errors.Join(err, t.Close())
		})
	}
	if file := c.BreachedFile(); file != "" {
		ask("list of leaked passwords", file, func(context.Context) error { _, err := openBreached(c); return err })
	}
}

// withoutPassword returns a database's address for people to read.
func withoutPassword(dsn string) string {
	address, _, _ := strings.Cut(dsn, "?") // the query may hold a password as well
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + "://" + rest
}

func probeDatabase(ctx context.Context, c config.Config) error {
	state, err := store.ReadSchema(ctx, DatabaseOf(c))
	if err != nil || state.Current() || state.Database == 0 {
		return err
	}
	return state.Err()
}

func probeKeycloak(ctx context.Context, c config.Config) error {
	client, err := keycloak.NewClient(keycloakConfig(c))
	if err != nil {
		return err
	}
	found, err := client.CheckSelf(ctx, Wanted(c))
	if err != nil {
		return keycloak.Explain(err, c.Keycloak.URL)
	}
	if len(found) > 0 {
		return findingsError(found)
	}
	return nil
}

func probeMail(ctx context.Context, c config.Config) error {
	rules, err := BounceRules(c.BounceRules())
	if err != nil {
		return err
	}
	m, err := mail.New(mailOptions(c, rules))
	if err != nil {
		return err
	}
	return m.Ready(ctx)
}

// probeURL returns an error unless the URL answers with success.
func probeURL(ctx context.Context, c config.Config, address string) error {
	client := httpClient(c)
	if client == nil {
		client = &http.Client{Timeout: callLimit}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)) // only the status counts
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", address, response.StatusCode)
	}
	return nil
}

// Healthy asks a running portal's /healthz, or /readyz if ready is true. It needs
// only the listeners of the configuration.
func Healthy(ctx context.Context, c config.Config, ready bool) error {
	at, path := c.Portal.Listen, "/healthz"
	if c.Portal.OpsListen != "" {
		at = c.Portal.OpsListen
	}
	if ready {
		path = "/readyz"
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return probeURL(ctx, config.Config{}, "http://"+net.JoinHostPort(host, port)+path)
}
