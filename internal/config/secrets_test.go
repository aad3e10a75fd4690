package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/config"
)

// O3: every secret comes from one folder, under the names that systemd gives to
// credentials or under plain names.
func TestO3_SecretsComeFromAFolder(t *testing.T) {
	for _, before := range []string{"", "entree_"} {
		dir := t.TempDir()
		for name, value := range map[string]string{
			"secret": strings.Repeat("0f", 32), "keycloak_client_secret": "kc\n", "sso_client_secret": "sso", "console_client_secret": "console",
			"smtp_password": "mail", "bounces_password": "box", "database": "postgres://entree:pw@db/entree", "ent.secrets": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
		} {
			if err := os.WriteFile(filepath.Join(dir, before+name), []byte(value), 0o400); err != nil {
				t.Fatal(err)
			}
		}
		path := changed(t, "webhooks: []", "webhooks: [{name: ent, url: \"https://ent.example/hook\", secrets_file: ent.secrets}]")
		c, err := config.Load(path, []string{"ENTREE_SECRETS_DIR=" + dir})
		if err != nil {
			t.Fatal(err)
		}
		got := []string{c.Keycloak.ClientSecret.Reveal(), c.SSO.ClientSecret.Reveal(), c.Console.ClientSecret.Reveal(), c.SMTP.Password.Reveal(), c.Bounces.Password.Reveal(), c.Database}
		if want := "kc sso console mail box postgres://entree:pw@db/entree"; strings.Join(got, " ") != want {
			t.Errorf("got %v", got)
		}
		if len(c.Endpoints()) != 1 || len(c.Endpoints()[0].Secrets) != 1 {
			t.Errorf("the webhook has no secret: %+v", c.Endpoints())
		}
		c, err = config.Load(path, []string{"ENTREE_SECRETS_DIR=" + dir, "ENTREE_SMTP_PASSWORD=variable"})
		if err != nil || c.SMTP.Password.Reveal() != "variable" {
			t.Errorf("a variable does not take precedence: %v", err)
		}
		if err := os.WriteFile(filepath.Join(dir, before+"smtp_pasword"), []byte("x"), 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path, []string{"ENTREE_SECRETS_DIR=" + dir}); err == nil || !strings.Contains(err.Error(), "smtp_pasword") {
			t.Errorf("a misspelt file: %v", err)
		}
	}
}

// O8: a template has no secrets and everything else.
func TestO8_ATemplateNeedsNoSecrets(t *testing.T) {
	if _, err := config.LoadTemplate(sample, nil); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(sample, nil); err == nil {
		t.Error("the sample loads without secrets")
	}
	_, err := config.LoadTemplate(changed(t, "tls: mandatory", "tls: perhaps"), nil)
	if err == nil || !strings.Contains(err.Error(), "smtp.tls") || strings.Contains(err.Error(), "secret") {
		t.Errorf("a fault of a template: %v", err)
	}
}

func TestO8_APrivateCAIsChecked(t *testing.T) {
	for name, text := range map[string]string{"absent.pem": "", "empty.pem": "no certificate"} {
		path := changed(t, `private_ca: ""`, "private_ca: "+name)
		if text != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(path), name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := config.Load(path, given); err == nil || !strings.Contains(err.Error(), "private_ca: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// O7: the administrator's password that is exported for "entree realm" disturbs no
// other command.
func TestO7_TheAdministratorsPasswordIsNoKey(t *testing.T) {
	for _, name := range []string{"ENTREE_REALM_ADMIN_PASSWORD=x", "ENTREE_REALM_ADMIN_PASSWORD_FILE=/absent"} {
		if _, err := config.Load(sample, append([]string{name}, given...)); err != nil {
			t.Error(err)
		}
	}
}
