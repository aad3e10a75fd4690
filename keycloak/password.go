package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/Nerzal/gocloak/v13"

	"entree/internal/domain"
)

// updatePassword is the required action that demands a new password at the next
// login.
const updatePassword = "UPDATE_PASSWORD"

// Standing implements domain.Accounts.
func (c *Accounts) Standing(ctx context.Context, a domain.AccountRef) (domain.Standing, error) {
	_, _, s, err := c.standing(ctx, a)
	return s, err
}

// SetPassword implements domain.Accounts. Keycloak replaces the password of a user
// whose update carries credentials and nothing else, and leaves one-time passwords,
// passkeys, groups, roles, attributes and links as they are. It then still lets
// old sessions live and wrong passwords lock the account, so both follow. The
// update never carries "enabled": that would enable an account that an
// administrator disabled.
//
// Keycloak's policy is not checked for a hash; the portal has checked the password
// by the same rules, except those of the history, which only Keycloak knows.
func (c *Accounts) SetPassword(ctx context.Context, a domain.AccountRef, credential domain.Credential, otherProof bool) error {
	user, _, s, err := c.standing(ctx, a)
	if err != nil {
		return err
	}
	if s.Bar == "" && s.HasFactor && !otherProof {
		s.Bar = domain.BarFactor
	}
	if s.Bar != "" {
		return domain.Permanent(&domain.AccountBarred{Bar: s.Bar})
	}
	change := map[string]any{"credentials": []gocloak.CredentialRepresentation{{
		Type: gocloak.StringP("password"), CredentialData: &credential.Data, SecretData: &credential.Secret, Temporary: gocloak.BoolP(false),
	}}}
	if user.RequiredActions != nil && slices.Contains(*user.RequiredActions, updatePassword) {
		change["requiredActions"] = slices.DeleteFunc(slices.Clone(*user.RequiredActions), func(action string) bool { return action == updatePassword })
	}
	if _, err := c.do(ctx, http.MethodPut, c.path("users", a.ID), change, nil); err != nil {
		return lasting(err)
	}
	return c.endSessions(ctx, a.ID)
}

// RemoveFactors implements domain.Accounts. Each credential is deleted by its id.
func (c *Accounts) RemoveFactors(ctx context.Context, a domain.AccountRef) error {
	held, err := c.Factors(ctx, a)
	if err != nil {
		return err
	}
	return c.removeFactors(ctx, a.ID, held)
}

func (c *Accounts) removeFactors(ctx context.Context, id string, held domain.HeldFactors) error {
	for _, factor := range held.List {
		if _, err := c.do(ctx, http.MethodDelete, c.path("users", id, "credentials", factor.ID), nil, nil); err != nil && status(err) != http.StatusNotFound {
			return err
		}
	}
	return c.EndSessions(ctx, id)
}

// RemoveFactors implements directory.Factors.
func (f *Federated) RemoveFactors(ctx context.Context, id string) error {
	held, err := f.accounts.factors(ctx, id)
	if err != nil {
		return err
	}
	return f.accounts.removeFactors(ctx, id, held)
}

// endSessions ends the sessions of a user and lifts a lock for wrong passwords.
func (c *Accounts) endSessions(ctx context.Context, id string) error {
	if err := c.EndSessions(ctx, id); err != nil {
		return err
	}
	_, err := c.do(ctx, http.MethodDelete, c.path("attack-detection", "brute-force", "users", id), nil, nil)
	return err
}

// EndSessions ends the sessions of a user, also those without an end (offline).
func (c *Accounts) EndSessions(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodPost, c.path("users", id, "logout"), nil, nil)
	return err
}

// Standing returns the standing of a user without regard to the federation that the
// user comes from. It implements directory.Signins.
func (f *Federated) Standing(ctx context.Context, id string) (domain.Standing, error) {
	var user gocloak.User
	if _, err := f.accounts.do(ctx, http.MethodGet, f.accounts.path("users", id), nil, &user); err != nil {
		if status(err) == http.StatusNotFound {
			return domain.Standing{Bar: domain.BarGone}, nil
		}
		return domain.Standing{}, err
	}
	_, s, err := f.accounts.rights(ctx, user, id)
	return s, err
}

