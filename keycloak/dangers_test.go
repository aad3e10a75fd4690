package keycloak

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCheck_LoginsThatLockOutOrLetIn(t *testing.T) {
	const key = "webAuthnPolicyPasswordless"
	for _, c := range []struct {
		realm map[string]any
		want  []string
	}{
		{map[string]any{"bruteForceProtected": true, "failureFactor": 30.0, "permanentLockout": false}, nil},
		{map[string]any{"bruteForceProtected": false, "failureFactor": 1.0, "permanentLockout": true}, nil},
		{map[string]any{"bruteForceProtected": true, "failureFactor": 30.0, "permanentLockout": true}, []string{"an account is locked for good"}},
		{map[string]any{"bruteForceProtected": true, "failureFactor": 3.0}, []string{"an account is locked after 3 wrong passwords"}},
		{map[string]any{key + "PasskeysEnabled": false, key + "UserVerificationRequirement": "discouraged", key + "RequireResidentKey": "No"}, nil},
		{map[string]any{key + "PasskeysEnabled": true, key + "UserVerificationRequirement": "required", key + "RequireResidentKey": "Yes"}, nil},
		{map[string]any{key + "PasskeysEnabled": true, key + "UserVerificationRequirement": "discouraged"}, []string{"a passkey logs in without the PIN"}},
		{map[string]any{key + "PasskeysEnabled": true, key + "RequireResidentKey": "No"}, []string{"a passkey need not be stored"}},
	} {
		found := loginDangers(c.realm)
		for i, want := range c.want {
			if i >= len(found) || !strings.HasPrefix(found[i].String(), want) {
				t.Errorf("%v: %v, want %q", c.realm, found, c.want)
			}
		}
		if len(found) != len(c.want) {
			t.Errorf("%v: %d findings, want %d", c.realm, len(found), len(c.want))
		}
		for _, f := range found {
			if f.Why == "" || f.Do == "" {
				t.Errorf("%+v", f)
			}
		}
	}
}

// A slow search by number is told in a large realm, and only there.
func TestNotes_ASlowSearchAndTheHostOfPasskeys(t *testing.T) {
	usual := slowSearch
	t.Cleanup(func() { slowSearch = usual })
	for _, c := range []struct {
		users int
		slow  bool
		host  string
		theme string
		want  []string
	}{
		{100, true, "univ.example", "", nil},
		{9000, false, "univ.example", "entree", nil},
		{9000, true, "univ.example", "keycloak.v2", []string{"a search by number among 9000 users takes "}},
		{100, false, "", "keycloak", []string{"passkeys belong to the host of Keycloak"}},
		{100, false, "univ.example", "univ", []string{"the login theme univ may register passkeys"}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			switch {
			case strings.HasSuffix(r.URL.Path, "/token"):
				fmt.Fprint(w, `{"access_token":"x","token_type":"Bearer","expires_in":60}`)
			case strings.HasSuffix(r.URL.Path, "/users/count"):
				fmt.Fprint(w, c.users)
			case strings.HasSuffix(r.URL.Path, "/users"), strings.HasSuffix(r.URL.Path, "/required-actions"), strings.HasSuffix(r.URL.Path, "/executions"):
				fmt.Fprint(w, `[]`)
			default:
				fmt.Fprintf(w, `{"realm":"r","webAuthnPolicyPasswordlessPasskeysEnabled":true,"webAuthnPolicyPasswordlessRpId":%q,"loginTheme":%q}`, c.host, c.theme)
			}
		}))
		if slowSearch = time.Hour; c.slow {
			slowSearch = 0
		}
		client, err := NewClient(Config{URL: server.URL, Realm: "r", ClientID: "c"})
		if err != nil {
			t.Fatal(err)
		}
		notes, err := client.Notes(t.Context())
		if err != nil || len(notes) != len(c.want) || len(notes) > 0 && !strings.HasPrefix(notes[0].What, c.want[0]) {
			t.Errorf("%+v: %v, %v", c, notes, err)
		}
		server.Close()
	}
}
