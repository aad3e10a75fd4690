package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"entree/internal/breached"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/mail"
	"entree/internal/mail/bounce"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/internal/store"
	"entree/keycloak"
	"entree/portal"
	"entree/portal/admin"
	"entree/portal/i18n"
	"entree/portal/web"
	"entree/static"
	"entree/templates"
)

// DatabaseOf returns the DSN of the configured database. A relative SQLite path is
// relative to the configuration file. A PostgreSQL URL gets the limit of
// connections and, with sslmode=verify-ca or verify-full, the private authorities.
func DatabaseOf(c config.Config) string {
	if file, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		if !filepath.IsAbs(file) {
			file = filepath.Join(c.Dir, file)
		}
		return "sqlite:" + file
	}
	u, err := url.Parse(c.Database)
	if err != nil {
		return c.Database
	}
	q := u.Query()
	if !q.Has(store.ConnectionsParameter) && c.Connections > 0 {
		q.Set(store.ConnectionsParameter, strconv.Itoa(c.Connections))
	}
	if ca := c.PrivateCAFile(); ca != "" && strings.HasPrefix(q.Get("sslmode"), "verify-") && !q.Has("sslrootcert") {
		q.Set("sslrootcert", ca)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// hostOf returns the host of an address without its port, and originOf its origin, as
// a browser writes it; both are empty for an address that is none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// callLimit is the time limit of one request to the single sign-on.
const callLimit = 10 * time.Second

// httpClient returns a client that trusts the configured authorities, or nil if
// those of the system suffice.
func httpClient(c config.Config) *http.Client {
	if c.Roots() == nil {
		return nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: c.Roots(), MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport, Timeout: callLimit}
}

// OpenStore opens the configured database, with the keys of the secret if there
// is one. The caller must close it.
func OpenStore(ctx context.Context, c config.Config) (*store.Store, error) {
	s, err := store.Open(ctx, DatabaseOf(c), time.Now)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if !c.Keys.Empty() {
		if err := s.UseKeys(ctx, c.Keys); err != nil {
			return nil, errors.Join(fmt.Errorf("database: %w", err), s.Close())
		}
	}
	return s, nil
}

// openBreached opens the list of leaked passwords, or returns nil if none is
// configured.
func openBreached(c config.Config) (domain.Breached, error) {
	if c.BreachedFile() == "" {
		return nil, nil
	}
	list, err := breached.Open(c.BreachedFile())
	if err != nil {
		return nil, fmt.Errorf("password.breached_file: %w", err)
	}
	return list, nil
}

func keycloakConfig(c config.Config) keycloak.Config {
	k := c.Keycloak
	return keycloak.Config{URL: k.URL, Realm: k.Realm, ClientID: k.ClientID, ClientSecret: k.ClientSecret, Timeout: k.Timeout, InFlight: k.CreatesInFlight, Roots: c.Roots()}
}

// mailOptions returns the mailer's options. rules judge the refusals of mail
// servers.
func mailOptions(c config.Config, rules *bounce.Rules) mail.Options {
	s, i := c.SMTP, c.Institution
	return mail.Options{
		Host: s.Host, Port: s.Port, TLS: mail.TLS(s.TLS), User: s.User, Password: s.Password, From: s.From, ReplyTo: s.ReplyTo, ReturnPath: s.Return, Keys: c.Keys, Timeout: s.Timeout, Roots: c.Roots(),
		Institution: mail.Institution{Name: i.Name, Accent: i.Accent, HelpURL: i.HelpURL, HelpEmail: i.HelpEmail, HelpPhone: i.HelpPhone},
		BaseURL:     c.Portal.BaseURL, Zone: c.Zone(), Profiles: c.Domain(), Clock: time.Now,
		JudgeRefusal: func(to domain.Address, reply string) error {
			status, v := rules.Judge(string(to), reply)
			switch {
			case v.Outcome == bounce.Wrong:
				return &domain.AddressRefused{Status: status, Rule: v.Rule, Provider: v.Provider}
			case slices.Contains(bounce.Refusals, v.Reason):
				return &domain.ProviderRefused{Provider: v.Provider, Reason: string(v.Reason), Words: bounce.Words(reply)}
			}
			return nil
		},
	}
}

// newPortal builds the pages over the service.
func (a *App) newPortal(sessions web.SessionRows) (*portal.Portal, error) {
	c := a.config
	var variants []string
	if c.InDirectory() {
		variants = append(variants, i18n.InDirectory)
	}
	if !c.HasKeycloak() {
		variants = append(variants, i18n.WithoutKeycloak)
	}
	catalog, err := i18n.Load(variants...)
	if err != nil {
		return nil, err
	}
	login, behind, err := newSSO(c)
	if err != nil {
		return nil, err
	}
	console, err := a.newConsole()
	if err != nil {
		return nil, err
	}
	assets, logo, err := withLogo(static.FS, c.LogoFile())
	if err != nil {
		return nil, err
	}
	i := c.Institution
	return portal.New(a.tracedPages(portal.Options{
		Service: a.service, Texts: a.store, Accounts: ownAccount{a.store, a.realmAccounts, a.inDirectory}, EndsSessions: a.realm != nil, InDirectory: c.InDirectory(), Sessions: sessions, SSO: login, LogoutOrigin: behind, Console: console, Keys: c.Keys, Zone: c.Zone(),
		BaseURL: strings.TrimRight(c.Portal.BaseURL, "/"), TrustedProxies: c.Portal.TrustedProxies, ProxyHeader: c.Portal.ProxyHeader,
		Institution: web.Institution{
			Name: i.Name, ShortName: i.ShortName, LogoURL: logo, HelpURL: i.HelpURL, HelpEmail: i.HelpEmail, HelpPhone: i.HelpPhone,
			LegalURL: i.LegalURL, AccessibleURL: i.Accessibility,
		},
		Theme: web.Theme{Accent: i.Accent, AccentDark: i.AccentDark}, Profiles: c.Domain(), ClaimRules: c.ClaimRules(), Example: password.Example,
		Links: links(c.NextSteps), EntURL: c.SSO.EntURL, ChangePassword: c.Portal.ChangePassword, Idle: c.Portal.SessionIdle,
		Templates: templates.FS, Static: assets, Catalog: catalog, Metrics: a.metrics, Checks: a.checks(), OpsElsewhere: c.Portal.OpsListen != "", AtOnce: c.Limits.RequestsAtOnce,
		Log: a.log, Now: time.Now, Pause: pause, Random: rand.Reader,
	}))
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// newSSO returns the login to the ENT, nil if the ENT asks for the login itself, and
// the origin of the provider behind it, empty if there is none.
func newSSO(c config.Config) (login portal.SSO, behind string, err error) {
	back := strings.TrimRight(c.Portal.BaseURL, "/") + "/connexion/retour"
	switch c.SSO.Kind {
	case "oidc":
		login, err = sso.New(sso.Config{
			Issuer: c.Issuer(), ClientID: c.SSO.ClientID, ClientSecret: c.SSO.ClientSecret,
			RedirectURL: back, Scopes: []string{"profile", "email"}, Now: time.Now, Random: rand.Reader, HTTPClient: httpClient(c),
		})
	case "cas":
		var issuer *url.URL
		if issuer, err = url.Parse(c.Issuer()); err == nil {
			if issuer.Host != "" {
				behind = issuer.Scheme + "://" + issuer.Host
			}
			login, err = sso.NewCAS(sso.CASConfig{URL: c.SSO.CASURL, ServiceURL: back, Now: time.Now, Random: rand.Reader, HTTPClient: httpClient(c)})
		}
	}
	return login, behind, err
}

// newConsole builds the console, or returns nil if none is configured.
func (a *App) newConsole() (*admin.Console, error) {
	c := a.config
	if c.Console.ClientSecret.Empty() {
		return nil, nil
	}
	login, err := sso.New(sso.Config{
		Issuer: c.ConsoleIssuer(), ClientID: c.Console.ClientID, ClientSecret: c.Console.ClientSecret,
		RedirectURL: strings.TrimRight(c.Portal.BaseURL, "/") + "/admin/connexion/retour", Scopes: []string{"profile"}, Now: time.Now, Random: rand.Reader, HTTPClient: httpClient(c),
	})
	if err != nil {
		return nil, err
	}
	pages, err := fs.Sub(templates.FS, "admin")
	if err != nil {
		return nil, err
	}
	return admin.New(admin.Options{SSO: login, Journal: a.store, Figures: a.store, Record: a.store, Rights: a.store, Realm: a.lines, Desk: a.desk, Directory: a.store, Intake: a.intake, Imports: a.store, Matching: a.accountOrders, Matches: a.store, Profiles: c.Domain(), ClaimRules: c.ClaimRules(), Templates: pages, Now: time.Now, Zone: c.Zone(),
		Charters: a.charters, Campaigns: a.campaigns, Lists: a.store, Letters: a.mailer, Markdown: portal.RenderCharter,
		Evidence: admin.EvidenceKey{Institution: c.Institution.Name, Portal: strings.TrimRight(c.Portal.BaseURL, "/"), Key: c.Keys.Signers(secret.UseEvidence)[0]},
	})
}

// checks returns the checks of /readyz. Keycloak is not essential: without it the
// portal accepts students and keeps their jobs.
func (a *App) checks() []web.Check {
	checks := []web.Check{
		{Name: "database", Essential: true, Run: a.store.Ping},
		{Name: "mail", Run: a.mailer.Ready},
		{Name: "sso", Run: a.checkSSO},
		{Name: "bounces", Run: a.checkBounces},
		{Name: "sources", Run: func(context.Context) error { return a.sources.err() }},
	}
	if a.realm != nil {
		checks = append(checks, web.Check{Name: "keycloak", Run: a.realm.Ping}, web.Check{Name: "realm", Run: a.found.ready})
	}
	if a.telephone != nil {
		checks = append(checks, web.Check{Name: "sms", Run: a.telephone.Ready})
	}
	if a.directory != nil {
		checks = append(checks, web.Check{Name: "directory", Run: a.directory.ready})
	}
	return checks
}

// checkBounces returns the error of the last attempt to read the mailbox for
// bounces. One of the instances reads it, so the job's row is asked.
func (a *App) checkBounces(ctx context.Context) error {
	causes, err := a.store.JobCauses(ctx)
	for _, c := range causes {
		if c.Kind == bounce.JobKind {
			return errors.New(c.Reason)
		}
	}
	return err
}

// sourceErrors holds the error of the last read of each source by this instance.
type sourceErrors struct {
	mu   sync.Mutex
	last map[string]error
}

func (a *App) sourceState(name string, err error) {
	a.sources.mu.Lock()
	defer a.sources.mu.Unlock()
	if a.sources.last == nil {
		a.sources.last = map[string]error{}
	}
	a.sources.last[name] = err
}

func (s *sourceErrors) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.last)) {
		if err := s.last[name]; err != nil {
			return fmt.Errorf("source %s: %w", name, err)
		}
	}
	return nil
}

