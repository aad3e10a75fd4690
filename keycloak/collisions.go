package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// scopeMappers is a client scope, or a client, with its protocol mappers.
type scopeMappers struct {
	ID              string `json:"id"`
	Name            string `json:"name"`
	ProtocolMappers []struct {
		Name   string            `json:"name"`
		Config map[string]string `json:"config"`
	} `json:"protocolMappers"`
}

// collisions finds claims of the portal's client scope that another default
// scope, or the client itself, maps as well: which of the two values a relying
// party receives is not defined.
func (c *Client) collisions(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	if w.ENT.Secret.Empty() {
		return nil, nil
	}
	var scopes []scopeMappers
	if err := c.get(ctx, c.path("client-scopes"), &scopes); err != nil {
		return nil, fmt.Errorf("read the client scopes: %w", err)
	}
	var attached []named
	path, err := c.clientPath(w.ENT.ID)(ctx)
	switch {
	case err != nil:
		return nil, err
	case path == nil: // a client that is created gets the realm's default scopes
		if err := c.get(ctx, c.path("default-default-client-scopes"), &attached); err != nil {
			return nil, fmt.Errorf("read the realm's default scopes: %w", err)
		}
	default:
		if _, err := c.do(ctx, http.MethodGet, c.path(append(path, "default-client-scopes")...), nil, &attached); err != nil {
			return nil, fmt.Errorf("read the client's scopes: %w", err)
		}
		var client scopeMappers
		if _, err := c.do(ctx, http.MethodGet, c.path(path...), nil, &client); err != nil {
			return nil, fmt.Errorf("read the client: %w", err)
		}
		client.Name = "the client itself"
		scopes, attached = append(scopes, client), append(attached, named{ID: client.ID})
	}
	ours := map[string]string{}
	for _, m := range claims() {
		ours[fmt.Sprint(m["name"])] = fmt.Sprint(m["config"].(map[string]any)["user.attribute"])
	}
	var found []Finding
	for _, s := range scopes {
		if s.Name == scopeName || !slices.ContainsFunc(attached, func(a named) bool { return a.ID == s.ID }) {
			continue
		}
		for _, m := range s.ProtocolMappers {
			claim := m.Config["claim.name"]
			attribute, is := ours[claim]
			if !is || m.Config["user.attribute"] == attribute && m.Config["multivalued"] != "" {
				continue
			}
			found = append(found, Finding{fmt.Sprintf("the claim %s of the client %s has two sources: %s and the mapper %q of %s", claim, w.ENT.ID, scopeName, m.Name, s.Name),
				"relying parties receive either value", fmt.Sprintf("remove that mapper, or detach %s from the client (Clients → %s → Client scopes)", s.Name, w.ENT.ID)})
		}
	}
	return found, nil
}

// Warnings returns what Plan does not change and an operator should know before
// Apply.
func (c *Client) Warnings(ctx context.Context, w Wanted) ([]Finding, error) {
	realm, err := c.readRealm(ctx)
	if err != nil || realm == nil {
		return nil, err
	}
	found, err := c.collisions(ctx, w, realm)
	if err != nil || w.Directory == nil {
		return found, err
	}
	more, err := c.federationOf(ctx, *w.Directory)
	return append(found, more...), err
}

// unjudgeable finds validators of the user profile that only Keycloak can judge.
func (c *Client) unjudgeable(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	rules, err := c.ReadRules(ctx, w.Scope)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, validator := range rules.Unjudgeable {
		found = append(found, Finding{"the user profile judges " + validator, "the portal cannot judge it, so a person may be refused at the end of the activation",
			"remove the validator, or make sure that every person of the registry passes it (Realm settings → User profile)"})
	}
	for _, missing := range rules.WithoutSource() {
		found = append(found, Finding{"the user profile requires " + missing, "the portal has no value for it: no account can be created",
			"make it optional, or require it of other contexts only (Realm settings → User profile → " + missing + ")"})
	}
	return found, nil
}

// WithoutSource lists the required attributes that the portal never writes.
func (r *Rules) WithoutSource() []string {
	var out []string
	for _, a := range r.attributes {
		known := slices.Contains([]string{"username", "email", "firstName", "lastName", "locale"}, a.name) || slices.ContainsFunc(attributes, func(x attribute) bool { return x.name == a.name })
		if a.required && !known {
			out = append(out, a.name)
		}
	}
	return out
}