// EndSessions implements directory.Signins.
func (f *Federated) EndSessions(ctx context.Context, id string) error {
	return f.accounts.endSessions(ctx, id)
}

// standing reads an account and decides whether its password may be replaced. stored is
// empty if the account is barred.
func (c *Accounts) standing(ctx context.Context, a domain.AccountRef) (user gocloak.User, stored []storedCredential, s domain.Standing, err error) {
	if a.ID == "" || locationID(a.ID) != a.ID {
		return user, nil, domain.Standing{Bar: domain.BarGone}, nil
	}
	_, err = c.do(ctx, http.MethodGet, c.path("users", a.ID), nil, &user)
	switch {
	case status(err) == http.StatusNotFound:
		return user, nil, domain.Standing{Bar: domain.BarGone}, nil
	case err != nil:
		return user, nil, s, err
	case user.Attributes == nil || a.ActivationID == "" || !slices.Equal((*user.Attributes)[markAttribute], []string{a.ActivationID}):
		return user, nil, domain.Standing{Bar: domain.BarForeign}, nil
	case gocloak.PString(user.FederationLink) != "" || strings.HasPrefix(a.ID, "f:"):
		return user, nil, domain.Standing{Bar: domain.BarFederated}, nil
	}
	stored, s, err = c.rights(ctx, user, a.ID)
	return user, stored, s, err
}

// rights decides by a user's state, roles and credentials. It returns the credentials if
// nothing bars the user.
func (c *Accounts) rights(ctx context.Context, user gocloak.User, id string) (stored []storedCredential, s domain.Standing, err error) {
	if !gocloak.PBool(user.Enabled) {
		return nil, domain.Standing{Bar: domain.BarDisabled}, nil
	}
	privileged, err := c.privileged(ctx, id)
	if err != nil {
		return nil, s, err
	}
	if privileged {
		return nil, domain.Standing{Bar: domain.BarPrivileged}, nil
	}
	stored, err = c.credentials(ctx, id)
	return stored, domain.Standing{HasFactor: len(heldOf(stored).List) > 0}, err
}

// managementClient is the client whose roles are the rights in a realm's admin API.
const managementClient = "realm-management"

// masterRoles are the realm roles that administer Keycloak itself, in the realm
// master.
var masterRoles = []string{"admin", "create-realm"}

// clientID returns Keycloak's id of a client by its name, which may be a minute old; empty
// if there is none. The id of a client that is gone ends in an error, never in a user
// without rights.
func (c *Accounts) clientID(ctx context.Context, name string) (string, error) {
	return c.clientIDs.get(ctx, name, c.now(), func(ctx context.Context) (string, bool, error) {
		client, err := c.clientNamed(ctx, name)
		if client == nil {
			return "", false, err
		}
		return fmt.Sprint(client["id"]), true, err
	})
}

// privileged reports whether a user has a right of administration: any role of
// realm-management or of the portal's console, or an administrator's role of the
// realm master. Roles by a group or by a composite role count. Keycloak shows the
// roles of a client only to a service account with view-clients; without it the
// error says so.
func (c *Accounts) privileged(ctx context.Context, id string) (bool, error) {
	var roles []named
	for _, name := range []string{managementClient, c.Console} {
		if name == "" {
			continue
		}
		client, err := c.clientID(ctx, name)
		if err != nil {
			return false, err
		}
		if client == "" {
			continue
		}
		if _, err := c.do(ctx, http.MethodGet, c.path("users", id, "role-mappings", "clients", client, "composite"), nil, &roles); err != nil {
			return false, fmt.Errorf("read the roles of %s: %w", name, err)
		}
		if len(roles) > 0 {
			return true, nil
		}
	}
	if _, err := c.do(ctx, http.MethodGet, c.path("users", id, "role-mappings", "realm", "composite"), nil, &roles); err != nil {
		return false, fmt.Errorf("read the realm roles: %w", err)
	}
	return slices.ContainsFunc(roles, func(r named) bool { return slices.Contains(masterRoles, r.Name) }), nil
}
