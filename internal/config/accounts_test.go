package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entree/internal/config"
)

// inDirectory returns the path of the sample with accounts in a directory and one
// more change.
func inDirectory(t *testing.T, change, by string) string {
	t.Helper()
	raw, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, pair := range [][2]string{
		{"store: keycloak ", "store: directory "}, {"  url: \"\" ", "  url: ldaps://ldap.univ.example "}, {"  bind_dn: \"\" ", "  bind_dn: cn=entree,dc=univ "},
		{"  base: \"\" ", "  base: ou=people,dc=univ "}, {"  probe: \"\" ", "  probe: ou=probe,dc=univ "}, {change, by},
	} {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the sample does not hold %q", pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	path := filepath.Join(t.TempDir(), "entree.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	charters, err := filepath.Abs(filepath.Join(filepath.Dir(sample), "charter"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(charters, filepath.Join(filepath.Dir(path), "charter")); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheDirectoryOfAccountsIsChecked(t *testing.T) {
	environ := append([]string{"ENTREE_DIRECTORY_BIND_PASSWORD=x"}, given...)
	c, err := config.Load(inDirectory(t, "way: add", "way: activate"), environ)
	if err != nil {
		t.Fatal(err)
	}
	if o := c.AccountDirectory(); o.Way != "activate" || o.Base != "ou=people,dc=univ" || len(o.Attributes) != 8 || o.Attributes[0].Name != "cn" || o.Attributes[0].Value != "{given_name} {family_name}" {
		t.Errorf("%+v", o)
	}
	if _, err := config.Load(inDirectory(t, "credential: password ", "credential: password_or_passkey "), environ); err != nil {
		t.Errorf("a passkey beside the password of the entry: %v", err)
	}
	if _, err := config.Load(inDirectory(t, "way: add", "way: add"), given); err == nil || !strings.Contains(err.Error(), "directory.bind_password: is missing") {
		t.Errorf("%v", err)
	}
	for _, f := range []struct{ change, by, want string }{
		{"store: directory", "store: ldap", "accounts.store: \"ldap\": want keycloak or directory"},
		{"ldaps://ldap.univ.example", "https://ldap.univ.example", "directory.url: \"https://ldap.univ.example\": want ldaps://host"},
		{"ldaps://ldap.univ.example", "ldap://ldap.univ.example", "directory.start_tls: is off"},
		{"start_tls: false", "start_tls: true", "directory.start_tls: is on, and ldaps://"},
		{"\n  ca: \"\" ", "\n  ca: missing.pem ", "directory.ca: "},
		{"base: ou=people,dc=univ", "base: people", "directory.base: \"people\" is no distinguished name"},
		{"base: ou=people,dc=univ", "base: \"\"", "directory.base: is missing"},
		{"probe: ou=probe,dc=univ", "probe: ou=probe,ou=people,dc=univ", "directory.probe: \"ou=probe,ou=people,dc=univ\" is inside base"},
		{"probe: ou=probe,dc=univ", "probe: \"\"", "directory.probe: is missing"},
		{"search_base: \"\"", "search_base: ou=other,dc=univ", "directory.search_base: \"ou=other,dc=univ\" does not hold base"},
		{"way: add", "way: change", "directory.way: \"change\": want add or activate"},
		{"scheme: argon2", "scheme: ssha", "directory.scheme: \"ssha\": want argon2, pbkdf2-sha512, pbkdf2-sha256, crypt"},
		{"logins_every: 1m ", "logins_every: 1s ", "directory.logins_every: 1s: want 5s to 1h0m0s"},
		{"timeout: 5s", "timeout: 5h", "directory.timeout: 5h0m0s: want 1s to 1m0s"},
		{"object_classes: [inetOrgPerson, eduPerson, supannPerson]", "object_classes: []", "directory.object_classes: is missing"},
		{"mark_prefix: \"{ENTREE}\"", "mark_prefix: \"\"", "directory.mark_prefix: is missing"},
		{"mark: supannRefId", "mark: supann ref", "directory.mark: \"supann ref\": want the name"},
		{"sn: \"{family_name}\"", "sn: \"{name}\"", "directory.attributes.sn: \"{name}\": there is no {name}"},
		{"sn: \"{family_name}\"", "userPassword: secret", "directory.attributes.userPassword: is no attribute to set here"},
		{"sn: \"{family_name}\"", "supannRefId: x", "directory.attributes.supannRefId: is no attribute to set here"},
		{", supannEtuId: \"{student_number}\", supannEmpId: \"{staff_number}\"", "", "directory.attributes: no attribute holds {number}"},
		{"groups: {} ", "groups: {/etudiants: etudiants} ", "directory.groups./etudiants: \"etudiants\" is no distinguished name"},
		{"groups: {} ", "groups: {/autres: cn=x} ", "directory.groups./autres: no profile has this group"},
		{"address: mail ", "adress: mail ", "directory.adress: there is no such key"},
		{"credential: password ", "credential: passkey_or_password ", "profiles[0].credential: \"passkey_or_password\": Wi-Fi and workstations bind to the directory with a password: set password_or_passkey,"},
		{"credential: password ", "credential: passkey ", "profiles[0].credential: \"passkey\": Wi-Fi and workstations bind to the directory with a password: set password_or_passkey,"},
	} {
		if _, err := config.Load(inDirectory(t, f.change, f.by), environ); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v\nwant a line with %q", f.by, err, f.want)
		}
	}
}

// keycloakSection is the section keycloak of the sample.
var keycloakSection = regexp.MustCompile(`(?m)^keycloak:.*\n( .*\n)+`)

// alone returns the path of the sample with accounts in a directory, a CAS server on
// it, no Keycloak, and one more change.
func alone(t *testing.T, change, by string) string {
	t.Helper()
	path := inDirectory(t, "groups: {} ", "groups: {/etudiants: \"cn=e,dc=univ\", /personnels: \"cn=p,dc=univ\"} ")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if !keycloakSection.MatchString(text) {
		t.Fatal("the sample has no section keycloak")
	}
	text = keycloakSection.ReplaceAllString(text, "")
	for _, pair := range [][2]string{{"  kind: oidc ", "  kind: cas "}, {"  cas_url: \"\" ", "  cas_url: https://cas.univ.example/cas "}, {change, by}} {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("the sample does not hold %q", pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Accounts in a directory with a CAS server on it need no Keycloak.
func TestADirectoryNeedsNoKeycloak(t *testing.T) {
	environ := []string{"ENTREE_SECRET=" + strings.Repeat("0f", 32), "ENTREE_DIRECTORY_BIND_PASSWORD=x"}
	c, err := config.Load(alone(t, "way: add", "way: add"), environ)
	if err != nil {
		t.Fatal(err)
	}
	if c.HasKeycloak() || c.Issuer() != "" || c.ConsoleIssuer() != "" {
		t.Errorf("issuer %q, of the console %q", c.Issuer(), c.ConsoleIssuer())
	}
	if got := c.NumberAttributes(); !maps.EqualFunc(got, map[string][]string{"supannEtuId": {"etudiant"}, "supannEmpId": {"personnel"}}, slices.Equal) {
		t.Errorf("attributes of numbers: %v", got)
	}
	console := append([]string{"ENTREE_CONSOLE_CLIENT_SECRET=x"}, environ...)
	if c, err := config.Load(alone(t, "  issuer: \"\"                            # OpenID Connect", "  issuer: https://idp.univ.example # OpenID Connect"), console); err != nil || c.ConsoleIssuer() != "https://idp.univ.example" {
		t.Errorf("%v, %q", err, c.ConsoleIssuer())
	}
	for _, f := range []struct {
		change, by, want string
		environ          []string
	}{
		{"kind: cas", "kind: oidc", "sso.kind: oidc needs Keycloak above the directory", environ},
		{"way: add", "way: add", "console.issuer: is missing", console},
		{"way: add", "way: add", "keycloak.url: is missing: without Keycloak above the directory, leave out", append([]string{"ENTREE_KEYCLOAK_CLIENT_SECRET=x"}, environ...)},
		{"accounts:", "keycloak: {realm: universite}\naccounts:", "keycloak.url: is missing: without Keycloak above the directory, leave out", environ},
		{"accounts:", "keycloak: {login_theme: entree}\naccounts:", "keycloak.url: is missing, and login_theme", environ},
		{"store: directory", "store: keycloak", "keycloak.url: is missing", environ},
		{"/personnels: \"cn=p,dc=univ\"", "", "groups: \"/personnels\": directory.groups names no group for it", environ},
		{"issuer: \"\"                            # OpenID Connect", "issuer: idp # OpenID Connect", "console.issuer: \"idp\": want https://", environ},
	} {
		if _, err := config.Load(alone(t, f.change, f.by), f.environ); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v\nwant a line with %q", f.by, err, f.want)
		}
	}
}

// The attributes into which the portal writes numbers count, beside those that
// matching.numbers names.
func TestNumbersOfEntriesAreThoseOfTheTemplates(t *testing.T) {
	environ := []string{"ENTREE_SECRET=" + strings.Repeat("0f", 32), "ENTREE_DIRECTORY_BIND_PASSWORD=x"}
	path := alone(t, "supannEtuId: \"{student_number}\", supannEmpId: \"{staff_number}\"", "employeeNumber: \"{number}\", supannEmpId: \"{staff_number}\"")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), "numbers: {} ", "numbers: {studentId: [etudiant]} ", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"studentId": {"etudiant"}, "employeeNumber": {}, "supannEmpId": {"personnel"}}
	if got := c.NumberAttributes(); !maps.EqualFunc(got, want, slices.Equal) || !slices.Equal(c.AccountDirectory().Numbers, []string{"studentId"}) {
		t.Errorf("%v, read %v", got, c.AccountDirectory().Numbers)
	}
}
