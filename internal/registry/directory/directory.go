// Package directory reads people from an LDAP directory, as a table like that
// of a file.
//
//	bind ── search, page by page ── one entry a line ── one attribute a column
//
// Entries come as they are asked for, a page at a time. A connection that is
// lost, a limit of the server's or a page that takes too long is an error at
// that line, and the import that reads the table keeps nothing. Referrals lead
// to other servers and are not followed: they are not this source.
package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/registry"
	"entree/internal/secret"
)

// Source is where people are, and which attributes hold what.
type Source struct {
	URL      string // ldaps://host or ldap://host
	StartTLS bool
	CA       string // a PEM file; empty: what the system trusts
	BindDN   string // empty: as nobody
	Password secret.Text
	Base     string
	Filter   string
	PageSize int
	Timeout  time.Duration     // to connect, and for each page
	Columns  map[string]string // field of a person → attribute
}

// Open binds to the directory. The table's columns are the attributes.
func Open(ctx context.Context, s Source) (registry.Table, error) {
	conn, err := s.dial()
	if err != nil {
		return registry.Table{}, fmt.Errorf("%s: %w", s.URL, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	done := func() error { stop(); return conn.Close() }
	attributes := slices.Compact(slices.Sorted(maps.Values(s.Columns)))
	r := &reader{source: s, conn: conn, attributes: attributes, paging: ldap.NewControlPaging(uint32(s.PageSize))}
	return registry.Table{Next: r.next, Headers: attributes, Done: func() float64 { return 0 }, Close: done}, nil
}

func (s Source) dial() (*ldap.Conn, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, err
	}
	trust := &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if s.CA != "" {
		raw, err := os.ReadFile(s.CA)
		if err != nil {
			return nil, err
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("%s holds no certificate", s.CA)
		}
	}
	conn, err := ldap.DialURL(s.URL, ldap.DialWithDialer(&net.Dialer{Timeout: s.Timeout}), ldap.DialWithTLSConfig(trust))
	if err != nil {
		return nil, err
	}
	conn.SetTimeout(s.Timeout)
	if s.StartTLS {
		err = conn.StartTLS(trust)
	}
	if err == nil && s.BindDN != "" {
		err = conn.Bind(s.BindDN, s.Password.Reveal())
		if ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
			err = errors.New("the directory refuses this bind_dn with this password")
		}
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// reader reads page by page.
type reader struct {
	source     Source
	conn       *ldap.Conn
	attributes []string
	paging     *ldap.ControlPaging
	page       []*ldap.Entry
	read       int
	last       bool
}

func (r *reader) next() ([]string, int, error) {
	for len(r.page) == 0 {
		if r.last {
			return nil, 0, io.EOF
		}
		if err := r.turn(); err != nil {
			return nil, 0, fmt.Errorf("%s, after %d entries: %w", r.source.URL, r.read, err)
		}
	}
	entry := r.page[0]
	r.page = r.page[1:]
	r.read++
	record := make([]string, len(r.attributes))
	for i, a := range r.attributes {
		record[i] = entry.GetEqualFoldAttributeValue(a) // the first of several
	}
	return record, r.read, nil
}

// turn asks for the next page.
func (r *reader) turn() error {
	seconds := int(r.source.Timeout / time.Second)
	result, err := r.conn.Search(ldap.NewSearchRequest(r.source.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, seconds, false,
		r.source.Filter, r.attributes, []ldap.Control{r.paging}))
	if err != nil {
		return err
	}
	r.page = result.Entries
	r.last = true
	if control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok && len(control.Cookie) > 0 {
		r.paging.SetCookie(control.Cookie)
		r.last = false
	}
	return nil
}
