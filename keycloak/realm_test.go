package keycloak_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entree/internal/accountstest"
	"entree/internal/devenv/demotest"
	"entree/internal/secret"
	"entree/keycloak"
)

// emptied returns a realm that does not exist yet, and a client of the
// administrator.
func emptied(t *testing.T) (*realm, *keycloak.Client) {
	t.Helper()
	r := unplannedRealm(t)
	return r, r.as(t, demotest.Get(t).AdminPassword(t))
}

func told(changes []keycloak.Change) string {
	var b strings.Builder
	for _, c := range changes {
		b.WriteString(c.String())
	}
	return b.String()
}

// apply applies the plan and returns the changes that it reported.
func apply(t *testing.T, admin *keycloak.Client, want keycloak.Wanted) string {
	t.Helper()
	var done []keycloak.Change
	if err := admin.Apply(t.Context(), want, func(c keycloak.Change) { done = append(done, c) }); err != nil {
		t.Fatalf("apply: %v, after\n%s", err, told(done))
	}
	return told(done)
}

func lines(found []keycloak.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, f.String())
	}
	return out
}

// clean fails if the administrator or the service account has findings.
func clean(t *testing.T, r *realm, admin *keycloak.Client) {
	t.Helper()
	for who, check := range map[string]func() ([]keycloak.Finding, error){
		"the administrator":   func() ([]keycloak.Finding, error) { return admin.Check(t.Context(), r.wanted) },
		"the service account": func() ([]keycloak.Finding, error) { return r.service(portalSecret).CheckSelf(t.Context(), r.wanted) },
	} {
		if found, err := check(); err != nil || len(found) > 0 {
			t.Errorf("%s finds %v\n%s", who, err, strings.Join(lines(found), "\n"))
		}
	}
}

func (r *realm) service(password string) *keycloak.Client {
	r.t.Helper()
	c, err := keycloak.NewClient(keycloak.Config{URL: r.url, Realm: r.name, ClientID: "entree-portal", ClientSecret: secret.New(password)})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// In an empty Keycloak, apply makes exactly the changes that plan showed, and a
// second apply makes none.
func TestRealm_AnEmptyKeycloak(t *testing.T) {
	r, admin := emptied(t)
	r.wanted.Groups = []string{"/etudiants/licence", "/etudiants/master", "/personnels"}
	found, err := admin.Check(t.Context(), r.wanted)
	if err != nil || !slices.ContainsFunc(lines(found), func(l string) bool { return strings.HasPrefix(l, "missing: realm "+r.name+": ") }) {
		t.Errorf("check: %v\n%v", err, lines(found))
	}
	if found, err := r.service(portalSecret).CheckSelf(t.Context(), r.wanted); err != nil || len(found) != 1 || found[0].What != "missing: realm "+r.name {
		t.Errorf("the service account: %v\n%v", err, lines(found))
	}
	changes, err := admin.Plan(t.Context(), r.wanted)
	if err != nil {
		t.Fatal(err)
	}
	plan := told(changes)
	for _, want := range []string{
		"+ realm " + r.name + "\n", "    bruteForceProtected: true\n", "+ group /etudiants\n", "+ group /etudiants/licence\n", "+ client scope entree\n",
		"    supannEtuId: declared, seen by [admin, user], written by [admin]\n", "    email: written by [admin]\n", "    mail: from email\n", "    secret: the configured one\n",
		"+ roles of the service account entree-portal\n    manage-users: of realm-management\n    view-realm: of realm-management\n",
		"+ roles of the client entree-console\n    admin:", "  because relying parties read attributes through it\n",
	} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan lacks %q", want)
		}
	}
	if strings.Contains(plan, portalSecret) {
		t.Error("the plan shows a secret")
	}
	if diff := cmp.Diff(plan, apply(t, admin, r.wanted)); diff != "" {
		t.Errorf("apply did something else than the plan (-planned +done):\n%s", diff)
	}
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("applying again does\n%s", again)
	}
	clean(t, r, admin)
	a := accountstest.New()
	a.Groups = []string{"/etudiants/licence"}
	if _, err := r.accounts(r.url, 0).Create(t.Context(), a); err != nil {
		t.Errorf("no account can be made: %v", err)
	}
}

// everything returns the contents of a realm without the counters that Keycloak
// changes itself.
func (r *realm) everything() map[string]any {
	out := map[string]any{}
	for name, path := range map[string]string{
		"realm": "", "clients": "/clients?max=1000", "scopes": "/client-scopes", "roles": "/roles", "groups": "/groups?search=&briefRepresentation=false",
		"profile": "/users/profile", "users": "/users?briefRepresentation=false&max=1000", "components": "/components", "flows": "/authentication/flows",
	} {
		var v any
		r.call(http.MethodGet, path, nil, &v)
		out[name] = v
	}
	return out
}

