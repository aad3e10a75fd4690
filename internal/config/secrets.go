package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// secretsDir is the variable that names a folder of secrets: the credentials of
// systemd, or the secrets of a container. Each file is named after its key, with
// underscores for dots: keycloak_client_secret. The prefix "entree_", which
// systemd adds for LoadCredential=entree:FOLDER, is optional.
const secretsDir = prefix + "SECRETS_DIR"

// fromSecretsDir returns the values of known keys that the folder holds. Other
// files stay in the folder for webhooks[].secrets_file and
// sources[].bind_password_file. Hidden files, which Kubernetes uses, are ignored.
func fromSecretsDir(dir string, known []string) (map[string]any, []string) {
	over := map[string]any{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return over, []string{fmt.Sprintf("%s: %v", secretsDir, err)}
	}
	byName := map[string]string{}
	for _, key := range known {
		byName[strings.ReplaceAll(key, ".", "_")] = key
	}
	var faults []string
	for _, e := range entries {
		key, ok := byName[strings.TrimPrefix(e.Name(), "entree_")]
		if !ok || strings.HasPrefix(e.Name(), ".") || e.IsDir() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s (%s): %v", key, secretsDir, err))
			continue
		}
		over[key] = strings.TrimSpace(string(raw))
	}
	return over, faults
}

// unusedSecrets returns the files of the folder that belong to no key and are
// named by no webhook or source: most are misspelt.
func (c *Config) unusedSecrets(known []string) []string {
	if c.secretsDir == "" {
		return nil
	}
	var names []string
	for _, key := range known {
		names = append(names, strings.ReplaceAll(key, ".", "_"))
	}
	for _, w := range c.Webhooks {
		names = append(names, w.SecretsFile)
	}
	for _, s := range c.Sources {
		names = append(names, s.PasswordFile)
	}
	entries, _ := os.ReadDir(c.secretsDir) // read before
	var out []string
	for _, e := range entries {
		if name := strings.TrimPrefix(e.Name(), "entree_"); !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, "README") && !e.IsDir() && !slices.Contains(names, name) {
			out = append(out, fmt.Sprintf("%s: no key and no webhook or source has the file %q", secretsDir, e.Name()))
		}
	}
	return out
}

// secretPath resolves the path of a file with a secret: in the folder of secrets
// if the file is there, otherwise like every path.
func (c *Config) secretPath(name string) string {
	if c.secretsDir != "" && filepath.Base(name) == name {
		for _, candidate := range []string{name, "entree_" + name} {
			if _, err := os.Stat(filepath.Join(c.secretsDir, candidate)); err == nil {
				return filepath.Join(c.secretsDir, candidate)
			}
		}
	}
	return c.path(name)
}
