package config

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entree/internal/colour"
	"entree/internal/domain"
	"entree/internal/loopback"
	"entree/internal/naming"
	"entree/internal/secret"
)

// faults collects the faults of a configuration, one line each.
type faults []string

func (f *faults) add(key, format string, args ...any) {
	*f = append(*f, key+": "+fmt.Sprintf(format, args...))
}

func (f *faults) need(key, value string) {
	if value == "" {
		f.add(key, "is missing")
	}
}

// check checks every section and returns one line per fault. It also parses the
// secrets and reads the charters.
func (c *Config) check() []string {
	var f faults
	c.checkSecrets(&f)
	c.checkInstitution(&f)
	c.checkPortal(&f)
	c.checkOutside(&f)
	c.checkSMS(&f)
	c.checkAccounts(&f)
	c.checkRules(&f)
	c.checkClaims(&f)
	c.checkProfiles(&f)
	c.checkMatching(&f)
	c.checkWebhooks(&f)
	c.checkImport(&f)
	var err error
	if c.charters, err = c.readCharters(); err != nil {
		f.add("charters", "%v", err)
	}
	return f
}

// checkForImport checks only the sections that an import needs.
func (c *Config) checkForImport() []string {
	var f faults
	c.checkDatabase(&f)
	c.checkProfiles(&f)
	c.checkImport(&f)
	return f
}

func (c *Config) checkClaims(f *faults) {
	k := c.Claims
	if k.Eyes != 1 && k.Eyes != 2 {
		f.add("claims.eyes", "%d: want 1 or 2", k.Eyes)
	}
	if k.ObjectionDays < 1 || k.ObjectionDays > 14 {
		f.add("claims.objection_days", "%d: want 1 to 14", k.ObjectionDays)
	}
	if d := c.Recovery.FactorDelay; d < 1 || d > 30 {
		f.add("recovery.factor_delay", "%d: want 1 to 30 days", d)
	}
	if k.Card.English != "" && k.Card.French == "" {
		f.add("claims.card.fr", "is missing: the French text is shown where there is no English one")
	}
	checkURL(f, "claims.card_url", k.CardURL)
	if k.CardRequired && k.Card.French == "" && k.CardURL == "" {
		f.add("claims.card_required", "needs claims.card or claims.card_url: claimants must learn how to show their card")
	}
}

func (c *Config) checkSecrets(f *faults) {
	if c.Secret.Empty() {
		c.needSecret(f, "secret", "is missing: give it as ENTREE_SECRET or ENTREE_SECRET_FILE; make one with `openssl rand -hex 32`")
		return
	}
	var err error
	if c.Keys, err = secret.ParseKeys(c.Secret); err != nil {
		f.add("secret", "%v", err)
	}
}

// needSecret adds a fault for a missing secret, unless the file is a template.
func (c *Config) needSecret(f *faults, key, message string) {
	if !c.template {
		f.add(key, "%s", message)
	}
}

func (c *Config) checkInstitution(f *faults) {
	i := c.Institution
	f.need("institution.name", i.Name)
	if err := colour.Readable(i.Accent, colour.LightGround); err != nil {
		f.add("institution.accent", "%v", err)
	}
	if err := colour.Readable(i.AccentDark, colour.DarkGround); err != nil {
		f.add("institution.accent_dark", "%v", err)
	}
	if _, err := time.LoadLocation(i.TimeZone); err != nil {
		f.add("institution.time_zone", "%q is no time zone", i.TimeZone)
	}
	for key, value := range map[string]string{"help_url": i.HelpURL, "legal_url": i.LegalURL, "accessibility_url": i.Accessibility} {
		checkURL(f, "institution."+key, value)
	}
	if i.HelpURL == "" && i.HelpEmail == "" && i.HelpPhone == "" {
		f.add("institution.help_email", "is missing: the pages need an address of help for students (help_url or help_phone is enough)")
	}
	if i.Logo != "" {
		if _, err := os.Stat(c.path(i.Logo)); err != nil {
			f.add("institution.logo", "%v", err)
		}
	}
}

