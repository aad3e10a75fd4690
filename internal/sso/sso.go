// Package sso implements the portal's login as a relying party of OpenID
// Connect or of CAS: it sends a visitor to the single sign-on and verifies the
// identity in the response.
//
//	AuthURL ──▶ State, kept in the browser, encrypted, for half an hour
//	   │
//	   ▼
//	the provider ── ?code&state ──▶ Exchange: check state and its age; exchange
//	                                the code with PKCE; check signature, issuer,
//	                                audience, times, nonce ──▶ Identity
//
// The provider's configuration is read in the background when it is first
// needed, and again after a failure. The portal therefore starts and works
// while the single sign-on is down or does not answer. The type CAS describes
// the CAS protocol.
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
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entree/internal/secret"
)

// Errors of a login.
var (
	// ErrUnavailable means that the provider did not answer, or did not answer
	// as a provider does.
	ErrUnavailable = errors.New("sso: provider unavailable")
	// ErrDenied means that the visitor or the provider refused the login
	// (access_denied).
	ErrDenied = errors.New("sso: denied")
	// ErrState means that the response does not belong to a login that began in
	// this browser in the last half hour (StateLife).
	ErrState = errors.New("sso: the answer belongs to no login that began here")
	// ErrToken means that the identity provider's response failed validation.
	ErrToken = errors.New("sso: the identity provider's response failed validation")
)

// Status returns the HTTP status for an error of a login.
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

// StateLife is the maximum duration of a login. It equals Keycloak's default
// for its login pages (accessCodeLifespanLogin).
const StateLife = 30 * time.Minute

// Timeouts of the calls to the provider.
const (
	callLimit     = 10 * time.Second
	discoveryWait = time.Second     // time that a login waits for the provider's configuration
	retryAfter    = 2 * time.Second // pause after the provider's configuration could not be read
	clockSkew     = time.Minute     // tolerated difference between the provider's clock and the portal's
)

// callsAtOnce limits the logins that wait for the provider. A provider that
// does not answer blocks at most this number of requests (R6). With a provider
// that answers in 50 ms, the limit allows more than a thousand logins per
// second.
const callsAtOnce = 64

// calls is a semaphore for the calls to the provider.
type calls chan struct{}

// logoutsAtOnce limits the logout tokens that are verified at the same time.
// Anyone can send one, and a forged one makes the verifier request the
// provider's keys: they take no place of callsAtOnce, which logins need.
const logoutsAtOnce = 4

// begin acquires the semaphore. It returns ErrUnavailable at once if too many
// calls are in progress. Otherwise the caller must call end.
func (c calls) begin() (end func(), err error) {
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	default:
		return nil, fmt.Errorf("%w: %d calls are waiting for it", ErrUnavailable, cap(c))
	}
}

// Config configures a RelyingParty with the client registration of the portal
// at the provider. Issuer, ClientID, ClientSecret, RedirectURL, Now and Random
// must be set.
type Config struct {
	Issuer       string // must equal the issuer in the provider's tokens
	ClientID     string
	ClientSecret secret.Text
	RedirectURL  string
	Scopes       []string // in addition to openid
	Now          func() time.Time
	Random       io.Reader
	HTTPClient   *http.Client // nil: a client with a timeout of callLimit
}

// RelyingParty performs logins with OpenID Connect. It is safe for concurrent
// use.
type RelyingParty struct {
	config  Config
	client  *http.Client
	calls   calls
	logouts calls

	mu       sync.Mutex
	provider *oidc.Provider
	endpoint endpoints
	failed   error
	failedAt time.Time
	asked    chan struct{} // closed at the end of the discovery in progress; nil: none is in progress
	askedAt  time.Time     // time of the system's clock, not of Config.Now
}

// endpoints holds the fields of the discovery document that go-oidc does not
// read.
type endpoints struct {
	EndSession string `json:"end_session_endpoint"`
	NamesIss   bool   `json:"authorization_response_iss_parameter_supported"`
}

// State is the data that is needed to finish a login. It belongs to the browser
// that began the login and must be kept secret from any other.
type State struct {
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Begun    time.Time `json:"begun"`
	Fresh    bool      `json:"fresh,omitempty"` // the provider must have asked for the password for this login
}

// answeredBy reports whether the query is the response to this login and
// arrived before StateLife expired.
func (s State) answeredBy(query url.Values, now time.Time) bool {
	age := now.Sub(s.Begun)
	return s.State != "" && age >= 0 && age < StateLife &&
		subtle.ConstantTimeCompare([]byte(s.State), []byte(only(query, "state"))) == 1
}

// Identity is the verified identity of a login.
type Identity struct {
	Subject string
	Account string  // Keycloak's user id; empty if a CAS server does not release it
	Login   string  // preferred_username
	Name    string  // display name at the provider
	Claims  []Claim // the token's other claims, in the order of the token
	IDToken secret.Text

	SessionID string      // session id at the provider, claim sid; may be empty
	Refresh   secret.Text // refresh token for Renew; empty if the provider issued none
	AuthTime  time.Time   // time of the last authentication; zero if the provider does not report it
	Roles     []string    // claim entreeRoles: roles in the console
	Level     string      // claim acr, or LevelFactor if the claim amr holds it; empty if the provider reports neither
}

