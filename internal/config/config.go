// Package config reads and checks the configuration of an institution.
//
//	entree.yaml ──┐
//	ENTREE_… ─────┼─► Config, checked as a whole: every fault is one line that
//	*_FILE ───────┘   names its key, and one run reports all of them
//
// Each key of the file is also an environment variable: portal.base_url is
// ENTREE_PORTAL_BASE_URL, or ENTREE_PORTAL_BASE_URL_FILE with the name of a file
// that holds the value. ENTREE_SECRETS_DIR names a folder with one file per secret.
// Lists (profiles, charters, next steps) are possible in the
// file only. Secrets have the type secret.Text, so that a Config can be printed.
package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/webhook"
)

// Config is the whole configuration. deploy/entree.sample.yaml documents each key.
type Config struct {
	Secret      secret.Text `yaml:"secret"`
	Database    string      `yaml:"database"`
	Migrate     string      `yaml:"database_migrate"`
	Connections int         `yaml:"database_connections"`
	PrivateCA   string      `yaml:"private_ca"`
	Institution Institution `yaml:"institution"`
	Portal      Portal      `yaml:"portal"`
	Keycloak    Keycloak    `yaml:"keycloak"`
	Accounts    Accounts    `yaml:"accounts"`
	Directory   Directory   `yaml:"directory"`
	SSO         SSO         `yaml:"sso"`
	Console     Console     `yaml:"console"`
	Matching    Matching    `yaml:"matching"`
	SMTP        SMTP        `yaml:"smtp"`
	Bounces     Bounces     `yaml:"bounces"`
	SMS         SMS         `yaml:"sms"`
	Code        Code        `yaml:"code"`
	Limits      Limits      `yaml:"limits"`
	Password    Password    `yaml:"password"`
	Claims      Claims      `yaml:"claims"`
	Recovery    Recovery    `yaml:"recovery"`
	Import      Import      `yaml:"import"`
	Audit       Audit       `yaml:"audit"`
	Webhooks    []Webhook   `yaml:"webhooks"`
	Sources     []Source    `yaml:"sources"`
	Log         Log         `yaml:"log"`
	Traces      Traces      `yaml:"traces"`
	Profiles    []Profile   `yaml:"profiles"`
	Reserved    []string    `yaml:"reserved_logins"`
	Charters    []Charter   `yaml:"charters"`
	NextSteps   []NextStep  `yaml:"next_steps"`

	// Dir is the folder of the file. Relative paths in the file start there.
	Dir string `yaml:"-"`
	// Compression divides times, as Compressed does. Only a simulation sets it (ADR 0104).
	Compression int `yaml:"-"`
	// Keys is the keyring parsed from Secret.
	Keys secret.Keyring `yaml:"-"`
	// charters holds the texts that Charters names.
	charters *Texts
	// endpoints holds Webhooks with their secrets.
	endpoints []webhook.Endpoint
	// roots holds the system's authorities and those of PrivateCA.
	roots *x509.CertPool
	// secretsDir is the folder of secrets; empty without one.
	secretsDir string
	// template is true if secrets may be missing.
	template bool
}

// Institution is the institution's name, address of help, colour and time zone.
type Institution struct {
	Name          string `yaml:"name"`
	ShortName     string `yaml:"short_name"`
	Logo          string `yaml:"logo"`
	Accent        string `yaml:"accent"`
	AccentDark    string `yaml:"accent_dark"`
	Scope         string `yaml:"scope"`
	TimeZone      string `yaml:"time_zone"`
	HelpURL       string `yaml:"help_url"`
	HelpEmail     string `yaml:"help_email"`
	HelpPhone     string `yaml:"help_phone"`
	LegalURL      string `yaml:"legal_url"`
	Accessibility string `yaml:"accessibility_url"`
}

// Portal configures the listeners, the public address and the sessions.
type Portal struct {
	Listen          string        `yaml:"listen"`
	OpsListen       string        `yaml:"ops_listen"`
	BaseURL         string        `yaml:"base_url"`
	TrustedProxies  []string      `yaml:"trusted_proxies"`
	ProxyHeader     string        `yaml:"proxy_header"`
	SessionIdle     time.Duration `yaml:"session_idle"`
	SessionAbsolute time.Duration `yaml:"session_absolute"`
	ChangePassword  string        `yaml:"change_password_url"`
	Forgotten       string        `yaml:"forgotten_url"`
}

