package naming

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Words returns the words by which a text is found, folded as names are: without
// case, accents, apostrophes and hyphens. "Jean-Pierre d’Arc" returns jean,
// pierre, d, arc. Dots, @, _ and + do not separate words, so that
// "jp.martin@example.net" is one word and "jp.mar" is a prefix of it. A word that
// cannot be written in a to z, like 王, is returned in lower case and NFKC.
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

// parts reports whether r separates two words.
func parts(r rune) bool {
	switch r {
	case '.', '@', '_', '+':
		return false
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
}
