package config_test

import (
	"os"
	"path/filepath"
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
	} {
		if _, err := config.Load(inDirectory(t, f.change, f.by), environ); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("%s: %v\nwant a line with %q", f.by, err, f.want)
		}
	}
}
