package keycloak_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entree/internal/secret"
	"entree/keycloak"
)

// Every activation asks whether a federation is WRITABLE: Keycloak is asked once a
// minute, and again after a failure.
func TestDescribes_TheAnswerIsKeptForAMinute(t *testing.T) {
	asked, answer := 0, `[{"providerId":"ldap","config":{"editMode":["WRITABLE"]}}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":600}`))
		case answer == "":
			asked++
			w.WriteHeader(http.StatusBadGateway)
		default:
			asked++
			_, _ = w.Write([]byte(answer))
		}
	}))
	t.Cleanup(server.Close)
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "portal", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	f := client.Federated("univ.example").At(func() time.Time { return now })
	for _, step := range []struct {
		after    time.Duration
		answer   string
		want     bool
		asked    int
		mustFail bool
	}{
		{0, answer, true, 1, false},
		{59 * time.Second, `[]`, true, 1, false},
		{time.Second, `[]`, false, 2, false},
		{time.Minute, "", false, 3, true},
		{0, `[{"providerId":"ldap","config":{"editMode":["WRITABLE"]}}]`, true, 4, false},
	} {
		now, answer = now.Add(step.after), step.answer
		if got, err := f.Describes(t.Context()); got != step.want || (err != nil) != step.mustFail || asked != step.asked {
			t.Errorf("%s later: %v, %v, asked %d times; want %+v", step.after, got, err, asked, step)
		}
	}
}
