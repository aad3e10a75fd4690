package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// scopeName is the client scope that gives relying parties the portal's
// attributes.
const scopeName = "entree"

// leastRoles are the roles of realm-management that the portal's service
// account needs: to create and look up users, and to read the realm's password
// policy. Tried on 26.7.4: with manage-users alone the policy stays hidden.
var leastRoles = []string{"manage-users", "view-realm"}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (c *Client) planScope(ctx context.Context, _ Wanted) ([]Change, error) {
	scope, err := c.scopeNamed(ctx, scopeName)
	if err != nil {
		return nil, err
	}
	if scope.ID == "" {
		return []Change{{"create the client scope " + scopeName, "relying parties read attributes through it", func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPost, c.path("client-scopes"), map[string]any{
				"name": scopeName, "protocol": "openid-connect", "description": "Attributes of an account activated by Entrée",
				"attributes":      map[string]string{"include.in.token.scope": "true", "display.on.consent.screen": "false"},
				"protocolMappers": mappers(nil),
			}, nil)
			return err
		}}}, nil
	}
	var there []named
	if _, err := c.do(ctx, http.MethodGet, c.path("client-scopes", scope.ID, "protocol-mappers", "models"), nil, &there); err != nil {
		return nil, fmt.Errorf("read the mappers: %w", err)
	}
	have := map[string]bool{}
	for _, m := range there {
		have[m.Name] = true
	}
	var changes []Change
	for _, m := range mappers(have) {
		changes = append(changes, Change{fmt.Sprintf("map %s into tokens", m["name"]), "relying parties read it", func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPost, c.path("client-scopes", scope.ID, "protocol-mappers", "models"), m, nil)
			return err
		}})
	}
	return changes, nil
}

// mappers gives the mappers that are not there yet.
func mappers(there map[string]bool) []map[string]any {
	var out []map[string]any
	for _, a := range attributes {
		if !a.claim || there[a.name] {
			continue
		}
		out = append(out, map[string]any{
			"name": a.name, "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-attribute-mapper",
			"config": map[string]string{
				"user.attribute": a.name, "claim.name": a.name, "jsonType.label": "String", "multivalued": fmt.Sprint(a.many), "aggregate.attrs": "false",
				"id.token.claim": "true", "userinfo.token.claim": "true", "access.token.claim": "false", "introspection.token.claim": "true",
			},
		})
	}
	return out
}

func (c *Client) scopeNamed(ctx context.Context, name string) (named, error) {
	var scopes []named
	if _, err := c.do(ctx, http.MethodGet, c.path("client-scopes"), nil, &scopes); err != nil {
		return named{}, fmt.Errorf("read the client scopes: %w", err)
	}
	for _, s := range scopes {
		if s.Name == name {
			return s, nil
		}
	}
	return named{}, nil
}

// clientNamed gives a client's whole representation, nil where there is none.
func (c *Client) clientNamed(ctx context.Context, id string) (map[string]any, error) {
	var clients []map[string]any
	if _, err := c.do(ctx, http.MethodGet, c.path("clients")+"?clientId="+url.QueryEscape(id), nil, &clients); err != nil {
		return nil, fmt.Errorf("read the client %s: %w", id, err)
	}
	if len(clients) == 0 {
		return nil, nil
	}
	return clients[0], nil
}

// sameSet tells whether two lists have the same members.
func sameSet(a, b any) bool {
	x, ok := a.([]any)
	y, both := b.([]any)
	if !ok || !both || len(x) != len(y) {
		return false
	}
	return !slices.ContainsFunc(y, func(v any) bool { return !slices.Contains(x, v) })
}

// planClient makes a client be there as wanted. Fields that are not named in
// want are left as they are.
func (c *Client) planClient(ctx context.Context, who Secret, why string, want map[string]any) (internal string, changes []Change, err error) {
	client, err := c.clientNamed(ctx, who.ID)
	if err != nil {
		return "", nil, err
	}
	want["clientId"], want["secret"] = who.ID, who.Secret.Reveal()
	if client == nil {
		return "", []Change{{"create the client " + who.ID, why, func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPost, c.path("clients"), want, nil)
			return err
		}}}, nil
	}
	internal = fmt.Sprint(client["id"])
	var differs []string
	for name, value := range want {
		if !holds(client[name], value) {
			differs = append(differs, name)
			client[name] = merged(client[name], value)
		}
	}
	if len(differs) > 0 {
		slices.Sort(differs)
		changes = append(changes, Change{"change " + strings.Join(differs, ", ") + " of the client " + who.ID, why, func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPut, c.path("clients", internal), client, nil)
			return err
		}})
	}
	return internal, changes, nil
}

