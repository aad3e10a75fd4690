package registry

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// youngestMost is the age that most people of a file have reached.
const youngestMost = 17

// births counts the dates of birth of a source.
type births struct {
	all, young int
	limit      string // the first day of those younger than youngestMost
}

func (b *births) see(day string, now time.Time) {
	if day == "" {
		return
	}
	if b.limit == "" {
		b.limit = now.AddDate(-youngestMost, 0, 0).Format(time.DateOnly)
	}
	b.all++
	if day > b.limit {
		b.young++
	}
}

// lengths counts the numbers of each profile by their length.
type lengths map[string]map[int]*sameLength

// sameLength is the numbers of one profile and one length.
type sameLength struct {
	n         int
	least     string
	most      string
	first     []Example // at most maxExamples
	lastLine  int
	allDigits bool
}

func (l *lengths) see(profile, number string, line int) {
	if *l == nil {
		*l = lengths{}
	}
	of := (*l)[profile]
	if of == nil {
		of = map[int]*sameLength{}
		(*l)[profile] = of
	}
	s := of[len(number)]
	if s == nil {
		s = &sameLength{least: number, most: number, allDigits: true}
		of[len(number)] = s
	}
	s.n++
	s.least, s.most, s.lastLine = min(s.least, number), max(s.most, number), line
	s.allDigits = s.allDigits && strings.Trim(number, "0123456789") == ""
	if len(s.first) < maxExamples {
		s.first = append(s.first, Example{Line: line, Text: number})
	}
}

// A length is doubtful if one number has it, or at most one in rare, and enoughLengths
// numbers or more have the usual one.
const (
	enoughLengths = 20
	rare          = 100
)

// hiddenColumns adds the findings about columns that a sheet hides and that are read.
func (in *reader) hiddenColumns(p *part) {
	if in.table.HiddenColumn == nil {
		return
	}
	for f, row := range table {
		for _, c := range append([]int{p.columns[f]}, p.others[f]...) {
			if c >= 0 && in.table.HiddenColumn(p.name, c) {
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
		in.report.Findings = append(in.report.Findings, Finding{Kind: FindYoung, Field: table[fieldBirthDate].key, Column: in.columnOf(fieldBirthDate), Value: strconv.Itoa(b.all), Count: b.young, Examples: examplesOf(in.values(in.columns[fieldBirthDate]))})
	}
	for _, profile := range sortedKeys(in.lengths) {
		in.oddLengths(in.lengths[profile])
	}
}

// oddLengths adds a finding about the numbers that are shorter or longer than nearly all
// others of their profile. Numbers that grow from 999 to 1000 are none of them.
func (in *reader) oddLengths(of map[int]*sameLength) {
	usual, all := 0, 0
	for length, s := range of {
		all += s.n
		if usual == 0 || s.n > of[usual].n {
			usual = length
		}
	}
	for _, length := range sortedKeys(of) {
		s, others := of[length], of[usual]
		switch {
		case length == usual, in.digits > 0 && length < in.digits: // see lostZeros
			continue
		case length < usual && s.n == 1 && others.n == all-1 && others.n > 1 && in.isCut(s.lastLine):
		case s.n > max(1, all/rare), others.n < enoughLengths, !s.allDigits, !others.allDigits, near(s, others):
			continue
		}
		for i, e := range s.first {
			e.Line, e.Where = in.place(e.Line)
			n := map[bool]int{true: s.n - len(s.first) + 1, false: 1}[i == 0]
			in.report.addMany(Finding{Kind: FindLength, Field: table[fieldNumber].key, Column: in.columnOf(fieldNumber)}, e, n)
		}
	}
}

// isCut reports whether a line is the last one of its file, which has no end, and ends
// with the number of the person.
func (in *reader) isCut(line int) bool {
	return in.table.Unended != nil && in.table.Unended() && in.current.line == line && in.columns[fieldNumber] == len(in.current.record)-1
}

// near reports whether two ranges of numbers may be one that grows.
func near(a, b *sameLength) bool {
	if len(a.least) > len(b.least) {
		a, b = b, a
	}
	if len(b.least)-len(a.least) > 1 {
		return false
	}
	// With one digit less, a number is near if the greater one is at most twice of it.
	low, _ := strconv.Atoi(a.most[:min(len(a.most), digitsKept)]) // digits
	high, _ := strconv.Atoi(b.least[:min(len(b.least), digitsKept+1)])
	return high <= 2*low
}

func sortedKeys[K int | string, V any](of map[K]V) []K {
	var keys []K
	for k := range of {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
