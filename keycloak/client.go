// Package keycloak creates accounts in a Keycloak realm through its admin API.
//
//	Hasher ── the realm's own hash, computed here
//	Accounts ── one POST /users with names, attributes, groups and credential
//	Policy ── the realm's password policy, read and checked by the portal
//	Realm ── the settings that the portal needs: planned, then applied
//
// Every call has a time limit and a status: 0 means that no answer came and the
// outcome is unknown. Calls use gocloak, whose types are not used outside this
// package.
package keycloak

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Nerzal/gocloak/v13"
	"github.com/go-resty/resty/v2"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"entree/internal/secret"
)

// Config names the realm and the account for the admin API.
type Config struct {
	URL          string // "https://sso.example.org", with the relative path of Keycloak, if any
	Realm        string
	ClientID     string
	ClientSecret secret.Text
	Timeout      time.Duration  // of each call; 0: 10 seconds
	InFlight     int            // concurrent creations; 0: 8
	Roots        *x509.CertPool // nil: the authorities of the system
	// Wrap, if not nil, returns the transport of all calls on top of the client's own.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client calls the admin API of one realm.
type Client struct {
	config   Config
	gocloak  *gocloak.GoCloak
	inFlight chan struct{}
	login    *authorized

	transport *http.Transport // of all requests
}

// NewClient returns a client that logs in as the portal's service account. It
// does not connect, so Keycloak may be unavailable. It returns an error if the
// URL is invalid.
func NewClient(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("keycloak: %q is no address", c.URL)
	}
	grant := clientcredentials.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), TokenURL: tokenURL(c.URL, c.Realm), AuthStyle: oauth2.AuthStyleInHeader,
	}
	return newClient(c, grant.Token), nil
}

// NewAdmin returns a client that logs in as an administrator of the master realm
// by password. otp is the code of the second factor; empty if there is none.
func NewAdmin(address, realm, user string, password secret.Text, otp ...string) *Client {
	return newClient(Config{URL: address, Realm: realm, Timeout: time.Minute}, func(ctx context.Context) (*oauth2.Token, error) {
		form := url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {user}, "password": {password.Reveal()}}
		if len(otp) > 0 && otp[0] != "" {
			form.Set("totp", otp[0])
		}
		return fetchToken(ctx, tokenURL(address, "master"), form)
	})
}

// NewServiceAdmin returns a client that logs in as a service account. inRealm is
// the realm of that account: the realm itself, or master.
func NewServiceAdmin(address, realm, inRealm, id string, password secret.Text) *Client {
	grant := clientcredentials.Config{ClientID: id, ClientSecret: password.Reveal(), TokenURL: tokenURL(address, inRealm), AuthStyle: oauth2.AuthStyleInHeader}
	return newClient(Config{URL: address, Realm: realm, Timeout: time.Minute}, grant.Token)
}

// NewDeviceAdmin returns a client that logs in by the device flow: show is called
// with the address that an administrator opens in a browser.
func NewDeviceAdmin(address, realm, inRealm, id string, show func(address, code string)) *Client {
	base := strings.TrimSuffix(tokenURL(address, inRealm), "/token")
	grant := oauth2.Config{ClientID: id, Endpoint: oauth2.Endpoint{TokenURL: base + "/token", DeviceAuthURL: base + "/auth/device", AuthStyle: oauth2.AuthStyleInParams}}
	var kept oauth2.TokenSource
	// The time limit includes that of the administrator in the browser.
	return newClient(Config{URL: address, Realm: realm, Timeout: 15 * time.Minute}, func(ctx context.Context) (*oauth2.Token, error) {
		if kept == nil {
			device, err := grant.DeviceAuth(ctx)
			if err != nil {
				return nil, err
			}
			show(device.VerificationURIComplete, device.UserCode)
			token, err := grant.DeviceAccessToken(ctx, device)
			if err != nil {
				return nil, err
			}
			kept = grant.TokenSource(context.WithoutCancel(ctx), token)
		}
		return kept.Token()
	})
}

