package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"entree/internal/secret"
)

// Wanted holds the settings that the portal needs of a realm.
type Wanted struct {
	DisplayName    string
	PasswordPolicy string
	Waived         []string // terms of the realm's own policy that are knowingly not checked
	LoginTheme     string   // empty: the realm keeps its theme
	Groups         []string // paths, "/etudiants/licence"
	Portal         Secret   // the portal's service account
	ENT            Secret   // the client for logins to the ENT; without a secret it is not planned
	RedirectURIs   []string // of the ENT's client
	LogoutURIs     []string
	Scope          string   // domain after the @ of eduPersonPrincipalName
	Only, Without  []string // parts that Plan and Apply are limited to, or leave out; see Parts
	Console        Secret   // the client for logins to the console; without a secret it is not planned
	ConsoleURL     string   // "https://…/admin"
	// Directory is set if accounts are kept in a directory below the realm.
	Directory *Directory
	Passkeys  *Passkeys // nil: the realm's policy for passkeys is not planned
	// Factors is set if a profile asks for second factors.
	Factors *SecondFactors
}

// Secret is the id and the secret of a confidential client.
type Secret struct {
	ID     string
	Secret secret.Text
}

// Login events are kept for six months to a year (CNIL 2021-122). The maximum
// allows another month for other ways to count.
const (
	eventsLeast = 180 * 24 * time.Hour
	eventsMost  = 400 * 24 * time.Hour
)

// languages are the languages of the portal, its mails and its theme.
var languages = []string{"fr", "en"}

// fresh returns the settings of a new realm.
func (c *Client) fresh(w Wanted) map[string]any {
	settings := map[string]any{
		"realm": c.config.Realm, "enabled": true,
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
		"supportedLocales":            languages,
		"defaultLocale":               languages[0],
		"eventsEnabled":               true,
		"eventsExpiration":            int(eventsLeast.Seconds()),
	}
	if w.LoginTheme != "" {
		settings["loginTheme"] = w.LoginTheme
	}
	return settings
}

// setting is one setting that is enforced in an existing realm. All others are
// left untouched.
type setting struct {
	name string
	want any
	why  string
}

// settings returns the enforced settings of an existing realm, given its
// present ones.
func settings(realm map[string]any, w Wanted) ([]setting, error) {
	held := []setting{
		{"registrationAllowed", false, "whoever registers by himself was never enrolled"},
		{"bruteForceProtected", true, "passwords are guessed at the login page"},
		{"duplicateEmailsAllowed", false, "an address names one person"},
		{"eventsEnabled", true, "a help desk has to see failed logins"},
	}
	kept := eventsKept(realm)
	if kept < eventsLeast && (kept != 0 || realm["eventsEnabled"] != true) { // 0: forever
		held = append(held, setting{"eventsExpiration", int(eventsLeast.Seconds()), "an attack is looked into for six months (CNIL 2021-122)"})
	}
	has, _ := realm["passwordPolicy"].(string)
	policy, err := stricter(has, w.PasswordPolicy)
	if err != nil {
		return nil, err
	}
	held = append(held, setting{"passwordPolicy", policy, "a password that is changed later should be as strong as the first one"})
	if w.LoginTheme != "" {
		held = append(held,
			setting{"loginTheme", w.LoginTheme, "whoever has no account yet finds the way on the login page"},
			setting{"internationalizationEnabled", true, "the login page speaks the visitor's language"})
		locales, _ := realm["supportedLocales"].([]any)
		with := make([]string, 0, len(locales)+len(languages))
		for _, l := range locales {
			with = append(with, fmt.Sprint(l))
		}
		for _, l := range languages {
			if !slices.Contains(with, l) {
				with = append(with, l)
			}
		}
		held = append(held, setting{"supportedLocales", with, "the portal speaks them"})
	}
	return held, nil
}

// eventsKept returns how long the realm keeps login events; 0 means forever.
func eventsKept(realm map[string]any) time.Duration {
	seconds, _ := realm["eventsExpiration"].(float64)
	return time.Duration(seconds) * time.Second
}

func (c *Client) readRealm(ctx context.Context) (realm map[string]any, err error) {
	err = c.get(ctx, c.path(), &realm)
	return realm, err
}

func (c *Client) planRealm(ctx context.Context, w Wanted) ([]Change, error) {
	realm, err := c.readRealm(ctx)
	if err != nil {
		return nil, err
	}
	if realm == nil {
		return object{
			what: "realm " + c.config.Realm, why: "it is not there", fresh: c.fresh(w), find: c.readRealm,
			create: func(ctx context.Context, body map[string]any) error {
				_, err := c.do(ctx, http.MethodPost, "", body, nil)
				return err
			},
		}.hold(ctx)
	}
	held, err := settings(realm, w)
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, s := range held {
		if !w.includesSetting(s.name) {
			continue
		}
		want := map[string]any{s.name: s.want}
		some, err := object{
			what: "setting " + s.name, why: s.why, want: want,
			find: func(context.Context) (map[string]any, error) { return map[string]any{s.name: realm[s.name]}, nil },
			// Keycloak leaves settings unchanged that a representation does not
			// name.
			update: func(ctx context.Context, _ map[string]any) error { return c.send(http.MethodPut)(ctx, want) },
		}.hold(ctx)
		if err != nil {
			return nil, err
		}
		changes = append(changes, some...)
	}
	return changes, nil
}

// planGroups plans the groups of the profiles, parents first.
func (c *Client) planGroups(ctx context.Context, w Wanted) ([]Change, error) {
	var changes []Change
	planned := map[string]bool{}
	for _, path := range w.Groups {
		names := strings.Split(strings.Trim(path, "/"), "/")
		for i := range names {
			above, name := names[:i], names[i]
			full := "/" + strings.Join(names[:i+1], "/")
			if planned[full] {
				continue
			}
			planned[full] = true
			some, err := object{
				what: "group " + full, why: "a profile puts its people there",
				find: func(ctx context.Context) (map[string]any, error) { return c.groupAt(ctx, names[:i+1]) },
				create: func(ctx context.Context, _ map[string]any) error {
					body := map[string]any{"name": name}
					if len(above) == 0 {
						return c.send(http.MethodPost, "groups")(ctx, body)
					}
					parent, err := c.groupAt(ctx, above)
					if err != nil {
						return err
					}
					return c.send(http.MethodPost, "groups", fmt.Sprint(parent["id"]), "children")(ctx, body)
				},
			}.hold(ctx)
			if err != nil {
				return nil, fmt.Errorf("read the group %s: %w", full, err)
			}
			changes = append(changes, some...)
		}
	}
	return changes, nil
}

func (c *Client) groupAt(ctx context.Context, names []string) (group map[string]any, err error) {
	err = c.get(ctx, c.path(append([]string{"group-by-path"}, names...)...), &group)
	return group, err
}
