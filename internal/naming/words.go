package naming

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Words returns the words by which a text is found, folded as names are: without
// case, accents, apostrophes and hyphens. "Jean-Pierre d’Arc" returns jean,
// pierre, d, arc. Dots, @, _ and + do not separate words, so that
// "jp.martin@example.net" is one word and "jp.mar" is a prefix of it. A word that
// cannot be written in a to z, like 王, is returned in lower case and NFKC.
func Words(text string) []string {
	if out, ok := plainWords(text); ok {
		return out
	}
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

// plainWords returns the words of a text in ASCII, as Words does, and false for any
// other text. Most of a registry is such text, and an import folds all of it.
func plainWords(text string) (out []string, ok bool) {
	word := make([]byte, 0, 64)
	for i := range len(text) + 1 {
		c := byte(' ') // ends the last word
		if i < len(text) {
			c = text[i]
		}
		switch {
		case c >= utf8.RuneSelf:
			return nil, false
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			word = append(word, c)
		case c >= 'A' && c <= 'Z':
			word = append(word, c+'a'-'A')
		case parts(rune(c)) && len(word) > 0:
			out, word = append(out, string(word)), word[:0]
		}
	}
	return out, true
}

// parts reports whether r separates two words.
func parts(r rune) bool {
	switch r {
	case '.', '@', '_', '+':
		return false
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsNumber(r)
}