// fetchToken asks the token endpoint with a form that oauth2 does not know.
func fetchToken(ctx context.Context, address string, form url.Values) (*oauth2.Token, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client, ok := ctx.Value(oauth2.HTTPClient).(*http.Client)
	if !ok {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&body) // a proxy answers in HTML: the status says enough
	if response.StatusCode != http.StatusOK || body.AccessToken == "" {
		if strings.Contains(body.Description, "not fully set up") || strings.Contains(body.Description, "disabled") {
			body.Error = codeNotReady
		}
		if body.Error == "invalid_grant" && form.Get("totp") != "" {
			body.Error = codeWithOTP
		}
		return nil, &Error{Status: response.StatusCode, Code: body.Error}
	}
	return &oauth2.Token{AccessToken: body.AccessToken, TokenType: body.TokenType, Expiry: time.Now().Add(time.Duration(body.ExpiresIn) * time.Second)}, nil
}

// codeNotReady stands for the error invalid_grant of an account that has to do
// something first or is disabled. Keycloak tells it from a wrong password by the
// description alone.
const codeNotReady = "account_not_ready"

// codeWithOTP stands for the error invalid_grant of a login with the code of a second
// factor.
const codeWithOTP = "invalid_grant_with_otp"

// Explain says in words what a failed login or a refused call of an administrator
// means, and returns any other error as it is.
func Explain(err error, address string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case e.Code == "invalid_grant":
		return fmt.Errorf("%w: the user name or the password is wrong, or the account has a second factor, which Keycloak does not tell apart here: give its code with --otp, or log in with --device or --client", err)
	case e.Code == codeWithOTP:
		return fmt.Errorf("%w: the user name, the password or the code of --otp is wrong: a code is valid once, for half a minute", err)
	case e.Code == codeNotReady:
		return fmt.Errorf("%w: the account is not fully set up or is disabled: log in once in a browser and do what it asks for", err)
	case e.Code == "invalid_client", e.Code == "unauthorized_client":
		return fmt.Errorf("%w: the client or its secret is wrong, or this way to log in is not enabled for it", err)
	case e.Status == http.StatusForbidden:
		return fmt.Errorf("%w: the login succeeded, but a role is missing: plan and apply need realm-admin of realm-management (or admin of the master realm); check needs view-realm, view-users and view-clients", err)
	case e.Status == http.StatusNotFound:
		return fmt.Errorf("%w: %s does not answer as Keycloak does: the address must end in /auth for an older server, or one that is configured so, and in no other case", err, address)
	}
	return err
}

func newClient(c Config, grant func(context.Context) (*oauth2.Token, error)) *Client {
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.InFlight == 0 {
		c.InFlight = 8
	}
	c.URL = strings.TrimRight(c.URL, "/")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = c.InFlight + 2
	base := http.RoundTripper(transport)
	if c.Wrap != nil {
		base = c.Wrap(transport)
	}
	plain := &http.Client{Transport: base, Timeout: c.Timeout}
	// The HTTP client of gocloak has no time limit.
	login := &authorized{base: base, plain: plain, grant: grant}
	limited := &http.Client{Transport: login, Timeout: c.Timeout}
	g := gocloak.NewClient(c.URL)
	g.SetRestyClient(resty.NewWithClient(limited))
	client := &Client{config: c, gocloak: g, inFlight: make(chan struct{}, c.InFlight), login: login, transport: transport}
	return client.Trust(c.Roots)
}

