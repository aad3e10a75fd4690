package keycloak_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// A passkey costs five requests after the first one of a minute: the realm and the ids of
// its clients are asked for once a minute, the credentials once per passkey.
func TestAPasskeyAsksForTheRealmOnceAMinute(t *testing.T) {
	const user, mark = "11111111-1111-4111-8111-111111111111", "a1"
	var mu sync.Mutex
	asked := map[string]int{}
	away, gone := false, false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		path, _ := strings.CutPrefix(r.URL.Path, "/admin/realms/univ")
		asked[r.Method+" "+path]++
		var answer any = []any{}
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			answer = map[string]any{"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
		case away:
			w.WriteHeader(http.StatusServiceUnavailable)
		case gone && strings.Contains(path, "/role-mappings/clients/"):
			w.WriteHeader(http.StatusNotFound)
		case path == "":
			answer = map[string]any{"webAuthnPolicyPasswordlessPasskeysEnabled": true, "webAuthnPolicyPasswordlessRpId": "univ.example"}
		case path == "/clients":
			answer = []any{map[string]any{"id": "c1"}}
		case path == "/users/"+user && r.Method == http.MethodGet:
			answer = map[string]any{"id": user, "enabled": true, "attributes": map[string]any{"entreeActivationId": []string{mark}}}
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "univ", ClientID: "entree-portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)
	accounts := client.Accounts("univ.example").WithNumbers(nil)
	accounts.Clock = func() time.Time { return now }
	count := func(what string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[what]
	}
	set := func(flag *bool, to bool) {
		mu.Lock()
		defer mu.Unlock()
		*flag = to
	}
	passkey := func() error {
		_, err := accounts.RelyingParty(t.Context())
		return errors.Join(err, accounts.AddPasskey(t.Context(), domain.AccountRef{ID: user, ActivationID: mark}, domain.Passkey{ID: []byte("k"), PublicKey: []byte("p")}))
	}
	set(&away, true)
	if _, err := accounts.RelyingParty(t.Context()); err == nil {
		t.Error("a realm that is away has a relying party")
	}
	set(&away, false)
	for range 3 {
		if err := passkey(); err != nil {
			t.Fatal(err)
		}
	}
	if realm, clients := count("GET "), count("GET /clients"); realm != 2 || clients != 1 { // the first answer was an error
		t.Errorf("three passkeys asked for the realm %d times and for its client %d times", realm, clients)
	}
	if stored := count("GET /users/" + user + "/credentials"); stored != 3 {
		t.Errorf("three passkeys asked for the credentials %d times", stored)
	}
	set(&gone, true) // the client was made anew
	if err := passkey(); err == nil {
		t.Error("a user whose rights are unknown was changed")
	}
	set(&gone, false)
	now = now.Add(time.Minute)
	if err := passkey(); err != nil {
		t.Fatal(err)
	}
	if realm, clients := count("GET "), count("GET /clients"); realm != 3 || clients != 2 {
		t.Errorf("a minute later the realm was asked for %d times and its client %d times", realm, clients)
	}
}
