package clean

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPasted is the longest text in which a code is looked for, in bytes: more
// than a whole mail of the portal.
const maxPasted = 16 << 10

var (
	six     = regexp.MustCompile(`(?:^|[^0-9])([0-9]{6})(?:$|[^0-9])`)
	inPairs = regexp.MustCompile(`(?:^ *|[^0-9 ] *)([0-9]{3} [0-9]{3}|[0-9]{2} [0-9]{2} [0-9]{2}|[0-9](?: [0-9]){5})(?: *[^0-9 ]| *$)`)
)

// Code returns the six digits of a code. They may be digits of any script, be
// parted by spaces, dots, dashes or underscores, have invisible characters
// around them, and stand in a sentence that was pasted whole, as long as the
// sentence has one group of six digits only.
func Code(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", &Fault{Kind: KindCode, Rule: RuleEncoding}
	}
	if len(s) > maxPasted {
		return "", &Fault{Kind: KindCode, Rule: RuleLong}
	}
	// digits holds the digits alone, line the text with digits in 0 to 9 and
	// separators as single spaces.
	var digits, line strings.Builder
	alone := true
	in := []rune(s)
	for i, r := range in {
		if d, ok := digit(r); ok {
			digits.WriteByte('0' + d)
			line.WriteByte('0' + d)
			continue
		}
		switch c := classify(r); c {
		case leftover, variation, joiner, bidi, invisible:
		case space:
			line.WriteByte(' ')
		case control, lost, private, unassigned:
			return "", &Fault{Kind: KindCode, Rule: faults[c], Char: r, At: i}
		default:
			if r == '.' && (i+1 == len(in) || classify(in[i+1]) == space) { // the end of a sentence
				line.WriteByte('.')
				continue
			}
			if r == keycap {
				continue
			}
			if separates(r) {
				line.WriteByte(' ')
				continue
			}
			if strings.ContainsRune(",'’;", r) { // also in 123,456; a sentence has letters besides
				line.WriteRune(r)
				continue
			}
			alone = false
			line.WriteRune(r)
		}
	}
	if alone && digits.Len() == 6 {
		return digits.String(), nil
	}
	for _, form := range []*regexp.Regexp{six, inPairs} {
		found := map[string]bool{}
		for rest := line.String(); ; {
			at := form.FindStringSubmatchIndex(rest)
			if at == nil {
				break
			}
			found[strings.ReplaceAll(rest[at[2]:at[3]], " ", "")] = true
			rest = rest[at[3]:]
		}
		if len(found) == 1 {
			for code := range found {
				return code, nil
			}
		}
		if len(found) > 1 && !alone {
			return "", &Fault{Kind: KindCode, Rule: RuleManyCodes}
		}
	}
	return "", &Fault{Kind: KindCode, Rule: RuleNoCode}
}

// keycap is the mark that makes an emoji of a digit.
const keycap = '\u20e3'

// separates reports whether a character may stand between the digits of a code:
// dashes, dots and underscores of every script.
func separates(r rune) bool {
	return unicode.In(r, unicode.Pd, unicode.Pc) || strings.ContainsRune(".·•\u2212\u2043\uff0e\uff61\u3002\u00b7\u066b\u066c", r)
}