// Trust makes the client trust these certificate authorities, or those of the
// system if roots is nil. It must be called before the first request.
func (c *Client) Trust(roots *x509.CertPool) *Client {
	if roots != nil {
		c.transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return c
}

func tokenURL(address, realm string) string {
	return strings.TrimRight(address, "/") + "/realms/" + url.PathEscape(realm) + "/protocol/openid-connect/token"
}

// authorized adds the token to each request. After a 401 it requests a new
// token and tries once more: the secret may have been rotated, or all sessions
// revoked.
type authorized struct {
	base  http.RoundTripper
	plain *http.Client
	grant func(context.Context) (*oauth2.Token, error)

	mu    sync.Mutex
	token *oauth2.Token
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := a.get(r.Context(), "")
	if err != nil {
		return nil, err
	}
	response, err := a.base.RoundTrip(with(r, token))
	if err != nil || response.StatusCode != http.StatusUnauthorized || r.Body != nil && r.GetBody == nil {
		return response, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	if token, err = a.get(r.Context(), token); err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		if again.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.base.RoundTrip(with(again, token))
}

// get returns a valid token that differs from refused, and requests a new one
// if needed.
func (a *authorized) get(ctx context.Context, refused string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token.Valid() && a.token.AccessToken != refused {
		return a.token.AccessToken, nil
	}
	token, err := a.grant(context.WithValue(ctx, oauth2.HTTPClient, a.plain))
	if err != nil {
		return "", fmt.Errorf("log in to Keycloak: %w", withoutBody(err))
	}
	a.token = token
	return token.AccessToken, nil
}

// withoutBody keeps the body of a refused login out of logs, except the error
// code.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return &Error{Status: refused.Response.StatusCode, Code: refused.ErrorCode}
	}
	return err
}

func with(r *http.Request, token string) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// Error is an answer of Keycloak other than success.
type Error struct {
	Status int    // 0: no answer came, the outcome is unknown
	Code   string // "error" or "errorMessage" of the body, never personal data
	Field  string // the field that Keycloak refuses, if it names one
	Cause  error
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("keycloak: no answer: %v", e.Cause)
	}
	text := fmt.Sprintf("keycloak: %d %s", e.Status, e.Code)
	if e.Field != "" {
		text += " (" + e.Field + ")"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Cause }

// status returns the HTTP status of an error, or 0 if no answer came.
func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// do sends one request to the admin API of the realm and returns the header of
// the answer. path is made by [path]; result may be nil.
func (c *Client) do(ctx context.Context, method, path string, body, result any) (http.Header, error) {
	return c.doAt(ctx, method, "/admin/realms"+path, body, result)
}

// plainText is the body of a request that takes text instead of JSON.
type plainText string

// doAt sends one request to a path of the server.
func (c *Client) doAt(ctx context.Context, method, path string, body, result any) (http.Header, error) {
	request := c.gocloak.GetRequest(ctx).SetHeader("Accept", "application/json")
	if text, is := body.(plainText); is {
		request.SetHeader("Content-Type", "text/plain; charset=utf-8").SetBody([]byte(text))
	} else if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		request.SetHeader("Content-Type", "application/json").SetBody(raw)
	}
	response, err := request.Execute(method, c.config.URL+path)
	if err != nil {
		var refused *Error // from the token endpoint
		if errors.As(err, &refused) {
			return nil, refused
		}
		return nil, &Error{Cause: err}
	}
	if response.IsError() {
		return nil, parseError(response.StatusCode(), response.Body())
	}
	if result != nil {
		if err := json.NewDecoder(bytes.NewReader(response.Body())).Decode(result); err != nil {
			return nil, &Error{Cause: fmt.Errorf("an answer that is no JSON: %w", err)} // a 2xx with an invalid body is not a success (S46)
		}
	}
	return response.Header(), nil
}

// parseError returns the error of a body, with the rule that was broken.
// gocloak drops these fields.
func parseError(status int, body []byte) *Error {
	var b struct {
		Error, ErrorMessage, Field string
		Errors                     []struct{ ErrorMessage, Field string }
	}
	_ = json.Unmarshal(body, &b) // a proxy answers in HTML: then the status is enough
	e := &Error{Status: status, Code: b.ErrorMessage, Field: b.Field}
	if len(b.Errors) > 0 {
		e.Code, e.Field = b.Errors[0].ErrorMessage, b.Errors[0].Field
	}
	if e.Code == "" {
		e.Code = b.Error
	}
	return e
}

// path joins escaped segments under the realm. An id from outside cannot name
// another resource (S44).
func (c *Client) path(segments ...string) string {
	var b strings.Builder
	for _, s := range append([]string{c.config.Realm}, segments...) {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Ping returns an error if the realm does not answer.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, c.path(), nil, nil)
	return err
}
