package app

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entree/internal/config"
	"entree/internal/devenv/demotest"
	"entree/internal/domain"
	"entree/internal/password"
	"entree/internal/secret"
	"entree/keycloak"
)

// realmWith is a Keycloak that has nothing but a password policy.
func realmWith(t *testing.T, policy *string) *realmPolicy {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60}
		if !strings.HasSuffix(r.URL.Path, "/token") {
			answer = map[string]any{"passwordPolicy": *policy}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	client, err := keycloak.NewClient(keycloak.Config{URL: server.URL, Realm: "r", ClientID: "c", ClientSecret: secret.New("s")})
	if err != nil {
		t.Fatal(err)
	}
	return newRealmPolicy(client, config.Default(), slog.New(slog.DiscardHandler), func(time.Duration) {})
}

func TestS25_TheStricterOfBothHolds(t *testing.T) {
	policy := "length(20) and specialChars(1) and hashAlgorithm(pbkdf2-sha512)"
	p := realmWith(t, &policy)
	if p.Policy() != password.Default() {
		t.Errorf("before the realm was read: %+v", p.Policy())
	}
	var busy *domain.Refusal
	if _, err := p.Hash(t.Context(), secret.New("x")); !errors.As(err, &busy) || busy.Reason != domain.ReasonBusy {
		t.Errorf("nobody knows the hash yet: %v", err)
	}
	if err := p.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.Policy(); got.Length != 20 || got.Special != 1 || got.Digits != 1 {
		t.Errorf("the rules are %+v", got)
	}
	if c, err := p.Hash(t.Context(), secret.New("x")); err != nil || !strings.Contains(c.Data, "pbkdf2-sha512") {
		t.Errorf("%s, %v", c.Data, err)
	}
	policy = "length(8)" // the realm's rules become weaker: the portal's own still apply
	if err := p.read(t.Context()); err != nil || p.Policy() != password.Default() {
		t.Errorf("%+v, %v", p.Policy(), err)
	}
}

func TestS25_ARuleThatCannotBeJudgedStopsTheStart(t *testing.T) {
	policy := "length(16) and regexPattern(^x) and passwordBlacklist(list.txt)"
	p := realmWith(t, &policy)
	err := p.watch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "regexPattern, passwordBlacklist") || !strings.Contains(err.Error(), "keycloak.waive_policy") {
		t.Errorf("%v", err)
	}
	p.waived = []string{"regexPattern", "passwordBlacklist"}
	if err := p.read(t.Context()); err != nil {
		t.Errorf("waived by name: %v", err)
	}
	policy += " and another(1)" // a running portal goes on with what it read, and says so in its log
	if err := p.read(t.Context()); err == nil {
		t.Error("a new rule was not seen")
	}
	if p.Policy().Length != 16 {
		t.Errorf("%+v", p.Policy())
	}
}

// The plan asks a realm for no rule by which a password would have to be changed
// one day (NIST SP 800-63B-4, 3.1.1.2).
func TestS26_NoPasswordExpires(t *testing.T) {
	i := demotest.Install(t)
	c, err := config.Load(i.Config, i.Environ)
	if err != nil {
		t.Fatal(err)
	}
	c.Password.Special = 1 // the longest policy there is
	for rule := range strings.SplitSeq(Wanted(c).PasswordPolicy, " and ") {
		switch name, _, _ := strings.Cut(rule, "("); name {
		case "length", "maxLength", "upperCase", "lowerCase", "digits", "specialChars", "notUsername", "notEmail":
		default:
			t.Errorf("the plan asks for %s", rule)
		}
	}
}
