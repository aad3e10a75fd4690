package keycloak_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"entree/internal/accountstest"
)

// TestTheAccountsOwnValueReachesRelyingParties checks ADR 0105: the values that are equal
// for all people of a profile are in each account, new or adopted, so that a group with
// the same attribute changes no claim of theirs. Keycloak's mappers read the group for
// an account without a value only.
func TestTheAccountsOwnValueReachesRelyingParties(t *testing.T) {
	r := newRealm(t)
	var group map[string]any
	r.call(http.MethodGet, "/group-by-path/etudiants", nil, &group)
	group["attributes"] = map[string]any{"eduPersonAffiliation": []string{"staff"}, "eduPersonPrimaryAffiliation": []string{"staff"}, "entreeProfile": []string{"personnel"}}
	r.call(http.MethodPut, "/groups/"+group["id"].(string), group, nil)
	r.call(http.MethodPost, "/clients", map[string]any{
		"clientId": "reader", "publicClient": true, "directAccessGrantsEnabled": true, "defaultClientScopes": []string{"basic", "profile", "email", "entree"},
	}, nil)
	accounts := r.accounts(r.url, 0)

	created := accountstest.New()
	created.Credential = r.hashed(strong)
	if _, err := accounts.Create(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	adopted := accountstest.New()
	r.subject(accounts).Occupy(t, adopted.Login, adopted.UniversityAddress)
	if err := accounts.Adopt(t.Context(), r.users(adopted.Login)[0].ID, adopted); err != nil {
		t.Fatal(err)
	}
	stranger := accountstest.New() // in the group, and not the portal's
	r.subject(accounts).Occupy(t, stranger.Login, stranger.UniversityAddress)
	r.call(http.MethodPut, "/users/"+r.users(stranger.Login)[0].ID+"/groups/"+group["id"].(string), nil, nil)

	for name, c := range map[string]struct{ login, password, affiliations, primary, profile, version string }{
		"a created account":             {created.Login, strong, "member,student", "student", "etudiant", "2026-09"},
		"an adopted account":            {adopted.Login, theirs, "member,student", "student", "etudiant", "2026-09"},
		"an account without own values": {stranger.Login, theirs, "staff", "staff", "personnel", ""},
	} {
		for source, claims := range r.claimsOf(c.login, c.password) {
			var affiliations []string
			list, _ := claims["eduPersonAffiliation"].([]any)
			for _, v := range list {
				affiliations = append(affiliations, v.(string))
			}
			slices.Sort(affiliations)
			version, _ := claims["entreeCharterVersion"].(string)
			if strings.Join(affiliations, ",") != c.affiliations || claims["eduPersonPrimaryAffiliation"] != c.primary || claims["entreeProfile"] != c.profile || version != c.version {
				t.Errorf("%s: the %s has %v", name, source, claims)
			}
			for claim := range claims {
				if strings.HasPrefix(claim, "entreeCharter") && claim != "entreeCharterVersion" || claim == "entreeActivationId" || strings.HasPrefix(claim, "supannMail") {
					t.Errorf("%s: the %s has the claim %s", name, source, claim)
				}
			}
		}
	}
}

// claimsOf logs in to the client "reader" and returns the claims of the ID token and of the
// userinfo endpoint.
func (r *realm) claimsOf(login, password string) map[string]map[string]any {
	r.t.Helper()
	base := r.url + "/realms/" + r.name + "/protocol/openid-connect"
	response, err := http.PostForm(base+"/token", url.Values{"grant_type": {"password"}, "client_id": {"reader"}, "scope": {"openid"}, "username": {login}, "password": {password}})
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var tokens struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil || strings.Count(tokens.ID, ".") != 2 {
		r.t.Fatalf("%s: no ID token: %s, %v", login, response.Status, err)
	}
	out := map[string]map[string]any{"ID token": {}, "userinfo": {}}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
	if err != nil {
		r.t.Fatal(err)
	}
	into := out["ID token"]
	if err := json.Unmarshal(payload, &into); err != nil {
		r.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, base+"/userinfo", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := bearer(tokens.Access).RoundTrip(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	into = out["userinfo"]
	if err := json.NewDecoder(answer.Body).Decode(&into); err != nil {
		r.t.Fatalf("%s: userinfo: %s, %v", login, answer.Status, err)
	}
	return out
}
