package registry

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// youngestMost is the age below which a person counts as a child.
const youngestMost = 17

// births counts the dates of birth of a source, over all its sheets.
type births struct {
	all, young int
	limit      string    // the first day of those younger than youngestMost
	column     string    // of the first child
	first      []Example // children, at most maxExamples
}

// see counts one date and reports whether it is a child's.
func (b *births) see(day string, now time.Time) bool {
	if day == "" {
		return false
	}
	if b.limit == "" {
		b.limit = now.AddDate(-youngestMost, 0, 0).Format(time.DateOnly)
	}
	b.all++
	if day <= b.limit {
		return false
	}
	b.young++
	return true
}

// seeBirth counts the date of birth of the current line.
func (in *reader) seeBirth(day string) {
	if b := &in.births; b.see(day, in.dates.now) && len(b.first) < maxExamples {
		line, where := in.place(in.current.line)
		b.column = cmp.Or(b.column, in.columnOf(fieldBirthDate))
		b.first = append(b.first, Example{Line: line, Where: where, Text: day})
	}
}

// lengths counts the numbers of each profile by their length, over all sheets.
type lengths map[string]map[int]*sameLength

// sameLength counts the numbers of one profile that have one length.
type sameLength struct {
	n         int
	least     string // in the order of text, which is that of the values for digits
	most      string
	column    string    // of the first one
	first     []Example // at most maxExamples
	lastLine  int
	allDigits bool
}

// seeNumber counts the number of the current line, unless it is told for its lost zeros.
func (in *reader) seeNumber(profile, number string) {
	if in.lostZeros(number) {
		return
	}
	if in.lengths == nil {
		in.lengths = lengths{}
	}
	of := in.lengths[profile]
	if of == nil {
		of = map[int]*sameLength{}
		in.lengths[profile] = of
	}
	s := of[len(number)]
	if s == nil {
		s = &sameLength{least: number, most: number, column: in.columnOf(fieldNumber), allDigits: true}
		of[len(number)] = s
	}
	s.n++
	s.least, s.most, s.lastLine = min(s.least, number), max(s.most, number), in.current.line
	s.allDigits = s.allDigits && strings.Trim(number, "0123456789") == ""
	if len(s.first) < maxExamples {
		line, where := in.place(in.current.line)
		s.first = append(s.first, Example{Line: line, Where: where, Text: number})
	}
}

// A length is doubtful if one number has it, or at most fewOdd and one in rare, and
// enoughLengths numbers or more have the usual one. More numbers of one length are
// rather an older series, and a doubt stops a strict import.
const (
	enoughLengths = 20
	fewOdd        = 3
	rare          = 1000
)

// hiddenColumns adds the findings about columns that a sheet hides and that are read,
// unless the mapping names or ignores them.
func (in *reader) hiddenColumns(p *part) {
	if in.table.HiddenColumn == nil {
		return
	}
	for f, row := range table {
		if p.why[f] == WhyNamed {
			continue
		}
		for _, c := range append([]int{p.columns[f]}, p.others[f]...) {
			if c >= 0 && in.table.HiddenColumn(p.name, c) && !in.mapping.ignores(p.headers[c]) {
				p.doubts = append(p.doubts, Finding{Kind: FindHiddenColumn, Field: row.key, Column: p.headers[c], Value: p.name, Examples: examplesOf(p.values(c))})
			}
		}
	}
}

// wholeColumns adds the findings that only the whole source shows.
func (in *reader) wholeColumns() {
	if in.current.line == 0 && in.table.Headers == nil {
		in.report.Findings = append(in.report.Findings, Finding{Kind: FindNobody})
	}
	if b := in.births; b.all >= enough && b.young*2 > b.all {
		in.report.Findings = append(in.report.Findings, Finding{Kind: FindYoung, Field: table[fieldBirthDate].key, Column: b.column, Value: strconv.Itoa(b.all), Count: b.young, Examples: b.first})
	}
	for _, profile := range slices.Sorted(maps.Keys(in.lengths)) {
		in.oddLengths(profile, in.lengths[profile])
	}
}

// oddLengths adds a finding about the few numbers that are shorter or longer than nearly
// all others of their profile and begin like them. Numbers of an older series begin
// otherwise, and so do 999 and 1000, between which numbers grow.
func (in *reader) oddLengths(profile string, of map[int]*sameLength) {
	sorted := slices.Sorted(maps.Keys(of))
	usual, all := 0, 0
	for _, length := range sorted {
		all += of[length].n
		if usual == 0 || of[length].n > of[usual].n {
			usual = length
		}
	}
	most := of[usual]
	begins := most.beginning()
	if begins == "" {
		return
	}
	for _, length := range sorted {
		s := of[length]
		isCut := length < usual && s.n == 1 && len(of) == 2 && most.n > 1 && in.isCut(s.lastLine) && (strings.HasPrefix(s.least, begins) || strings.HasPrefix(begins, s.least))
		isSlip := s.n <= max(1, min(fewOdd, all/rare)) && most.n >= enoughLengths && s.allDigits && most.allDigits && strings.HasPrefix(s.least, begins) && strings.HasPrefix(s.most, begins)
		if length == usual || !isCut && !isSlip {
			continue
		}
		for _, e := range s.first {
			in.report.add(Finding{Kind: FindLength, Field: table[fieldNumber].key, Column: s.column, Profile: profile}, e)
		}
	}
}

// beginning returns the first two or three characters that all of the numbers share, or
// an empty string if they share fewer.
func (s *sameLength) beginning() string {
	n := 0
	for n < min(3, len(s.least)) && s.least[n] == s.most[n] {
		n++
	}
	if n < 2 {
		return ""
	}
	return s.least[:n]
}

// isCut reports whether a line is the last one of its file, which has no end, and ends
// with the number of the person.
func (in *reader) isCut(line int) bool {
	return in.table.Unended != nil && in.table.Unended() && in.current.line == line && in.columns[fieldNumber] == len(in.current.record)-1
}
