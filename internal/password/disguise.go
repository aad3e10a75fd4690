package password

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// masked is a text in which each place stands for every character that it could
// be meant as: "4" for 4 and a, "1" for 1, i and l.
type masked [][]rune

// stands lists what people write for what.
var stands = map[rune][]rune{
	'0': {'o'}, '1': {'i', 'l'}, '2': {'z'}, '3': {'e'}, '4': {'a'}, '5': {'s'}, '6': {'g', 'b'}, '7': {'t'}, '8': {'b'}, '9': {'g', 'q'},
	'o': {'0'}, 'i': {'1', 'j', 'y'}, 'l': {'1'}, 'e': {'3'}, 'a': {'4'}, 's': {'5'}, 't': {'7'},
	'@': {'a'}, '$': {'s'}, '€': {'e'}, '£': {'l'}, '!': {'i', 'l'}, '|': {'i', 'l'}, '+': {'t'}, '(': {'c'}, '&': {'e'}, '*': {'a'},
	'y': {'i'}, 'j': {'i'}, 'k': {'c'}, 'v': {'u'}, 'w': {'v'},
}

// ligatures are letters that no decomposition splits.
var ligatures = strings.NewReplacer("ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// fold gives a text in lower case and without accents.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return ligatures.Replace(b.String())
}

// disguise unmasks a text. It gives one place for each folded character.
func disguise(s string) masked {
	folded := []rune(fold(s))
	m := make(masked, len(folded))
	for i, r := range folded {
		m[i] = append([]rune{r}, stands[r]...)
	}
	return m
}

// bare leaves out the places that hold neither a letter nor a figure, so that
// "17/03/2007" and "m-a-r-t-i-n" are seen.
func (m masked) bare() masked {
	var out masked
	for _, place := range m {
		if r := place[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, place)
		}
	}
	return out
}

// at tells whether the word can be read from a place on.
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

// holds tells whether the word can be read anywhere, forwards or backwards.
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
