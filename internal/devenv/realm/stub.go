package realm

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Stub returns a Keycloak of one realm that can only count and list its accounts. user
// returns the account with an index, in the JSON form of Keycloak.
func Stub(name string, accounts int, user func(i int) map[string]any) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, body any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // an error means that the caller has disconnected
	}
	mux.HandleFunc("POST /realms/"+name+"/protocol/openid-connect/token", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"access_token": "stub", "token_type": "Bearer", "expires_in": 300})
	})
	mux.HandleFunc("GET /admin/realms/"+name+"/users/count", func(w http.ResponseWriter, _ *http.Request) { answer(w, accounts) })
	mux.HandleFunc("GET /admin/realms/"+name+"/users", func(w http.ResponseWriter, r *http.Request) {
		first, _ := strconv.Atoi(r.FormValue("first"))
		size, _ := strconv.Atoi(r.FormValue("max"))
		users := []map[string]any{}
		for i := first; i < min(accounts, first+size); i++ {
			users = append(users, user(i))
		}
		answer(w, users)
	})
	return mux
}
