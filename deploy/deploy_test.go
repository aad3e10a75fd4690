package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// O3: systemd accepts both units, and rates their confinement as at least "OK".
func TestO3_TheUnitsAreValid(t *testing.T) {
	program, err := exec.LookPath("true") // stands for the program, which is not installed
	if err != nil {
		t.Fatal(err)
	}
	for from, name := range map[string]string{"entree.service": "entree.service", "entree@.service": "entree@8081.service"} {
		raw, err := os.ReadFile(filepath.Join("systemd", from))
		if err != nil {
			t.Fatal(err)
		}
		unit := string(raw)
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(unit, "/usr/bin/entree", program)), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := exec.Command("systemd-analyze", "verify", "--man=no", file).CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", from, err, said)
		}
		if said, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=25", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", from, err, said)
		}
		for _, line := range []string{"User=entree", "LoadCredential=entree:/etc/entree/secrets", "Environment=ENTREE_SECRETS_DIR=%d", "StateDirectory=entree", "ProtectSystem=strict"} {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(line) + `$`).MatchString(unit) {
				t.Errorf("%s has no line %s", from, line)
			}
		}
		if strings.Contains(unit, "DynamicUser") {
			t.Errorf("%s: instances with dynamic users cannot share their folder", from)
		}
	}
}

// sysusers and tmpfiles create the user and the folders of the units.
func TestO3_UserAndFoldersAreCreated(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{{"systemd-sysusers", "--root=" + root, "sysusers/entree.conf"}, {"systemd-tmpfiles", "--create", "--root=" + root, "tmpfiles/entree.conf"}} {
		if c[0] == "systemd-tmpfiles" {
			// tmpfiles looks the user up in the root; as an ordinary user it could not chown.
			if os.Getuid() != 0 {
				continue
			}
		}
		path, err := filepath.Abs(c[len(c)-1])
		if err != nil {
			t.Fatal(err)
		}
		if said, err := exec.Command(c[0], append(c[1:len(c)-1], path)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c[0], err, said)
		}
	}
	users, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil || !regexp.MustCompile(`(?m)^entree:.*:/var/lib/entree:/usr/sbin/nologin$`).Match(users) {
		t.Errorf("%v\n%s", err, users)
	}
	if os.Getuid() == 0 {
		if info, err := os.Stat(filepath.Join(root, "etc/entree/secrets")); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder of secrets: %v %v", info, err)
		}
	}
}
