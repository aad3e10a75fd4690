package bench

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// StandIn is a stub of Keycloak that answers at once and only keeps users, each
// name once, so that the portal's own cost and the hash remain. Its realm asks for Argon2id, the
// cheapest hash that the portal computes: the caller measures it and leaves it out.
type StandIn struct {
	// After is the time until it creates a user; 0: at once.
	After time.Duration

	mux   *http.ServeMux
	mu    sync.Mutex
	users map[string]map[string]any // by user name
}

// NewStandIn returns a stub for a realm.
func NewStandIn(realm string) *StandIn {
	s := &StandIn{mux: http.NewServeMux(), users: map[string]map[string]any{}}
	answer := func(body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body) // an error means that the caller has disconnected
		}
	}
	s.mux.HandleFunc("POST /realms/"+realm+"/protocol/openid-connect/token", answer(map[string]any{"access_token": "stand-in", "token_type": "Bearer", "expires_in": 300}))
	s.mux.HandleFunc("GET /admin/realms/"+realm, answer(map[string]any{"realm": realm, "passwordPolicy": "hashAlgorithm(argon2)"}))
	s.mux.HandleFunc("GET /admin/realms/"+realm+"/users", func(w http.ResponseWriter, r *http.Request) {
		found := []any{}
		if u, ok := s.user(r.URL.Query().Get("username")); ok {
			found = append(found, u)
		}
		answer(found)(w, r)
	})
	s.mux.HandleFunc("POST /admin/realms/"+realm+"/users", s.create)
	return s
}

// ServeHTTP implements http.Handler.
func (s *StandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// create creates a user. Like Keycloak it refuses a second one with the same name, which
// a portal asks for that has not seen the first answer.
func (s *StandIn) create(w http.ResponseWriter, r *http.Request) {
	time.Sleep(s.After)
	user := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&user); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	name, _ := user["username"].(string)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.users[name]; ok {
		w.WriteHeader(http.StatusConflict)
		return
	}
	id := fmt.Sprintf("%08d-0000-4000-8000-000000000000", len(s.users)+1)
	user["id"], s.users[name] = id, user
	w.Header().Set("Location", r.URL.Path+"/"+id)
	w.WriteHeader(http.StatusCreated)
}

func (s *StandIn) user(name string) (map[string]any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[name]
	return u, ok
}

// Has reports whether a user with this name was created.
func (s *StandIn) Has(name string) bool { _, ok := s.user(name); return ok }

// Users returns the number of created users.
func (s *StandIn) Users() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.users)
}
