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
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

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
	r := &reader{source: s, attributes: attributes, pages: ldapconn.Pages{
		Conn: conn, Base: s.Base, Filter: s.Filter, Attributes: attributes, Size: s.PageSize, SizeKey: "page_size", Timeout: s.Timeout,
	}}
	return registry.Table{
		Next: r.next, Headers: attributes, Place: r.place, Done: func() float64 { return 0 }, Close: func() error { release(); return nil },
		Report: registry.Report{Format: "LDAP"}, Late: r.referred,
	}, nil
}

// reader reads page by page.
type reader struct {
	source     Source
	attributes []string
	pages      ldapconn.Pages
	page       []*ldap.Entry
	names      []string // DNs of the entries read, to name the refused ones
}

func (r *reader) next() ([]string, int, error) {
	for len(r.page) == 0 {
		page, more, err := r.pages.Next()
		if err != nil {
			return nil, 0, fmt.Errorf("%s, after %d entries: %w", r.source.URL, len(r.names), err)
		}
		if !more {
			if len(r.names) == 0 {
				return nil, 0, fmt.Errorf("%s: no entry under %q fits %q: check base and filter, and what bind_dn may read", r.source.URL, r.source.Base, r.source.Filter)
			}
			return nil, 0, io.EOF
		}
		r.page = page
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

// referred returns the referrals that were not followed.
func (r *reader) referred() []registry.Finding {
	to := r.pages.Referrals
	if len(to) == 0 {
		return nil
	}
	return []registry.Finding{{Kind: registry.FindUnreadable, Count: len(to), Value: strings.Join(to[:min(3, len(to))], ", ")}}
}
