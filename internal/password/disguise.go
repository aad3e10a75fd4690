package password

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
	"github.com/mtibben/confusables"
	"golang.org/x/text/unicode/norm"
)

// masked is a text in which each place holds every character that it could be
// read as: the folded character first, then its disguises. "4" is 4 and a.
type masked [][]rune

// stands maps a character to the letters and digits that people replace by it.
var stands = map[rune][]rune{
	'0': {'o'}, '1': {'i', 'l'}, '2': {'z'}, '3': {'e'}, '4': {'a'}, '5': {'s'}, '6': {'g', 'b'}, '7': {'t'}, '8': {'b'}, '9': {'g', 'q'},
	'i': {'j', 'y'}, '@': {'a'}, '$': {'s'}, '€': {'e'}, '£': {'l'}, '!': {'i', 'l'}, '|': {'i', 'l'}, '+': {'t'}, '(': {'c'}, '&': {'e'}, '*': {'a'},
	'y': {'i'}, 'j': {'i'}, 'k': {'c'}, 'v': {'u'}, 'w': {'v'},
}

// digitsOf lists the digits that a letter is written for. They count only beside
// real digits, in 2oo7 but not in "solo", which would be 5010.
var digitsOf = map[rune][]rune{'o': {'0'}, 'i': {'1'}, 'l': {'1'}, 'z': {'2'}, 'e': {'3'}, 'a': {'4'}, 's': {'5'}, 'g': {'6', '9'}, 't': {'7'}, 'b': {'8'}}

// ligatures are letters that no decomposition splits.
var ligatures = strings.NewReplacer("ß", "ss", "œ", "oe", "æ", "ae", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// plain holds the readings of each ASCII character.
var plain = func() (of [unicode.MaxASCII + 1][]rune) {
	for r := range of {
		f := unicode.ToLower(rune(r))
		of[r] = slices.Clip(append([]rune{f}, stands[f]...))
	}
	return of
}()

// fold returns a text in lower case, without accents, and with the digits of every
// script as 0 to 9.
func fold(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r > unicode.MaxASCII && unicode.Is(unicode.Nd, r):
			if d := unidecode.Unidecode(string(r)); len(d) == 1 {
				b.WriteString(d)
			} else {
				b.WriteRune(r)
			}
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return ligatures.Replace(b.String())
}

// disguise returns the readings of a text, one place for each folded character.
func disguise(s string) masked {
	m := make(masked, 0, len(s))
	for _, r := range norm.NFC.String(s) {
		if r <= unicode.MaxASCII {
			m = append(m, plain[r])
			continue
		}
		folded := []rune(fold(string(r)))
		for _, f := range folded {
			place := append([]rune{f}, stands[f]...)
			if f > unicode.MaxASCII && len(folded) == 1 {
				for _, like := range looks(r, f) {
					place = append(append(place, like), stands[like]...)
				}
			}
			m = append(m, place)
		}
	}
	return m
}

// looks returns the ASCII characters that a character looks like, by the skeleton
// of UTS 39 in either case, or is spelled as: Cyrillic р is p and r. Small capitals
// are in neither table as such, but both lead to them.
func looks(r, folded rune) []rune {
	var out []rune
	add := func(s string) {
		s = strings.ToLower(s)
		if s == "rn" { // the skeleton of m
			s = "m"
		}
		if runes := []rune(s); len(runes) == 1 && runes[0] <= unicode.MaxASCII && !has(out, runes[0]) && runes[0] != ' ' {
			out = append(out, runes[0])
		}
	}
	for _, c := range []rune{r, folded, unicode.ToUpper(r)} {
		skeleton := confusables.Skeleton(string(c))
		add(skeleton)
		add(fold(skeleton))
		add(unidecode.Unidecode(skeleton))
		add(unidecode.Unidecode(string(c)))
	}
	return out
}

// bare returns the places that hold a letter or a digit, so that "17/03/2007" and
// "m-a-r-t-i-n" are read.
func (m masked) bare() masked {
	var out masked
	for _, place := range m {
		if r := place[0]; unicode.IsLetter(r) || unicode.IsDigit(r) {
			out = append(out, place)
		}
	}
	return out
}

// at reports whether the word can be read from place i on.
func (m masked) at(i int, word []rune) bool {
	if i+len(word) > len(m) {
		return false
	}
	digits, read := 0, 0 // digits of the word, and those that are digits in the text too
	for k, want := range word {
		place := m[i+k]
		switch {
		case want < '0' || want > '9':
			if !has(place, want) {
				return false
			}
			continue
		case place[0] == want:
			read++
		case !has(digitsOf[place[0]], want):
			return false
		}
		digits++
	}
	return 2*read >= digits
}

// shortestBackward is the length of the shortest word that is also read backwards:
// four letters backwards are in too many words by chance, Rose in "trésor".
const shortestBackward = 5

// word is a text that is looked for in passwords.
type word struct {
	forward  []rune
	backward []rune // nil if the word is not read backwards
}

func newWord(text string) word {
	w := word{forward: []rune(text)}
	if len(w.forward) >= shortestBackward || strings.Trim(text, "0123456789") == "" {
		w.backward = slices.Clone(w.forward)
		slices.Reverse(w.backward)
	}
	return w
}

// index finds words in a text. For each place it holds the set of the characters that
// could be read there, so that nearly all places are passed over at once.
type index struct {
	text  masked
	could []uint64
}

func newIndex(m masked) index {
	x := index{m, make([]uint64, len(m))}
	for i, place := range m {
		for _, r := range place {
			x.could[i] |= bit(r)
		}
		for _, r := range digitsOf[place[0]] {
			x.could[i] |= bit(r)
		}
	}
	return x
}

// bit returns the set of one character. All characters but small letters and digits have
// the same bit.
func bit(r rune) uint64 {
	switch {
	case r >= 'a' && r <= 'z':
		return 1 << (r - 'a')
	case r >= '0' && r <= '9':
		return 1 << (26 + r - '0')
	}
	return 1 << 63
}

// holds reports whether the word can be read anywhere, forwards or backwards. Four
// digits are read backwards too.
func (x index) holds(w word) bool {
	return x.reads(w.forward) || x.reads(w.backward)
}

func (x index) reads(word []rune) bool {
	if len(word) == 0 {
		return false
	}
	first := bit(word[0])
	for i := 0; i+len(word) <= len(x.could); i++ {
		if x.could[i]&first != 0 && x.could[i+len(word)-1]&bit(word[len(word)-1]) != 0 && x.text.at(i, word) {
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