// lost returns the values of before that are missing or different in after.
// Members of lists are matched by their names.
func lost(at string, before, after any) []string {
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		var out []string
		for k, v := range b {
			out = append(out, lost(at+"."+k, v, a[k])...)
		}
		return out
	case []any:
		a, _ := after.([]any)
		var out []string
		for i, v := range b {
			name := nameOf(v)
			j := slices.IndexFunc(a, func(o any) bool { return nameOf(o) == name })
			if j < 0 {
				out = append(out, fmt.Sprintf("%s: %s is gone", at, name))
				continue
			}
			out = append(out, lost(fmt.Sprintf("%s[%d %s]", at, i, name), v, a[j])...)
		}
		return out
	}
	if diff := cmp.Diff(before, after); diff != "" {
		return []string{fmt.Sprintf("%s: %v → %v", at, before, after)}
	}
	return nil
}

func nameOf(v any) string {
	if m, ok := v.(map[string]any); ok {
		for _, key := range []string{"id", "clientId", "name", "alias"} {
			if s, ok := m[key].(string); ok {
				return s
			}
		}
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

// used fills a realm as an institution might have it after some years.
func (r *realm) used() {
	post := func(path string, body map[string]any) { r.call(http.MethodPost, path, body, nil) }
	r.createRealm(map[string]any{
		"displayName": "Université", "displayNameHtml": "<b>Université</b>", "passwordPolicy": "length(20) and specialChars(1) and passwordHistory(5)",
		"loginTheme": "keycloak", "ssoSessionIdleTimeout": 1234, "rememberMe": true, "resetPasswordAllowed": true, "eventsEnabled": true,
		"eventsExpiration": 365 * 24 * 3600, "enabledEventTypes": []string{"LOGIN", "LOGIN_ERROR"}, "internationalizationEnabled": true,
		"supportedLocales": []string{"fr", "de"}, "defaultLocale": "fr", "smtpServer": map[string]any{"host": "smtp.example.org", "from": "a@example.org"},
		"attributes": map[string]any{"their.own": "kept"},
	})
	var profile map[string]any
	r.call(http.MethodGet, "/users/profile", nil, &profile)
	profile["groups"] = []any{map[string]any{"name": "scolarite", "displayHeader": "Scolarité"}}
	profile["attributes"] = append(profile["attributes"].([]any),
		map[string]any{
			"name": "badge", "displayName": "Badge", "group": "scolarite", "validations": map[string]any{"pattern": map[string]any{"pattern": "^[0-9]+$", "error-message": "chiffres"}},
			"permissions": map[string]any{"view": []string{"admin", "user"}, "edit": []string{"admin", "user"}}, "annotations": map[string]any{"inputType": "text"},
		},
		map[string]any{ // an attribute of the portal that the student may write
			"name": "supannEtuId", "displayName": "N° étudiant", "group": "scolarite", "validations": map[string]any{"length": map[string]any{"max": 20}},
			"permissions": map[string]any{"view": []string{"user"}, "edit": []string{"admin", "user"}},
		})
	r.call(http.MethodPut, "/users/profile", profile, nil)
	post("/roles", map[string]any{"name": "bibliothèque", "description": "leur rôle"})
	post("/groups", map[string]any{"name": "etudiants", "attributes": map[string]any{"quota": []string{"5G"}}})
	post("/groups", map[string]any{"name": "anciens"})
	post("/client-scopes", map[string]any{"name": "leur-scope", "protocol": "openid-connect", "protocolMappers": []any{map[string]any{
		"name": "badge", "protocol": "openid-connect", "protocolMapper": "oidc-usermodel-attribute-mapper",
		"config": map[string]any{"user.attribute": "badge", "claim.name": "badge", "id.token.claim": "true"},
	}}})
	post("/clients", map[string]any{
		"clientId": "moodle", "secret": "moodle-secret", "redirectUris": []string{"https://moodle.example.org/*"}, "defaultClientScopes": []string{"leur-scope", "email"},
		"attributes": map[string]any{"their.own": "kept"},
	})
	post("/users", map[string]any{
		"username": "anne", "email": "anne@example.org", "firstName": "Anne", "lastName": "Roy", "enabled": true, "groups": []string{"/anciens"},
		"attributes":  map[string]any{"badge": []string{"12"}, "supannEtuId": []string{"22500001"}},
		"credentials": []any{map[string]any{"type": "password", "value": theirs + "-Longer", "temporary": false}},
	})
}

// In an existing realm, missing settings are added, one is corrected, and all
// others are unchanged.
func TestRealm_AUsedOneLosesNothing(t *testing.T) {
	r, admin := emptied(t)
	r.used()
	r.wanted.Groups, r.wanted.LoginTheme = []string{"/etudiants/licence"}, "keycloak.v2"
	before := r.everything()
	changes, err := admin.Plan(t.Context(), r.wanted)
	if err != nil {
		t.Fatal(err)
	}
	plan := told(changes)
	for _, want := range []string{
		"~ setting loginTheme\n    loginTheme: keycloak → keycloak.v2\n", "~ setting supportedLocales\n    supportedLocales: [de, fr] → [de, en, fr]\n",
		"    supannEtuId.permissions.edit: [admin, user] → [admin]\n", "    supannEtuId.permissions.view: [user] → [admin, user]\n",
		"+ group /etudiants/licence\n", "~ setting bruteForceProtected\n    bruteForceProtected: false → true\n  because passwords are guessed",
	} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan lacks %q:\n%s", want, plan)
		}
	}
	if strings.Contains(plan, "moodle") || strings.Contains(plan, "+ group /etudiants\n") || strings.Contains(plan, "eventsExpiration") {
		t.Errorf("the plan touches what is theirs, or enough:\n%s", plan)
	}
	if diff := cmp.Diff(before, r.everything()); diff != "" {
		t.Errorf("planning changed something:\n%s", diff)
	}
	if diff := cmp.Diff(plan, apply(t, admin, r.wanted)); diff != "" {
		t.Errorf("apply did something else than the plan (-planned +done):\n%s", diff)
	}
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("applying again does\n%s", again)
	}
	meant := []string{ // the changes of the plan and their consequences
		"realm.bruteForceProtected:", "realm.loginTheme:", "realm.passwordPolicy:", "supannEtuId].permissions.", `supannEtuId].permissions.edit: "user" is gone`, "subGroupCount:",
		".config.kc.user.profile.config:", // the profile again, as text
	}
	for _, line := range lost("", before, r.everything()) {
		if !slices.ContainsFunc(meant, func(m string) bool { return strings.Contains(line, m) }) {
			t.Errorf("lost: %s", line)
		}
	}
	if !r.canLogIn("anne", theirs+"-Longer") {
		t.Error("somebody who was there can no longer log in")
	}
	found, err := admin.Check(t.Context(), r.wanted)
	// R9: found, and left to the administrators of a realm in use.
	finds(t, "the administrator", found, err, "people may write their own email: ", "people may write their own firstName: ", "people may write their own lastName: ")
	var profile map[string]any
	r.call(http.MethodGet, "/users/profile", nil, &profile)
	for _, a := range profile["attributes"].([]any) {
		if a := a.(map[string]any); slices.Contains([]any{"email", "firstName", "lastName"}, a["name"]) {
			a["permissions"].(map[string]any)["edit"] = []string{"admin"}
		}
	}
	r.call(http.MethodPut, "/users/profile", profile, nil)
	clean(t, r, admin)
}

// Factors that profiles ask for: the plan makes Keycloak's own flow ask for them, and a
// required one gives the client of the ENT a flow with levels. A flow of the university
// is left alone, and the check says what it lacks.
func TestRealm_SecondFactors(t *testing.T) {
	r, admin := emptied(t)
	apply(t, admin, r.wanted)
	notes, err := admin.Notes(t.Context())
	if err != nil || !slices.ContainsFunc(lines(notes), func(l string) bool {
		return strings.HasPrefix(l, "factors can be registered and are never asked for in the flow browser (") && strings.Contains(l, "webauthn-register") && !strings.Contains(l, "CONFIGURE_TOTP")
	}) {
		t.Errorf("notes: %v\n%v", err, lines(notes))
	}
	requirements := func(flow string) map[string]string {
		var has []struct{ ProviderID, Requirement string }
		r.call(http.MethodGet, "/authentication/flows/"+flow+"/executions", nil, &has)
		out := map[string]string{}
		for _, e := range has {
			out[e.ProviderID] = e.Requirement
		}
		return out
	}
	order := func() (names []string) {
		var has []struct{ DisplayName string }
		r.call(http.MethodGet, "/authentication/flows/browser/executions", nil, &has)
		for _, e := range has {
			names = append(names, e.DisplayName)
		}
		return names
	}
	before := order()

	r.wanted.Factors = &keycloak.SecondFactors{}
	done := apply(t, admin, r.wanted)
	if !strings.Contains(done, "~ execution webauthn-authenticator of the flow browser\n    requirement: DISABLED → ALTERNATIVE\n") || strings.Contains(done, "entree-browser") {
		t.Errorf("offered:\n%s", done)
	}
	if got := requirements("browser"); got["webauthn-authenticator"] != "ALTERNATIVE" || got["auth-recovery-authn-code-form"] != "ALTERNATIVE" || got["auth-otp-form"] != "ALTERNATIVE" {
		t.Errorf("the browser flow: %v", got)
	}
	if diff := cmp.Diff(before, order()); diff != "" {
		t.Errorf("the order of the flow (-before +after):\n%s", diff)
	}
	clean(t, r, admin)
	if notes, err := admin.Notes(t.Context()); err != nil || slices.ContainsFunc(lines(notes), func(l string) bool { return strings.Contains(l, "never asked") }) {
		t.Errorf("notes: %v\n%v", err, lines(notes))
	}

	r.wanted.Factors.Required = true
	found, err := r.service(portalSecret).CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account, before apply", found, err, "missing: flow entree-browser", "missing: claims of the client entree-ent", "differs: login of the client entree-ent")
	if done := apply(t, admin, r.wanted); !strings.Contains(done, "+ flow entree-browser\n") || !strings.Contains(done, "amr: from the executions of the login\n") || !strings.Contains(done, "~ login of the client entree-ent\n") ||
		!strings.Contains(done, "users who exist: those with a required second factor who have none must register one") || strings.Contains(done, "are asked for it") {
		t.Errorf("required:\n%s", done)
	}
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("applying again does\n%s", again)
	}
	clean(t, r, admin)
	// An edited configuration changes what a level is worth.
	type execution struct{ ID, AuthenticationConfig, ProviderID string }
	var executions []execution
	r.call(http.MethodGet, "/authentication/flows/entree-browser/executions", nil, &executions)
	level := slices.IndexFunc(executions, func(e execution) bool { return e.ProviderID == "conditional-level-of-authentication" })
	var config map[string]any
	path := "/authentication/config/" + executions[level].AuthenticationConfig
	r.call(http.MethodGet, path, nil, &config)
	config["config"].(map[string]any)["loa-condition-level"] = "2"
	r.call(http.MethodPut, path, config, nil)
	const edited = "the flow entree-browser: differs from the flow that the portal makes"
	found, err = admin.Check(t.Context(), r.wanted)
	finds(t, "the administrator", found, err, edited)
	found, err = r.service(portalSecret).CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account", found, err, edited)
	config["config"].(map[string]any)["loa-condition-level"] = "1"
	r.call(http.MethodPut, path, config, nil)
	clean(t, r, admin)
	// A password that counts as a second factor in the claim amr.
	form := slices.IndexFunc(executions, func(e execution) bool { return e.ProviderID == "auth-username-password-form" })
	r.call(http.MethodPost, "/authentication/executions/"+executions[form].ID+"/config", map[string]any{
		"alias": "edited", "config": map[string]string{"default.reference.value": "mfa", "default.reference.maxAge": "60"},
	}, nil)
	found, err = r.service(portalSecret).CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account", found, err, edited)
	r.call(http.MethodGet, "/authentication/flows/entree-browser/executions", nil, &executions)
	r.call(http.MethodDelete, "/authentication/config/"+executions[form].AuthenticationConfig, nil, nil)
	clean(t, r, admin)

	var clients []map[string]any
	r.call(http.MethodGet, "/clients?clientId=entree-ent", nil, &clients)
	if attributes, _ := clients[0]["attributes"].(map[string]any); attributes["acr.loa.map"] != `{"pwd":1,"mfa":2}` || clients[0]["authenticationFlowBindingOverrides"].(map[string]any)["browser"] == nil {
		t.Errorf("the client: %v", clients[0])
	}
	var realm map[string]any
	r.call(http.MethodGet, "", nil, &realm)
	if realm["browserFlow"] != "browser" {
		t.Errorf("the realm's flow became %v", realm["browserFlow"])
	}

	r.wanted.Factors.Required = false
	if done := apply(t, admin, r.wanted); !strings.Contains(done, "no profile requires a second factor any more") ||
		!strings.Contains(done, "users who exist: they log in through the realm's flow again") {
		t.Errorf("no longer required:\n%s", done)
	}
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("applying again does\n%s", again)
	}

	r.call(http.MethodPost, "/authentication/flows/direct%20grant/copy", map[string]any{"newName": "theirs"}, nil)
	r.call(http.MethodPut, "", map[string]any{"browserFlow": "theirs"}, nil)
	if again := apply(t, admin, r.wanted); again != "" {
		t.Errorf("a flow of the university is changed:\n%s", again)
	}
	if found, err = admin.Check(t.Context(), r.wanted); err != nil || !slices.ContainsFunc(lines(found), func(l string) bool { return strings.Contains(l, "never asked for in the flow theirs") }) {
		t.Errorf("check: %v\n%v", err, lines(found))
	}
}
