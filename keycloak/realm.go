package keycloak

import (
	"context"
	"fmt"
	"net/http"

	"entree/secret"
)

// Wanted is what the portal needs of a realm.
type Wanted struct {
	DisplayName    string
	PasswordPolicy string
	Groups         []string // paths, "/etudiants"; one level is made
	Portal         Secret   // the portal's service account
	ENT            Secret   // the client that people log in to the ENT with
	RedirectURIs   []string // of the ENT's client
	LogoutURIs     []string
	Console        Secret // the client that operators log in with; without a secret none is wanted
	ConsoleURL     string // "https://…/admin"
}

// Secret is a confidential client's id and secret.
type Secret struct {
	ID     string
	Secret secret.Text
}

// Change is one thing to do to a realm, and why.
type Change struct {
	What, Why string
	apply     func(context.Context) error
}

// Plan compares the realm with what is wanted and gives what would have to
// change, nothing where all of it is there. It changes nothing. What the
// portal does not need is not looked at.
func (c *Client) Plan(ctx context.Context, w Wanted) ([]Change, error) {
	var realm map[string]any
	_, err := c.do(ctx, http.MethodGet, c.path(), nil, &realm)
	if status(err) == http.StatusNotFound {
		return []Change{{"create the realm " + c.config.Realm, "it is not there", func(ctx context.Context) error {
			body := c.settings(w)
			body["realm"], body["enabled"] = c.config.Realm, true
			_, err := c.do(ctx, http.MethodPost, "", body, nil)
			return err
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, plan := range []func(context.Context, Wanted) ([]Change, error){
		func(context.Context, Wanted) ([]Change, error) { return c.planSettings(realm, w) },
		c.planProfile, c.planGroups, c.planScope, c.planPortal, c.planENT, c.planConsole,
	} {
		some, err := plan(ctx, w)
		if err != nil {
			return nil, err
		}
		changes = append(changes, some...)
	}
	return changes, nil
}

// Apply does what Plan finds until it finds nothing: a client has to be there
// before its roles can be given.
func (c *Client) Apply(ctx context.Context, w Wanted, tell func(Change)) error {
	const rounds = 5
	for range rounds {
		changes, err := c.Plan(ctx, w)
		if err != nil || len(changes) == 0 {
			return err
		}
		for _, change := range changes {
			if tell != nil {
				tell(change)
			}
			if err := change.apply(ctx); err != nil {
				return fmt.Errorf("%s: %w", change.What, err)
			}
		}
	}
	return fmt.Errorf("keycloak: the realm still differs after %d rounds", rounds)
}

// settings are those of a realm that is made anew.
func (c *Client) settings(w Wanted) map[string]any {
	return map[string]any{
		"displayName":                 w.DisplayName,
		"passwordPolicy":              w.PasswordPolicy,
		"registrationAllowed":         false,
		"bruteForceProtected":         true,
		"loginWithEmailAllowed":       true,
		"duplicateEmailsAllowed":      false,
		"resetPasswordAllowed":        false,
		"editUsernameAllowed":         false,
		"sslRequired":                 "external",
		"internationalizationEnabled": true,
		"supportedLocales":            []string{"en", "fr"},
		"defaultLocale":               "fr",
		"eventsEnabled":               true,
		"eventsExpiration":            180 * 24 * 3600, // six months (CNIL 2021-122)
	}
}

// held are the settings that a realm with a history is held to; its others are
// its own affair.
var held = []struct {
	name string
	want bool
	why  string
}{
	{"registrationAllowed", false, "whoever registers by himself was never enrolled"},
	{"bruteForceProtected", true, "passwords are guessed at the login page"},
	{"duplicateEmailsAllowed", false, "an address names one person"},
	{"eventsEnabled", true, "a help desk has to see failed logins"},
}

func (c *Client) planSettings(realm map[string]any, w Wanted) ([]Change, error) {
	var changes []Change
	set := func(name string, want any, why string) {
		changes = append(changes, Change{fmt.Sprintf("set %s to %v", name, want), why, func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPut, c.path(), map[string]any{name: want}, nil)
			return err
		}})
	}
	for _, h := range held {
		if realm[h.name] != h.want {
			set(h.name, h.want, h.why)
		}
	}
	has, _ := realm["passwordPolicy"].(string)
	policy, err := stricter(has, w.PasswordPolicy)
	if err != nil {
		return nil, err
	}
	if policy != has {
		set("passwordPolicy", policy, "a password that is changed later should be as strong as the first one")
	}
	return changes, nil
}

// planProfile declares the attributes: an undeclared one is dropped in
// silence. Their person sees them; only an administrator, and so the portal,
// writes them.
func (c *Client) planProfile(ctx context.Context, _ Wanted) ([]Change, error) {
	var profile map[string]any
	if _, err := c.do(ctx, http.MethodGet, c.path("users", "profile"), nil, &profile); err != nil {
		return nil, fmt.Errorf("read the user profile: %w", err)
	}
	declared, _ := profile["attributes"].([]any)
	there := map[string]bool{}
	for _, d := range declared {
		if m, ok := d.(map[string]any); ok {
			there[fmt.Sprint(m["name"])] = true
		}
	}
	missing := ""
	for _, a := range attributes {
		if there[a.name] {
			continue
		}
		missing += " " + a.name
		declared = append(declared, map[string]any{
			"name": a.name, "displayName": a.fr, "multivalued": a.many,
			"permissions": map[string]any{"view": []string{"admin", "user"}, "edit": []string{"admin"}},
		})
	}
	if missing == "" {
		return nil, nil
	}
	profile["attributes"] = declared
	return []Change{{"declare the attributes" + missing, "Keycloak drops what is not declared", func(ctx context.Context) error {
		_, err := c.do(ctx, http.MethodPut, c.path("users", "profile"), profile, nil)
		return err
	}}}, nil
}

func (c *Client) planGroups(ctx context.Context, w Wanted) ([]Change, error) {
	var groups []struct{ Path string }
	if _, err := c.do(ctx, http.MethodGet, c.path("groups")+"?max=10000&briefRepresentation=true", nil, &groups); err != nil {
		return nil, fmt.Errorf("read the groups: %w", err)
	}
	there := map[string]bool{}
	for _, g := range groups {
		there[g.Path] = true
	}
	var changes []Change
	for _, path := range w.Groups {
		if there[path] {
			continue
		}
		there[path] = true
		changes = append(changes, Change{"create the group " + path, "a profile puts its people there", func(ctx context.Context) error {
			_, err := c.do(ctx, http.MethodPost, c.path("groups"), map[string]any{"name": path[1:]}, nil)
			return err
		}})
	}
	return changes, nil
}