// Keycloak is the realm that holds the accounts.
type Keycloak struct {
	URL             string        `yaml:"url"`
	Realm           string        `yaml:"realm"`
	ClientID        string        `yaml:"client_id"`
	ClientSecret    secret.Text   `yaml:"client_secret"`
	Timeout         time.Duration `yaml:"timeout"`
	CreatesInFlight int           `yaml:"creates_in_flight"`
	WaivePolicy     []string      `yaml:"waive_policy"`
	LoginTheme      string        `yaml:"login_theme"`
	LoginsEvery     time.Duration `yaml:"logins_every"`
}

// SSO configures the login into the ENT.
type SSO struct {
	Kind         string      `yaml:"kind"`
	Issuer       string      `yaml:"issuer"`
	CASURL       string      `yaml:"cas_url"`
	ClientID     string      `yaml:"client_id"`
	ClientSecret secret.Text `yaml:"client_secret"`
	EntURL       string      `yaml:"ent_url"`
	PasskeyHost  string      `yaml:"passkey_host"`
}

// Console configures the login of operators at /admin. Without a client secret the
// console is off.
type Console struct {
	Issuer       string      `yaml:"issuer"`
	ClientID     string      `yaml:"client_id"`
	ClientSecret secret.Text `yaml:"client_secret"`
}

// Matching says how people are compared with the accounts that exist in the realm.
type Matching struct {
	// Numbers maps an attribute of accounts that holds a number to the profiles
	// whose people have it; none: all profiles.
	Numbers map[string][]string `yaml:"numbers"`
	Certain []string            `yaml:"certain"`
	Adopt   string              `yaml:"adopt"` // "none" or "certain": what serve adopts after a pass
	Mark    bool                `yaml:"mark"`
	Every   time.Duration       `yaml:"every"`
}

// SMTP is the server that sends mail.
type SMTP struct {
	Host     string        `yaml:"host"`
	Port     int           `yaml:"port"`
	TLS      string        `yaml:"tls"`
	User     string        `yaml:"user"`
	Password secret.Text   `yaml:"password"`
	From     string        `yaml:"from"`
	ReplyTo  string        `yaml:"reply_to"`
	Return   string        `yaml:"return_path"`
	Timeout  time.Duration `yaml:"timeout"`
}

// Bounces is the mailbox or folder that receives bounces, and the rules by which
// they are judged.
type Bounces struct {
	Kind     string        `yaml:"kind"`
	Folder   string        `yaml:"folder"`
	Host     string        `yaml:"host"`
	Port     int           `yaml:"port"`
	TLS      string        `yaml:"tls"`
	User     string        `yaml:"user"`
	Password secret.Text   `yaml:"password"`
	Mailbox  string        `yaml:"mailbox"`
	Every    time.Duration `yaml:"every"`
	Rules    string        `yaml:"rules"` // file with rules of the institution; "" for the built-in ones alone
}

// Code configures the six digits.
type Code struct {
	Life time.Duration `yaml:"life"`
}

// Limits are rate limits that all instances share.
type Limits struct {
	MailsPerAddress int `yaml:"mails_per_address_per_day"`
	MailsPerClient  int `yaml:"mails_per_network_per_10_minutes"`
	MailsAltogether int `yaml:"mails_altogether_per_10_minutes"`
	WrongPerClient  int `yaml:"wrong_codes_per_network_per_10_minutes"`
	WrongAltogether int `yaml:"wrong_codes_altogether_per_day"`
	RequestsAtOnce  int `yaml:"requests_at_once"`
	HashesAtOnce    int `yaml:"hashes_at_once"`
	JobsAtOnce      int `yaml:"jobs_at_once"`
}

// Password is the institution's password policy.
type Password struct {
	Length    int      `yaml:"length"`
	MaxLength int      `yaml:"max_length"`
	Upper     int      `yaml:"upper"`
	Lower     int      `yaml:"lower"`
	Digits    int      `yaml:"digits"`
	Special   int      `yaml:"special"`
	Words     []string `yaml:"institution_words"`
	Breached  string   `yaml:"breached_file"`
}

// Claims configures the requests of people who cannot reach the address of the
// enrolment.
type Claims struct {
	Eyes          int    `yaml:"eyes"`
	ObjectionDays int    `yaml:"objection_days"`
	Card          Words  `yaml:"card"`
	CardURL       string `yaml:"card_url"`
	CardRequired  bool   `yaml:"card_required"`
}