// New checks the configuration. It makes no network request.
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
	return &RelyingParty{config: c, client: client, calls: make(calls, callsAtOnce), logouts: make(calls, logoutsAtOnce)}, nil
}

// Origin returns the origin of the provider's pages, for the content security
// policy.
func (r *RelyingParty) Origin() string {
	return origin(r.config.Issuer)
}

// Discover starts to read the provider's configuration in the background, so
// that the first login does not wait for it.
func (r *RelyingParty) Discover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.startDiscovery()
}

// startDiscovery starts a discovery unless one is in progress or the last one
// failed less than retryAfter ago. The caller must hold r.mu.
func (r *RelyingParty) startDiscovery() {
	since := r.config.Now().Sub(r.failedAt)
	if r.provider != nil || r.asked != nil || r.failed != nil && since >= 0 && since < retryAfter {
		return
	}
	asked := make(chan struct{})
	r.asked, r.askedAt = asked, time.Now()
	go func() {
		defer close(asked)
		ctx, cancel := context.WithTimeout(oidc.ClientContext(context.Background(), r.client), callLimit)
		defer cancel()
		var endpoint endpoints
		provider, err := oidc.NewProvider(ctx, r.config.Issuer)
		if err == nil {
			err = provider.Claims(&endpoint)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked = nil
		if err != nil {
			r.failed, r.failedAt = fmt.Errorf("%w: %w", ErrUnavailable, err), r.config.Now()
			return
		}
		r.provider, r.endpoint, r.failed = provider, endpoint, nil
	}()
}

// discover returns the provider's configuration. It waits for a discovery in
// progress until discoveryWait after the discovery's start, and then returns
// ErrUnavailable. A provider that does not answer therefore delays only the
// logins of the first second.
func (r *RelyingParty) discover(ctx context.Context) (*oidc.Provider, endpoints, error) {
	r.mu.Lock()
	r.startDiscovery()
	asked, left := r.asked, discoveryWait-time.Since(r.askedAt)
	r.mu.Unlock()
	if asked != nil && left > 0 {
		end, err := r.calls.begin()
		if err != nil {
			return nil, endpoints{}, err
		}
		defer end()
		timer := time.NewTimer(left)
		defer timer.Stop()
		select {
		case <-asked:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.provider != nil:
		return r.provider, r.endpoint, nil
	case r.asked == nil && r.failed != nil:
		return nil, endpoints{}, r.failed
	}
	return nil, endpoints{}, fmt.Errorf("%w: its configuration has not been read yet", ErrUnavailable)
}

func (r *RelyingParty) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: r.config.ClientID, ClientSecret: r.config.ClientSecret.Reveal(),
		Endpoint: p.Endpoint(), RedirectURL: r.config.RedirectURL,
		Scopes: append([]string{oidc.ScopeOpenID}, r.config.Scopes...),
	}
}

// AuthURL begins a login. It returns the address of the provider's login page
// and the state for Exchange. hint is the identifier to fill in and lang the
// language of the provider's pages; both may be empty.
func (r *RelyingParty) AuthURL(ctx context.Context, hint, lang string) (string, State, error) {
	return r.begin(ctx, hint, lang)
}

// PasskeyURL begins a login after which Keycloak offers to register a passkey, unless
// the account has one. ActionAnswer reads the answer from the query of the redirect.
func (r *RelyingParty) PasskeyURL(ctx context.Context, hint, lang string) (string, State, error) {
	return r.ActionURL(ctx, "webauthn-register-passwordless:skip_if_exists", hint, lang)
}

// ActionURL begins a login after which Keycloak offers an action (kc_action). Keycloak
// asks for the password again if the session is older than the action allows.
func (r *RelyingParty) ActionURL(ctx context.Context, action, hint, lang string) (string, State, error) {
	return r.begin(ctx, hint, lang, oauth2.SetAuthURLParam("kc_action", action))
}

// Answer is the outcome of an action that Keycloak offered after a login, which
// succeeded in each case.
type Answer string

// The outcomes. AnswerNone: there was no action, or the account has a passkey.
const (
	AnswerNone      Answer = ""
	AnswerSuccess   Answer = "success"
	AnswerCancelled Answer = "cancelled"
	AnswerError     Answer = "error"
)

// ActionAnswer returns the outcome of the action that was begun with a login.
func ActionAnswer(query url.Values) Answer {
	switch a := Answer(only(query, "kc_action_status")); a {
	case AnswerSuccess, AnswerCancelled, AnswerError:
		return a
	}
	return AnswerNone
}

