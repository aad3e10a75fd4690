package config_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/secret"
)

const sample = "../../deploy/entree.sample.yaml"

// given is the environment that the sample needs: its secrets.
var given = []string{
	"ENTREE_SECRET=" + strings.Repeat("0f", 32), "ENTREE_KEYCLOAK_CLIENT_SECRET=kc-secret", "ENTREE_SSO_CLIENT_SECRET=sso-secret",
}

func TestTheSampleLoads(t *testing.T) {
	c, err := config.Load(sample, given)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Domain()) != 2 || c.Domain()[0].Key != "etudiant" || c.Code.Life != domain.CodeLife {
		t.Errorf("profiles %+v, life %v", c.Domain(), c.Code.Life)
	}
	for _, lang := range []domain.Lang{domain.French, domain.English} {
		charter, err := c.Texts().InForce("etudiant", lang)
		if err != nil || len(strings.Fields(charter.Text)) < 700 || charter.Lang != lang || charter.SHA256 != domain.HashCharter(charter.Text) {
			t.Errorf("the charter in %s: %v, %d words", lang, err, len(strings.Fields(charter.Text)))
		}
	}
}

// K1: an operator names the attributes that hold a number.
func TestK1_TheAttributesOfNumbersAreRead(t *testing.T) {
	for numbers, want := range map[string]map[string][]string{
		"{ }": {"supannEtuId": {"etudiant"}, "supannEmpId": {"personnel"}},
		"{studentId: [etudiant], employeeNumber: []}":             {"studentId": {"etudiant"}, "employeeNumber": {}},
		"\n    studentId:\n      - etudiant\n      - personnel\n": {"studentId": {"etudiant", "personnel"}},
	} {
		c, err := config.Load(changed(t, "numbers: {} ", "numbers: "+numbers+" "), given)
		if got := c.NumberAttributes(); err != nil || !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %v, %v", numbers, got, err)
		}
	}
}

// The values of the sample are the defaults.
func TestTheSampleTellsTheDefaults(t *testing.T) {
	c, err := config.Load(sample, given)
	if err != nil {
		t.Fatal(err)
	}
	d := config.Default()
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"limits", c.Limits, d.Limits}, {"code", c.Code, d.Code}, {"audit", c.Audit, d.Audit}, {"log", c.Log, d.Log}, {"database", c.Database, d.Database},
		{"import", fmt.Sprint(c.Import.Ready, c.Import.Held, c.Import.MaxGone, c.Import.Folder), fmt.Sprint(d.Import.Ready, d.Import.Held, d.Import.MaxGone, d.Import.Folder)},
		{"portal.listen", c.Portal.Listen, d.Portal.Listen}, {"portal.session_idle", c.Portal.SessionIdle, d.Portal.SessionIdle},
		{"portal.session_absolute", c.Portal.SessionAbsolute, d.Portal.SessionAbsolute}, {"keycloak.timeout", c.Keycloak.Timeout, d.Keycloak.Timeout},
		{"keycloak.creates_in_flight", c.Keycloak.CreatesInFlight, d.Keycloak.CreatesInFlight}, {"console", c.Console, d.Console}, {"smtp.port", c.SMTP.Port, d.SMTP.Port},
		{"smtp.tls", c.SMTP.TLS, d.SMTP.TLS}, {"smtp.timeout", c.SMTP.Timeout, d.SMTP.Timeout}, {"institution.accent", c.Institution.Accent, d.Institution.Accent},
	} {
		if !reflect.DeepEqual(part.got, part.want) {
			t.Errorf("%s: the sample says %v, the default is %v", part.name, part.got, part.want)
		}
	}
}

// Every key of the program stands in the sample, if only as a comment.
// commented is a list that is empty in the sample, with an example in comments.
var commented = regexp.MustCompile(`(?m)^([a-z_]+): \[\](.*\n)((?:#  .*\n)+)`)

// shown returns the sample with its commented examples uncommented.
func shown(raw []byte) []byte {
	return commented.ReplaceAllFunc(raw, func(list []byte) []byte {
		m := commented.FindSubmatch(list)
		return slices.Concat(m[1], []byte(":"), m[2], bytes.ReplaceAll(m[3], []byte("#  "), []byte("  ")))
	})
}

