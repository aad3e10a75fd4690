package deploy_test

import (
	"encoding/json"
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
		for _, line := range []string{"User=entree", "Type=notify", "LoadCredential=entree:/etc/entree/secrets", "Environment=ENTREE_SECRETS_DIR=%d", "StateDirectory=entree", "ProtectSystem=strict"} {
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
		if info, err := os.Stat(filepath.Join(root, "etc/entree/secrets")); err != nil || info.Mode().Perm() != 0o750 || info.Mode()&os.ModeSetgid == 0 {
			t.Errorf("the folder of secrets: %v %v", info, err)
		}
	}
}

// O4: the alert rules pass their tests: a campaign and a second instance raise
// nothing, and each failure raises its alert.
func TestO4_TheAlertRulesPassTheirTests(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.Dir = "monitoring"
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, said)
		}
	}
	rules, tests := read(t, "monitoring/alerts.yaml"), read(t, "monitoring/alerts_test.yaml")
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		if !strings.Contains(tests, m[1]) {
			t.Errorf("no test expects %s", m[1])
		}
	}
}

// O4: alerts and dashboard use metrics that exist, and take the maximum of those
// that every instance reports.
func TestO4_AlertsAndDashboardUseMetricsThatExist(t *testing.T) {
	known := read(t, "../docs/metrics.md")
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	raw := read(t, "monitoring/dashboard.json")
	if err := json.Unmarshal([]byte(raw), &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Fatalf("%v, %d panels", err, len(dashboard.Panels))
	}
	expressions := regexp.MustCompile(`(?m)^        expr: .*(?:\n          .*)*`).FindAllString(read(t, "monitoring/alerts.yaml"), -1)
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	if len(expressions) < 20 {
		t.Fatalf("found %d expressions", len(expressions))
	}
	for _, e := range expressions {
		for _, name := range regexp.MustCompile(`entree_[a-z_]+`).FindAllString(e, -1) {
			if !strings.Contains(known, "`"+strings.TrimSuffix(name, "_bucket")+"`") {
				t.Errorf("%s is no metric: %s", name, e)
			}
			if strings.HasPrefix(name, "entree_database") && strings.Contains(e, "sum") {
				t.Errorf("a sum over instances counts twice: %s", e)
			}
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
