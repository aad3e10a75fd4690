package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// scopeName is the client scope by which relying parties receive the portal's
// attributes.
const scopeName = "entree"

const scopeAbout = "Attributes of an account activated by Entrée"

func (c *Client) planScope(ctx context.Context, _ Wanted) ([]Change, error) {
	changes, err := object{
		what: "client scope " + scopeName, why: "relying parties read attributes through it",
		want: map[string]any{"attributes": map[string]any{managed: "true"}},
		fresh: map[string]any{
			"name": scopeName, "protocol": "openid-connect", "description": scopeAbout,
			"attributes": map[string]any{"include.in.token.scope": "true", "display.on.consent.screen": "false"},
		},
		find: func(ctx context.Context) (map[string]any, error) { return c.scopeNamed(ctx, scopeName) },
		ours: func(scope map[string]any) error {
			if isManaged(scope) || scope["description"] == scopeAbout {
				return nil
			}
			return &Foreign{"the client scope " + scopeName, "is somebody else's",
				"rename it in Keycloak (Client scopes → " + scopeName + "), then apply again; clients that use it keep it under the new name"}
		},
		create: c.send(http.MethodPost, "client-scopes"),
		update: func(ctx context.Context, scope map[string]any) error {
			return c.send(http.MethodPut, "client-scopes", fmt.Sprint(scope["id"]))(ctx, scope)
		},
	}.hold(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := c.planMappers(ctx, "claims of the client scope "+scopeName, "relying parties read them", func(ctx context.Context) ([]string, error) {
		scope, err := c.scopeNamed(ctx, scopeName)
		if scope == nil {
			return nil, err
		}
		return []string{"client-scopes", fmt.Sprint(scope["id"])}, nil
	}, claims())
	return append(changes, claims...), err
}

// claims returns the mappers of the scope. The university address is the user's
// own e-mail, under its name in a directory.
func claims() []map[string]any {
	out := []map[string]any{claim("mail", "email", false)}
	for _, a := range attributes {
		if a.claim {
			out = append(out, claim(a.name, a.name, a.many))
		}
	}
	return out
}

func claim(name, attribute string, many bool) map[string]any {
	return map[string]any{
		"name": name, "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-attribute-mapper",
		"config": map[string]any{
			"user.attribute": attribute, "claim.name": name, "jsonType.label": "String", "multivalued": fmt.Sprint(many), "aggregate.attrs": "false",
			"id.token.claim": "true", "userinfo.token.claim": "true", "access.token.claim": "false", "introspection.token.claim": "true",
		},
	}
}

// planMappers plans the mappers of a client or a client scope. owner returns
// its path, or nil if it is not created yet.
func (c *Client) planMappers(ctx context.Context, what, why string, owner func(context.Context) ([]string, error), wanted []map[string]any) ([]Change, error) {
	models := func(ctx context.Context) (path []string, there []map[string]any, err error) {
		at, err := owner(ctx)
		if at == nil {
			return nil, nil, err
		}
		path = append(at, "protocol-mappers", "models")
		_, err = c.do(ctx, http.MethodGet, c.path(path...), nil, &there)
		return path, there, err
	}
	_, there, err := models(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the mappers: %w", err)
	}
	change := Change{What: what, Why: why, New: len(there) == 0, apply: func(ctx context.Context) error {
		path, there, err := models(ctx)
		if err != nil {
			return err
		}
		for _, want := range wanted {
			mapper, isNew := mapperNamed(there, want["name"])
			switch fields := merge(mapper, want, ""); {
			case isNew:
				err = c.send(http.MethodPost, path...)(ctx, mapper)
			case len(fields) > 0:
				err = c.send(http.MethodPut, append(path, fmt.Sprint(mapper["id"]))...)(ctx, mapper)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", want["name"], err)
			}
		}
		return nil
	}}
	for _, want := range wanted {
		mapper, isNew := mapperNamed(there, want["name"])
		fields := merge(mapper, want, fmt.Sprint(want["name"])+".")
		if isNew {
			from := want["config"].(map[string]any)["user.attribute"]
			switch want["protocolMapper"] {
			case "oidc-usermodel-client-role-mapper":
				from = "the client's roles"
			case "oidc-amr-mapper":
				from = "the executions of the login"
			}
			fields = []Field{{fmt.Sprint(want["name"]), "", fmt.Sprint("from ", from)}}
		}
		change.Fields = append(change.Fields, fields...)
	}
	if len(change.Fields) == 0 {
		return nil, nil
	}
	return []Change{change}, nil
}

func mapperNamed(there []map[string]any, name any) (mapper map[string]any, isNew bool) {
	if i := slices.IndexFunc(there, func(m map[string]any) bool { return m["name"] == name }); i >= 0 {
		return there[i], false
	}
	return map[string]any{}, true
}

// scopeNamed returns a client scope, or nil if there is none.
func (c *Client) scopeNamed(ctx context.Context, name string) (map[string]any, error) {
	var scopes []map[string]any
	if err := c.get(ctx, c.path("client-scopes"), &scopes); err != nil {
		return nil, fmt.Errorf("read the client scopes: %w", err)
	}
	for _, s := range scopes {
		if s["name"] == name {
			return s, nil
		}
	}
	return nil, nil
}
