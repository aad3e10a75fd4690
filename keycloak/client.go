// Package keycloak makes accounts in a Keycloak realm through its admin API.
//
//	Hasher ── the realm's own hash, computed here
//	Accounts ── one POST /users with names, attributes, groups and credential
//	Policy ── what the realm asks of a password, read and judged by the portal
//	Realm ── what the portal needs of a realm: planned, then applied
//
// Every call has a time limit and a status: 0 means that no answer came and the
// outcome is unknown. The admin API is spoken through gocloak, which stays
// inside this package.
package keycloak

import (
	"bytes"
	"context"
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

// Config says which realm, and as whom.
type Config struct {
	URL          string // "https://sso.example.org", with its relative path if it has one
	Realm        string
	ClientID     string
	ClientSecret secret.Text
	Timeout      time.Duration // for each call; 0: 10 seconds
	InFlight     int           // creations at once; 0: 8
}

// Client speaks to one realm's admin API.
type Client struct {
	config   Config
	gocloak  *gocloak.GoCloak
	inFlight chan struct{}
	login    *authorized
}

// NewClient gives a client that logs in as the portal's service account. It
// does not connect: Keycloak may be away.
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

// NewAdmin gives a client that logs in as an administrator of the master realm,
// to set a realm up.
func NewAdmin(address, realm, user string, password secret.Text) *Client {
	grant := oauth2.Config{ClientID: "admin-cli", Endpoint: oauth2.Endpoint{TokenURL: tokenURL(address, "master"), AuthStyle: oauth2.AuthStyleInParams}}
	return newClient(Config{URL: address, Realm: realm, Timeout: time.Minute}, func(ctx context.Context) (*oauth2.Token, error) {
		return grant.PasswordCredentialsToken(ctx, user, password.Reveal())
	})
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
	plain := &http.Client{Transport: transport, Timeout: c.Timeout}
	// gocloak's own HTTP client has no time limit.
	login := &authorized{base: transport, plain: plain, grant: grant}
	limited := &http.Client{Transport: login, Timeout: c.Timeout}
	g := gocloak.NewClient(c.URL)
	g.SetRestyClient(resty.NewWithClient(limited))
	return &Client{config: c, gocloak: g, inFlight: make(chan struct{}, c.InFlight), login: login}
}

func tokenURL(address, realm string) string {
	return strings.TrimRight(address, "/") + "/realms/" + url.PathEscape(realm) + "/protocol/openid-connect/token"
}

// authorized adds the token to each request. On a 401 it drops the token and
// tries once more with a new one: the secret was rotated, or all sessions were
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

// get gives a token that is not the refused one.
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

// withoutBody keeps what Keycloak answered to a login out of logs, but for its
// error code.
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

// Error is an answer of Keycloak that is no success.
type Error struct {
	Status int    // 0: no answer came, the outcome is unknown
	Code   string // "error" or "errorMessage" of the body: never personal
	Field  string // the field that it is about, where Keycloak says so
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

// status gives the HTTP status of an error; 0 where no answer came.
func status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// do sends one request to the realm's admin API. path is made by [path]; result
// may be nil. It gives the answer's header.
func (c *Client) do(ctx context.Context, method, path string, body, result any) (http.Header, error) {
	return c.doAt(ctx, method, "/admin/realms"+path, body, result)
}

// doAt sends one to the server.
func (c *Client) doAt(ctx context.Context, method, path string, body, result any) (http.Header, error) {
	request := c.gocloak.GetRequest(ctx).SetHeader("Accept", "application/json")
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		request.SetHeader("Content-Type", "application/json").SetBody(raw)
	}
	response, err := request.Execute(method, c.config.URL+path)
	if err != nil {
		var refused *Error // by the token endpoint
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
			return nil, &Error{Cause: fmt.Errorf("an answer that is no JSON: %w", err)} // a garbage 2xx is no success (S46)
		}
	}
	return response.Header(), nil
}

// parseError keeps of a body what says which rule was broken: gocloak drops it.
func parseError(status int, body []byte) *Error {
	var b struct {
		Error, ErrorMessage, Field string
		Errors                     []struct{ ErrorMessage, Field string }
	}
	_ = json.Unmarshal(body, &b) // a proxy answers in HTML: the status says enough
	e := &Error{Status: status, Code: b.ErrorMessage, Field: b.Field}
	if len(b.Errors) > 0 {
		e.Code, e.Field = b.Errors[0].ErrorMessage, b.Errors[0].Field
	}
	if e.Code == "" {
		e.Code = b.Error
	}
	return e
}

// path joins escaped segments under the realm: an id from outside can never
// name another resource (S44).
func (c *Client) path(segments ...string) string {
	var b strings.Builder
	for _, s := range append([]string{c.config.Realm}, segments...) {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Ping tells whether the realm answers.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, c.path(), nil, nil)
	return err
}
