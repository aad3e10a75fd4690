package keycloak

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"entree/internal/secret"
)

// Roles are the client roles of the console's client. Administrators assign
// them to operators in the realm.
var Roles = []string{"admin", "helpdesk", "registrar", "auditor"}

// RolesClaim is the claim of the console's ID token that lists an operator's
// roles.
const RolesClaim = "entreeRoles"

// planConsole plans the client by which operators log in, with its roles and
// the claim that carries them.
func (c *Client) planConsole(ctx context.Context, w Wanted) ([]Change, error) {
	if w.Console.Secret.Empty() {
		return nil, nil
	}
	id := w.Console.ID
	changes, err := c.planClient(ctx, w.Console, "console", "Entrée, console", "operators log in to the console through it", map[string]any{
		"standardFlowEnabled": true, "directAccessGrantsEnabled": false, "implicitFlowEnabled": false, "serviceAccountsEnabled": false,
		"fullScopeAllowed": false, "redirectUris": []string{w.ConsoleURL + "/connexion/retour"}, "webOrigins": []string{},
		"attributes": map[string]any{"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": w.ConsoleURL,
			"backchannel.logout.url": w.ConsoleURL + "/deconnexion/fournisseur", "backchannel.logout.session.required": "true"},
	})
	if err != nil {
		return nil, err
	}
	missing, err := c.missingRoles(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		change := Change{New: len(missing) == len(Roles), What: "roles of the client " + id, Why: "the console tells operators apart by them", apply: func(ctx context.Context) error {
			path, err := c.clientPath(id, "roles")(ctx)
			if err != nil {
				return err
			}
			for _, role := range missing {
				if err := c.send(http.MethodPost, path...)(ctx, map[string]any{"name": role}); err != nil {
					return err
				}
			}
			return nil
		}}
		for _, role := range missing {
			change.Fields = append(change.Fields, Field{role, "", "given to nobody yet"})
		}
		changes = append(changes, change)
	}
	mapper, err := c.planMappers(ctx, "claims of the client "+id, "the console reads the roles in the ID token", c.clientPath(id), []map[string]any{{
		"name": RolesClaim, "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-client-role-mapper",
		"config": map[string]any{
			"usermodel.clientRoleMapping.clientId": id, "claim.name": RolesClaim, "jsonType.label": "String", "multivalued": "true",
			"id.token.claim": "true", "userinfo.token.claim": "false", "access.token.claim": "false", "introspection.token.claim": "false",
		},
	}})
	return append(changes, mapper...), err
}

// missingRoles returns the roles of Roles that the console's client does not
// have.
func (c *Client) missingRoles(ctx context.Context, id string) (missing []string, err error) {
	path, err := c.clientPath(id, "roles")(ctx)
	if err != nil {
		return nil, err
	}
	var has []named
	if path != nil {
		if _, err := c.do(ctx, http.MethodGet, c.path(path...), nil, &has); err != nil {
			return nil, fmt.Errorf("read the console's roles: %w", err)
		}
	}
	for _, role := range Roles {
		if !slices.ContainsFunc(has, func(r named) bool { return r.Name == role }) {
			missing = append(missing, role)
		}
	}
	return missing, nil
}

// Operator is a user who may log in to the console.
type Operator struct {
	Login, Email, GivenName, FamilyName string
	Role                                string // one of Roles
	Password                            secret.Text
}

// AddOperator creates an operator with the role. An existing user keeps names
// and password and receives the role.
func (c *Client) AddOperator(ctx context.Context, console string, o Operator) error {
	_, err := c.do(ctx, http.MethodPost, c.path("users"), map[string]any{
		"username": o.Login, "email": o.Email, "emailVerified": true, "firstName": o.GivenName, "lastName": o.FamilyName, "enabled": true,
		"credentials": []map[string]any{{"type": "password", "value": o.Password.Reveal(), "temporary": false}},
	}, nil)
	if err != nil && status(err) != http.StatusConflict {
		return err
	}
	var users []named
	if _, err := c.do(ctx, http.MethodGet, c.path("users")+"?exact=true&username="+url.QueryEscape(o.Login), nil, &users); err != nil {
		return err
	}
	client, err := c.clientNamed(ctx, console)
	if err != nil {
		return err
	}
	if len(users) != 1 || client == nil {
		return errors.New("keycloak: there is no such user, or no such client")
	}
	internal := fmt.Sprint(client["id"])
	var role named
	if _, err := c.do(ctx, http.MethodGet, c.path("clients", internal, "roles", o.Role), nil, &role); err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, c.path("users", users[0].ID, "role-mappings", "clients", internal), []named{role}, nil)
	return err
}