// holds tells whether a value of Keycloak's has what is wanted: of a map, the
// wanted keys; of a list, the same members.
func holds(have, want any) bool {
	switch w := want.(type) {
	case map[string]string:
		h, _ := have.(map[string]any)
		for k, v := range w {
			if fmt.Sprint(h[k]) != v {
				return false
			}
		}
		return true
	case []string:
		list := make([]any, len(w))
		for i, v := range w {
			list[i] = v
		}
		return sameSet(have, list) || have == nil && len(w) == 0
	default:
		return fmt.Sprint(have) == fmt.Sprint(want)
	}
}

func merged(have, want any) any {
	w, ok := want.(map[string]string)
	h, both := have.(map[string]any)
	if !ok || !both {
		return want
	}
	for k, v := range w {
		h[k] = v
	}
	return h
}

// planPortal makes the service account, with the least roles.
func (c *Client) planPortal(ctx context.Context, w Wanted) ([]Change, error) {
	internal, changes, err := c.planClient(ctx, w.Portal, "the portal creates accounts through it", map[string]any{
		"name": "Entrée", "serviceAccountsEnabled": true, "standardFlowEnabled": false, "directAccessGrantsEnabled": false,
		"publicClient": false, "fullScopeAllowed": true,
	})
	if err != nil || internal == "" {
		return changes, err
	}
	var account named
	if _, err := c.do(ctx, http.MethodGet, c.path("clients", internal, "service-account-user"), nil, &account); err != nil {
		return nil, fmt.Errorf("read the service account: %w", err)
	}
	management, err := c.clientNamed(ctx, "realm-management")
	if err != nil || management == nil {
		return nil, fmt.Errorf("the realm has no client realm-management: %w", err)
	}
	mapping := c.path("users", account.ID, "role-mappings", "clients", fmt.Sprint(management["id"]))
	var has []named
	if _, err := c.do(ctx, http.MethodGet, mapping, nil, &has); err != nil {
		return nil, fmt.Errorf("read the service account's roles: %w", err)
	}
	for _, role := range leastRoles {
		if slices.ContainsFunc(has, func(r named) bool { return r.Name == role }) {
			continue
		}
		changes = append(changes, Change{"give the role " + role + " to " + w.Portal.ID, "the portal cannot work without", func(ctx context.Context) error {
			var found named
			if _, err := c.do(ctx, http.MethodGet, c.path("clients", fmt.Sprint(management["id"]), "roles", role), nil, &found); err != nil {
				return err
			}
			_, err := c.do(ctx, http.MethodPost, mapping, []named{found}, nil)
			return err
		}})
	}
	more, err := c.planDefaultScope(ctx, internal, w.Portal.ID, "kc-admin-api", true) // asked for by Keycloak 26.8.2 and later
	return append(changes, more...), err
}

// planENT makes the client by which people log in: code flow with PKCE.
func (c *Client) planENT(ctx context.Context, w Wanted) ([]Change, error) {
	internal, changes, err := c.planClient(ctx, w.ENT, "people log in to the ENT through it", map[string]any{
		"name": "Mon ENT", "standardFlowEnabled": true, "directAccessGrantsEnabled": false, "implicitFlowEnabled": false,
		"serviceAccountsEnabled": false, "publicClient": false, "redirectUris": w.RedirectURIs, "webOrigins": []string{},
		"attributes": map[string]string{"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": strings.Join(w.LogoutURIs, "##")},
	})
	if err != nil || internal == "" {
		return changes, err
	}
	more, err := c.planDefaultScope(ctx, internal, w.ENT.ID, scopeName, false)
	return append(changes, more...), err
}

// planDefaultScope attaches a client scope; one that the realm does not have
// may be missing where optional says so.
func (c *Client) planDefaultScope(ctx context.Context, internal, client, name string, optional bool) ([]Change, error) {
	scope, err := c.scopeNamed(ctx, name)
	if err != nil || scope.ID == "" {
		if err == nil && !optional {
			return nil, nil // the scope is about to be made: the next round attaches it
		}
		return nil, err
	}
	var has []named
	if _, err := c.do(ctx, http.MethodGet, c.path("clients", internal, "default-client-scopes"), nil, &has); err != nil {
		return nil, fmt.Errorf("read the client's scopes: %w", err)
	}
	if slices.ContainsFunc(has, func(s named) bool { return s.Name == name }) {
		return nil, nil
	}
	return []Change{{"give the scope " + name + " to " + client, "its tokens lack what it holds", func(ctx context.Context) error {
		_, err := c.do(ctx, http.MethodPut, c.path("clients", internal, "default-client-scopes", scope.ID), nil, nil)
		return err
	}}}, nil
}