func (c *Config) checkPortal(f *faults) {
	p := c.Portal
	f.need("portal.base_url", p.BaseURL)
	if u, err := url.Parse(p.BaseURL); p.BaseURL != "" {
		switch {
		case err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
			f.add("portal.base_url", "%q: want https://host, without a path", p.BaseURL)
		case u.Scheme != "https" && (u.Scheme != "http" || !loopback.IsHost(u.Hostname())):
			f.add("portal.base_url", "%q: must be https; plain http is for this machine only", p.BaseURL)
		}
	}
	if _, _, err := net.SplitHostPort(p.Listen); err != nil {
		f.add("portal.listen", "%q: want host:port", p.Listen)
	}
	for _, proxy := range p.TrustedProxies {
		if _, _, err := net.ParseCIDR(proxy); err != nil && net.ParseIP(proxy) == nil {
			f.add("portal.trusted_proxies", "%q is neither an address nor a network", proxy)
		}
	}
	if !slices.Contains([]string{"", "x-forwarded-for", "forwarded"}, p.ProxyHeader) {
		f.add("portal.proxy_header", "%q: want x-forwarded-for, forwarded or nothing", p.ProxyHeader)
	}
	between(f, "portal.session_idle", p.SessionIdle, time.Minute, 4*time.Hour)
	between(f, "portal.session_absolute", p.SessionAbsolute, p.SessionIdle, 12*time.Hour)
	checkURL(f, "portal.change_password_url", p.ChangePassword)
	checkURL(f, "portal.forgotten_url", c.ForgottenURL())
}

func (c *Config) checkDatabase(f *faults) {
	if !strings.HasPrefix(c.Database, "sqlite:") && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		f.add("database", "want sqlite:FILE or postgres://…")
	}
	if !slices.Contains([]string{"", "automatic", "command"}, c.Migrate) {
		f.add("database_migrate", "%q: want automatic or command", c.Migrate)
	}
	if c.Connections < 2 || c.Connections > 1000 {
		f.add("database_connections", "%d: want 2 to 1000", c.Connections)
	}
	c.readRoots(f)
}

func (c *Config) checkOutside(f *faults) {
	c.checkDatabase(f)
	c.checkKeycloak(f)
	switch c.SSO.Kind {
	case "oidc":
		f.need("sso.client_id", c.SSO.ClientID)
		if c.SSO.ClientSecret.Empty() {
			c.needSecret(f, "sso.client_secret", "is missing: give it as ENTREE_SSO_CLIENT_SECRET or ENTREE_SSO_CLIENT_SECRET_FILE")
		}
	case "cas":
		f.need("sso.cas_url", c.SSO.CASURL)
	case "link":
		f.need("sso.ent_url", c.SSO.EntURL)
	default:
		f.add("sso.kind", "%q: want oidc, cas or link", c.SSO.Kind)
	}
	if !c.Console.ClientSecret.Empty() {
		f.need("console.client_id", c.Console.ClientID)
		if c.ConsoleIssuer() == "" {
			f.add("console.issuer", "is missing: without Keycloak, operators log in by the OpenID Connect provider that it names")
		}
	}
	checkURL(f, "console.issuer", c.Console.Issuer)
	if id := c.Console.ClientID; c.Console.Issuer == "" && (id == c.Keycloak.ClientID || id == c.SSO.ClientID) {
		f.add("console.client_id", "%q is another client's already: operators log in by a client of their own", id)
	}
	checkURL(f, "sso.issuer", c.SSO.Issuer)
	checkURL(f, "sso.cas_url", c.SSO.CASURL)
	if u, err := url.Parse(c.SSO.CASURL); err == nil && (u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(u.Path, "/login")) {
		f.add("sso.cas_url", "%q: want the prefix alone, like https://cas.univ.example/cas", c.SSO.CASURL)
	}
	checkURL(f, "sso.ent_url", c.SSO.EntURL)
	s := c.SMTP
	f.need("smtp.host", s.Host)
	if s.Port < 1 || s.Port > 65535 {
		f.add("smtp.port", "%d is no port", s.Port)
	}
	if !slices.Contains([]string{"mandatory", "opportunistic", "none"}, s.TLS) {
		f.add("smtp.tls", "%q: want mandatory, opportunistic or none", s.TLS)
	} else if s.TLS == "none" && !loopback.IsHost(s.Host) {
		f.add("smtp.tls", "none is allowed to a server on this machine only, and %s is another machine", s.Host)
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		f.add("smtp.from", "%q is no address", s.From)
	}
	if _, err := mail.ParseAddress(s.ReplyTo); s.ReplyTo != "" && err != nil {
		f.add("smtp.reply_to", "%q is no address", s.ReplyTo)
	}
	if _, err := mail.ParseAddress(s.Return); s.Return != "" && err != nil {
		f.add("smtp.return_path", "%q is no address", s.Return)
	}
	c.checkBounces(f)
	between(f, "smtp.timeout", s.Timeout, time.Second, 5*time.Minute)
}

