package naming

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"
)

// letters holds the spelling of letters in a to z where NFKD does not find it:
// letters of European languages in their usual spelling, Greek and Cyrillic
// after ICAO Doc 9303, part 3, section 6, and the further Cyrillic letters of
// Central Asia as in passports before 2021. An empty spelling means that the
// letter is silent.
var letters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ħ': "h", 'ı': "i", 'ŋ': "n", 'ŧ': "t", 'ə': "a", 'ǝ': "e", 'ĸ': "q",

	'α': "a", 'β': "v", 'γ': "g", 'δ': "d", 'ε': "e", 'ζ': "z", 'η': "i", 'θ': "th", 'ι': "i", 'κ': "k", 'λ': "l", 'μ': "m",
	'ν': "n", 'ξ': "x", 'ο': "o", 'π': "p", 'ρ': "r", 'σ': "s", 'ς': "s", 'τ': "t", 'υ': "y", 'φ': "f", 'χ': "ch", 'ψ': "ps", 'ω': "o",

	'а': "a", 'б': "b", 'в': "v", 'г': "g", 'д': "d", 'е': "e", 'ж': "zh", 'з': "z", 'и': "i", 'к': "k", 'л': "l", 'м': "m",
	'н': "n", 'о': "o", 'п': "p", 'р': "r", 'с': "s", 'т': "t", 'у': "u", 'ф': "f", 'х': "kh", 'ц': "ts", 'ч': "ch", 'ш': "sh",
	'щ': "shch", 'ъ': "ie", 'ы': "y", 'ь': "", 'э': "e", 'ю': "iu", 'я': "ia", 'є': "ie", 'і': "i", 'ґ': "g", 'ђ': "d", 'ј': "j",
	'љ': "lj", 'њ': "nj", 'ћ': "c", 'џ': "dz", 'ѕ': "dz",
	'ә': "a", 'ғ': "g", 'қ': "k", 'ҡ': "k", 'ҝ': "g", 'ң': "n", 'ҥ': "n", 'ө': "o", 'ұ': "u", 'ү': "u", 'һ': "h", 'ҳ': "h",
	'ҷ': "j", 'ҹ': "j", 'җ': "j", 'ҙ': "z", 'ҫ': "s", 'ҭ': "t", 'ҵ': "ts", 'ӏ': "", 'ҕ': "g", 'ӊ': "n", 'ӄ': "k", 'ӈ': "n", 'ԛ': "q", 'ԝ': "w",

	'ა': "a", 'ბ': "b", 'გ': "g", 'დ': "d", 'ე': "e", 'ვ': "v", 'ზ': "z", 'თ': "t", 'ი': "i", 'კ': "k", 'ლ': "l", 'მ': "m",
	'ნ': "n", 'ო': "o", 'პ': "p", 'ჟ': "zh", 'რ': "r", 'ს': "s", 'ტ': "t", 'უ': "u", 'ფ': "p", 'ქ': "k", 'ღ': "gh", 'ყ': "q",
	'შ': "sh", 'ჩ': "ch", 'ც': "ts", 'ძ': "dz", 'წ': "ts", 'ჭ': "ch", 'ხ': "kh", 'ჯ': "j", 'ჰ': "h",
}

// alphabets are the scripts of which go-unidecode spells the letters that are
// not in the table. Of other scripts, which write no vowels, syllables or words,
// a spelling letter by letter is not the one of the owner's passport.
var alphabets = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian}

// spell returns the spelling of a letter in a to z, and false if it has none.
func spell(r rune) (string, bool) {
	if s, ok := letters[r]; ok {
		return s, true
	}
	if unicode.Is(unicode.Lm, r) { // an apostrophe or accent that is written as a letter: ʻ, ʼ
		return "", true
	}
	if !unicode.IsOneOf(alphabets, r) {
		return "", false
	}
	s := strings.ToLower(unidecode.Unidecode(string(r)))
	return s, s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") == ""
}

// Latin writes a name in a to z, 0 to 9 and hyphens. Spaces become hyphens,
// apostrophes and dots are dropped: d'Arc is darc, de La Tour is de-la-tour. It
// returns an empty string if any letter of the name has no Latin spelling: a
// name without some of its letters would be another name.
func Latin(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range norm.NFKD.String(strings.Map(withoutAccent, strings.ToLower(strings.TrimSpace(name)))) {
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
		case unicode.IsLetter(r):
			s, ok := spell(r)
			if !ok {
				return ""
			}
			b.WriteString(s)
		case unicode.Is(unicode.Nd, r):
			return ""
		}
	}
	return tidy(b.String())
}

// withoutAccent drops an accent that stands alone, as in d´Arc: it is typed for an
// apostrophe, and NFKD makes a space and a mark of it.
func withoutAccent(r rune) rune {
	if unicode.Is(unicode.Sk, r) {
		return -1
	}
	return r
}

func plain(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }
