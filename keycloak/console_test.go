package keycloak_test

import (
	"net/http"
	"slices"
	"testing"

	"entree/internal/devenv/demotest"
	"entree/internal/secret"
	"entree/keycloak"
)

// The console reads of an operator the same roles that Keycloak puts into the
// ID token.
func TestConsole_TheIDTokenCarriesTheRoles(t *testing.T) {
	r := commonRealm(t)
	admin := r.as(t, demotest.Get(t).AdminPassword(t))
	for range 2 { // adding again changes nothing
		for login, role := range map[string]string{"anne": "helpdesk", "bob": "auditor"} {
			o := keycloak.Operator{Login: login, Email: login + "@example.org", GivenName: "A", FamilyName: "B", Role: role, Password: secret.New(strong)}
			if err := admin.AddOperator(t.Context(), "entree-console", o); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.call(http.MethodPost, "/users", map[string]any{"username": "nobody", "email": "nobody@example.org", "firstName": "A", "lastName": "B", "enabled": true}, nil)
	var clients []struct{ ID string }
	r.call(http.MethodGet, "/clients?clientId=entree-console", nil, &clients)
	for login, want := range map[string][]string{"anne": {"helpdesk"}, "bob": {"auditor"}, "nobody": nil} {
		var token struct{ EntreeRoles []string }
		r.call(http.MethodGet, "/clients/"+clients[0].ID+"/evaluate-scopes/generate-example-id-token?scope=openid&userId="+r.users(login)[0].ID, nil, &token)
		if !slices.Equal(token.EntreeRoles, want) {
			t.Errorf("%s has the roles %v, want %v", login, token.EntreeRoles, want)
		}
	}
}