// Recovery configures what the help desk does for accounts that their owners cannot
// open.
type Recovery struct {
	FactorDelay int `yaml:"factor_delay"` // days
}

// Import maps the columns of a file to the fields of a person.
type Import struct {
	Profile string              `yaml:"profile"`
	Columns map[string]string   `yaml:"columns"`
	Ready   []string            `yaml:"ready"`
	Held    []string            `yaml:"held"`
	Aliases map[string][]string `yaml:"profiles"`
	Ignore  []string            `yaml:"ignore"`
	Strict  bool                `yaml:"strict"`
	MaxGone int                 `yaml:"max_gone"`
	// OwnAddresses says what happens to personal addresses inside the university's
	// own domains: "warn" or "refuse".
	OwnAddresses string `yaml:"own_addresses"`
	Folder       string `yaml:"folder"`
}

// Source is a directory (LDAP) that is imported on a schedule.
type Source struct {
	Name         string            `yaml:"name"`
	Kind         string            `yaml:"kind"`
	URL          string            `yaml:"url"`
	StartTLS     bool              `yaml:"start_tls"`
	CA           string            `yaml:"ca"`
	BindDN       string            `yaml:"bind_dn"`
	Password     secret.Text       `yaml:"bind_password"`
	PasswordFile string            `yaml:"bind_password_file"`
	Base         string            `yaml:"base"`
	Filter       string            `yaml:"filter"`
	PageSize     int               `yaml:"page_size"`
	Timeout      time.Duration     `yaml:"timeout"`
	Columns      map[string]string `yaml:"columns"`
	Profile      string            `yaml:"profile"`
	Strict       bool              `yaml:"strict"`
	Every        time.Duration     `yaml:"every"`

	Roots *x509.CertPool `yaml:"-"` // of private_ca, without CA
}

// Audit configures how long audit entries and events are kept.
type Audit struct {
	KeepMonths int `yaml:"keep_months"`
}

// Webhook is a relying party that receives messages about accounts.
type Webhook struct {
	Name        string   `yaml:"name"`
	URL         string   `yaml:"url"`
	SecretsFile string   `yaml:"secrets_file"`
	Events      []string `yaml:"events"`
	AllowHost   string   `yaml:"allow_host"`
}

// Log configures the log.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Traces configures spans for an OpenTelemetry collector. Without an endpoint there
// are none.
type Traces struct {
	Endpoint string `yaml:"endpoint"`
	Share    int    `yaml:"share"`
}

// Words are a text in both languages.
type Words struct {
	French  string `yaml:"fr"`
	English string `yaml:"en"`
}

// In returns the text in a language, or the French text if there is none.
func (w Words) In(l domain.Lang) string {
	if l == domain.English && w.English != "" {
		return w.English
	}
	return w.French
}

// Profile configures a domain.Profile.
type Profile struct {
	Key           string   `yaml:"key"`
	Name          Words    `yaml:"name"`
	Proof         string   `yaml:"proof"`
	RecoveryProof string   `yaml:"recovery_proof"`
	Login         string   `yaml:"login"`
	Address       string   `yaml:"address"`
	Groups        []string `yaml:"groups"`
	Affiliation   string   `yaml:"affiliation"`
	Affiliations  []string `yaml:"affiliations"`
	// NumberCase says that numbers which differ in capitals only belong to
	// different people.
	NumberCase bool   `yaml:"number_case"`
	Credential string `yaml:"credential"`
	// PasswordElsewhere says that other services ask for the password too. With accounts
	// in a directory they always do.
	PasswordElsewhere bool     `yaml:"password_elsewhere"`
	Factors           string   `yaml:"factors"`
	Channels          []string `yaml:"channels"`
}

// Charter names the files of one version of a charter.
type Charter struct {
	Profile string `yaml:"profile"`
	Version string `yaml:"version"`
	Title   Words  `yaml:"title"`
	File    Words  `yaml:"file"`
}

// NextStep is a link on the last page.
type NextStep struct {
	Text Words  `yaml:"text"`
	Help Words  `yaml:"help"`
	URL  string `yaml:"url"`
}

