// Package sso is the portal as a relying party, of OpenID Connect or of CAS: it
// sends a visitor to the single sign-on and reads who came back.
//
//	AuthURL ──▶ State, kept by the browser, sealed, for half an hour
//	   │
//	   ▼
//	the provider ── ?code&state ──▶ Exchange: state equal, young; code for
//	                                tokens with PKCE; signature, issuer,
//	                                audience, times, nonce ──▶ Identity
//
// The provider is looked up when it is first needed, and again after a failure:
// the portal starts and works while the single sign-on is down. The way over CAS
// is drawn at its own type.
package sso

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entree/internal/secret"
)

// How a login can fail.
var (
	// ErrUnavailable says that the provider does not answer, or not as a provider.
	ErrUnavailable = errors.New("sso: provider unavailable")
	// ErrDenied says that the visitor or the provider said no (access_denied).
	ErrDenied = errors.New("sso: denied")
	// ErrState says that the answer does not belong to a login begun in this
	// browser in the last half hour (StateLife).
	ErrState = errors.New("sso: answer to no login begun here")
	// ErrToken says that the provider's answer does not hold.
	ErrToken = errors.New("sso: answer does not hold")
)

// Status is the status of HTTP that says how a login failed.
func Status(err error) int {
	switch {
	case errors.Is(err, ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, ErrState):
		return http.StatusBadRequest
	case errors.Is(err, ErrUnavailable):
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadGateway
	}
}

// StateLife is the time that a login may take: Keycloak's own limit for the pages of a
// login (accessCodeLifespanLogin) by default.
const StateLife = 30 * time.Minute

// Time limits of the calls to the provider.
const (
	callLimit  = 10 * time.Second
	retryAfter = 2 * time.Second // after a failed look-up of the provider
	clockSkew  = time.Minute     // between the provider's clock and ours
)

// Config is what the portal is to the provider.
type Config struct {
	Issuer       string // exactly as the provider's tokens name it
	ClientID     string
	ClientSecret secret.Text
	RedirectURL  string
	Scopes       []string // beside openid
	Now          func() time.Time
	Random       io.Reader
	HTTPClient   *http.Client // nil: one with time limits
}

// RelyingParty logs people in.
type RelyingParty struct {
	config Config
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
	endpoint endpoints
	failed   error
	failedAt time.Time
}

// endpoints are what go-oidc leaves in the discovery document.
type endpoints struct {
	EndSession string `json:"end_session_endpoint"`
	NamesIss   bool   `json:"authorization_response_iss_parameter_supported"`
}

// State is what a login has to be finished with. It belongs to the browser
// that began it and to nobody else.
type State struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Begun    time.Time `json:"begun"`
	Fresh    bool      `json:"fresh,omitempty"` // only a login that was made for this one will do
}

// answeredBy tells whether a query is the answer to this login, in time.
func (s State) answeredBy(query url.Values, now time.Time) bool {
	age := now.Sub(s.Begun)
	return s.State != "" && age >= 0 && age < StateLife &&
		subtle.ConstantTimeCompare([]byte(s.State), []byte(only(query, "state"))) == 1
}

// Identity is who logged in.
type Identity struct {
	Subject string
	Account string  // Keycloak's id of the user; empty where a CAS server does not say it
	Login   string  // preferred_username
	Name    string  // as the provider displays it
	Claims  []Claim // the token's other claims, in its order
	IDToken secret.Text

	AuthTime time.Time // when they last proved who they are; zero where the provider does not say
	Roles    []string  // the claim entreeRoles: what they may do in the console
}

// New checks nothing over the network.
func New(c Config) (*RelyingParty, error) {
	if u, err := url.Parse(c.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("sso: issuer %q is no address", c.Issuer)
	}
	if c.ClientID == "" || c.RedirectURL == "" {
		return nil, errors.New("sso: client and redirect address are needed")
	}
	client := c.HTTPClient
	if client == nil {
		client = &http.Client{Timeout: callLimit}
	}
	return &RelyingParty{config: c, client: client}, nil
}

// Origin is where the provider's pages are, for a content security policy.
func (r *RelyingParty) Origin() string {
	return origin(r.config.Issuer)
}

// discover gives the provider, asked once. One request asks at a time, and
// after a failure none does for a moment.
func (r *RelyingParty) discover(ctx context.Context) (*oidc.Provider, endpoints, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.provider != nil {
		return r.provider, r.endpoint, nil
	}
	if since := r.config.Now().Sub(r.failedAt); r.failed != nil && since >= 0 && since < retryAfter {
		return nil, endpoints{}, r.failed
	}
	// The visitor who happens to be first may leave; the answer is for all.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), r.client), callLimit)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, r.config.Issuer)
	if err == nil {
		err = provider.Claims(&r.endpoint)
	}
	if err != nil {
		r.failed, r.failedAt = fmt.Errorf("%w: %w", ErrUnavailable, err), r.config.Now()
		return nil, endpoints{}, r.failed
	}
	r.provider, r.failed = provider, nil
	return provider, r.endpoint, nil
}

func (r *RelyingParty) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: r.config.ClientID, ClientSecret: r.config.ClientSecret.Reveal(),
		Endpoint: p.Endpoint(), RedirectURL: r.config.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID}, r.config.Scopes...),
	}
}

