package config

import (
	"net/url"
	"strings"
)

// SampleValues returns one line for each value that still names a host of the
// sample: hosts under .example exist nowhere (RFC 2606).
func (c *Config) SampleValues() []string {
	var out []string
	for _, v := range []struct{ key, value string }{
		{"portal.base_url", hostOf(c.Portal.BaseURL)}, {"keycloak.url", hostOf(c.Keycloak.URL)}, {"smtp.host", c.SMTP.Host},
		{"smtp.from", strings.TrimRight(c.SMTP.From, "> ")}, {"institution.scope", c.Institution.Scope}, {"institution.help_email", c.Institution.HelpEmail},
	} {
		if strings.HasSuffix(v.value, ".example") {
			out = append(out, v.key+" still has the value of the sample")
		}
	}
	if c.SSO.EntURL == "" {
		out = append(out, "sso.ent_url is empty: after the login, students see a page of the portal with their claims instead of the ENT")
	}
	return out
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
