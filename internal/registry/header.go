package registry

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"entree/internal/registry/charset"
)

// headerFields is how many fields a line names if it is taken for the header of a
// list of people, and not for the lists of a form or a person.
const headerFields = 3

// maxColumns is the largest number of columns that a table may have: as many
// as the console can show.
const maxColumns = 1000

// header finds the header: the line, or the two lines together, in which most
// fields are found. A title may stand above it.
func (m Mapping) header(headers []string, lines []row) (layout, error) {
	if headers != nil {
		return layout{headers: headers, samples: lines}, nil
	}
	if len(lines) == 0 {
		return layout{}, errors.New("the file is empty")
	}
	var best layout
	most, width := -1, 0
	consider := func(headers []string, n int) {
		l := layout{headers: headers, skip: n + 1, line: lines[n].line, samples: lines[n+1:]}
		found, filled := m.found(headers), 0
		for _, h := range headers {
			if h != "" {
				filled++
			}
		}
		// Two lines with the same number of fields are one header in two languages:
		// the people begin after the second one.
		if found > most || found == most && (found > 0 && n == best.skip || found == 0 && filled > width) {
			best, most, width = l, found, filled
		}
	}
	end := min(20, len(lines))
	for n := range lines[:end] {
		if most >= headerFields && slices.ContainsFunc(lines[n].record, isAddress) {
			end = n // a person: a header below is that of another table
			break
		}
		consider(trimmed(lines[n].record), n)
	}
	for n := 1; n < end; n++ {
		if two := m.together(lines[n-1].record, lines[n].record); m.found(two) > most {
			consider(two, n)
		}
	}
	if most == 0 && slices.ContainsFunc(best.headers, isAddress) {
		best = withoutHeader(lines)
	}
	if len(best.headers) > maxColumns {
		return best, fmt.Errorf("the file has %d columns: want %d at most", len(best.headers), maxColumns)
	}
	return best, nil
}

// withoutHeader returns the layout of a table that begins with a person. Its
// columns are called by their numbers.
func withoutHeader(lines []row) layout {
	first := slices.IndexFunc(lines, func(r row) bool { return slices.ContainsFunc(r.record, isAddress) })
	l := layout{skip: first, samples: lines[first:]}
	for _, r := range l.samples {
		for n := len(l.headers); n < len(r.record); n++ {
			l.headers = append(l.headers, "#"+strconv.Itoa(n+1))
		}
	}
	return l
}

// found counts the fields that a line of headers names. A column that is given
// by its number is one in every line.
func (m Mapping) found(headers []string) int {
	known := map[field]bool{}
	for _, h := range headers {
		if h == "" {
			continue
		}
		for key, given := range m.Columns {
			if given != "" && given[0] != '#' && simple(given) == simple(h) {
				known[fieldOf(key)] = true
			}
		}
		for _, meaning := range words().meaningsOf(h) {
			if _, given := m.Columns[table[meaning.field].key]; !given {
				known[meaning.field] = true
				break
			}
		}
	}
	return len(known)
}

func trimmed(record []string) []string {
	var out []string
	for _, h := range record {
		h, _ = charset.Repair(html.UnescapeString(h))
		out = append(out, strings.Join(strings.Fields(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, h)), " "))
	}
	return out
}

// together joins two lines of headers, where the one below does not say enough
// by itself. A cell above that is empty is merged with the one at its left.
func (m Mapping) together(above, below []string) []string {
	var out []string
	above, below = trimmed(above), trimmed(below)
	group := ""
	for i := range max(len(above), len(below)) {
		var a, b string
		if i < len(above) {
			a = above[i]
		}
		if i < len(below) {
			b = below[i]
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

// aboveHeader returns the lines above the header that hold a person, as faults: they
// were pasted there, and are not lost without a word.
func aboveHeader(lines []row, header int) (out []row) {
	for _, r := range lines {
		filled := 0
		for _, cell := range r.record {
			if strings.TrimSpace(cell) != "" {
				filled++
			}
		}
		if r.fault == nil && filled >= headerFields && slices.ContainsFunc(r.record, isAddress) {
			r.fault = &BadLine{fmt.Sprintf("it stands above the header, which is in line %d", header)}
			out = append(out, r)
		}
	}
	return out
}

// furtherHeader returns a reason to refuse a line if it is a header: the first one
// again, as printed pages have it, or that of another table. The lines below another
// table's header are refused if its columns are not those of the first.
func (in *reader) furtherHeader(record []string, line int) string {
	if c := in.columns[fieldEmail]; in.line == 0 || c < len(record) && strings.Contains(record[c], "@") {
		return ""
	}
	cells := trimmed(record)
	if in.mapping.found(cells) < headerFields || slices.ContainsFunc(cells, isAddress) {
		return ""
	}
	isOther := len(cells) > len(in.headers) && !empty(cells[len(in.headers):])
	for _, c := range in.columns {
		isOther = isOther || c >= 0 && (c >= len(cells) || simple(cells[c]) != simple(in.headers[c]))
	}
	if !isOther {
		return "the header again"
	}
	in.foreign = line
	return "the header of another table, whose columns are not those of the first: put that table into a file or a sheet of its own"
}