// checkSSO returns an error if the provider of the students' login cannot be
// reached.
func (a *App) checkSSO(ctx context.Context) error {
	switch c := a.config; c.SSO.Kind {
	case "oidc":
		return probeURL(ctx, c, c.Issuer()+"/.well-known/openid-configuration")
	case "cas":
		return probeURL(ctx, c, strings.TrimRight(c.SSO.CASURL, "/")+"/login")
	}
	return nil
}

func (a *App) jobFigures(ctx context.Context) ([]web.JobFigures, error) {
	counts, err := a.store.JobCounts(ctx)
	if err != nil {
		return nil, err
	}
	causes, err := a.store.JobCauses(ctx)
	most := map[string]int64{}
	for _, c := range causes {
		most[c.Kind] = max(most[c.Kind], c.Count)
	}
	var out []web.JobFigures
	for _, c := range counts {
		f := web.JobFigures{Kind: c.Kind, Waiting: c.Waiting, Planned: c.Planned, GivenUp: c.GivenUp, Cause: most[c.Kind]}
		if c.Waiting > 0 {
			f.Oldest = time.Since(c.Oldest)
		}
		out = append(out, f)
	}
	return out, err
}

// claimFigures returns the numbers of claims by state, and the age of the one that waits
// the longest for an operator.
func (a *App) claimFigures(ctx context.Context) (map[domain.ClaimState]int64, time.Duration, error) {
	byState, err := a.store.ClaimCounts(ctx)
	if err != nil {
		return nil, 0, err
	}
	n, oldest, err := a.store.ClaimsWaiting(ctx)
	if n == 0 {
		return byState, 0, err
	}
	return byState, time.Since(oldest), err
}

