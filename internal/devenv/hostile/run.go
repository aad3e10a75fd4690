package hostile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Options is one run against a portal.
type Options struct {
	URL         string         // where the portal, or the proxy before it, is reached
	Host        string         // of the Host header; empty: that of URL
	Roots       *x509.CertPool // for https; nil: the system's
	Kinds       []Kind         // one after the other; empty: all of Kinds
	Connections int            // of each kind
	For         time.Duration  // of each kind
	Login       bool           // adds logins, which wait if the provider hangs
}

// honestLimit is the longest time that an honest request may take.
const honestLimit = 5 * time.Second

// ErrRefused says that honest requests were refused or took too long.
var ErrRefused = errors.New("hostile: honest requests were refused")

// Run attacks a portal and asks for its first pages meanwhile, as a new visitor
// does. It writes a line for each kind and returns ErrRefused if an honest
// request failed.
func Run(ctx context.Context, o Options, out io.Writer) error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() == "" {
		return fmt.Errorf("hostile: %q: want http://host:port or https://host:port", o.URL)
	}
	secure := &tls.Config{RootCAs: o.Roots, ServerName: u.Hostname()}
	visitor := visitor{&http.Client{Timeout: honestLimit, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: secure}}, o}
	kinds := o.Kinds
	if len(kinds) == 0 {
		kinds = append(kinds, Kinds...)
		if o.Login {
			kinds = append(kinds, Requests)
		}
	}
	var failed bool
	for _, kind := range kinds {
		target := Target{Address: u.Host, Host: o.Host}
		if u.Scheme == "https" {
			target.TLS = secure
		}
		if kind == Requests {
			target.Path = "/connexion"
		}
		attack, err := Start(ctx, kind, target, o.Connections)
		if err != nil {
			return err
		}
		asked, refused, slowest := visitor.asks(ctx)
		fmt.Fprintf(out, "%-13s %5d connections open, %4d honest requests, %3d refused, slowest %s\n", kind, attack.Open(), asked, refused, slowest.Round(time.Millisecond))
		attack.Close()
		failed = failed || refused > 0
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed {
		return ErrRefused
	}
	return nil
}

// visitor is an honest one.
type visitor struct {
	client  *http.Client
	options Options
}

// asks asks for pages one after another, on a new connection each time.
func (v visitor) asks(ctx context.Context) (asked, refused int, slowest time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, v.options.For)
	defer cancel()
	for i := 0; ctx.Err() == nil; i++ {
		begun := time.Now()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.options.URL+[]string{"/", "/activation"}[i%2], nil)
		if err != nil {
			return asked, refused + 1, slowest
		}
		request.Host = v.options.Host
		response, err := v.client.Do(request)
		if ctx.Err() != nil {
			if err == nil {
				_ = response.Body.Close()
			}
			return asked, refused, slowest
		}
		asked++
		slowest = max(slowest, time.Since(begun))
		if err != nil || response.StatusCode != http.StatusOK {
			refused++
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return asked, refused, slowest
}