// checkKeycloak checks the realm. Accounts in a directory need none.
func (c *Config) checkKeycloak(f *faults) {
	k := c.Keycloak
	if k.CreatesInFlight < 1 {
		f.add("keycloak.creates_in_flight", "%d: want 1 or more", k.CreatesInFlight)
	}
	if c.InDirectory() && k.URL == "" {
		c.checkWithoutKeycloak(f)
		return
	}
	f.need("keycloak.url", k.URL)
	checkURL(f, "keycloak.url", k.URL)
	f.need("keycloak.realm", k.Realm)
	f.need("keycloak.client_id", k.ClientID)
	if k.ClientSecret.Empty() {
		c.needSecret(f, "keycloak.client_secret", "is missing: give it as ENTREE_KEYCLOAK_CLIENT_SECRET or ENTREE_KEYCLOAK_CLIENT_SECRET_FILE")
	}
	between(f, "keycloak.timeout", k.Timeout, time.Second, time.Minute)
	if k.LoginsEvery != 0 {
		between(f, "keycloak.logins_every", k.LoginsEvery, 5*time.Second, time.Hour)
	}
}

// checkWithoutKeycloak checks what a configuration needs instead of a realm.
func (c *Config) checkWithoutKeycloak(f *faults) {
	k := c.Keycloak
	if k.Realm != "" || !k.ClientSecret.Empty() {
		f.add("keycloak.url", "is missing: without Keycloak above the directory, leave out the whole section keycloak, with its secret")
	}
	if k.LoginTheme != "" || len(k.WaivePolicy) > 0 {
		f.add("keycloak.url", "is missing, and login_theme or waive_policy is set: they are about a realm")
	}
	if c.SSO.Kind == "oidc" {
		f.add("sso.kind", "oidc needs Keycloak above the directory: want cas, for a CAS server on the same directory, or link")
	}
	for i, p := range c.Profiles {
		for _, g := range p.Groups {
			if c.Directory.Groups[g] == "" {
				f.add(fmt.Sprintf("profiles[%d].groups", i), "%q: directory.groups names no group for it, and without Keycloak there is no other place", g)
			}
		}
	}
}

func (c *Config) checkBounces(f *faults) {
	b := c.Bounces
	switch b.Kind {
	case "":
	case "folder":
		f.need("bounces.folder", b.Folder)
		if info, err := os.Stat(c.path(b.Folder)); b.Folder != "" && (err != nil || !info.IsDir()) {
			f.add("bounces.folder", "%s is no folder", b.Folder)
		}
	case "imap":
		f.need("bounces.host", b.Host)
		f.need("bounces.user", b.User)
		f.need("bounces.mailbox", b.Mailbox)
		if b.Port < 1 || b.Port > 65535 {
			f.add("bounces.port", "%d is no port", b.Port)
		}
		if !slices.Contains([]string{"implicit", "starttls", "none"}, b.TLS) {
			f.add("bounces.tls", "%q: want implicit, starttls or none", b.TLS)
		} else if b.TLS == "none" && !loopback.IsHost(b.Host) {
			f.add("bounces.tls", "none is allowed to a server on this machine only, and %s is another machine", b.Host)
		}
	default:
		f.add("bounces.kind", "%q: want imap, folder or nothing", b.Kind)
	}
	if info, err := os.Stat(c.path(b.Rules)); b.Rules != "" && (err != nil || info.IsDir()) {
		f.add("bounces.rules", "%s is no file", b.Rules)
	}
	between(f, "bounces.every", b.Every, time.Second, 24*time.Hour)
}

