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

// CASConfig is what the portal is to a CAS server.
type CASConfig struct {
	URL        string // prefix, like https://cas.univ.example/cas
	ServiceURL string // where tickets come back to
	Now        func() time.Time
	Random     io.Reader
	HTTPClient *http.Client // nil: one with time limits
}

// CAS logs people in by the CAS protocol 3.0.
//
//	AuthURL ──▶ State, kept by the browser, sealed, for half an hour
//	   │        the same nonce in the service's address
//	   ▼
//	the CAS server ── ?state&ticket ──▶ Exchange: state equal, young;
//	                                    /p3/serviceValidate with that very
//	                                    service ──▶ Identity
//
// A CAS server gives tickets to whoever has a session there, for any browser to
// bring: the nonce makes each service's address one login's own, and the server
// refuses a ticket that was given for another one.
type CAS struct {
	config CASConfig
	client *http.Client
}

// NewCAS checks nothing over the network.
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
	// A validation that leads elsewhere is none.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &CAS{config: c, client: &client}, nil
}

// Origin is where the CAS server's pages are, for a content security policy.
func (c *CAS) Origin() string { return origin(c.config.URL) }

// AuthURL begins a login. The protocol knows no identifier to fill in.
func (c *CAS) AuthURL(_ context.Context, _, lang string) (string, State, error) {
	var b [32]byte
	if _, err := io.ReadFull(c.config.Random, b[:]); err != nil {
		return "", State{}, fmt.Errorf("sso: %w", err)
	}
	s := State{State: base64.RawURLEncoding.EncodeToString(b[:]), Begun: c.config.Now()}
	q := url.Values{"service": {c.service(s)}}
	if lang != "" {
		q.Set("locale", lang)
	}
	return c.config.URL + "/login?" + q.Encode(), s, nil
}

// service is the address that a login's ticket is good for.
func (c *CAS) service(s State) string {
	return c.config.ServiceURL + "?" + url.Values{"state": {s.State}}.Encode()
}

// aTicket is a service ticket: "ST-" and, with room for the host names that
// servers append, 256 characters at most (CAS Protocol 3.0, 3.1.1 and 3.7).
var aTicket = regexp.MustCompile(`^ST-[A-Za-z0-9._-]{1,253}$`)

// Exchange finishes a login with the query that the visitor came back with.
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
	raw, err := c.validate(ctx, c.service(s), ticket)
	if err != nil {
		return Identity{}, err
	}
	return readCAS(raw)
}

// answerLimit bounds what is read of an answer, in bytes; real ones have some
// thousand.
const answerLimit = 256 << 10

func (c *CAS) validate(ctx context.Context, service, ticket string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	address := c.config.URL + "/p3/serviceValidate?" + url.Values{"service": {service}, "ticket": {ticket}}.Encode()
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

// bare takes the address off an error of the HTTP client: it holds a ticket
// that may still be good, and errors go into the log.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// LogoutURL leads to the end of the session at the CAS server, and from there
// back, where the server knows the address and follows it.
func (c *CAS) LogoutURL(_ context.Context, _ secret.Text, back string) string {
	return c.config.URL + "/logout?" + url.Values{"service": {back}}.Encode()
}

// origin is of an address that was checked before.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic("sso: address was checked when it was given: " + err.Error())
	}
	return u.Scheme + "://" + u.Host
}
