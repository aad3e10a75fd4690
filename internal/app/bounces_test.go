package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entree/internal/app"
)

func TestBounceRulesOfAFileComeFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte("rules: [{id: ours, outcome: returned, reason: other, text: no such user, source: a trial}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := app.BounceRules(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, v := rules.Judge("jp.martin@example.net", "550 no such user"); v.Rule != "ours" {
		t.Errorf("%+v", v)
	}
	if err := os.WriteFile(file, []byte("rules: [{id: ours}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := app.BounceRules(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("%v", err)
	}
}
