package config

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"entree/internal/loopback"
	"entree/internal/secret"
)

// ImportFolder returns the folder that holds uploaded files until their import.
func (c Config) ImportFolder() string { return c.path(c.Import.Folder) }

// UploadsMayBeElsewhere reports whether another instance may get the next request
// of an operator who uploads a file.
func (c Config) UploadsMayBeElsewhere() bool {
	return !c.Console.ClientSecret.Empty() && !strings.HasPrefix(c.Database, "sqlite:")
}

// Source returns a configured source by its name.
func (c Config) Source(name string) (Source, bool) {
	i := slices.IndexFunc(c.Sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return c.Sources[i], true
}

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// checkImport checks the import and the sources, and fills in the defaults of the
// sources.
func (c *Config) checkImport(f *faults) {
	if c.Import.OwnAddresses != "warn" && c.Import.OwnAddresses != "refuse" {
		f.add("import.own_addresses", "%q: want warn or refuse", c.Import.OwnAddresses)
	}
	if c.Import.MaxGone < 0 || c.Import.MaxGone > 100 {
		f.add("import.max_gone", "%d: want a percentage, 0 to 100", c.Import.MaxGone)
	}
	f.need("import.folder", c.Import.Folder)
	for i := range c.Sources {
		c.checkSource(f, fmt.Sprintf("sources[%d]", i), &c.Sources[i])
		for _, other := range c.Sources[:i] {
			if other.Name == c.Sources[i].Name {
				f.add(fmt.Sprintf("sources[%d].name", i), "%q occurs twice", other.Name)
			}
		}
	}
}

func (c *Config) checkSource(f *faults, key string, s *Source) {
	if !sourceName.MatchString(s.Name) {
		f.add(key+".name", "%q: want lower-case letters, figures, hyphens", s.Name)
	}
	if s.Kind != "ldap" {
		f.add(key+".kind", "%q: want ldap", s.Kind)
	}
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "ldap" && u.Scheme != "ldaps":
		f.add(key+".url", "%q: want ldaps://host or ldap://host", s.URL)
	case u.Scheme == "ldap" && !s.StartTLS && !loopback.IsHost(u.Hostname()):
		f.add(key+".start_tls", "is off: ldap:// without it is allowed to a server on this machine only")
	}
	f.need(key+".base", s.Base)
	s.Roots = c.roots
	if s.CA != "" {
		s.CA = c.path(s.CA)
		if _, err := os.Stat(s.CA); err != nil {
			f.add(key+".ca", "%v", err)
		}
	}
	if s.PasswordFile != "" {
		raw, err := os.ReadFile(c.secretPath(s.PasswordFile))
		if err != nil && !c.template {
			f.add(key+".bind_password_file", "%v", err)
		}
		s.Password = secret.New(strings.TrimSpace(string(raw)))
	}
	if s.BindDN != "" && s.Password.Empty() {
		c.needSecret(f, key+".bind_password_file", "is missing: a name without a password binds as nobody")
	}
	for _, field := range []string{"number", "given_name", "family_name", "email"} {
		f.need(key+".columns."+field, s.Columns[field])
	}
	if s.Filter == "" {
		s.Filter = "(objectClass=person)"
	}
	if s.PageSize == 0 {
		s.PageSize = 500
	}
	if s.Timeout == 0 {
		s.Timeout = time.Minute
	}
	if s.Every != 0 {
		between(f, key+".every", s.Every, time.Minute, 31*24*time.Hour)
	}
	if s.PageSize < 1 || s.PageSize > 10000 {
		f.add(key+".page_size", "%d: want 1 to 10000", s.PageSize)
	}
	between(f, key+".timeout", s.Timeout, time.Second, time.Hour)
}
