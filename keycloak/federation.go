package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// federations finds what a directory behind the realm does to the portal's
// accounts. The portal creates accounts by POST /users with a hashed credential:
// a directory never receives that password.
func (c *Client) federations(ctx context.Context, _ Wanted, _ map[string]any) ([]Finding, error) {
	var providers []struct {
		Name, ProviderID string
		Config           map[string][]string
	}
	if _, err := c.do(ctx, http.MethodGet, c.path("components")+"?type="+url.QueryEscape("org.keycloak.storage.UserStorageProvider"), nil, &providers); err != nil {
		return nil, fmt.Errorf("read the user federations: %w", err)
	}
	var found []Finding
	is := func(values []string, value string) bool {
		return len(values) == 1 && strings.EqualFold(values[0], value)
	}
	for _, p := range providers {
		if p.ProviderID != "ldap" || is(p.Config["enabled"], "false") {
			continue
		}
		where := "(User federation → " + p.Name + ")"
		if is(p.Config["editMode"], "WRITABLE") && is(p.Config["syncRegistrations"], "true") {
			found = append(found, Finding{"the LDAP federation " + p.Name + " takes new accounts into the directory",
				"the entry has no password, since the portal has only a hash, and Keycloak never asks the directory for the password again",
				"turn Sync Registrations off " + where + "; the directory is filled from the enrolment, not from the portal"})
		} else {
			found = append(found, Finding{"the LDAP federation " + p.Name + " is searched beside the portal's accounts",
				"a new account is local to Keycloak in every edit mode: it hides an entry with the same uid for ever, and the directory's password is refused from then on",
				"let the portal create accounts only for people who have no entry there; for people who have one, adopt the account that Keycloak imports"})
		}
		if is(p.Config["importEnabled"], "false") {
			found = append(found, Finding{"the LDAP federation " + p.Name + " does not import users",
				"its users have ids that start with f:, and Keycloak drops the groups and attributes of the portal without an error, its mark among them",
				"turn Import Users on " + where})
		}
		if len(p.Config["readTimeout"]) == 0 || is(p.Config["readTimeout"], "") {
			found = append(found, Finding{"the LDAP federation " + p.Name + " has no read timeout",
				"a directory that hangs makes Keycloak answer \"Could not create user\" to each activation after seconds",
				"set Connection Timeout and Read Timeout, to 2000 and 3000 for example " + where})
		}
	}
	return found, nil
}