// Default returns the values of keys that neither the file nor the environment sets.
func Default() Config {
	return Config{
		Database:    "sqlite:entree.db",
		Connections: 20,
		Institution: Institution{Accent: "#1f4fa3", AccentDark: "#a9c4ff", TimeZone: "Europe/Paris"},
		Portal:      Portal{Listen: "127.0.0.1:8080", SessionIdle: 30 * time.Minute, SessionAbsolute: 2 * time.Hour, Forgotten: "/mot-de-passe-oublie"},
		Keycloak:    Keycloak{ClientID: "entree-portal", Timeout: 10 * time.Second, CreatesInFlight: 8, LoginsEvery: 30 * time.Second},
		Accounts:    Accounts{Store: StoreKeycloak},
		Directory:   defaultDirectory(),
		SSO:         SSO{Kind: "oidc", ClientID: "entree-ent"},
		Console:     Console{ClientID: "entree-console"},
		Matching:    Matching{Certain: []string{"mark", "number"}, Adopt: "none", Every: 24 * time.Hour},
		SMTP:        SMTP{Port: 587, TLS: "mandatory", Timeout: 30 * time.Second},
		Bounces:     Bounces{Port: 993, TLS: "implicit", Mailbox: "INBOX", Every: time.Minute},
		SMS:         defaultSMS(),
		Code:        Code{Life: domain.CodeLife},
		Limits: Limits{MailsPerAddress: 10, MailsPerClient: 600, MailsAltogether: 6000, WrongPerClient: 60, WrongAltogether: 5000,
			RequestsAtOnce: 500, HashesAtOnce: 2, JobsAtOnce: 8},
		Import: Import{
			Ready: []string{"oui", "o", "1", "prêt", "pret", "ready", "yes", "true"}, Held: []string{"bloqué", "bloque", "held"}, MaxGone: 10, Folder: "imports", OwnAddresses: "warn",
		},
		Recovery: Recovery{FactorDelay: 7},
		Claims:   Claims{Eyes: 1, ObjectionDays: 3},
		Password: Password{Length: 16, MaxLength: 256, Upper: 1, Lower: 1, Digits: 1},
		Audit:    Audit{KeepMonths: 12},
		Log:      Log{Level: "info", Format: "json"},
		Traces:   Traces{Share: 10},
	}
}

// prefix is the prefix of every environment variable of the program.
const prefix = "ENTREE_"

// Load reads a file and the environment over the defaults and checks the whole. Its
// error lists every fault, one line each. environ has the form of os.Environ.
func Load(path string, environ []string) (Config, error) { return load(path, environ, (*Config).check) }

// LoadTemplate is Load for a file whose secrets are not there yet: it accepts
// missing secrets and checks all other keys.
func LoadTemplate(path string, environ []string) (Config, error) {
	return load(path, environ, func(c *Config) []string {
		c.template = true
		return c.check()
	})
}

// LoadForImport is Load with the checks that an import needs: neither secrets nor
// Keycloak have to be configured.
func LoadForImport(path string, environ []string) (Config, error) {
	return load(path, environ, (*Config).checkForImport)
}

// LoadForDatabase checks only what a command needs that opens the database and
// nothing else. It needs no secrets.
func LoadForDatabase(path string, environ []string) (Config, error) {
	return load(path, environ, func(c *Config) []string {
		var f faults
		c.checkDatabase(&f)
		return f
	})
}

// LoadForRecord checks what a command needs that verifies or exports the audit:
// the database, and the secret if there is one.
func LoadForRecord(path string, environ []string) (Config, error) {
	return load(path, environ, func(c *Config) []string {
		var f faults
		c.checkDatabase(&f)
		if !c.Secret.Empty() {
			c.checkSecrets(&f)
		}
		return f
	})
}

// MigratesAtStart reports whether "entree serve" migrates an older schema. By
// default it does on SQLite, which one program uses at a time. On PostgreSQL
// other instances may still need the old schema, so a command migrates it.
func (c *Config) MigratesAtStart() bool {
	if c.Migrate == "" {
		return strings.HasPrefix(c.Database, "sqlite:")
	}
	return c.Migrate == "automatic"
}

// LoadDataDir is LoadForImport for the file entree.yaml of a data directory. Without
// that file it returns the defaults with a profile for students and one for staff.
func LoadDataDir(dir string, environ []string) (Config, error) {
	file := filepath.Join(dir, "entree.yaml")
	if _, err := os.Stat(file); err == nil {
		return LoadForImport(file, environ)
	}
	c := Default()
	c.Dir = dir
	c.Profiles = []Profile{
		{Key: "etudiant", Name: Words{French: "Étudiant", English: "Student"}},
		{Key: "personnel", Name: Words{French: "Personnel", English: "Staff"}},
	}
	c.Import.Profile = "etudiant"
	return c, nil
}

