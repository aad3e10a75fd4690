package keycloak_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"entree/internal/accountstest"
	"entree/internal/secret"
	"entree/keycloak"
)

// K1: a person whom a comparison has included costs one request, as in a realm without
// a history; a person whom none has included costs one search for each attribute that
// may hold the number.
func TestK1_AComparedPersonIsNotSoughtByNumber(t *testing.T) {
	var searches, creations, others atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":60}`))
		case r.Method == http.MethodGet && strings.HasPrefix(r.FormValue("q"), "studentId:"), r.Method == http.MethodGet && strings.HasPrefix(r.FormValue("q"), "supannEtuId:"):
			searches.Add(1)
			_, _ = w.Write([]byte(`[]`))
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/users"):
			creations.Add(1)
			w.Header().Set("Location", r.URL.Path+"/00000001-0000-4000-8000-000000000000")
			w.WriteHeader(http.StatusCreated)
		default:
			others.Add(1)
			_, _ = w.Write([]byte(`[]`))
		}
	}))
	defer server.Close()
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	accounts := client.Accounts("univ.example").WithNumbers(map[string][]string{"studentId": {"etudiant"}, "employeeNumber": {"personnel"}})
	for _, c := range []struct {
		seek            bool
		searches, total int64
	}{{false, 0, 1}, {true, 2, 3}} {
		searches.Store(0)
		creations.Store(0)
		others.Store(0)
		a := accountstest.New()
		a.Seek = c.seek
		if _, err := accounts.Create(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if all := searches.Load() + creations.Load() + others.Load(); searches.Load() != c.searches || all != c.total || creations.Load() != 1 {
			t.Errorf("seek %t: %d searches of %d requests, want %d of %d", c.seek, searches.Load(), all, c.searches, c.total)
		}
	}
}
