package naming

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Words gives the words by which a text is found, folded as names are: no
// case, no accent, no apostrophe or hyphen. "Jean-Pierre d’Arc" gives jean,
// pierre, d, arc. What an address or a number is joined by does not part it, so
// that "jp.martin@example.net" is one word and "jp.mar" begins it. A word that
// cannot be written in a to z, like 王, stays as it is.
func Words(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(norm.NFC.String(text), parts) {
		folded := strings.ReplaceAll(Latin(word), "-", "")
		if folded == "" {
			folded = strings.Map(func(r rune) rune {
				if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) {
					return r
				}
				return -1
			}, norm.NFKC.String(strings.ToLower(word)))
		}
		if folded != "" {
			out = append(out, folded)
		}
	}
	return out
}

// parts tells what stands between two words.
func parts(r rune) bool {
	switch r {
	case '.', '@', '_', '+':
		return false
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
}
