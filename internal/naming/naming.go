// Package naming makes identifiers and university addresses of people's names,
// by a pattern of the institution:
//
//	o{number}                       o22502142
//	{f}{last}                       jmartin, jmartin2, jmartin3 …
//	{first}.{last}@etu.example.org  jean-pierre.martin@etu.example.org
//
// Names are written in the letters a to z. A letter with a usual spelling in
// them keeps it (Łukasz: lukasz, Groß: gross, Ñ: n); Greek and Cyrillic letters
// follow ICAO Doc 9303, part 3, section 6, as passports do. A name that is
// missing, or that has a letter without a Latin spelling, like 王, is replaced by
// the person's number, so that no part is ever empty or shortened.
//
// The first candidate of a person is their natural identifier. Homonyms are told
// apart by a suffix, and no suffix makes the natural identifier of another person:
//
//	jmartin2        after a name of at least four letters. Natural identifiers
//	                have a hyphen between the letters and the digits of a name, so
//	                digits after letters are a suffix or a number with a prefix.
//	o22502142.2     after a digit or a short name: one dot more than any natural
//	                identifier of the pattern has
//	admin.22502142  where the natural identifier is reserved or refused
package naming

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode"
)

// MaxPart is the longest local part or identifier, in bytes (RFC 5321,
// 4.5.3.1.1).
const MaxPart = 64

// homonyms is the largest suffix: people of one name beyond it get no identifier.
const homonyms = 1000

// Parts holds the values of the placeholders. A missing name is replaced by the
// number.
type Parts struct{ GivenName, FamilyName, Number string }

// Pattern is a parsed pattern.
type Pattern struct {
	pieces []piece
	domain string // with its @; empty for an identifier

	avoid func(name string) bool
}

// piece is literal text or, if name is set, a placeholder.
type piece struct{ literal, name string }

// Parse parses a pattern: small letters, figures, dots, hyphens and
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
				return Pattern{}, fmt.Errorf("%q: %q is not allowed in a name", pattern, literal[bad:])
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
	return Pattern{}, errors.New("a pattern needs a placeholder: without one, all people would have the same name")
}

// Avoiding returns a copy of the pattern without the candidates for which avoid
// returns true: reserved logins, and those that the realm refuses. avoid may be
// nil.
func (p Pattern) Avoiding(avoid func(name string) bool) Pattern {
	p.avoid = avoid
	return p
}

func (p Pattern) avoids(name string) bool { return p.avoid != nil && p.avoid(name) }

// Candidates returns the names for a person, the natural one first, then those
// with the suffixes 2, 3, … for homonyms. All are different, none is avoided,
// and each has at most MaxPart bytes before the @.
func (p Pattern) Candidates(of Parts) iter.Seq[string] {
	return func(yield func(string) bool) {
		base := p.fill(of)
		if base == "" || p.avoids(base+p.domain) {
			base = tidy(base + "." + numberPart(of.Number))
		}
		for n := 1; n <= homonyms; n++ {
			suffix := ""
			if n > 1 {
				suffix = strconv.Itoa(n)
				if letters := len(base) - len(strings.TrimRight(base, "abcdefghijklmnopqrstuvwxyz")); letters < 4 || len(base) > MaxPart-len(suffix) {
					suffix = "." + suffix
				}
			}
			name := cut(base, MaxPart-len(suffix)) + suffix
			if p.avoids(name + p.domain) {
				continue
			}
			if !yield(name + p.domain) {
				return
			}
		}
	}
}

func (p Pattern) fill(of Parts) string {
	number := numberPart(of.Number)
	name := func(s string) string {
		if latin := Latin(s); latin != "" {
			return parted(latin)
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

// numberPart writes a number in a to z, 0 to 9, hyphens and underscores, so that
// two different numbers stay different: 99_622157 is not 99622157. A letter
// without a Latin spelling is written as its code point.
func numberPart(number string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(number) {
		switch {
		case plain(r) || r == '_':
			b.WriteRune(r)
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if s := Latin(string(r)); s != "" {
				b.WriteString(s)
			} else {
				fmt.Fprintf(&b, "u%x", r)
			}
		}
	}
	return tidy(b.String())
}

// parted puts a hyphen between the letters and the digits of a name: sam2 is
// sam-2. Digits right after letters are then a suffix or part of a number.
func parted(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range name {
		if before != 0 && before != '-' && r != '-' && (before <= '9') != (r <= '9') {
			b.WriteByte('-')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// initials returns the first letter of each part: jean-pierre, jp. A number that
// replaces a name is returned whole.
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

// tidy removes dots, hyphens and underscores at both ends and beside another one.
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

// cut shortens s to at most n bytes, at a hyphen if there is one in the last
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
