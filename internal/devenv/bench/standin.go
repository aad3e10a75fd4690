package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// StandIn is a stub of Keycloak that answers at once and only counts users, so
// that the portal's own cost and the hash remain. Its realm asks for Argon2id, the
// cheapest hash that the portal computes: the caller measures it and leaves it out.
type StandIn struct {
	mux   *http.ServeMux
	users atomic.Int64
}

// NewStandIn returns a stub for a realm.
func NewStandIn(realm string) *StandIn {
	s := &StandIn{mux: http.NewServeMux()}
	answer := func(body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body) // an error means that the caller has disconnected
		}
	}
	s.mux.HandleFunc("POST /realms/"+realm+"/protocol/openid-connect/token", answer(map[string]any{"access_token": "stand-in", "token_type": "Bearer", "expires_in": 300}))
	s.mux.HandleFunc("GET /admin/realms/"+realm, answer(map[string]any{"realm": realm, "passwordPolicy": "hashAlgorithm(argon2)"}))
	s.mux.HandleFunc("GET /admin/realms/"+realm+"/users", answer([]any{})) // no user exists yet
	s.mux.HandleFunc("POST /admin/realms/"+realm+"/users", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", fmt.Sprintf("%s/%08d-0000-4000-8000-000000000000", r.URL.Path, s.users.Add(1)))
		w.WriteHeader(http.StatusCreated)
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *StandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Users returns the number of created users.
func (s *StandIn) Users() int { return int(s.users.Load()) }
