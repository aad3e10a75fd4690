package keycloak_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// K1: a Keycloak that is too slow for a page, or answers 504, is asked for smaller ones:
// every account comes. One that answers no page at all ends the reading with an error.
func TestK1_ABusyKeycloakIsAskedForSmallerPages(t *testing.T) {
	const users = 230
	for name, busy := range map[string]func(http.ResponseWriter, *http.Request){
		"504":             func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) },
		"nothing in time": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		for most, ends := range map[int]bool{60: true, 20: true, 0: false} {
			t.Run(fmt.Sprint(name, ", at most ", most), func(t *testing.T) {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/token") {
						w.Header().Set("Content-Type", "application/json")
						_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":60}`))
						return
					}
					first, _ := strconv.Atoi(r.URL.Query().Get("first"))
					n, _ := strconv.Atoi(r.URL.Query().Get("max"))
					if n > most {
						busy(w, r)
						return
					}
					page := []map[string]any{}
					for i := first; i < min(first+n, users); i++ {
						page = append(page, map[string]any{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "username": fmt.Sprintf("u%03d", i)})
					}
					w.Header().Set("Content-Type", "application/json")
					_ = json.NewEncoder(w).Encode(page)
				}))
				defer server.Close()
				client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s"), Timeout: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				seen := map[string]int{}
				err = client.Accounts("univ.example").WithPage(100).Each(t.Context(), func(some []domain.Existing) error {
					for _, x := range some {
						seen[x.Login]++
					}
					return nil
				})
				if ends != (err == nil) {
					t.Fatalf("the reading ended with %v", err)
				}
				if ends && len(seen) != users {
					t.Errorf("%d of %d accounts came", len(seen), users)
				}
			})
		}
	}
}
