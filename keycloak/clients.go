package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// managed is the attribute that marks a client or a client scope as created by
// the portal.
const managed = "entree.managed"

func isManaged(m map[string]any) bool {
	attributes, _ := m["attributes"].(map[string]any)
	return attributes[managed] == "true"
}

// leastRoles are the roles of realm-management that the portal's service
// account needs: to create and look up users, to read the realm's password
// policy, to read login events, and to see the client roles of an account before
// its password is replaced. Tested on 26.7.4: with manage-users alone the policy
// and the client roles are not visible, and Keycloak sets the password of an
// administrator without a word.
var leastRoles = []string{"manage-users", "view-realm", "view-events", "view-clients"}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// clientNamed returns the representation of a client, or nil if there is none.
func (c *Client) clientNamed(ctx context.Context, id string) (map[string]any, error) {
	var clients []map[string]any
	if err := c.get(ctx, c.path("clients")+"?clientId="+url.QueryEscape(id), &clients); err != nil {
		return nil, fmt.Errorf("read the client %s: %w", id, err)
	}
	if len(clients) == 0 {
		return nil, nil
	}
	return clients[0], nil
}

// clientPath returns a function that returns the path of a client, followed by
// under, or nil if there is no client.
func (c *Client) clientPath(id string, under ...string) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		client, err := c.clientNamed(ctx, id)
		if client == nil {
			return nil, err
		}
		return append([]string{"clients", fmt.Sprint(client["id"])}, under...), nil
	}
}

// planClient plans the client as wanted. An existing client belongs to the
// portal if it has the portal's mark or the secret of the configuration: an
// administrator who configured the secret has assigned the client. Otherwise
// planClient returns a [Foreign]. key is the key of the configuration that
// names the client.
func (c *Client) planClient(ctx context.Context, who Secret, key, name, why string, want map[string]any) ([]Change, error) {
	want["clientId"], want["secret"], want["publicClient"] = who.ID, who.Secret, false
	attributes, _ := want["attributes"].(map[string]any)
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes[managed] = "true"
	want["attributes"] = attributes
	return object{
		what: "client " + who.ID, why: why, want: want, fresh: map[string]any{"name": name},
		find: func(ctx context.Context) (map[string]any, error) { return c.clientNamed(ctx, who.ID) },
		ours: func(client map[string]any) error {
			if isManaged(client) || same(client["secret"], who.Secret) {
				return nil
			}
			return &Foreign{"the client " + who.ID, "is there, was not made by the portal and has another secret",
				fmt.Sprintf("it is not taken over. Name another one under %s.client_id; or, if it is meant for this, copy its secret (Clients → %s → Credentials) to %s.client_secret",
					key, who.ID, key)}
		},
		create: c.send(http.MethodPost, "clients"),
		update: func(ctx context.Context, client map[string]any) error {
			return c.send(http.MethodPut, "clients", fmt.Sprint(client["id"]))(ctx, client)
		},
	}.hold(ctx)
}

// planPortal plans the service account with the fewest possible roles.
func (c *Client) planPortal(ctx context.Context, w Wanted) ([]Change, error) {
	changes, err := c.planClient(ctx, w.Portal, "keycloak", "Entrée", "the portal creates accounts through it", map[string]any{
		"serviceAccountsEnabled": true, "standardFlowEnabled": false, "implicitFlowEnabled": false, "directAccessGrantsEnabled": false, "fullScopeAllowed": true,
	})
	if err != nil {
		return nil, err
	}
	has, err := c.managementRoles(ctx, w.Portal.ID)
	if err != nil {
		return nil, err
	}
	var missing []Field
	for _, role := range leastRoles {
		if !slices.Contains(has, role) {
			missing = append(missing, Field{role, "", "of realm-management"})
		}
	}
	if len(missing) > 0 {
		changes = append(changes, Change{
			New: len(has) == 0, What: "roles of the service account " + w.Portal.ID, Why: "the portal cannot create an account or read the password policy without them",
			Fields: missing, apply: func(ctx context.Context) error { return c.giveLeastRoles(ctx, w.Portal.ID) },
		})
	}
	more, err := c.planDefaultScope(ctx, w.Portal.ID, "kc-admin-api", true) // required by Keycloak 26.8.2 and later
	return append(changes, more...), err
}

// serviceAccount returns the path of the user of a service account, or nil if
// there is none yet.
func (c *Client) serviceAccount(ctx context.Context, client string) ([]string, error) {
	path, err := c.clientPath(client, "service-account-user")(ctx)
	if path == nil {
		return nil, err
	}
	var user named
	_, err = c.do(ctx, http.MethodGet, c.path(path...), nil, &user)
	switch status(err) {
	case http.StatusBadRequest, http.StatusNotFound: // the client exists, its service account is disabled
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the service account: %w", err)
	}
	return []string{"users", user.ID}, nil
}

// managementRoles returns the roles of realm-management that a service account
// has.
func (c *Client) managementRoles(ctx context.Context, client string) (roles []string, err error) {
	user, err := c.serviceAccount(ctx, client)
	if user == nil {
		return nil, err
	}
	management, err := c.clientNamed(ctx, "realm-management")
	if err != nil {
		return nil, err
	}
	var has []named
	if _, err := c.do(ctx, http.MethodGet, c.path(append(user, "role-mappings", "clients", fmt.Sprint(management["id"]))...), nil, &has); err != nil {
		return nil, fmt.Errorf("read the service account's roles: %w", err)
	}
	for _, r := range has {
		roles = append(roles, r.Name)
	}
	return roles, nil
}

func (c *Client) giveLeastRoles(ctx context.Context, client string) error {
	user, err := c.serviceAccount(ctx, client)
	if err != nil {
		return err
	}
	management, err := c.clientNamed(ctx, "realm-management")
	if err != nil {
		return err
	}
	var roles []named
	for _, role := range leastRoles {
		var found named
		if _, err := c.do(ctx, http.MethodGet, c.path("clients", fmt.Sprint(management["id"]), "roles", role), nil, &found); err != nil {
			return err
		}
		roles = append(roles, found)
	}
	_, err = c.do(ctx, http.MethodPost, c.path(append(user, "role-mappings", "clients", fmt.Sprint(management["id"]))...), roles, nil)
	return err
}

// planDefaultScope plans a default client scope of a client. If optional is
// set, a scope that the realm does not have is left out.
func (c *Client) planDefaultScope(ctx context.Context, client, name string, optional bool) ([]Change, error) {
	scope, err := c.scopeNamed(ctx, name)
	if err != nil || scope == nil && optional {
		return nil, err
	}
	path, err := c.clientPath(client, "default-client-scopes")(ctx)
	if err != nil {
		return nil, err
	}
	var has []named
	if path != nil {
		if _, err := c.do(ctx, http.MethodGet, c.path(path...), nil, &has); err != nil {
			return nil, fmt.Errorf("read the client's scopes: %w", err)
		}
	}
	if slices.ContainsFunc(has, func(s named) bool { return s.Name == name }) {
		return nil, nil
	}
	return []Change{{New: true, What: "client scope " + name + " for the client " + client, Why: "its tokens lack what the scope holds", apply: func(ctx context.Context) error {
		scope, err := c.scopeNamed(ctx, name)
		if err != nil {
			return err
		}
		path, err := c.clientPath(client, "default-client-scopes", fmt.Sprint(scope["id"]))(ctx)
		if err != nil {
			return err
		}
		_, err = c.do(ctx, http.MethodPut, c.path(path...), nil, nil)
		return err
	}}}, nil
}