func load(path string, environ []string, check func(*Config) []string) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return Config{}, fmt.Errorf("config: %s: %w", path, err)
	}
	c := Default()
	known := keysOf(reflect.TypeFor[Config](), "")
	var faults []string
	for _, key := range k.Keys() {
		if !knownKey(known, key) {
			faults = append(faults, key+": there is no such key"+nearest(known, key))
		}
	}
	over, more := fromEnvironment(environ, known)
	faults = append(faults, more...)
	c.secretsDir = valueOf(environ, secretsDir)
	if c.secretsDir != "" {
		secrets, more := fromSecretsDir(c.secretsDir, known)
		faults = append(faults, more...)
		maps.Copy(secrets, over) // a variable takes precedence
		over = secrets
	}
	if err := k.Load(confmap.Provider(over, "."), nil); err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	if len(faults) == 0 {
		faults = decode(k, &c)
	}
	c.Dir = filepath.Dir(path)
	if len(faults) == 0 {
		faults = append(check(&c), c.unusedSecrets(known)...)
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		return Config{}, errors.New("config: " + strings.Join(faults, "\nconfig: "))
	}
	return c, nil
}

func decode(k *koanf.Koanf, c *Config) []string {
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{Tag: "yaml", DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "yaml", WeaklyTypedInput: true, ZeroFields: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), mapstructure.TextUnmarshallerHookFunc(), mapstructure.StringToSliceHookFunc(",")),
	}})
	if err == nil {
		return nil
	}
	var faults []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "decoding failed") {
			faults = append(faults, strings.TrimPrefix(strings.ReplaceAll(line, "'", ""), "error decoding "))
		}
	}
	return faults
}

// ofCommands are the variables that commands read and no key has. An operator who
// exports them may run any other command.
var ofCommands = []string{prefix + "REALM_ADMIN_PASSWORD", prefix + "REALM_ADMIN_PASSWORD_FILE"}

// fromEnvironment returns the values of known keys that the environment sets, and
// one line per fault.
func fromEnvironment(environ []string, known []string) (map[string]any, []string) {
	byName := map[string]string{}
	for _, key := range known {
		if strings.HasSuffix(key, anyKey) {
			continue
		}
		byName[prefix+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	over := map[string]any{}
	var faults []string
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, prefix) || name == secretsDir || slices.Contains(ofCommands, name) || strings.HasPrefix(name, prefix+"TEST_") {
			continue
		}
		key, ok := byName[name]
		if base, isFile := strings.CutSuffix(name, "_FILE"); !ok && isFile && byName[base] != "" {
			key, ok = byName[base], true
			raw, err := os.ReadFile(value)
			if err != nil {
				faults = append(faults, fmt.Sprintf("%s (%s): %v", key, name, err))
				continue
			}
			value = strings.TrimSpace(string(raw))
		}
		if !ok {
			faults = append(faults, name+": no key has this variable")
			continue
		}
		over[key] = value
	}
	return over, faults
}

// valueOf returns the value of a variable, "" if it is not set.
func valueOf(environ []string, name string) string {
	for _, line := range environ {
		if value, ok := strings.CutPrefix(line, name+"="); ok {
			return value
		}
	}
	return ""
}

// keysOf returns the keys of a type. A list of structures counts as one key.
func keysOf(t reflect.Type, under string) []string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[secret.Text]() {
			out = append(out, keysOf(f.Type, under+name+".")...)
			continue
		}
		if out = append(out, under+name); f.Type.Kind() == reflect.Map {
			out = append(out, under+name+anyKey)
		}
	}
	return out
}

// anyKey is the end of the known key of a map: the operator chooses the keys below
// it.
const anyKey = ".*"

// knownKey reports whether a key of the file is known, or lies in a known map.
func knownKey(known []string, key string) bool {
	return slices.ContainsFunc(known, func(k string) bool {
		under, isMap := strings.CutSuffix(k, anyKey)
		return key == k || isMap && strings.HasPrefix(key, under+".")
	})
}

// nearest returns the known key that resembles a misspelt key most.
func nearest(known []string, key string) string {
	last := key[strings.LastIndexByte(key, '.')+1:]
	for _, k := range known {
		if k[strings.LastIndexByte(k, '.')+1:] == last && !strings.HasSuffix(k, anyKey) {
			return "; did you mean " + k + "?"
		}
	}
	return ""
}