// FreshAuthURL begins a login for which the provider must ask for the password
// again, even in an existing session (OpenID Connect Core §3.1.2.1).
func (r *RelyingParty) FreshAuthURL(ctx context.Context, hint, lang string) (string, State, error) {
	return r.beginFresh(ctx, hint, lang)
}

// LevelFactor is the level of authentication (acr) of a login with a second factor, or
// with a passkey, at a client whose flow the realm plan has set up. A login at which the
// provider asked for a second factor by itself holds it in the claim amr instead.
const LevelFactor = "mfa"

// LevelURL begins a login at LevelFactor. In an existing session the provider asks for
// what the session lacks; if fresh is set, for everything. The caller must check the
// level of the Identity.
func (r *RelyingParty) LevelURL(ctx context.Context, fresh bool, hint, lang string) (string, State, error) {
	level := oauth2.SetAuthURLParam("acr_values", LevelFactor)
	if !fresh {
		return r.begin(ctx, hint, lang, level)
	}
	return r.beginFresh(ctx, hint, lang, level)
}

func (r *RelyingParty) beginFresh(ctx context.Context, hint, lang string, more ...oauth2.AuthCodeOption) (string, State, error) {
	to, s, err := r.begin(ctx, hint, lang, append(more, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))...)
	s.Fresh = true
	return to, s, err
}

func (r *RelyingParty) begin(ctx context.Context, hint, lang string, more ...oauth2.AuthCodeOption) (string, State, error) {
	p, _, err := r.discover(ctx)
	if err != nil {
		return "", State{}, err
	}
	s := State{Begun: r.config.Now()}
	for _, to := range []*string{&s.State, &s.Nonce, &s.Verifier} {
		var b [32]byte
		if _, err := io.ReadFull(r.config.Random, b[:]); err != nil {
			return "", State{}, fmt.Errorf("sso: %w", err)
		}
		*to = base64.RawURLEncoding.EncodeToString(b[:])
	}
	options := append(more, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	if lang != "" {
		options = append(options, oauth2.SetAuthURLParam("ui_locales", lang))
	}
	return r.oauth(p).AuthCodeURL(s.State, options...), s, nil
}

// Exchange finishes a login with the query of the provider's redirect. It
// returns ErrState, ErrDenied, ErrToken or ErrUnavailable if the login failed.
func (r *RelyingParty) Exchange(ctx context.Context, s State, query url.Values) (Identity, error) {
	if !s.answeredBy(query, r.config.Now()) {
		return Identity{}, ErrState
	}
	p, ends, err := r.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	// RFC 9207: a response from another provider must not be accepted as one
	// from this provider.
	if query.Has("iss") || ends.NamesIss {
		if only(query, "iss") != r.config.Issuer {
			return Identity{}, fmt.Errorf("%w: from another issuer", ErrToken)
		}
	}
	// Keycloak sends this if the login page was open for too long.
	if only(query, "error_description") == "authentication_expired" {
		return Identity{}, ErrState
	}
	if code := only(query, "error"); code != "" {
		return Identity{}, providerError(code)
	}
	end, err := r.calls.begin()
	if err != nil {
		return Identity{}, err
	}
	defer end()
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
	who.Refresh = secret.New(token.RefreshToken)
	if err == nil && s.Fresh && who.AuthTime.Before(s.Begun.Add(-clockSkew)) {
		return Identity{}, fmt.Errorf("%w: the provider did not ask for the password again", ErrToken)
	}
	return who, err
}

// only returns the value of a parameter that occurs exactly once, otherwise an
// empty string.
func only(query url.Values, name string) string {
	if values := query[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// providerError converts the error codes of RFC 6749 §4.1.2.1 and OpenID
// Connect Core §3.1.2.6. An unknown code is not copied into the error, and so
// not logged, because the browser may have changed the parameter.
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

// methods is the claim amr (RFC 8176). A provider that writes it otherwise reports none.
type methods []string

func (m *methods) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*m = list
	}
	return nil
}

func identity(t *oidc.IDToken, raw string) (Identity, error) {
	var known struct {
		Login string `json:"preferred_username"`
		Name  string `json:"name"`

		SessionID string   `json:"sid"`
		AuthTime  int64    `json:"auth_time"`
		Roles     []string `json:"entreeRoles"`
		Level     string   `json:"acr"`
		Methods   methods  `json:"amr"`
	}
	var all json.RawMessage
	if err := errors.Join(t.Claims(&known), t.Claims(&all)); err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if t.Subject == "" {
		return Identity{}, fmt.Errorf("%w: no subject", ErrToken)
	}
	claims, err := inOrder(all)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	who := Identity{Subject: t.Subject, Account: t.Subject, Login: known.Login, Name: known.Name, Claims: claims, IDToken: secret.New(raw), Roles: known.Roles, SessionID: known.SessionID, Level: known.Level}
	if slices.Contains(known.Methods, LevelFactor) {
		who.Level = LevelFactor
	}
	if known.AuthTime > 0 {
		who.AuthTime = time.Unix(known.AuthTime, 0).UTC()
	}
	return who, nil
}
