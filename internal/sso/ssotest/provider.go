// Package ssotest is a small OpenID provider for tests. It has real signatures,
// PKCE, codes and refresh tokens that are valid once, logout tokens, and faults
// that a test can switch on.
package ssotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

// Registration of the only client.
const (
	ClientID     = "entree-ent"
	ClientSecret = "s+e/c%r:et"
)

// Provider is a running provider. Its fields may be changed between requests.
type Provider struct {
	URL   string
	Now   func() time.Time
	Edit  func(claims map[string]any) // changes the claims of an ID token before it is signed
	Down  bool                        // answers all requests with 503
	Alien bool                        // signs with a key that it does not publish
	Ended map[string]bool             // subjects whose refresh tokens are refused, as for disabled accounts
	Renew func(claims map[string]any) // changes the claims of an ID token that is issued for a refresh token

	mu       sync.Mutex
	key      *ecdsa.PrivateKey
	codes    map[string]url.Values     // authorization requests by code
	renewals map[string]map[string]any // claims by refresh token; each token is valid once
	requests int
	oidc     *oidctest.Server
}

// New starts a provider that ends with the test.
func New(t *testing.T, now func() time.Time) *Provider {
	t.Helper()
	p := &Provider{Now: now, codes: map[string]url.Values{}, renewals: map[string]map[string]any{}, Ended: map[string]bool{}, key: newKey(t)}
	p.oidc = &oidctest.Server{
		PublicKeys: []oidctest.PublicKey{{PublicKey: p.key.Public(), KeyID: "k", Algorithm: oidc.ES256}},
		Algorithms: []string{oidc.ES256},
	}
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.URL = server.URL
	p.oidc.SetIssuer(p.URL)
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Set changes fields while requests may be in progress.
func (p *Provider) Set(change func(*Provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// Requests returns the number of requests so far.
func (p *Provider) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// Login acts as a user who logs in at an authorization address. It returns the
// query of the redirect to the portal.
func (p *Provider) Login(t *testing.T, authURL string) url.Values {
	t.Helper()
	u, err := url.Parse(authURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme+"://"+u.Host+u.Path != p.URL+"/auth" || q.Get("client_id") != ClientID || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" {
		t.Fatalf("no authorization request: %s", authURL)
	}
	code := rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = q
	return url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}
}

func (p *Provider) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	switch {
	case p.Down:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		reply(w, http.StatusOK, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"end_session_endpoint": p.URL + "/logout", "authorization_response_iss_parameter_supported": true,
			"id_token_signing_alg_values_supported": []string{oidc.ES256},
		})
	case r.URL.Path == "/token" && r.Method == http.MethodPost:
		p.token(w, r)
	default:
		p.oidc.ServeHTTP(w, r)
	}
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	id, password, basic := r.BasicAuth()
	if basic { // RFC 6749 §2.3.1: both are form-encoded first
		id, _ = url.QueryUnescape(id)
		password, _ = url.QueryUnescape(password)
	} else {
		id, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != ClientID || password != ClientSecret {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	if r.PostFormValue("grant_type") == "refresh_token" {
		p.renew(w, r.PostFormValue("refresh_token"))
		return
	}
	if !ok || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": p.URL, "aud": ClientID, "sub": "f3b1", "nonce": asked.Get("nonce"), "exp": p.Now().Add(time.Minute).Unix(), "iat": p.Now().Unix(),
		"preferred_username": "o22502142", "name": "Jeanne Martin", "eduPersonAffiliation": []string{"member", "student"}, "sid": rand.Text(),
	}
	if p.Edit != nil {
		p.Edit(claims)
	}
	p.give(w, claims)
}

// give answers with an ID token and the next refresh token.
func (p *Provider) give(w http.ResponseWriter, claims map[string]any) {
	refresh := rand.Text()
	p.renewals[refresh] = claims
	reply(w, http.StatusOK, map[string]any{
		"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": p.sign(claims), "refresh_token": refresh,
	})
}

// renew answers a refresh token with the claims of the login and the current
// times. The refresh token becomes invalid.
func (p *Provider) renew(w http.ResponseWriter, refresh string) {
	claims, ok := p.renewals[refresh]
	delete(p.renewals, refresh)
	if subject, _ := claims["sub"].(string); !ok || p.Ended[subject] {
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	claims = maps.Clone(claims)
	delete(claims, "nonce")
	claims["exp"], claims["iat"] = p.Now().Add(time.Minute).Unix(), p.Now().Unix()
	if p.Renew != nil {
		p.Renew(claims)
	}
	p.give(w, claims)
}

// sign returns the signed ID token. The caller must hold p.mu.
func (p *Provider) sign(claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(fmt.Sprintf("ssotest: %v", err))
	}
	key := p.key
	if p.Alien {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			panic(fmt.Sprintf("ssotest: %v", err))
		}
	}
	return oidctest.SignIDToken(key, "k", oidc.ES256, string(raw))
}

// LogoutToken returns a logout token of a session (OpenID Connect Back-Channel
// Logout 1.0 §2.4). edit changes its claims before it is signed; it may be nil.
func (p *Provider) LogoutToken(subject, session string, edit func(claims map[string]any)) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	claims := map[string]any{
		"iss": p.URL, "aud": ClientID, "iat": p.Now().Unix(), "exp": p.Now().Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if subject != "" {
		claims["sub"] = subject
	}
	if session != "" {
		claims["sid"] = session
	}
	if edit != nil {
		edit(claims)
	}
	return p.sign(claims)
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(fmt.Sprintf("ssotest: %v", err))
	}
}
