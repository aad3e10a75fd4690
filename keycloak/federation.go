package keycloak

import "context"

// federations finds what a directory behind the realm does to the portal's
// accounts. The portal creates accounts by POST /users with a hashed credential:
// a directory never receives that password.
func (c *Client) federations(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	if w.Directory != nil {
		return c.federationOf(ctx, *w.Directory)
	}
	providers, err := c.components(ctx, storageType, "")
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, p := range providers {
		if p.ProviderID != "ldap" || p.is("enabled", "false") {
			continue
		}
		where := "(User federation → " + p.Name + ")"
		if p.is("editMode", "WRITABLE") && p.is("syncRegistrations", "true") {
			found = append(found, Finding{"the LDAP federation " + p.Name + " takes new accounts into the directory",
				"the entry has no password, since the portal has only a hash, and Keycloak never asks the directory for the password again",
				"turn Sync Registrations off " + where + "; the directory is filled from the enrolment, not from the portal"})
		} else {
			found = append(found, Finding{"the LDAP federation " + p.Name + " is searched beside the portal's accounts",
				"a new account is local to Keycloak in every edit mode: it hides an entry with the same uid for ever, and the directory's password is refused from then on",
				"let the portal create accounts only for people who have no entry there; for people who have one, adopt the account that Keycloak imports"})
		}
		if p.is("importEnabled", "false") {
			found = append(found, Finding{"the LDAP federation " + p.Name + " does not import users",
				"its users have ids that start with f:, and Keycloak drops the groups and attributes of the portal without an error, its mark among them",
				"turn Import Users on " + where})
		}
		if p.value("readTimeout") == "" {
			found = append(found, Finding{"the LDAP federation " + p.Name + " has no read timeout",
				"a directory that hangs makes Keycloak answer \"Could not create user\" to each activation after seconds",
				"set Connection Timeout and Read Timeout, to 2000 and 3000 for example " + where})
		}
	}
	return found, nil
}
