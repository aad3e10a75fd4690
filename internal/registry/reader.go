package registry

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entree/internal/domain"
)

// longest is the longest field taken, in bytes.
const longest = 4096

// look is how many lines are looked at to find the header and what the columns
// hold.
const look = 50

// reader gives the people of one table.
type reader struct {
	table   Table
	mapping Mapping
	layout
	waiting []row // read to find the header, not given yet
	end     error // what came after them
}

// row is one line.
type row struct {
	record []string
	line   int
}

// newReader finds the header.
func newReader(t Table, m Mapping) (*reader, error) {
	in, err := peekReader(t, m)
	if err != nil {
		return nil, err
	}
	return in, in.missing(m)
}

// peekReader does the same, and lets columns lack.
func peekReader(t Table, m Mapping) (*reader, error) {
	in := &reader{table: t, mapping: m}
	for len(in.waiting) < look && in.end == nil {
		record, line, err := t.Next()
		if err != nil {
			in.end = err
		} else if !empty(record) {
			in.waiting = append(in.waiting, row{slices.Clone(record), line})
		}
	}
	if in.end != nil && !errors.Is(in.end, io.EOF) {
		return nil, in.end
	}
	var err error
	if in.layout, err = m.layout(t.Headers, in.waiting); err != nil {
		return nil, err
	}
	in.waiting = in.waiting[in.skip:]
	return in, nil
}

func empty(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// next gives the next person, or why the line is refused.
func (in *reader) next() (domain.Person, int, *Refusal, error) {
	var r row
	for empty(r.record) {
		switch {
		case len(in.waiting) > 0:
			r, in.waiting = in.waiting[0], in.waiting[1:]
		case in.end != nil:
			return domain.Person{}, 0, nil, in.end
		default:
			r.record, r.line, in.end = in.table.Next()
		}
	}
	record, line := r.record, r.line
	for in.table.Padded && len(record) < len(in.headers) {
		record = append(record, "")
	}
	if len(record) > len(in.headers) && empty(record[len(in.headers):]) {
		record = record[:len(in.headers)]
	}
	if len(record) != len(in.headers) {
		return domain.Person{}, line, &Refusal{line, "", fmt.Sprintf("%d columns, the header has %d", len(record), len(in.headers))}, nil
	}
	for i, v := range record {
		switch {
		case len(v) > longest:
			return in.known(record), line, &Refusal{line, in.headers[i], "longer than 4096 bytes: a quote is lost"}, nil
		case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
			return in.known(record), line, &Refusal{line, in.headers[i], "not text in the encoding of the rest"}, nil
		}
	}
	p, f := in.person(record, line)
	return p, line, f, nil
}

// value gives a field in NFC, without white space around it and within it made
// single. ="022" is how spreadsheets keep the zeros of a number in CSV.
func (in *reader) value(record []string, f field) string {
	if in.columns[f] < 0 {
		return ""
	}
	v := record[in.columns[f]]
	if inner, ok := strings.CutPrefix(v, `="`); ok && strings.HasSuffix(inner, `"`) {
		v = strings.TrimSuffix(inner, `"`)
	}
	if !norm.NFC.IsNormalString(v) {
		v = norm.NFC.String(v)
	}
	return strings.Join(strings.Fields(v), " ")
}

func (in *reader) header(f field) string {
	if in.columns[f] < 0 {
		return ""
	}
	return in.headers[in.columns[f]]
}
