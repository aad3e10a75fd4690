// Package ldapconn opens connections to LDAP directories: TLS with the system's
// or a private certification authority, StartTLS, time limits, and the bind.
package ldapconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/secret"
)

// Server is a directory and the entry that the portal binds as.
type Server struct {
	URL      string // ldaps://host or ldap://host
	StartTLS bool
	CA       string         // path of a PEM file; empty: Roots
	Roots    *x509.CertPool // nil: the system's certification authorities
	BindDN   string         // empty: anonymous
	Password secret.Text
	Timeout  time.Duration // to connect, and for each request
}

// ErrPassword is returned by Dial if the directory refuses the bind DN with its
// password. OpenLDAP does not say which of the two is wrong.
var ErrPassword = errors.New("the directory refuses this bind_dn with this password")

// Dial connects and binds. The connection is closed when ctx ends; the caller
// must call release when it is done with the connection.
func (s Server) Dial(ctx context.Context) (conn *ldap.Conn, release func(), err error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, nil, err
	}
	trust, err := s.trust(u.Hostname())
	if err != nil {
		return nil, nil, err
	}
	dialer := &net.Dialer{Timeout: s.Timeout, Cancel: ctx.Done()} //nolint:staticcheck // go-ldap takes a dialer and no context
	conn, err = ldap.DialURL(s.URL, ldap.DialWithDialer(dialer), ldap.DialWithTLSConfig(trust))
	if err != nil {
		return nil, nil, err
	}
	conn.SetTimeout(s.Timeout)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	release = func() { stop(); _ = conn.Close() } // closing twice is an error without a meaning
	if s.StartTLS {
		err = conn.StartTLS(trust)
	}
	if err == nil && s.BindDN != "" {
		err = conn.Bind(s.BindDN, s.Password.Reveal())
		if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
			err = ErrPassword
		}
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return conn, release, nil
}

func (s Server) trust(host string) (*tls.Config, error) {
	trust := &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	if s.CA == "" {
		return trust, nil
	}
	raw, err := os.ReadFile(s.CA)
	if err != nil {
		return nil, err
	}
	trust.RootCAs = x509.NewCertPool()
	if !trust.RootCAs.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("%s holds no certificate", s.CA)
	}
	return trust, nil
}