// AuthURL begins a login. hint is the identifier to fill in, lang the language
// of the provider's pages; both may be empty.
func (r *RelyingParty) AuthURL(ctx context.Context, hint, lang string) (string, State, error) {
	return r.begin(ctx, hint, lang, false)
}

// FreshAuthURL begins a login for which the provider has to ask for the
// password again, whoever is logged in there (OpenID Connect Core, 3.1.2.1).
func (r *RelyingParty) FreshAuthURL(ctx context.Context, hint, lang string) (string, State, error) {
	return r.begin(ctx, hint, lang, true)
}

func (r *RelyingParty) begin(ctx context.Context, hint, lang string, fresh bool) (string, State, error) {
	p, _, err := r.discover(ctx)
	if err != nil {
		return "", State{}, err
	}
	s := State{Begun: r.config.Now(), Fresh: fresh}
	for _, to := range []*string{&s.State, &s.Nonce, &s.Verifier} {
		var b [32]byte
		if _, err := io.ReadFull(r.config.Random, b[:]); err != nil {
			return "", State{}, fmt.Errorf("sso: %w", err)
		}
		*to = base64.RawURLEncoding.EncodeToString(b[:])
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)}
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	if lang != "" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", lang))
	}
	if fresh {
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return r.oauth(p).AuthCodeURL(s.State, options...), s, nil
}

// Exchange finishes a login with the query that the provider sent the visitor
// back with.
func (r *RelyingParty) Exchange(ctx context.Context, s State, query url.Values) (Identity, error) {
	if !s.answeredBy(query, r.config.Now()) {
		return Identity{}, ErrState
	}
	p, ends, err := r.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	// RFC 9207: another provider's answer must not be taken for this one's.
	if query.Has("iss") || ends.NamesIss {
		if only(query, "iss") != r.config.Issuer {
			return Identity{}, fmt.Errorf("%w: from another issuer", ErrToken)
		}
	}
	// Keycloak's answer for a login page that was open for too long.
	if only(query, "error_description") == "authentication_expired" {
		return Identity{}, ErrState
	}
	if code := only(query, "error"); code != "" {
		return Identity{}, providerError(code)
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, r.client), callLimit)
	defer cancel()
	token, err := r.oauth(p).Exchange(ctx, only(query, "code"), oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return Identity{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := p.Verifier(&oidc.Config{ClientID: r.config.ClientID, Now: r.config.Now}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(s.Nonce)) != 1 {
		return Identity{}, fmt.Errorf("%w: nonce", ErrToken)
	}
	who, err := identity(verified, raw)
	if err == nil && s.Fresh && who.AuthTime.Before(s.Begun.Add(-clockSkew)) {
		return Identity{}, fmt.Errorf("%w: the provider did not ask for the password again", ErrToken)
	}
	return who, err
}

// only gives the value of a parameter that is there exactly once.
func only(query url.Values, name string) string {
	if values := query[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// providerError reads the codes of RFC 6749, 4.1.2.1 and OpenID Connect Core,
// 3.1.2.6. Only known ones go on into the log: the parameter comes by way of
// the browser.
func providerError(code string) error {
	switch code {
	case "access_denied", "consent_required", "interaction_required", "login_required":
		return fmt.Errorf("%w: %s", ErrDenied, code)
	case "temporarily_unavailable", "server_error":
		return fmt.Errorf("%w: %s", ErrUnavailable, code)
	}
	return fmt.Errorf("%w: provider reports an error", ErrToken)
}

func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("%w: %s", ErrToken, refused.ErrorCode)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func identity(t *oidc.IDToken, raw string) (Identity, error) {
	var known struct {
		Login string `json:"preferred_username"`
		Name  string `json:"name"`

		AuthTime int64    `json:"auth_time"`
		Roles    []string `json:"entreeRoles"`
	}
	var all json.RawMessage
	if err := errors.Join(t.Claims(&known), t.Claims(&all)); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if t.Subject == "" {
		return Identity{}, fmt.Errorf("%w: about nobody", ErrToken)
	}
	claims, err := inOrder(all)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	who := Identity{Subject: t.Subject, Account: t.Subject, Login: known.Login, Name: known.Name, Claims: claims, IDToken: secret.New(raw), Roles: known.Roles}
	if known.AuthTime > 0 {
		who.AuthTime = time.Unix(known.AuthTime, 0).UTC()
	}
	return who, nil
}

// LogoutURL leads to the provider's own end of the session (OpenID Connect
// RP-Initiated Logout 1.0) and from there back to a registered address. Empty
// where the provider is not known or has no such address: then only our own
// session ends.
func (r *RelyingParty) LogoutURL(ctx context.Context, idToken secret.Text, back string) string {
	_, ends, err := r.discover(ctx)
	if err != nil || ends.EndSession == "" {
		return ""
	}
	u, err := url.Parse(ends.EndSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", r.config.ClientID)
	q.Set("post_logout_redirect_uri", back)
	if !idToken.Empty() {
		q.Set("id_token_hint", idToken.Reveal())
	}
	u.RawQuery = q.Encode()
	return u.String()
}
