package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"entree/internal/domain"
	"entree/internal/webhook"
)

// Endpoints returns the receivers of webhooks.
func (c Config) Endpoints() []webhook.Endpoint { return c.endpoints }

var webhookName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// checkWebhooks checks the receivers and reads their secrets.
func (c *Config) checkWebhooks(f *faults) {
	seen := map[string]bool{}
	for i, w := range c.Webhooks {
		key := fmt.Sprintf("webhooks[%d]", i)
		if !webhookName.MatchString(w.Name) {
			f.add(key+".name", "%q: want a short name of small letters, digits and hyphens", w.Name)
		}
		if seen[w.Name] {
			f.add(key+".name", "%q occurs twice", w.Name)
		}
		seen[w.Name] = true
		if err := webhook.CheckURL(w.URL, w.AllowHost); err != nil {
			f.add(key+".url", "%v", err)
		}
		e := webhook.Endpoint{Name: w.Name, URL: w.URL, Local: w.AllowHost != ""}
		for _, name := range w.Events {
			kind := domain.EventKind(name)
			if !slices.Contains(webhook.Kinds, kind) {
				f.add(key+".events", "%q: want any of %v", name, webhook.Kinds)
			}
			e.Kinds = append(e.Kinds, kind)
		}
		if len(w.Events) == 0 {
			e.Kinds = webhook.Kinds
		}
		var err error
		if e.Secrets, err = c.readKeys(w.SecretsFile); err != nil && !c.template {
			f.add(key+".secrets_file", "%v", err)
		}
		c.endpoints = append(c.endpoints, e)
	}
}

// readKeys reads the signing secrets of a webhook from a file, one per line.
func (c *Config) readKeys(name string) ([]webhook.Key, error) {
	if name == "" {
		return nil, fmt.Errorf("is missing: a file with a secret; make one with: echo whsec_$(openssl rand -base64 32)")
	}
	raw, err := os.ReadFile(c.secretPath(name))
	if err != nil {
		return nil, err
	}
	var keys []webhook.Key
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := webhook.ParseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of secrets: %w", len(keys)+1, err)
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s holds no secret", name)
	}
	return keys, nil
}