// limitFigures returns the used share of each limit of all visitors together.
func (a *App) limitFigures(ctx context.Context) (map[string]float64, error) {
	if a.service == nil { // not built yet
		return nil, nil
	}
	limits, err := a.service.SharedLimits(ctx)
	out := map[string]float64{}
	for _, l := range limits {
		if l.Network == "" {
			out[l.Kind] = float64(l.Used) / float64(l.Of)
		}
	}
	return out, err
}

func links(steps []config.NextStep) map[domain.Lang][]portal.NextLink {
	out := map[domain.Lang][]portal.NextLink{}
	for _, lang := range []domain.Lang{domain.French, domain.English} {
		for _, s := range steps {
			out[lang] = append(out[lang], portal.NextLink{Text: s.Text.In(lang), Help: s.Help.In(lang), URL: s.URL})
		}
	}
	return out
}

// withLogo adds the institution's logo to the assets, under its own name.
func withLogo(assets fs.FS, file string) (fs.FS, string, error) {
	if file == "" {
		return assets, "", nil
	}
	if _, err := os.Stat(file); err != nil {
		return nil, "", err
	}
	name := "logo" + strings.ToLower(filepath.Ext(file))
	return logoFS{assets, name, file}, name, nil
}

// logoFS is the assets with one more file.
type logoFS struct {
	fs.FS
	name, file string
}

func (l logoFS) Open(name string) (fs.File, error) {
	if name == l.name {
		return os.Open(l.file)
	}
	return l.FS.Open(name)
}

func (l logoFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(l.FS, name)
	if err != nil || name != "." {
		return entries, err
	}
	info, err := os.Stat(l.file)
	if err != nil {
		return nil, err
	}
	return append(entries, named{fs.FileInfoToDirEntry(info), l.name}), nil
}

// named is a file under another name.
type named struct {
	fs.DirEntry
	name string
}

func (n named) Name() string { return n.name }
