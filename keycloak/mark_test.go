package keycloak_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// TestS42_AMarkLeavesTheRestOfTheAccount checks what Mark and Adopt write into an
// account: all that was there, without credentials, and nothing at all into an
// account with the mark of another activation.
func TestS42_AMarkLeavesTheRestOfTheAccount(t *testing.T) {
	const id = "00000001-0000-4000-8000-000000000000"
	const mark = "0123456789abcdef0123456789abcdef"
	var stored, put map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":60}`))
		case r.Method == http.MethodPut:
			_ = json.NewDecoder(r.Body).Decode(&put)
			w.WriteHeader(http.StatusNoContent)
		default:
			_ = json.NewEncoder(w).Encode(stored)
		}
	}))
	defer server.Close()
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	accounts := client.Accounts("univ.example")
	for name, write := range map[string]func() error{
		"mark":  func() error { return accounts.Mark(t.Context(), id, mark) },
		"adopt": func() error { return accounts.Adopt(t.Context(), id, domain.Account{ActivationID: mark}) },
	} {
		stored, put = map[string]any{"id": id, "username": "jm", "enabled": true, "attributes": map[string]any{"own": []any{"kept"}}, "credentials": []any{"never"}}, nil
		if err := write(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		attributes, _ := put["attributes"].(map[string]any)
		if !reflect.DeepEqual(attributes["own"], []any{"kept"}) || !reflect.DeepEqual(attributes["entreeActivationId"], []any{mark}) {
			t.Errorf("%s: the attributes are %v", name, attributes)
		}
		if _, has := put["credentials"]; has || put["username"] != "jm" || put["enabled"] != true {
			t.Errorf("%s: the user is %v", name, put)
		}
		stored, put = map[string]any{"id": id, "username": "jm"}, nil // Keycloak leaves empty attributes out
		if err := write(); err != nil || put == nil {
			t.Errorf("%s without attributes: %v, %v", name, err, put)
		}
		stored, put = map[string]any{"id": id, "attributes": map[string]any{"entreeActivationId": []any{"another"}}}, nil
		if err := write(); !errors.Is(err, domain.ErrForeignAccount) || !domain.IsPermanent(err) || put != nil {
			t.Errorf("%s with the mark of another: %v, %v", name, err, put)
		}
	}
	stored, put = map[string]any{"id": id, "attributes": map[string]any{"entreeActivationId": []any{mark}}}, nil
	if err := accounts.Mark(t.Context(), id, mark); err != nil || put != nil {
		t.Errorf("an account with the mark was written again: %v, %v", err, put)
	}
}