func TestEveryKeyStandsInTheSample(t *testing.T) {
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(shown(raw), &tree); err != nil {
		t.Fatal(err)
	}
	var missing func(reflect.Type, any, string)
	missing = func(typ reflect.Type, at any, under string) {
		m, _ := at.(map[string]any)
		for i := range typ.NumField() {
			f := typ.Field(i)
			name := f.Tag.Get("yaml")
			if name == "" || name == "-" {
				continue
			}
			value, there := m[name]
			if !there && !regexp.MustCompile(`#[ -]*`+name+`:`).Match(raw) {
				t.Errorf("%s%s is not in the sample", under, name)
			}
			if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[secret.Text]() {
				missing(f.Type, value, under+name+".")
			}
			if list, ok := value.([]any); ok && f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				first := any(nil) // its keys are comments
				if len(list) > 0 {
					first = list[0]
				}
				missing(f.Type.Elem(), first, under+name+"[0].")
			}
		}
	}
	missing(reflect.TypeFor[config.Config](), tree, "")
}

func TestFaultsAreOneLineThatNamesTheKey(t *testing.T) {
	for _, c := range []struct{ change, by, want string }{
		{"life: 10m", "life: 2h", "code.life: 2h0m0s: want 1m0s to 1h0m0s"},
		{"life: 10m", "life: soon", "code.life"},
		{"port: 587", "port: many", "smtp.port"},
		{"port: 587", "prot: 587", "smtp.prot: there is no such key"},
		{"realm: universite", "realm: \"\"", "keycloak.realm: is missing"},
		{"numbers: {} ", "numbers: {studentId: [prof]} ", "matching.numbers.studentId: there is no profile \"prof\""},
		{"certain: [mark, number]", "certain: {mark: number}", "matching.certain.mark: there is no such key"},
		{"https://mon-compte.univ-orleans.example", "http://mon-compte.univ-orleans.example", "portal.base_url: \"http://mon-compte.univ-orleans.example\": must be https"},
		{"accent: \"#1f4fa3\"", "accent: \"#ffcc00\"", "institution.accent: #ffcc00 on #ffffff has a contrast of 1.5:1"},
		{"accent: \"#1f4fa3\"", "accent: blue", "institution.accent: \"blue\": want a colour"},
		{"database_migrate: \"\"", "database_migrate: always", "database_migrate: \"always\": want automatic or command"},
		{"tls: mandatory", "tls: none", "smtp.tls: none is allowed to a server on this machine only"},
		{"login: o{number}", "login: o{nummer}", "profiles[0].login: \"o{nummer}\": {nummer} is unknown"},
		{"client_id: entree-console", "client_id: entree-ent", "console.client_id: \"entree-ent\" is another client's already"},
		{"keep_months: 12", "keep_months: 60", "audit.keep_months: 60: want 6 to 12"},
		{"groups: [/etudiants]", "groups: [/etudiants/]", "profiles[0].groups: \"/etudiants/\": want the path"},
		{"groups: [/etudiants]", "groups: [etudiants]", "profiles[0].groups: \"etudiants\": want the path"},
		{"kind: oidc", "kind: cas", "sso.cas_url: is missing"},
		{"kind: oidc", "kind: saml", "sso.kind: \"saml\": want oidc, cas or link"},
		{"cas_url: \"\"", "cas_url: https://cas.univ-orleans.example/cas/login", "sso.cas_url: \"https://cas.univ-orleans.example/cas/login\": want the prefix alone"},
		{"forgotten_url: /mot-de-passe-oublie", "forgotten_url: elsewhere", "portal.forgotten_url: \"elsewhere\": want https://"},
		{"recovery_proof: \"\"", "recovery_proof: blood", "profiles[0].recovery_proof: \"blood\": want"},
		{"proof: birth_date", "proof: blood", "profiles[1].proof: \"blood\": want"},
		{"charte-2026.fr.md", "charte-1926.fr.md", "charters:"},
		{"mails_per_address_per_day: 10", "mails_per_address_per_day: 50", "want 5 to 20"},
		{"help_email: assistance@univ-orleans.example", "help_email: \"\"", "institution.help_email: is missing"},
		{"webhooks: []", "webhooks: [{name: Ent, url: 'https://127.0.0.1/', events: [account.eaten]}]", "webhooks[0].url: its address is on this machine"},
		{"trusted_proxies: []", "trusted_proxies: [everybody]", "portal.trusted_proxies: \"everybody\" is neither"},
	} {
		_, err := config.Load(changed(t, c.change, c.by), given)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant a line with %q", c.by, err, c.want)
			continue
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			if !strings.HasPrefix(line, "config: ") {
				t.Errorf("%s: the line %q names no key", c.by, line)
			}
		}
	}
}

