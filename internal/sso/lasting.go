package sso

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entree/internal/secret"
)

// ErrEnded means that the provider has ended the session, or has disabled or
// removed the account.
var ErrEnded = errors.New("sso: the provider has ended this session")

// renewLimit is the timeout of Renew and Logout. A page waits for it.
const renewLimit = 3 * time.Second

// logoutLife is the maximum age of a logout token.
const logoutLife = 10 * time.Minute

// Renew asks the provider for the current identity with a refresh token (OpenID
// Connect Core §12). The result has the current roles and the next refresh
// token. Renew returns ErrEnded if the account or the session has ended, and
// ErrUnavailable or ErrToken if the provider could not be asked or its response
// is invalid.
func (r *RelyingParty) Renew(ctx context.Context, subject string, refresh secret.Text) (Identity, error) {
	p, _, err := r.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	end, err := r.calls.begin()
	if err != nil {
		return Identity{}, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), r.client), renewLimit)
	defer cancel()
	token, err := r.oauth(p).TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return Identity{}, ErrEnded
	case err != nil:
		return Identity{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := p.Verifier(&oidc.Config{ClientID: r.config.ClientID, Now: r.config.Now}).Verify(ctx, raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if verified.Subject != subject {
		return Identity{}, fmt.Errorf("%w: of another subject", ErrToken)
	}
	who, err := identity(verified, raw)
	who.Refresh = secret.New(token.RefreshToken)
	return who, err
}

// Logout is a verified logout token.
type Logout struct {
	ID        string // claim jti: the caller must accept each value only once
	Subject   string // may be empty if SessionID is not
	SessionID string // claim sid of the ID tokens of the session; empty: all sessions of Subject
	Expires   time.Time
}

// logoutEvent is the member of the claim events that makes a token a logout
// token (OpenID Connect Back-Channel Logout 1.0 §2.4).
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// Logout verifies a logout token: its signature, issuer, audience, times and
// event, and that it is not an ID token. The caller must check that the token
// was not used before.
func (r *RelyingParty) Logout(ctx context.Context, raw string) (Logout, error) {
	p, _, err := r.discover(ctx)
	if err != nil {
		return Logout{}, err
	}
	end, err := r.logouts.begin() // the verifier requests unknown keys from the provider
	if err != nil {
		return Logout{}, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, r.client), renewLimit)
	defer cancel()
	token, err := p.Verifier(&oidc.Config{ClientID: r.config.ClientID, Now: r.config.Now}).VerifyLogout(ctx, raw)
	if err != nil {
		// The verifier's text quotes claims that are not signed, up to the size of
		// a request. It is not logged.
		return Logout{}, fmt.Errorf("%w: not a logout token of the provider for this client", ErrToken)
	}
	var claims struct {
		Events map[string]json.RawMessage `json:"events"`
		All    map[string]json.RawMessage `json:"-"`
	}
	if err := errors.Join(token.Claims(&claims), token.Claims(&claims.All)); err != nil {
		return Logout{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	age := r.config.Now().Sub(token.IssuedAt)
	_, hasNonce := claims.All["nonce"]
	switch event := strings.TrimSpace(string(claims.Events[logoutEvent])); {
	case !strings.HasPrefix(event, "{"):
		return Logout{}, fmt.Errorf("%w: the logout event is not an object", ErrToken)
	case hasNonce:
		return Logout{}, fmt.Errorf("%w: a logout token has no nonce", ErrToken)
	case age < -clockSkew || age > logoutLife:
		return Logout{}, fmt.Errorf("%w: logout token issued at another time", ErrToken)
	}
	return Logout{ID: token.TokenID, Subject: token.Subject, SessionID: token.SessionID, Expires: token.Expiry}, nil
}

// LogoutURL returns the address that ends the session at the provider (OpenID
// Connect RP-Initiated Logout 1.0) and redirects to back, which must be
// registered. It returns an empty string if the provider is unavailable or has
// no such address. In this case only the portal's own session ends.
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
