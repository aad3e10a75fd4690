package localcas

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// installed creates a folder like that of an installed Java.
func installed(t *testing.T, release string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"bin/java": "#!/bin/sh", "release": release} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestJava_TheVersionThatItNames(t *testing.T) {
	for release, want := range map[string]int{
		"IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"25.0.2\"\n": 25, "JAVA_VERSION=\"21\"": 21, "JAVA_VERSION=\"1.8.0_402\"": 8, "": 0, "JAVA_RUNTIME_VERSION=\"25\"": 0,
	} {
		if got := versionOf(installed(t, release)); got != want {
			t.Errorf("%q: %d, want %d", release, got, want)
		}
	}
	if got := versionOf(t.TempDir()); got != 0 {
		t.Errorf("an empty folder is Java %d", got)
	}
}

func TestJava_OneThatIsTooOldIsToldOf(t *testing.T) {
	if got, err := choose([]home{{"/a", 0}, {"/b", 17}, {"/c", 21}, {"/d", 25}}); err != nil || got != "/c/bin/java" {
		t.Errorf("%s, %v", got, err)
	}
	_, err := choose([]home{{"/b", 17}, {"/b", 17}})
	if err == nil || !strings.Contains(err.Error(), "CAS needs Java 21 or later, and there is only Java 17 (/b): run `scripts/need-java.sh 21`") {
		t.Errorf("%v", err)
	}
	if _, err := choose(nil); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("%v", err)
	}
}

// JAVA_HOME takes precedence over installed ones.
func TestJava_TheOneThatIsNamed(t *testing.T) {
	dir := installed(t, `JAVA_VERSION="23.0.1"`)
	got, err := findJava(func(name string) string { return map[string]string{"JAVA21_HOME": dir}[name] }, t.TempDir())
	if err != nil || got != filepath.Join(dir, "bin", "java") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestEachFileHasItsHash(t *testing.T) {
	for _, f := range slices.Concat(cas.Files, directory.Files) {
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(f.SHA256) || strings.Count(f.Coordinates, ":") < 2 {
			t.Errorf("%+v", f)
		}
	}
}

// A service's address is a regular expression in a JSON string, so both kinds
// of quoting apply.
func TestServicesAreWhole(t *testing.T) {
	for _, directory := range []string{"", "ldap://127.0.0.1:389"} {
		servicesAreWhole(t, directory)
	}
}

func servicesAreWhole(t *testing.T, directory string) {
	t.Helper()
	dir := t.TempDir()
	if err := configure(Options{Dir: dir, Out: io.Discard, Directory: directory, Services: map[string]string{"ent": "http://127.0.0.1:8080/connexion/retour"}}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "services", "ent-1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var service struct {
		ServiceID string `json:"serviceId"`
		Name      string `json:"name"`
		Release   struct {
			Class   string `json:"@class"`
			Allowed []any  `json:"allowedAttributes"`
		} `json:"attributeReleasePolicy"`
	}
	if err := json.Unmarshal(raw, &service); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	pattern, err := regexp.Compile(service.ServiceID)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"http://127.0.0.1:8080/connexion/retour?state=x": true, "http://127.0.0.1:8080/": false, "http://127x0.0.1:8080/connexion/retour": false, "https://evil.example/?http://127.0.0.1:8080/connexion/retour": false,
	} {
		if pattern.MatchString(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
	// Releasing all attributes would include Keycloak's tokens.
	if !strings.HasSuffix(service.Release.Class, ".ReturnAllowedAttributeReleasePolicy") || len(service.Release.Allowed) != 2 {
		t.Errorf("%+v", service.Release)
	}
}
