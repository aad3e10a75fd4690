// Package naming makes identifiers and university addresses out of people's
// names, by a pattern of the institution:
//
//	o{number}                       o22502142
//	{f}{last}                       jmartin, jmartin2, jmartin3 …
//	{first}.{last}@etu.example.org  jean-pierre.martin@etu.example.org
//
// Names are written in the letters a to z. What has a usual spelling in them
// keeps it (Łukasz: lukasz, Groß: gross, Ñ: n); Greek and Cyrillic letters
// follow the tables of ICAO Doc 9303, part 3, section 6, as passports do. A
// name that cannot be written so, like 王, is replaced by the person's number,
// so that no part is ever empty.
package naming

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// MaxPart is the longest local part or identifier, in bytes (RFC 5321,
// 4.5.3.1.1).
const MaxPart = 64

// homonyms is how many people of one name are told apart by a number.
const homonyms = 1000

// Parts is what a pattern is filled with.
type Parts struct{ GivenName, FamilyName, Number string }

// Pattern is a parsed pattern.
type Pattern struct {
	pieces []piece
	domain string // with its @; empty for an identifier
}

// piece is literal text or, where name is set, a placeholder.
type piece struct{ literal, name string }

// Parse reads a pattern: small letters, figures, dots, hyphens and
// underscores, the placeholders {number}, {first}, {last}, {f} and {l} (the
// initials), and for an address @ and the domain.
func Parse(pattern string) (Pattern, error) {
	var p Pattern
	local := pattern
	if at := strings.IndexByte(pattern, '@'); at >= 0 {
		local, p.domain = pattern[:at], pattern[at:]
		if !strings.Contains(p.domain, ".") || strings.ContainsAny(p.domain[1:], "@{} ") {
			return Pattern{}, fmt.Errorf("%q: %q is no domain", pattern, p.domain[1:])
		}
	}
	for local != "" {
		if local[0] != '{' {
			end := strings.IndexByte(local, '{')
			if end < 0 {
				end = len(local)
			}
			literal := local[:end]
			if bad := strings.IndexFunc(literal, func(r rune) bool { return !plain(r) && r != '.' && r != '_' }); bad >= 0 {
				return Pattern{}, fmt.Errorf("%q: %q cannot stand in a name", pattern, literal[bad:])
			}
			p.pieces, local = append(p.pieces, piece{literal: literal}), local[end:]
			continue
		}
		end := strings.IndexByte(local, '}')
		if end < 0 {
			return Pattern{}, fmt.Errorf("%q: a { without its }", pattern)
		}
		switch name := local[1:end]; name {
		case "number", "first", "last", "f", "l":
			p.pieces = append(p.pieces, piece{name: name})
		default:
			return Pattern{}, fmt.Errorf("%q: {%s} is unknown; there are {number}, {first}, {last}, {f} and {l}", pattern, name)
		}
		local = local[end+1:]
	}
	for _, piece := range p.pieces {
		if piece.name != "" {
			return p, nil
		}
	}
	return Pattern{}, errors.New("a pattern needs a placeholder, or everybody has the same name")
}

// Candidates gives the names for a person, the plain one first, then with 2,
// 3, … for homonyms. All are different and at most MaxPart bytes before the @.
func (p Pattern) Candidates(of Parts) iter.Seq[string] {
	return func(yield func(string) bool) {
		base := p.fill(of)
		for n := 1; n <= homonyms; n++ {
			suffix := ""
			if n > 1 {
				suffix = strconv.Itoa(n)
			}
			if !yield(cut(base, MaxPart-len(suffix)) + suffix + p.domain) {
				return
			}
		}
	}
}

func (p Pattern) fill(of Parts) string {
	number := Latin(of.Number)
	name := func(s string) string {
		if latin := Latin(s); latin != "" {
			return latin
		}
		return number
	}
	var b strings.Builder
	for _, piece := range p.pieces {
		switch piece.name {
		case "":
			b.WriteString(piece.literal)
		case "number":
			b.WriteString(number)
		case "first":
			b.WriteString(name(of.GivenName))
		case "last":
			b.WriteString(name(of.FamilyName))
		case "f":
			b.WriteString(initials(name(of.GivenName)))
		case "l":
			b.WriteString(initials(name(of.FamilyName)))
		}
	}
	return tidy(b.String())
}

// initials gives the first letter of each part: jean-pierre, jp. A number that
// stands for a name stays whole.
func initials(s string) string {
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return s
	}
	var b strings.Builder
	for part := range strings.SplitSeq(s, "-") {
		b.WriteString(part[:1])
	}
	return b.String()
}

// tidy leaves no dot, hyphen or underscore at an end or beside another.
func tidy(s string) string {
	var b strings.Builder
	separated := true
	for _, r := range s {
		separator := r == '.' || r == '-' || r == '_'
		if !separator || !separated {
			b.WriteRune(r)
		}
		separated = separator
	}
	return strings.TrimRight(b.String(), ".-_")
}

// cut shortens to at most n bytes, at a hyphen if there is one in the last
// third.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[:n]
	if i := strings.LastIndexByte(s, '-'); i > n*2/3 {
		s = s[:i]
	}
	return strings.TrimRight(s, ".-_")
}

// Latin writes a name in a to z, 0 to 9 and hyphens. Spaces become hyphens,
// apostrophes and dots are dropped: d'Arc is darc, de La Tour is de-la-tour.
func Latin(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range norm.NFKD.String(strings.ToLower(strings.TrimSpace(name))) {
		r = unicode.ToLower(r)
		if before == 'ο' && r == 'υ' {
			r = 'u' // Greek ου is one sound
		}
		if !unicode.Is(unicode.Mn, r) {
			before = r
		}
		switch {
		case plain(r):
			b.WriteRune(r)
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
			b.WriteByte('-')
		default:
			b.WriteString(letters[r]) // what is not there is dropped
		}
	}
	return tidy(b.String())
}

func plain(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }
