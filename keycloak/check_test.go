package keycloak_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entree/internal/devenv/demotest"
	"entree/internal/secret"
	"entree/keycloak"
)

// finds compares findings with the beginnings of the wanted lines.
func finds(t *testing.T, who string, found []keycloak.Finding, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", who, err)
	}
	for _, w := range want {
		if !slices.ContainsFunc(lines(found), func(l string) bool { return strings.HasPrefix(l, w) }) {
			t.Errorf("%s does not find %q in\n%s", who, w, strings.Join(lines(found), "\n"))
		}
	}
	if len(found) != len(want) {
		t.Errorf("%s: %d findings, want %d:\n%s", who, len(found), len(want), strings.Join(lines(found), "\n"))
	}
	for _, f := range found {
		if f.What == "" || f.Why == "" || f.Do == "" || strings.Contains(f.String(), "\n") || strings.Contains(f.String(), portalSecret) {
			t.Errorf("%s: %q is not one line with what, why and what to do", who, f)
		}
	}
}

func TestCheck_EachDangerIsFound(t *testing.T) {
	r := newRealm(t)
	admin, self := r.as(t, demotest.Get(t).AdminPassword(t)), r.service(portalSecret)
	clean(t, r, admin)
	one := func(path string) map[string]any {
		t.Helper()
		var list []map[string]any
		r.call(http.MethodGet, path, nil, &list)
		if len(list) != 1 {
			t.Fatalf("%s: %v", path, list)
		}
		return list[0]
	}
	id := func(m map[string]any) string { return m["id"].(string) }

	r.wanted.LoginTheme = "not-installed"
	r.call(http.MethodPut, "", map[string]any{
		"registrationAllowed": true, "editUsernameAllowed": true, "bruteForceProtected": false, "eventsExpiration": 500 * 24 * 3600,
		"passwordPolicy": r.wanted.PasswordPolicy + " and regexPattern(^[^<]*$)",
	}, nil)
	var profile map[string]any
	r.call(http.MethodGet, "/users/profile", nil, &profile)
	for _, a := range profile["attributes"].([]any) {
		if a := a.(map[string]any); a["name"] == "supannEtuId" || a["name"] == "email" {
			a["permissions"].(map[string]any)["edit"] = []string{"admin", "user"}
		}
	}
	r.call(http.MethodPut, "/users/profile", profile, nil)
	management, portal, console := id(one("/clients?clientId=realm-management")), id(one("/clients?clientId=entree-portal")), id(one("/clients?clientId=entree-console"))
	var account, role map[string]any
	r.call(http.MethodGet, "/clients/"+portal+"/service-account-user", nil, &account)
	r.call(http.MethodGet, "/clients/"+management+"/roles/view-authorization", nil, &role)
	r.call(http.MethodPost, "/users/"+id(account)+"/role-mappings/clients/"+management, []any{role}, nil)
	r.call(http.MethodDelete, "/clients/"+console+"/roles/auditor", nil, nil)
	r.call(http.MethodPost, "/components", map[string]any{
		"name": "annuaire", "providerId": "ldap", "providerType": "org.keycloak.storage.UserStorageProvider",
		"config": map[string]any{
			"editMode": []string{"WRITABLE"}, "syncRegistrations": []string{"true"}, "vendor": []string{"other"}, "connectionUrl": []string{"ldap://127.0.0.1:1"},
			"usersDn": []string{"ou=people"}, "authType": []string{"none"}, "usernameLDAPAttribute": []string{"uid"}, "rdnLDAPAttribute": []string{"uid"},
			"uuidLDAPAttribute": []string{"entryUUID"}, "userObjectClasses": []string{"inetOrgPerson"},
		},
	}, nil)

	seen := []string{ // visible to the service account too
		"differs: setting registrationAllowed (registrationAllowed is true): whoever registers by himself was never enrolled; `entree realm plan`",
		"differs: setting bruteForceProtected (", "login events are kept for 500 days: ", "the password policy holds regexPattern: ",
		"differs: user profile (supannEtuId.permissions.edit is [admin, user]): ", "differs: setting loginTheme (no loginTheme): ",
		"the LDAP federation annuaire takes new accounts into the directory: ", "the LDAP federation annuaire has no read timeout: ",
		"the service account entree-portal has more than it needs (realm-management.",
		"people may write their own email: ", "people may write their own username: ",
	}
	found, err := self.CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account", found, err, seen...)
	found, err = admin.Check(t.Context(), r.wanted)
	finds(t, "the administrator", found, err, append(seen, "differs: roles of the client entree-console (no auditor): ", "Keycloak has no login theme not-installed: ")...)

	r.wanted.Waived, r.wanted.LoginTheme = []string{"regexPattern"}, ""
	r.call(http.MethodPut, "", map[string]any{"eventsEnabled": false, "registrationAllowed": false, "editUsernameAllowed": false, "bruteForceProtected": true}, nil)
	found, err = self.CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account", found, err, append([]string{"differs: setting eventsEnabled (eventsEnabled is false)"}, seen[4], seen[6], seen[7], seen[8], seen[9])...)
	r.call(http.MethodPut, "", map[string]any{"eventsEnabled": true, "eventsExpiration": 24 * 3600}, nil)
	found, err = self.CheckSelf(t.Context(), r.wanted)
	finds(t, "the service account", found, err, append([]string{"differs: setting eventsExpiration (eventsExpiration is 86400)"}, seen[4], seen[6], seen[7], seen[8], seen[9])...)

	found, err = r.service("wrong-secret-here").CheckSelf(t.Context(), r.wanted)
	finds(t, "with a wrong secret", found, err, "the portal cannot log in to Keycloak as entree-portal: ")
	r.call(http.MethodGet, "/clients/"+management+"/roles/view-realm", nil, &role)
	r.call(http.MethodDelete, "/users/"+id(account)+"/role-mappings/clients/"+management, []any{role}, nil)
	found, err = r.service(portalSecret).CheckSelf(t.Context(), r.wanted)
	finds(t, "without view-realm", found, err, "the service account entree-portal lacks a role: ")
}

