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
// are left alone; who writes it is not. In a realm that is made anew people do
// not write their own address either; in one with a history that is somebody's
// decision, which [Client.Check] tells of.
func (c *Client) planProfile(ctx context.Context, _ Wanted) ([]Change, error) {
	var profile map[string]any
	if err := c.get(ctx, c.path("users", "profile"), &profile); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	isNew := profile == nil
	fields := declare(profile)
	if isNew {
		fields = append(fields, Field{"email", "", "written by [admin]"})
	}
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
			if email := declared(profile, "email"); isNew && email != nil {
				merge(email, map[string]any{"permissions": map[string]any{"edit": []string{"admin"}}}, "")
			}
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
	all, _ := profile["attributes"].([]any)
	var fields []Field
	for _, a := range attributes {
		there := declared(profile, a.name)
		if there == nil {
			fields = append(fields, Field{a.name, "", "declared, seen by [admin, user], written by [admin]"})
			all = append(all, map[string]any{
				"name": a.name, "displayName": a.fr, "multivalued": a.many,
				"permissions": map[string]any{"view": []string{"admin", "user"}, "edit": []string{"admin"}},
			})
			continue
		}
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
	profile["attributes"] = all
	return fields
}

// declared gives an attribute of a user profile; nil: there is none.
func declared(profile map[string]any, name string) map[string]any {
	all, _ := profile["attributes"].([]any)
	for _, a := range all {
		if m, _ := a.(map[string]any); m["name"] == name {
			return m
		}
	}
	return nil
}

// ownIdentity tells where people may write themselves what relying parties know
// them by: it is theirs to trust, and the portal does not see it change.
func (c *Client) ownIdentity(ctx context.Context, _ Wanted, realm map[string]any) ([]Finding, error) {
	var profile map[string]any
	if err := c.get(ctx, c.path("users", "profile"), &profile); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	writes := func(name string) bool {
		permissions, _ := declared(profile, name)["permissions"].(map[string]any)
		edit, _ := permissions["edit"].([]any)
		return slices.Contains(edit, any("user"))
	}
	var found []Finding
	if writes("email") {
		found = append(found, Finding{"people may write their own email", "relying parties trust it as the university address, and somebody could take another's",
			"take user out of who may edit it (Realm settings → User profile → email)"})
	}
	if realm["editUsernameAllowed"] == true && writes("username") {
		found = append(found, Finding{"people may write their own username", "relying parties know people by it, and somebody could take another's",
			"turn Edit username off (Realm settings → Login)"})
	}
	return found, nil
}
