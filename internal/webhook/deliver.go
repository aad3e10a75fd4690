package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"entree/internal/domain"
)

// answerLimit is the time limit of one request, connecting included.
const answerLimit = 15 * time.Second

// Handlers returns the handler of each endpoint's queue, by the kind of its jobs.
func (w *Webhooks) Handlers() map[string]domain.Handler {
	out := map[string]domain.Handler{}
	for _, e := range w.Endpoints {
		out[e.Queue()] = delivery{w, e, client(e, w.Roots)}
	}
	return out
}

// delivery is the handler of one endpoint's jobs. It implements jobs.Patient.
type delivery struct {
	*Webhooks
	endpoint Endpoint
	client   *http.Client
}

// Run sends the message once. The receiver may get a message twice, since an
// answer can be lost.
func (d delivery) Run(ctx context.Context, job domain.Job) (domain.Effects, error) {
	var m message
	if err := job.Open(d.Keys, &m); err != nil {
		return domain.Effects{}, err
	}
	return domain.Effects{}, d.send(ctx, m)
}

func (d delivery) send(ctx context.Context, m message) error {
	request, err := d.endpoint.request(m, d.Clock())
	if err != nil {
		return domain.Permanent(err)
	}
	response, err := d.client.Do(request.WithContext(ctx))
	if err != nil {
		var refused *url.Error // it repeats the URL; the endpoint's name is enough
		if errors.As(err, &refused) {
			err = refused.Err
		}
		return fmt.Errorf("webhook %s: %w", d.endpoint.Name, err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be reused
	switch s := response.StatusCode; {
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusGone:
		return domain.Permanent(fmt.Errorf("webhook %s: the receiver answers 410: it wants no more", d.endpoint.Name))
	case s >= 300 && s < 400:
		return fmt.Errorf("webhook %s: the receiver answers %d, and redirects are not followed", d.endpoint.Name, s)
	default:
		return fmt.Errorf("webhook %s: the receiver answers %d", d.endpoint.Name, s)
	}
}

// Abandon returns an event that the console shows to administrators. The job stays
// in the queue as a dead letter.
func (d delivery) Abandon(_ context.Context, job domain.Job, _ error) (domain.Effects, error) {
	return domain.Effects{Events: []domain.Event{{
		At: d.Clock().UTC(), Kind: domain.EventNewsAbandoned, Person: job.Person, Journey: job.Journey,
		Details: map[string]string{"endpoint": d.endpoint.Name},
	}}}, nil
}

// Wait follows the schedule that Standard Webhooks proposes, with shorter waits at
// the beginning: most unavailable receivers are being restarted.
func (d delivery) Wait(attempt int) time.Duration {
	schedule := []time.Duration{5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour}
	if attempt > len(schedule) {
		return 6 * time.Hour
	}
	return schedule[max(attempt, 1)-1]
}

// client returns the HTTP client of one endpoint. It follows no redirects, uses no
// proxy of the environment, and refuses the addresses of this machine unless the
// endpoint is Local.
func client(e Endpoint, roots *x509.CertPool) *http.Client {
	dialer := &net.Dialer{Timeout: answerLimit}
	if !e.Local {
		// Control sees the resolved IP address, so that a DNS record that points
		// to this machine is refused as well.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return outside(address) }
	}
	return &http.Client{
		Timeout:       answerLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}
}

// errInside means that an endpoint's URL leads to this machine or to a link-local
// address.
var errInside = errors.New("its address is on this machine or link-local: it is refused unless allow_host names it")

// outside returns errInside for the addresses of this machine and link-local ones,
// where the metadata services of clouds answer. Private networks are allowed: many
// campus servers have only a private address.
func outside(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := to.Addr().Unmap().WithZone("")
	if ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast() {
		return errInside
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("addresses of this machine: %w", err)
	}
	for _, a := range own {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return errInside
		}
	}
	return nil
}

// CheckURL returns an error if an endpoint's URL cannot be used. allowed is the one
// host that may be this machine or speak plain http; empty means none.
func CheckURL(address, allowed string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q: want https://…", address)
	case allowed != "" && !strings.EqualFold(allowed, u.Hostname()):
		return fmt.Errorf("allow_host names %q, and the address is at %q", allowed, u.Hostname())
	case allowed != "":
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%q: must be https, because messages contain personal data; plain http is for a host that allow_host names", address)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := outside(netip.AddrPortFrom(ip, 443).String()); err != nil {
			return err
		}
	} else if strings.EqualFold(u.Hostname(), "localhost") {
		return errInside
	}
	return nil
}
