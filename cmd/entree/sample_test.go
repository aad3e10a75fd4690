package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The sample that the program writes is accepted as a template, and never replaces
// a file.
func TestConfigSample(t *testing.T) {
	for _, data := range []string{"", "/srv/entree"} {
		dir := filepath.Join(t.TempDir(), "etc")
		command := func(args ...string) (string, error) {
			var out bytes.Buffer
			err := run(t.Context(), args, nil, &out, &out)
			return out.String(), err
		}
		args := []string{"config", "sample", dir}
		if data != "" {
			args = append(args, "--data", data)
		}
		if said, err := command(args...); err != nil {
			t.Fatal(err, said)
		}
		config := filepath.Join(dir, "entree.yaml")
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"database: sqlite:/srv/entree/entree.db", "folder: /srv/entree/imports"} {
			if strings.Contains(string(text), want) != (data != "") {
				t.Errorf("--data %q: %q in the file: %t", data, want, data == "")
			}
		}
		if said, err := command("config", "check", "--template", "--config", config); err != nil {
			t.Error(err, said)
		}
		if _, err := command("config", "sample", dir); err == nil {
			t.Error("the sample replaced a file")
		}
	}
}
