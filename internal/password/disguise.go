package password

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// masked is a text in which each position holds every character that it may
// represent: "4" represents 4 and a, "1" represents 1, i and l.
type masked [][]rune

// stands maps characters to the letters and digits that they are used for.
var stands = map[rune][]rune{
	'0': {'o'}, '1': {'i', 'l'}, '2': {'z'}, '3': {'e'}, '4': {'a'}, '5': {'s'}, '6': {'g', 'b'}, '7': {'t'}, '8': {'b'}, '9': {'g', 'q'},
	'o': {'0'}, 'i': {'1', 'j', 'y'}, 'l': {'1'}, 'e': {'3'}, 'a': {'4'}, 's': {'5'}, 't': {'7'},
	'@': {'a'}, '$': {'s'}, '€': {'e'}, '£': {'l'}, '!': {'i', 'l'}, '|': {'i', 'l'}, '+': {'t'}, '(': {'c'}, '&': {'e'}, '*': {'a'},
	'y': {'i'}, 'j': {'i'}, 'k': {'c'}, 'v': {'u'}, 'w': {'v'},
}

// ligatures replaces letters that no Unicode decomposition splits.
var ligatures = strings.NewReplacer("ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// fold returns a text in lower case and without accents.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return ligatures.Replace(b.String())
}

// disguise returns the possible readings of a text, one position per folded
// character.
func disguise(s string) masked {
	folded := []rune(fold(s))
	m := make(masked, len(folded))
	for i, r := range folded {
		m[i] = append([]rune{r}, stands[r]...)
	}
	return m
}

// bare removes the positions that hold neither a letter nor a digit, so that
// "17/03/2007" and "m-a-r-t-i-n" are recognised.
func (m masked) bare() masked {
	var out masked
	for _, place := range m {
		if r := place[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, place)
		}
	}
	return out
}

// at reports whether the word matches at position i.
func (m masked) at(i int, word []rune) bool {
	if i+len(word) > len(m) {
		return false
	}
	for k, want := range word {
		if !has(m[i+k], want) {
			return false
		}
	}
	return true
}

// holds reports whether the word occurs anywhere, forwards or backwards.
func (m masked) holds(word string) bool {
	forward := []rune(word)
	if len(forward) == 0 {
		return false
	}
	backward := make([]rune, len(forward))
	for i, r := range forward {
		backward[len(forward)-1-i] = r
	}
	for i := range m {
		if m.at(i, forward) || m.at(i, backward) {
			return true
		}
	}
	return false
}

func has(place []rune, r rune) bool {
	for _, p := range place {
		if p == r {
			return true
		}
	}
	return false
}
