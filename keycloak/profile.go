package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// planProfile declares the attributes: an undeclared one is dropped in
// silence. Their person may see them; only an administrator, and so the portal,
// writes them. Of one that is declared already, names, checks and who sees it
// are left alone; who writes it is not.
func (c *Client) planProfile(ctx context.Context, _ Wanted) ([]Change, error) {
	var profile map[string]any
	if err := c.get(ctx, c.path("users", "profile"), &profile); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	fields := declare(profile)
	if len(fields) == 0 {
		return nil, nil
	}
	return []Change{{
		What: "user profile", Why: "Keycloak drops what is not declared, and nobody may write his own number", Fields: fields,
		apply: func(ctx context.Context) error {
			var profile map[string]any
			if _, err := c.do(ctx, http.MethodGet, c.path("users", "profile"), nil, &profile); err != nil {
				return err
			}
			declare(profile)
			return c.send(http.MethodPut, "users", "profile")(ctx, profile)
		},
	}}, nil
}

// declare puts the attributes into a user profile and tells what was missing
// or wrong.
func declare(profile map[string]any) []Field {
	if profile == nil {
		profile = map[string]any{}
	}
	declared, _ := profile["attributes"].([]any)
	var fields []Field
	for _, a := range attributes {
		i := slices.IndexFunc(declared, func(d any) bool { m, _ := d.(map[string]any); return m["name"] == a.name })
		if i < 0 {
			fields = append(fields, Field{a.name, "", "declared, seen by [admin, user], written by [admin]"})
			declared = append(declared, map[string]any{
				"name": a.name, "displayName": a.fr, "multivalued": a.many,
				"permissions": map[string]any{"view": []string{"admin", "user"}, "edit": []string{"admin"}},
			})
			continue
		}
		there := declared[i].(map[string]any)
		permissions, _ := there["permissions"].(map[string]any)
		want := map[string]any{"permissions": map[string]any{"edit": []string{"admin"}}}
		if view, _ := permissions["view"].([]any); !slices.Contains(view, any("admin")) {
			with := []string{"admin"}
			for _, v := range view {
				with = append(with, fmt.Sprint(v))
			}
			want["permissions"].(map[string]any)["view"] = with
		}
		if a.many {
			want["multivalued"] = true
		}
		fields = append(fields, merge(there, want, a.name+".")...)
	}
	profile["attributes"] = declared
	return fields
}
