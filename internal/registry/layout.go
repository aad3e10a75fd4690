package registry

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"entree/internal/domain"
)

// layout is where a table's header stands and which column holds what.
type layout struct {
	headers []string
	columns [fields]int // of each field; -1: none
	skip    int         // lines before the first person
	line    int         // where the header ends, 0 where it is no line
	samples []row
}

// layout finds the header: the line, or the two lines together, in which most
// fields are found. A title may stand above it.
func (m Mapping) layout(headers []string, lines []row) (layout, error) {
	for key := range m.Columns {
		if fieldOf(key) < 0 {
			return layout{}, fmt.Errorf("there is no field %q: want one of %s", key, strings.Join(Fields(), ", "))
		}
	}
	if headers != nil {
		return layout{headers: headers, columns: m.columns(headers), samples: lines}, nil
	}
	if len(lines) == 0 {
		return layout{}, fmt.Errorf("the file is empty")
	}
	var best layout
	most, width := -1, 0
	consider := func(headers []string, n int) {
		l := layout{headers: headers, columns: m.columns(headers), skip: n + 1, line: lines[n].line, samples: lines[n+1:]}
		found, filled := m.found(headers), 0
		for _, h := range headers {
			if h != "" {
				filled++
			}
		}
		// The same header in two languages is two lines that find as much: the
		// second one ends it.
		if found > most || found == most && (found > 0 && n == best.skip || found == 0 && filled > width) {
			best, most, width = l, found, filled
		}
	}
	for n := range lines[:min(20, len(lines))] {
		consider(trimmed(lines[n].record), n)
	}
	for n := 1; n < min(20, len(lines)); n++ {
		if two := m.together(lines[n-1].record, lines[n].record); m.found(two) > most {
			consider(two, n)
		}
	}
	return best, nil
}

// found counts the fields that a line of headers names. A column that is given
// by its number is one in every line.
func (m Mapping) found(headers []string) int {
	named := m
	named.Columns = maps.Clone(m.Columns)
	maps.DeleteFunc(named.Columns, func(_, header string) bool { return header == "" || header[0] == '#' })
	n := 0
	for _, c := range named.columns(headers) {
		if c >= 0 {
			n++
		}
	}
	return n
}

func trimmed(record []string) []string {
	var out []string
	for _, h := range record {
		out = append(out, strings.Join(strings.Fields(strings.TrimPrefix(h, "\ufeff")), " "))
	}
	return out
}

// together joins two lines of headers, where the one below does not say enough
// by itself. A cell above that is empty is merged with the one at its left.
func (m Mapping) together(above, below []string) []string {
	var out []string
	group := ""
	for i := range max(len(above), len(below)) {
		var a, b string
		if i < len(above) {
			a = strings.TrimSpace(above[i])
		}
		if i < len(below) {
			b = strings.TrimSpace(below[i])
		}
		if a != "" {
			group = a
		}
		switch {
		case b == "":
			out = append(out, a)
		case m.found([]string{b}) > 0:
			out = append(out, b)
		default:
			out = append(out, strings.TrimSpace(group+" "+b))
		}
	}
	return out
}

// columns finds each field's column: the one that is named, by its header or
// by #n for the n-th, or the one with the most telling of the usual headers.
func (m Mapping) columns(headers []string) [fields]int {
	var out [fields]int
	plain := make([]string, len(headers))
	for i, h := range headers {
		plain[i] = simple(h)
	}
	for f, n := range names {
		out[f] = -1
		wanted := n.usual
		if given, ok := m.Columns[n.key]; ok {
			if at, err := strconv.Atoi(strings.TrimPrefix(given, "#")); err == nil && given[0] == '#' && at >= 1 && at <= len(headers) {
				out[f] = at - 1
				continue
			}
			wanted = []string{given}
		}
		for _, w := range wanted {
			if w = simple(w); out[f] < 0 && w != "" {
				out[f] = slices.Index(plain, w)
			}
		}
	}
	return out
}

// missing names the first field that has no column and needs one.
func (in *reader) missing(m Mapping) error {
	for f, n := range names {
		required := n.required || field(f) == fieldProfile && m.Profile == "" && len(m.Profiles) != 1
		if in.columns[f] >= 0 || !required {
			continue
		}
		hint := ""
		if field(f) == fieldProfile {
			hint = "; or say whose profile it is with --profile"
		}
		if c := in.guess(field(f)); c >= 0 {
			hint = fmt.Sprintf("; %.40q looks like it", in.headers[c])
		}
		wanted := n.usual[0]
		if given := m.Columns[n.key]; given != "" {
			wanted = given
		}
		return fmt.Errorf("no column for %s (%q would do); the file has %s: name yours under import.columns or with --column %s=HEADER%s", n.key, wanted, quoted(in.headers), n.key, hint)
	}
	return nil
}

func quoted(headers []string) string {
	var out []string
	for _, h := range headers {
		if h != "" {
			out = append(out, fmt.Sprintf("%.40q", h))
		}
	}
	return strings.Join(out, ", ")
}

// simple compares without case, accents and punctuation.
func simple(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		case r == '°' || r == 'º':
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Column is a column of a file and what it seems to hold.
type Column struct {
	Header  string
	Samples []string
	Field   string // key of a field; empty: none
	Guessed bool   // by what is in it: its header says nothing
}

// Propose tells what the columns of a file are, and on which line the header
// ends, without importing anything.
func Propose(t Table, m Mapping) ([]Column, int, error) {
	in, err := peekReader(t, m)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Column, len(in.headers))
	for i, h := range in.headers {
		out[i].Header = h
		for _, s := range in.samples {
			if i < len(s.record) && strings.TrimSpace(s.record[i]) != "" && len(out[i].Samples) < 3 {
				out[i].Samples = append(out[i].Samples, s.record[i])
			}
		}
	}
	for f, n := range names {
		c, guessed := in.columns[f], false
		if _, given := m.Columns[n.key]; c < 0 && !given {
			c, guessed = in.guess(field(f)), true
		}
		if c >= 0 && out[c].Field == "" {
			out[c].Field, out[c].Guessed = n.key, guessed
		}
	}
	return out, in.line, nil
}

// Fields are the keys of what can be known of a person.
func Fields() []string {
	var out []string
	for _, n := range names {
		out = append(out, n.key)
	}
	return out
}

func fieldOf(key string) field {
	return field(slices.Index(Fields(), key))
}

var allDigits = regexp.MustCompile(`^[0-9]{4,12}$`)

// guess finds the one free column whose samples look like a field; -1 where
// there is none or more than one.
func (in *reader) guess(f field) int {
	looks := map[field]func(string) bool{
		fieldEmail:     func(s string) bool { _, err := domain.ParseAddress(s); return err == nil },
		fieldBirthDate: func(s string) bool { d, err := date(s); return err == nil && d != "" && !allDigits.MatchString(s) },
		fieldNumber:    allDigits.MatchString,
	}[f]
	if looks == nil {
		return -1
	}
	at := -1
	for c := range in.headers {
		if slices.Contains(in.columns[:], c) {
			continue
		}
		filled, fits := 0, 0
		distinct := map[string]bool{}
		for _, s := range in.samples {
			if c >= len(s.record) || strings.TrimSpace(s.record[c]) == "" {
				continue
			}
			filled++
			distinct[s.record[c]] = true
			if looks(strings.TrimSpace(s.record[c])) {
				fits++
			}
		}
		if filled == 0 || fits*10 < filled*8 || f == fieldNumber && len(distinct) < filled {
			continue
		}
		if at >= 0 {
			return -1
		}
		at = c
	}
	return at
}