// A client and a client scope with the portal's names that belong to another
// service are unchanged, and so is everything else. A client whose secret is in
// the configuration belongs to the portal.
func TestRealm_WhatIsSomebodyElsesIsNotTakenOver(t *testing.T) {
	r, admin := emptied(t)
	r.createRealm(map[string]any{})
	r.call(http.MethodPost, "/clients", map[string]any{"clientId": "entree-portal", "secret": "theirs", "redirectUris": []string{"https://other.example.org/*"}}, nil)
	r.call(http.MethodPost, "/client-scopes", map[string]any{"name": "entree", "protocol": "openid-connect", "description": "billets"}, nil)
	before := r.everything()
	changes, err := admin.Plan(t.Context(), r.wanted)
	var foreign *keycloak.Foreign
	if !errors.As(err, &foreign) || len(changes) == 0 {
		t.Fatalf("plan: %v, %d changes", err, len(changes))
	}
	for _, want := range []string{"the client entree-portal is there, was not made by the portal", "keycloak.client_id", "keycloak.client_secret", "the client scope entree is somebody else's"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	if err := admin.Apply(t.Context(), r.wanted, nil); !errors.As(err, &foreign) {
		t.Errorf("apply: %v", err)
	}
	if diff := cmp.Diff(before, r.everything()); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
	found, err := admin.Check(t.Context(), r.wanted)
	if err != nil || !slices.ContainsFunc(found, func(f keycloak.Finding) bool { return f.What == "the client entree-portal" }) {
		t.Errorf("check: %v\n%s", err, strings.Join(lines(found), "\n"))
	}
	var scopes []map[string]any
	r.call(http.MethodGet, "/client-scopes", nil, &scopes)
	for _, s := range scopes {
		if s["name"] == "entree" {
			s["name"] = "billets"
			r.call(http.MethodPut, "/client-scopes/"+s["id"].(string), s, nil)
		}
	}
	r.wanted.Portal.Secret = secret.New("theirs")
	if done := apply(t, admin, r.wanted); !strings.Contains(done, "~ client entree-portal\n    attributes.entree.managed: true\n") {
		t.Errorf("apply did\n%s", done)
	}
	r.wanted.Portal.Secret = secret.New("another one, rotated")
	if done := apply(t, admin, r.wanted); done != "~ client entree-portal\n    secret: another → the configured one\n  because the portal creates accounts through it\n" {
		t.Errorf("apply did\n%s", done)
	}
}
