package keycloak_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entree/internal/accountstest"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

// stub answers POST /users with a status and a body, and all other requests
// like a realm without users.
func stub(t *testing.T, status int, body string) *keycloak.Accounts {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":60}`))
		case r.Method == http.MethodPost || r.Method == http.MethodPut:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		case strings.Contains(r.URL.Path, "/users/"):
			_, _ = w.Write([]byte(`{"id":"00000001-0000-4000-8000-000000000000","attributes":{}}`))
		default:
			_, _ = w.Write([]byte(`[]`))
		}
	}))
	t.Cleanup(server.Close)
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	return client.Accounts("univ.example")
}

// TestK2_A400IsPermanentOnlyIfItNamesAField checks that all other answers are
// tried again.
func TestK2_A400IsPermanentOnlyIfItNamesAField(t *testing.T) {
	for body, want := range map[string]*domain.AccountRefused{
		`{"errorMessage":"Could not create user"}`:                                                       nil,
		`{"error":"Could not modify attribute for DN [uid=x]"}`:                                          nil,
		`{"error":"unknown_error","error_description":"For more on this error consult the server log."}`: nil,
		`<html><title>400 Bad Request</title></html>`:                                                    nil,
		``:                                nil,
		`{"errors":[]}`:                   nil,
		`{"errorMessage":"x","field":""}`: nil,
		`{"field":"lastName","errorMessage":"error-person-name-invalid-character","params":["lastName"]}`:                                          {Field: "family_name", Rule: "error-person-name-invalid-character", Class: "11 characters, with ’ -"},
		`{"errors":[{"field":"phone","errorMessage":"error-user-attribute-required","params":["phone"]}]}`:                                         {Field: "phone", Rule: "error-user-attribute-required", Class: "empty"},
		`{"errors":[{"field":"username","errorMessage":"error-invalid-length","params":["username",3,255]},{"field":"email","errorMessage":"x"}]}`: {Field: "login", Rule: "error-invalid-length", Class: "17 characters"},
	} {
		a := accountstest.New()
		_, err := stub(t, http.StatusBadRequest, body).Create(t.Context(), a)
		var got *domain.AccountRefused
		errors.As(err, &got)
		switch {
		case err == nil || domain.IsPermanent(err) != (want != nil):
			t.Errorf("%s: %v, permanent %v", body, err, domain.IsPermanent(err))
		case want != nil && (got == nil || *got != *want):
			t.Errorf("%s: %+v, want %+v", body, got, want)
		case strings.Contains(err.Error(), a.FamilyName) || strings.Contains(err.Error(), a.Login):
			t.Errorf("%s: %v tells the value", body, err)
		}
		accepted := stub(t, http.StatusBadRequest, body).Accepted(t.Context(), "00000001-0000-4000-8000-000000000000", domain.Acceptance{Version: "1"})
		adopted := stub(t, http.StatusBadRequest, body).Adopt(t.Context(), "00000001-0000-4000-8000-000000000000", a)
		if domain.IsPermanent(accepted) != (want != nil) || domain.IsPermanent(adopted) != (want != nil) {
			t.Errorf("%s: accepted %v, adopted %v", body, accepted, adopted)
		}
	}
}

// R22: a locked account answers sooner than a wrong password, which no setting
// changes. The check names the realm's values and what to set.
func TestR22_TheTimeOfATemporaryLockIsReported(t *testing.T) {
	for settings, want := range map[string]string{
		`{"bruteForceProtected":true,"failureFactor":3,"maxFailureWaitSeconds":86400}`: "failureFactor is 3, maxFailureWaitSeconds is 86400",
		`{"bruteForceProtected":false,"failureFactor":30}`:                             "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			answer := settings
			switch {
			case strings.HasSuffix(r.URL.Path, "/token"):
				answer = `{"access_token":"x","token_type":"Bearer","expires_in":60}`
			case strings.HasSuffix(r.URL.Path, "/users/count"):
				answer = "7"
			case strings.Contains(r.URL.Path, "/authentication/"):
				answer = "[]"
			}
			_, _ = w.Write([]byte(answer))
		}))
		client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "c", ClientSecret: secret.New("s"), Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		notes, err := client.Notes(t.Context())
		server.Close()
		if err != nil || (len(notes) == 1) != (want != "") {
			t.Fatalf("%s: %v, %v", settings, notes, err)
		}
		if want != "" && (!strings.Contains(notes[0].What, want) || !strings.Contains(notes[0].Do, "failureFactor to 30") || !strings.Contains(notes[0].Do, "maxFailureWaitSeconds")) {
			t.Errorf("%s", notes[0])
		}
	}
}
