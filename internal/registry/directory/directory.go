// Package directory reads people from an LDAP directory, as a table like that
// of a file.
//
//	bind ── search, page by page ── one entry a line ── one attribute a column
//
// Entries are read as they arrive, a page at a time. A lost connection, a limit
// of the server or a page that takes too long is an error at that line, and the
// import that reads the table stores nothing. Referrals to other servers are
// counted and not followed.
package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"entree/internal/ldapconn"
	"entree/internal/registry"
)

// Source names the branch of the people and the attributes that hold their fields.
// The time limit of Server holds for each page.
type Source struct {
	ldapconn.Server
	Base     string
	Filter   string
	PageSize int
	Columns  map[string]string // field of a person → attribute
}

// Open binds to the directory. The table's columns are the attributes.
func Open(ctx context.Context, s Source) (registry.Table, error) {
	conn, release, err := s.Dial(ctx)
	if err != nil {
		return registry.Table{}, fmt.Errorf("%s: %w", s.URL, err)
	}
	attributes := slices.Compact(slices.Sorted(maps.Values(s.Columns)))
	r := &reader{source: s, conn: conn, attributes: attributes, paging: ldap.NewControlPaging(uint32(s.PageSize))}
	return registry.Table{
		Next: r.next, Headers: attributes, Place: r.place, Done: func() float64 { return 0 }, Close: func() error { release(); return nil },
		Report: registry.Report{Format: "LDAP"}, Late: r.referred,
	}, nil
}

// reader reads page by page.
type reader struct {
	source     Source
	conn       *ldap.Conn
	attributes []string
	paging     *ldap.ControlPaging
	page       []*ldap.Entry
	names      []string // DNs of the entries read, to name the refused ones
	last       bool
	referrals  []string
}

func (r *reader) next() ([]string, int, error) {
	for len(r.page) == 0 {
		if r.last {
			if len(r.names) == 0 {
				return nil, 0, fmt.Errorf("%s: no entry under %q fits %q: check base and filter, and what bind_dn may read", r.source.URL, r.source.Base, r.source.Filter)
			}
			return nil, 0, io.EOF
		}
		if err := r.turn(); err != nil {
			return nil, 0, fmt.Errorf("%s, after %d entries: %w", r.source.URL, len(r.names), err)
		}
	}
	entry := r.page[0]
	r.page = r.page[1:]
	r.names = append(r.names, entry.DN)
	record := make([]string, len(r.attributes))
	for i, a := range r.attributes {
		record[i] = strings.Join(entry.GetEqualFoldAttributeValues(a), registry.Several)
	}
	return record, len(r.names), nil
}

// place returns the DN of an entry.
func (r *reader) place(line int) string {
	if line < 1 || line > len(r.names) {
		return ""
	}
	return r.names[line-1]
}

// turn asks for the next page.
func (r *reader) turn() error {
	seconds := int(r.source.Timeout / time.Second)
	result, err := r.conn.Search(ldap.NewSearchRequest(r.source.Base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, seconds, false,
		r.source.Filter, r.attributes, []ldap.Control{r.paging}))
	if err != nil {
		return r.advice(err, result)
	}
	r.page = result.Entries
	r.referrals = append(r.referrals, result.Referrals...)
	r.last = true
	if control, ok := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok && len(control.Cookie) > 0 {
		r.paging.SetCookie(control.Cookie)
		r.last = false
	}
	return nil
}

// advice adds what to do to an error of the server.
func (r *reader) advice(err error, result *ldap.SearchResult) error {
	var answer *ldap.Error
	if !errors.As(err, &answer) {
		return err
	}
	var say string
	switch answer.ResultCode {
	case ldap.LDAPResultSizeLimitExceeded:
		say = fmt.Sprintf("the server returns fewer entries than there are; raise its size limit for bind_dn (OpenLDAP: limits … size.pr=unlimited size.prtotal=unlimited; 389 Directory Server: nsSizeLimit) or lower page_size, which is %d", r.source.PageSize)
	case ldap.LDAPResultAdminLimitExceeded:
		say = "the server looks through too many entries for this filter; index its attributes or raise the limit for bind_dn (389 Directory Server: nsLookThroughLimit)"
	case ldap.LDAPResultTimeLimitExceeded:
		say = "the server's time limit; raise it for bind_dn or lower page_size"
	case ldap.LDAPResultReferral:
		say = "this base is on another server"
		if to := referredTo(answer, result); to != "" {
			say += ": set url and base to " + to
		} else {
			say += ": set url to the server that holds it"
		}
	case ldap.LDAPResultNoSuchObject:
		say = fmt.Sprintf("there is no base %q, or bind_dn may not see it", r.source.Base)
	case ldap.LDAPResultInsufficientAccessRights:
		say = "bind_dn may not search here"
	case ldap.LDAPResultUnavailableCriticalExtension:
		say = "the server does not return results in pages"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", say, err)
}

// referredTo returns the address in a referral.
func referredTo(answer *ldap.Error, result *ldap.SearchResult) string {
	if result != nil && len(result.Referrals) > 0 {
		return result.Referrals[0]
	}
	if answer.Packet != nil {
		if at := strings.Index(string(answer.Packet.Bytes()), "ldap"); at >= 0 {
			to := string(answer.Packet.Bytes()[at:])
			if end := strings.IndexFunc(to, func(c rune) bool { return c <= ' ' || c > '~' }); end >= 0 {
				to = to[:end]
			}
			return to
		}
	}
	return ""
}

// referred returns the referrals that were not followed.
func (r *reader) referred() []registry.Finding {
	if len(r.referrals) == 0 {
		return nil
	}
	return []registry.Finding{{Kind: registry.FindUnreadable, Count: len(r.referrals), Value: strings.Join(r.referrals[:min(3, len(r.referrals))], ", ")}}
}
