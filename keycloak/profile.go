package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// planProfile declares the attributes: Keycloak drops an undeclared one without an
// error. The account's owner may see them; only administrators, and so the portal,
// write them. Of an attribute that is declared already, display names, validators
// and view permissions are left alone; edit permissions are not. In a realm that
// is created, only administrators write names and address either. In an existing
// realm that is a decision of its administrators, which [Client.Check] reports.
func (c *Client) planProfile(ctx context.Context, _ Wanted) ([]Change, error) {
	var profile map[string]any
	if err := c.get(ctx, c.path("users", "profile"), &profile); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	isNew := profile == nil
	fields := declare(profile)
	if isNew {
		for _, name := range identity {
			fields = append(fields, Field{name, "", "written by [admin]"})
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	return []Change{{
		What: "user profile", Why: "Keycloak drops what is not declared, and only administrators may write a number", Fields: fields,
		apply: func(ctx context.Context) error {
			var profile map[string]any
			if _, err := c.do(ctx, http.MethodGet, c.path("users", "profile"), nil, &profile); err != nil {
				return err
			}
			declare(profile)
			for _, name := range identity {
				if there := declared(profile, name); isNew && there != nil {
					merge(there, map[string]any{"permissions": map[string]any{"edit": []string{"admin"}}}, "")
				}
			}
			return c.send(http.MethodPut, "users", "profile")(ctx, profile)
		},
	}}, nil
}

// declare puts the attributes into a user profile and returns what was missing or
// different.
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
				"name": a.name, "displayName": a.label, "multivalued": a.many,
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

// declared returns an attribute of a user profile, or nil.
func declared(profile map[string]any, name string) map[string]any {
	all, _ := profile["attributes"].([]any)
	for _, a := range all {
		if m, _ := a.(map[string]any); m["name"] == name {
			return m
		}
	}
	return nil
}

// identity lists the built-in attributes that relying parties know a person by.
// Only administrators write them in a realm that the portal creates.
var identity = []string{"email", "firstName", "lastName"}

// ownIdentity finds attributes that relying parties know a person by and that the
// person may change. The portal is not told of such a change.
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
	for _, own := range []struct{ name, why string }{
		{"email", "relying parties trust it as the university address, and a student could take another person's"},
		{"firstName", "relying parties and the console show it, and a student could take the name of another person or of a service"},
		{"lastName", "relying parties and the console show it, and a student could take the name of another person or of a service"},
	} {
		if writes(own.name) {
			found = append(found, Finding{"people may write their own " + own.name, own.why, "remove user from the roles that may edit it (Realm settings → User profile → " + own.name + ")"})
		}
	}
	if realm["editUsernameAllowed"] == true && writes("username") {
		found = append(found, Finding{"people may write their own username", "relying parties know people by it, and somebody could take another's",
			"turn Edit username off (Realm settings → Login)"})
	}
	return found, nil
}
