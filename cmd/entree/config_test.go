package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// O8: `config check` judges the file, and with --connect every system it names.
func TestO8_ConfigCheck(t *testing.T) {
	i := install(t)
	out, _, err := i.entree("config", "check")
	if err != nil || !strings.Contains(out, "has no faults") {
		t.Errorf("%v\n%s", err, out)
	}
	out, errs, err := i.entree("config", "check", "--connect")
	if err == nil || !regexp.MustCompile(`(?m)^database .*: ok$`).MatchString(out) || !regexp.MustCompile(`(?m)^keycloak \(\S+\): .*refused`).MatchString(out) || !strings.Contains(errs, "cannot be used") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if strings.Contains(out, "client_secret") {
		t.Errorf("a secret shows:\n%s", out)
	}
	raw, err := os.ReadFile(i.Config)
	if err != nil {
		t.Fatal(err)
	}
	i.Config = i.File("broken.yaml", string(raw)+"\nnonsense: true\n")
	if _, errs, err := i.entree("config", "check"); err == nil || !strings.Contains(errs, "nonsense: there is no such key") {
		t.Errorf("%v\n%s", err, errs)
	}
}

// The sample passes as a template, and each value that must be changed is noted.
func TestO8_TheSampleIsATemplate(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../deploy")); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"config", "check", "--template", "--config", filepath.Join(dir, "entree.sample.yaml")}, nil, &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	for _, key := range []string{"portal.base_url", "keycloak.url", "smtp.host", "sso.ent_url"} {
		if !strings.Contains(out.String(), "note: "+key) {
			t.Errorf("no note on %s:\n%s", key, &out)
		}
	}
}

func TestO8_VersionAndManualPage(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"version", "--json"}, nil, &out, &out); err != nil {
		t.Fatal(err)
	}
	var v struct {
		Version, Go, Platform string
		Schema                int
	}
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || v.Version == "" || v.Go == "" || v.Schema < 1 {
		t.Errorf("%v %+v", err, v)
	}
	out.Reset()
	if err := run(t.Context(), []string{"man"}, nil, &out, &out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, want := range []string{".TH ENTREE 8", ".SS entree config check", ".SS entree schema migrate", `\-\-config`} {
		if !strings.Contains(page, want) {
			t.Errorf("the manual page lacks %q", want)
		}
	}
	if regexp.MustCompile(`(?m)^\.(?:[a-z]{3,}|\.)`).MatchString(page) {
		t.Error("a line of text begins with a dot")
	}
}

// healthcheck needs no secret and fails while nothing listens.
func TestO8_Healthcheck(t *testing.T) {
	i := install(t)
	i.Environ = nil
	if _, errs, err := i.entree("healthcheck"); err == nil || !strings.Contains(errs, "the portal does not answer") {
		t.Errorf("%v\n%s", err, errs)
	}
}