func (c *Config) checkRules(f *faults) {
	between(f, "code.life", c.Code.Life, time.Minute, time.Hour) // S6
	l := c.Limits
	for key, n := range map[string]int{
		"mails_per_address_per_day": l.MailsPerAddress, "mails_per_network_per_10_minutes": l.MailsPerClient, "mails_altogether_per_10_minutes": l.MailsAltogether,
		"wrong_codes_per_network_per_10_minutes": l.WrongPerClient, "wrong_codes_altogether_per_day": l.WrongAltogether, "requests_at_once": l.RequestsAtOnce, "hashes_at_once": l.HashesAtOnce, "jobs_at_once": l.JobsAtOnce,
	} {
		if n < 1 {
			f.add("limits."+key, "%d: want 1 or more", n)
		}
	}
	if l.MailsPerAddress < 5 || l.MailsPerAddress > 20 {
		f.add("limits.mails_per_address_per_day", "%d: want 5 to 20: the third mail of a day and each later one hold a long code, with which a student needs no further mail", l.MailsPerAddress)
	}
	p := c.Password
	if p.Length < 12 {
		f.add("password.length", "%d: want 12 or more", p.Length)
	}
	if p.MaxLength < 64 || p.MaxLength < p.Length {
		f.add("password.max_length", "%d: want 64 or more (NIST SP 800-63B-4)", p.MaxLength)
	}
	if _, err := os.Stat(c.BreachedFile()); p.Breached != "" && err != nil {
		f.add("password.breached_file", "%v", err)
	}
	if c.Audit.KeepMonths < 6 || c.Audit.KeepMonths > 12 {
		f.add("audit.keep_months", "%d: want 6 to 12 (CNIL, recommandation sur la journalisation)", c.Audit.KeepMonths)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		f.add("log.level", "%q: want debug, info, warn or error", c.Log.Level)
	}
	if !slices.Contains([]string{"json", "text"}, c.Log.Format) {
		f.add("log.format", "%q: want json or text", c.Log.Format)
	}
	checkURL(f, "traces.endpoint", c.Traces.Endpoint)
	if u, err := url.Parse(c.Traces.Endpoint); c.Traces.Endpoint != "" && err == nil && strings.Trim(u.Path, "/") == "" {
		f.add("traces.endpoint", "%q: want the whole address, like https://collector.univ.example:4318/v1/traces", c.Traces.Endpoint)
	}
	if c.Traces.Share < 1 || c.Traces.Share > 100 {
		f.add("traces.share", "%d: want 1 to 100 per cent", c.Traces.Share)
	}
}

