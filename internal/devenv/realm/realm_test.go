package realm_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entree/internal/devenv/realm"
	"entree/internal/secret"
)

// keycloak answers like a realm with one enabled user, o1, whose password is right.
func keycloak(t *testing.T) (client *realm.Realm, logins *int) {
	t.Helper()
	logins = new(int)
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, body any) {
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("POST /realms/{realm}/protocol/openid-connect/token", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.PathValue("realm") == "master" && r.FormValue("client_id") == "admin-cli" && r.FormValue("username") == "admin" && r.FormValue("password") == "a+b&c%":
			*logins++
			answer(w, http.StatusOK, map[string]any{"access_token": "t", "expires_in": 60})
		case r.PathValue("realm") == "r" && r.FormValue("client_id") == realm.Tester && r.FormValue("password") == "right":
			answer(w, http.StatusOK, map[string]any{"access_token": "u", "expires_in": 60})
		case r.FormValue("password") == "disabled":
			answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "Account disabled"})
		default:
			answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "Invalid user credentials"})
		}
	})
	admin := func(pattern string, handle http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer t" {
				t.Errorf("%s without the administrator's token", r.URL)
			}
			handle(w, r)
		})
	}
	admin("GET /admin/realms/r/users/count", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, 3) })
	admin("POST /admin/realms/r/users", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://x/admin/realms/r/users/id-1")
		w.WriteHeader(http.StatusCreated)
	})
	admin("GET /admin/realms/r/users", func(w http.ResponseWriter, r *http.Request) {
		found := []realm.User{}
		if name := r.FormValue("username"); name == "" || name == "o1" {
			found = append(found, realm.User{ID: "id-1", Username: "o1", Enabled: true, Attributes: map[string][]string{"one": {"1"}, "two": {"1", "2"}}})
		}
		answer(w, http.StatusOK, found)
	})
	admin("PUT /admin/realms/r/users/id-1", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	admin("DELETE /admin/realms/r", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusForbidden, "no") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return realm.New(server.URL, "r", "admin", secret.New("a+b&c%")), logins
}

func TestRealm(t *testing.T) {
	r, logins := keycloak(t)
	ctx := t.Context()
	if n, err := r.Count(ctx); n != 3 || err != nil {
		t.Errorf("Count: %d, %v", n, err)
	}
	if id, err := r.Create(ctx, map[string]any{"username": "o1"}); id != "id-1" || err != nil {
		t.Errorf("Create: %s, %v", id, err)
	}
	for login, want := range map[string]bool{"o1": true, "O1": false, "o2": false} {
		if has, err := r.Has(ctx, login); has != want || err != nil {
			t.Errorf("Has(%s): %t, %v", login, has, err)
		}
	}
	for password, want := range map[string]bool{"right": true, "wrong": false} {
		if in, err := r.LogsIn(ctx, "o1", password); in != want || err != nil {
			t.Errorf("LogsIn with %s: %t, %v", password, in, err)
		}
	}
	if in, err := r.LogsIn(ctx, "o1", "disabled"); in || err == nil || !strings.Contains(err.Error(), "Account disabled") {
		t.Errorf("LogsIn with a disabled account: %t, %v", in, err)
	}
	if all, err := r.Users(ctx); err != nil || len(all) != 1 || all[0].Attribute("one") != "1" || all[0].Attribute("two") != "" {
		t.Errorf("Users: %+v, %v", all, err)
	}
	if err := r.Disable(ctx, "o1"); err != nil {
		t.Error(err)
	}
	if r.Disable(ctx, "o2") == nil || r.Remove(ctx) == nil {
		t.Error("a refusal is no error")
	}
	if *logins != 1 {
		t.Errorf("%d logins of the administrator, want 1", *logins)
	}
	if _, err := realm.New(r.URL, "r", "admin", secret.New("wrong")).Count(ctx); err == nil {
		t.Error("a wrong password of the administrator is no error")
	}
}
