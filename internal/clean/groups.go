package clean

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// alphabet holds the digits of Crockford's base 32, of which desk codes and long codes
// consist.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// alike maps letters to the ones that they are taken for: those that the alphabet leaves
// out, and capitals of Cyrillic and Greek keyboards.
var alike = map[rune]rune{
	'O': '0', 'I': '1', 'L': '1',
	'А': 'A', 'В': 'B', 'Е': 'E', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': '0', 'Р': 'P', 'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X', 'Ѕ': 'S', 'І': '1', 'Ј': 'J',
	'Α': 'A', 'Β': 'B', 'Ε': 'E', 'Ζ': 'Z', 'Η': 'H', 'Ι': '1', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ο': '0', 'Ρ': 'P', 'Τ': 'T', 'Υ': 'Y', 'Χ': 'X',
}

// Groups returns the letters and digits of a code that is printed in groups of four, and
// false if s holds none. As for [Code], they may be digits of any script or of full
// width, be parted by spaces or dashes and have invisible characters around them. In a
// sentence that was pasted whole the code is found by its hyphens.
func Groups(s string, groups int) (string, bool) {
	if !utf8.ValidString(s) || len(s) > maxPasted {
		return "", false
	}
	var code, line strings.Builder
	alone := true
	for _, r := range strings.ToUpper(norm.NFKC.String(s)) {
		if d, ok := digit(r); ok {
			r = '0' + rune(d)
		}
		if a, ok := alike[r]; ok {
			r = a
		}
		switch c := classify(r); {
		case strings.ContainsRune(alphabet, r):
			code.WriteRune(r)
			line.WriteRune(r)
		case c == leftover || c == variation || c == joiner || c == bidi || c == invisible:
		case c == space:
			line.WriteByte(' ')
		case separates(r):
			line.WriteByte('-')
		default:
			alone = alone && !unicode.IsLetter(r)
			line.WriteRune(r)
		}
	}
	if alone && code.Len() == 4*groups {
		return code.String(), true
	}
	found := ""
	for rest := line.String(); ; {
		at := inGroups[groups].FindStringSubmatchIndex(rest)
		if at == nil {
			return found, found != ""
		}
		one := strings.ReplaceAll(rest[at[2]:at[3]], "-", "")
		if found != "" && found != one {
			return "", false
		}
		found, rest = one, rest[at[3]:]
	}
}

// inGroups finds codes of two, three and four groups in a line.
var inGroups = map[int]*regexp.Regexp{
	2: regexp.MustCompile(`(?:^|[^-\pL\pN])([` + alphabet + `]{4}-[` + alphabet + `]{4})(?:$|[^-\pL\pN]|-[^\pL\pN]|-$)`),
	3: regexp.MustCompile(`(?:^|[^-\pL\pN])([` + alphabet + `]{4}(?:-[` + alphabet + `]{4}){2})(?:$|[^-\pL\pN]|-[^\pL\pN]|-$)`),
	4: regexp.MustCompile(`(?:^|[^-\pL\pN])([` + alphabet + `]{4}(?:-[` + alphabet + `]{4}){3})(?:$|[^-\pL\pN]|-[^\pL\pN]|-$)`),
}