func (c *Config) checkProfiles(f *faults) {
	if len(c.Profiles) == 0 {
		f.add("profiles", "is missing: no student could activate")
	}
	seen := map[string]bool{}
	for i, p := range c.Profiles {
		key := fmt.Sprintf("profiles[%d]", i)
		f.need(key+".key", p.Key)
		if seen[p.Key] {
			f.add(key+".key", "%q occurs twice", p.Key)
		}
		seen[p.Key] = true
		f.need(key+".name.fr", p.Name.French)
		f.need(key+".name.en", p.Name.English)
		for field, pattern := range map[string]string{"login": p.Login, "address": p.Address} {
			if _, err := naming.Parse(pattern); err != nil {
				f.add(key+"."+field, "%v", err)
			}
		}
		if !strings.Contains(p.Address, "@") {
			f.add(key+".address", "%q has no @", p.Address)
		}
		if !slices.Contains([]string{"", "birth_date", "number"}, p.Proof) {
			f.add(key+".proof", "%q: want birth_date, number or nothing", p.Proof)
		}
		if !slices.Contains([]string{"", "birth_date", "number", "none"}, p.RecoveryProof) {
			f.add(key+".recovery_proof", "%q: want birth_date, number, none or nothing", p.RecoveryProof)
		}
		f.need(key+".affiliation", p.Affiliation)
		c.checkChannels(f, key+".channels", p.Channels)
		switch domain.Credentials(p.Credential) {
		case "", domain.PasswordOnly:
		case domain.PasswordOrPasskey, domain.PasskeyOrPassword, domain.PasskeyOnly:
			if c.SSO.Kind != "oidc" {
				f.add(key+".credential", "Keycloak takes a passkey at its login: sso.kind must be oidc")
			}
			if c.InDirectory() && domain.Credentials(p.Credential).PasskeyFirst() {
				f.add(key+".credential", "%q: Wi-Fi and workstations bind to the directory with a password: set password_or_passkey, with which Keycloak offers a passkey beside it at the first login, or password", p.Credential)
			}
			if p.PasswordElsewhere && domain.Credentials(p.Credential) == domain.PasskeyOnly {
				f.add(key+".password_elsewhere", "true, but the people of this profile choose no password: want credential passkey_or_password or password_or_passkey")
			}
		default:
			f.add(key+".credential", "%q: want password, password_or_passkey, passkey_or_password or passkey", p.Credential)
		}
		switch rule := domain.FactorRule(p.Factors); {
		case rule == "", rule == domain.FactorsNone:
		case !rule.Asks():
			f.add(key+".factors", "%q: want none, offered or required", p.Factors)
		case c.SSO.Kind != "oidc" || !c.HasKeycloak():
			f.add(key+".factors", "%q: Keycloak registers second factors and asks for them at its login: sso.kind must be oidc, and keycloak.url set", p.Factors)
		}
		for _, g := range p.Groups {
			if names := strings.Split(g, "/"); len(names) < 2 || names[0] != "" || slices.Contains(names[1:], "") {
				f.add(key+".groups", "%q: want the path of a group, like /etudiants or /etudiants/licence", g)
			}
		}
	}
	for i, n := range c.NextSteps {
		key := fmt.Sprintf("next_steps[%d]", i)
		f.need(key+".text.fr", n.Text.French)
		f.need(key+".url", n.URL)
		checkURL(f, key+".url", n.URL)
	}
}

func between(f *faults, key string, d, least, most time.Duration) {
	if d < least || d > most {
		f.add(key, "%v: want %v to %v", d, least, most)
	}
}

func checkURL(f *faults, key, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		f.add(key, "%q: want https://…", value)
	}
}

// readRoots reads the certificate authorities of private_ca and adds them to
// those of the system.
func (c *Config) readRoots(f *faults) {
	if c.PrivateCA == "" || c.roots != nil {
		return
	}
	raw, err := os.ReadFile(c.path(c.PrivateCA))
	if err != nil {
		f.add("private_ca", "%v", err)
		return
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(raw) {
		f.add("private_ca", "%s has no certificate in PEM form", c.PrivateCA)
		return
	}
	c.roots = roots
}

// Roots returns the certificate authorities that the portal trusts: those of the
// system and of private_ca. It returns nil, which means those of the system
// alone, if private_ca is empty.
func (c Config) Roots() *x509.CertPool { return c.roots }

// PrivateCAFile returns the path of private_ca, and "" if there is none.
func (c Config) PrivateCAFile() string {
	if c.PrivateCA == "" {
		return ""
	}
	return c.path(c.PrivateCA)
}

// path resolves a path of the file against the folder of the file. An empty path
// stays empty.
func (c *Config) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, p)
}
