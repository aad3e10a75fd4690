// Package democonfig writes the configuration of a demo: one file, as an
// institution would have it, with its charters and its secrets beside it.
package democonfig

import (
	"bytes"
	"embed"
	"io/fs"
	"os"
	"path/filepath"
	"text/template"

	"entree/deploy"
	"entree/internal/config"
	"entree/internal/secret"
)

//go:embed demo.yaml
var demoFiles embed.FS

// WriteSecrets draws the demo's secrets, once, into files of their own.
func WriteSecrets(dir string) error {
	for _, name := range []string{"secret", "portal-secret", "ent-secret", "console-secret", "cas-secret", "directory-secret"} {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			continue
		}
		if err := os.WriteFile(file, []byte(secret.GenerateKey().Reveal()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Addresses holds the addresses that differ from one start to the next. CAS, Directory
// and SMS are empty if there is none. Credential is that of the profile etudiant; empty:
// the default.
type Addresses struct{ Portal, Listen, Keycloak, CAS, Directory, SMTPHost, SMTPPort, SMS, Credential string }

// Write writes a configuration as an institution would have it, with
// its charter beside it. `entree import --config DIR/entree.yaml` works on it.
func Write(dir string, at Addresses) (config.Config, error) {
	t, err := template.ParseFS(demoFiles, "demo.yaml")
	if err != nil {
		return config.Config{}, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, at); err != nil {
		return config.Config{}, err
	}
	path := filepath.Join(dir, "entree.yaml")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		return config.Config{}, err
	}
	for _, folder := range []string{"charter", filepath.Join("bounces", "new")} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return config.Config{}, err
		}
	}
	charters, err := fs.Glob(deploy.FS, "charter/*.md")
	if err != nil {
		return config.Config{}, err
	}
	for _, name := range charters {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(file); err == nil {
			continue // it may have been changed, to see what happens
		}
		raw, err := deploy.FS.ReadFile(name)
		if err != nil {
			return config.Config{}, err
		}
		if err := os.WriteFile(file, raw, 0o644); err != nil {
			return config.Config{}, err
		}
	}
	environ := []string{
		"ENTREE_SECRET_FILE=" + filepath.Join(dir, "secret"),
		"ENTREE_KEYCLOAK_CLIENT_SECRET_FILE=" + filepath.Join(dir, "portal-secret"),
		"ENTREE_SSO_CLIENT_SECRET_FILE=" + filepath.Join(dir, "ent-secret"),
		"ENTREE_CONSOLE_CLIENT_SECRET_FILE=" + filepath.Join(dir, "console-secret"),
	}
	if at.Directory != "" {
		environ = append(environ, "ENTREE_DIRECTORY_BIND_PASSWORD_FILE="+filepath.Join(dir, "directory-secret"))
	}
	return config.Load(path, environ)
}