// A profile whose Wi-Fi asks for a password offers one. With a directory it always does.
func TestAPasswordElsewhereIsChosen(t *testing.T) {
	for credential, want := range map[string]string{
		"password": "", "password_or_passkey": "", "passkey_or_password": "", "passkey": "profiles[0].password_elsewhere: true, but the people of this profile choose no password",
	} {
		path := changed(t, "password_elsewhere: false  ", "password_elsewhere: true ")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), "credential: password  ", "credential: "+credential+" ", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, given)
		if said := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(said, want) {
			t.Errorf("%s: %v\nwant a line with %q", credential, err, want)
		}
		if err != nil {
			continue
		}
		if p := c.Domain(); !p[0].PasswordElsewhere || p[1].PasswordElsewhere || string(p[0].Credential) != credential {
			t.Errorf("%s: the profiles are %+v", credential, p)
		}
		c.Accounts.Store = "directory"
		if p := c.Domain(); !p[1].PasswordElsewhere {
			t.Error("the password of a directory is asked for nowhere else")
		}
	}
}

// Keycloak registers second factors and asks for them at its own login.
func TestFactorsNeedTheLoginOfKeycloak(t *testing.T) {
	for _, c := range []struct{ rule, change, by, want string }{
		{"offered", "", "", ""},
		{"required", "", "", ""},
		{"none", "kind: oidc", "kind: link", ""},
		{"sometimes", "", "", "profiles[0].factors: \"sometimes\": want none, offered or required"},
		{"offered", "kind: oidc", "kind: cas", "profiles[0].factors: \"offered\": Keycloak registers second factors"},
		{"offered", "kind: oidc", "kind: link", "profiles[0].factors: \"offered\": Keycloak registers second factors"},
		{"required", "  url: https://sso.univ-orleans.example # required\n", "", "profiles[0].factors: \"required\": Keycloak registers second factors"},
	} {
		path := changed(t, "factors: none  ", "factors: "+c.rule+" ")
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), c.change) {
			t.Fatalf("the sample does not hold %q", c.change)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(raw), c.change, c.by, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = config.Load(path, given)
		if said := fmt.Sprint(err); c.want == "" && strings.Contains(said, ".factors") || !strings.Contains(said, c.want) {
			t.Errorf("%s, %q: %v\nwant a line with %q", c.rule, c.by, err, c.want)
		}
	}
}

func TestS6_ACodesLifeIsOneToSixtyMinutes(t *testing.T) {
	for life, ok := range map[string]bool{"1m": true, "60m": true, "59s": false, "61m": false} {
		if _, err := config.Load(changed(t, "life: 10m", "life: "+life), given); (err == nil) != ok {
			t.Errorf("%s: %v", life, err)
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	_, err := config.Load(sample, nil)
	if err == nil {
		t.Fatal("the sample loads without secrets")
	}
	for _, want := range []string{"secret: is missing", "keycloak.client_secret: is missing", "sso.client_secret: is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
}

func TestTheEnvironmentAndItsFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(strings.Repeat("aa", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(sample, append([]string{
		"ENTREE_SECRET_FILE=" + file, "ENTREE_SMTP_PORT=2525", "ENTREE_CODE_LIFE=5m", "ENTREE_PORTAL_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1", "PATH=/bin",
	}, given[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	if c.SMTP.Port != 2525 || c.Code.Life.Minutes() != 5 || len(c.Portal.TrustedProxies) != 2 || c.Secret.Reveal() != strings.Repeat("aa", 32) {
		t.Errorf("port %d, life %v, proxies %v", c.SMTP.Port, c.Code.Life, c.Portal.TrustedProxies)
	}
	for _, bad := range []string{"ENTREE_SMTP_PROT=1", "ENTREE_SECRET_FILE=/does/not/exist"} {
		if _, err := config.Load(sample, append([]string{bad}, given...)); err == nil || !strings.Contains(err.Error(), strings.SplitN(bad, "=", 2)[0]) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestI4_AConfigurationCanBePrinted(t *testing.T) {
	c, err := config.Load(sample, given)
	if err != nil {
		t.Fatal(err)
	}
	for _, leak := range []string{"kc-secret", "sso-secret", strings.Repeat("0f", 32)} {
		if strings.Contains(fmt.Sprintf("%v %+v", c, c), leak) {
			t.Errorf("%q shows", leak)
		}
	}
}

// changed returns the path of a copy of the sample in which from is replaced by to.
func changed(t *testing.T, from, to string) string {
	t.Helper()
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), from, to, 1)
	if text == string(raw) {
		t.Fatalf("the sample holds no %q", from)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "charter"), os.DirFS("../../deploy/charter")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "entree.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serve migrates an older schema on SQLite, and on PostgreSQL only if the
// configuration says so.
func TestO2_WhereServeMigrates(t *testing.T) {
	for _, c := range []struct {
		database, migrate string
		want              bool
	}{
		{"sqlite:entree.db", "", true}, {"sqlite:entree.db", "command", false},
		{"postgres://db/entree", "", false}, {"postgres://db/entree", "automatic", true},
	} {
		if got := (&config.Config{Database: c.database, Migrate: c.migrate}).MigratesAtStart(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
