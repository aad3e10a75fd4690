package sso

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"entree/internal/secret"
)

// CASConfig configures a CAS with the registration of the portal at a CAS
// server. URL, ServiceURL, Now and Random must be set.
type CASConfig struct {
	URL        string // prefix, such as https://cas.univ.example/cas
	ServiceURL string // address of the portal to which the server redirects with a ticket
	Now        func() time.Time
	Random     io.Reader
	HTTPClient *http.Client // nil: a client with a timeout of callLimit
}

// CAS performs logins with the CAS protocol 3.0. It is safe for concurrent use.
//
//	AuthURL ──▶ State, kept in the browser, encrypted, for half an hour
//	   │        the same nonce in the service's address
//	   ▼
//	the CAS server ── ?state&ticket ──▶ Exchange: check state and its age;
//	                                    /p3/serviceValidate with the same
//	                                    service ──▶ Identity
//
// A CAS server issues a ticket in any session, and any browser can present it.
// The nonce makes the service's address unique to one login: the server refuses
// a ticket that was issued for another address.
type CAS struct {
	config CASConfig
	client *http.Client
	calls  calls
}

// NewCAS checks the configuration. It makes no network request.
func NewCAS(c CASConfig) (*CAS, error) {
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
		return nil, fmt.Errorf("sso: CAS prefix %q is no address", c.URL)
	}
	if c.ServiceURL == "" {
		return nil, errors.New("sso: the service's address is needed")
	}
	c.URL = strings.TrimRight(c.URL, "/")
	client := http.Client{Timeout: callLimit}
	if c.HTTPClient != nil {
		client = *c.HTTPClient
	}
	// A redirect is not a valid answer to a ticket validation.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &CAS{config: c, client: &client, calls: make(calls, callsAtOnce)}, nil
}

// Origin returns the origin of the CAS server's pages, for the content security
// policy.
func (c *CAS) Origin() string { return origin(c.config.URL) }

// AuthURL begins a login. It returns the address of the server's login page and
// the state for Exchange. The hint is ignored, because the CAS protocol has no
// parameter for the identifier.
func (c *CAS) AuthURL(_ context.Context, _, lang string) (string, State, error) {
	return c.begin(lang, false)
}

// FreshAuthURL begins a login for which the server must ask for the password again,
// even in an existing session (CAS Protocol 3.0 §2.1.1, renew).
func (c *CAS) FreshAuthURL(_ context.Context, _, lang string) (string, State, error) {
	return c.begin(lang, true)
}

func (c *CAS) begin(lang string, fresh bool) (string, State, error) {
	var b [32]byte
	if _, err := io.ReadFull(c.config.Random, b[:]); err != nil {
		return "", State{}, fmt.Errorf("sso: %w", err)
	}
	s := State{State: base64.RawURLEncoding.EncodeToString(b[:]), Begun: c.config.Now(), Fresh: fresh}
	q := url.Values{"service": {c.service(s)}}
	if fresh {
		q.Set("renew", "true")
	}
	if lang != "" {
		q.Set("locale", lang)
	}
	return c.config.URL + "/login?" + q.Encode(), s, nil
}

// service returns the service address of a login, for which its ticket is
// valid.
func (c *CAS) service(s State) string {
	return c.config.ServiceURL + "?" + url.Values{"state": {s.State}}.Encode()
}

// aTicket matches a service ticket: "ST-" and at most 256 characters in total
// (CAS Protocol 3.0 §3.1.1 and §3.7). The length allows for the host names that
// servers append.
var aTicket = regexp.MustCompile(`^ST-[A-Za-z0-9._-]{1,253}$`)

// Exchange finishes a login with the query of the server's redirect. It returns
// ErrState, ErrDenied, ErrToken or ErrUnavailable if the login failed.
func (c *CAS) Exchange(ctx context.Context, s State, query url.Values) (Identity, error) {
	if !s.answeredBy(query, c.config.Now()) {
		return Identity{}, ErrState
	}
	ticket := only(query, "ticket")
	if !query.Has("ticket") {
		return Identity{}, fmt.Errorf("%w: back without a ticket", ErrDenied)
	}
	if !aTicket.MatchString(ticket) {
		return Identity{}, fmt.Errorf("%w: no service ticket", ErrToken)
	}
	end, err := c.calls.begin()
	if err != nil {
		return Identity{}, err
	}
	defer end()
	raw, err := c.validate(ctx, c.service(s), ticket, s.Fresh)
	if err != nil {
		return Identity{}, err
	}
	who, err := readCAS(raw)
	if s.Fresh {
		who.AuthTime = s.Begun // the server refuses the ticket of a session
	}
	return who, err
}

// answerLimit is the maximum size of a response in bytes. Typical responses
// have a few thousand bytes.
const answerLimit = 256 << 10

func (c *CAS) validate(ctx context.Context, service, ticket string, fresh bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	q := url.Values{"service": {service}, "ticket": {ticket}}
	if fresh {
		q.Set("renew", "true")
	}
	address := c.config.URL + "/p3/serviceValidate?" + q.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, bare(err))
	}
	response, err := c.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, bare(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: status %d", ErrUnavailable, response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, bare(err))
	case len(raw) > answerLimit:
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrToken, answerLimit)
	}
	return raw, nil
}

// bare removes the address from an error of the HTTP client. The address
// contains a ticket that may still be valid, and errors are logged.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// LogoutURL returns the address that ends the session at the CAS server. The
// server redirects to back if it knows this address and is configured to follow
// it.
func (c *CAS) LogoutURL(_ context.Context, _ secret.Text, back string) string {
	return c.config.URL + "/logout?" + url.Values{"service": {back}}.Encode()
}

// origin returns the origin of an address that New or NewCAS has checked.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic("sso: address was checked when it was given: " + err.Error())
	}
	return u.Scheme + "://" + u.Host
}
