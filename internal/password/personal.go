package password

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mozillazg/go-unidecode"
)

// Personal holds the data of a person that their password must not contain.
type Personal struct {
	GivenName, FamilyName string
	BirthDate             string // ISO 8601; empty where unknown
	Number, Login         string
	Addresses             []string // personal and university
	Institution           []string // the institution's own words
}

// shortest is the length of the shortest fragment that counts: three letters of a
// name are in too many words by chance.
const shortest = 4

// fragment is a folded piece of personal information and its kind.
type fragment struct{ what, text string }

// piece is a fragment to look for.
type piece struct {
	what string
	word word
}

func wanted(fragments []fragment) []piece {
	out := make([]piece, len(fragments))
	for i, f := range fragments {
		out[i] = piece{f.what, newWord(f.text)}
	}
	return out
}

// kinds returns the kinds of personal information that a password contains, each
// once.
func kinds(personal []piece, m masked) []string {
	texts := []index{newIndex(m.bare())}
	if len(texts[0].text) != len(m) {
		texts = append(texts, newIndex(m))
	}
	var found []string
	for _, p := range personal {
		if !slices.Contains(found, p.what) && slices.ContainsFunc(texts, func(x index) bool { return x.holds(p.word) }) {
			found = append(found, p.what)
		}
	}
	return found
}

// Fragments returns the folded pieces for the browser, which ticks the rule while
// the student types. Birth date and number, which are asked for as a second proof,
// never leave the server: it alone judges them.
func (p Personal) Fragments() []string {
	var out []string
	for _, f := range p.fragments() {
		if f.what != "birth_date" && !strings.ContainsAny(f.text, "0123456789") && !slices.Contains(out, f.text) {
			out = append(out, f.text)
		}
	}
	return out
}

func (p Personal) fragments() []fragment {
	var out []fragment
	add := func(what string, texts ...string) {
		for _, t := range texts {
			out = append(out, fragment{what, t})
		}
	}
	given, family := words(p.GivenName), words(p.FamilyName)
	add("given_name", pieces(given)...)
	add("family_name", pieces(family)...)
	// A name in another script is also known in its Latin spelling.
	add("given_name", pieces(spelled(given))...)
	add("family_name", pieces(spelled(family))...)
	if g, f := strings.Join(given, ""), strings.Join(family, ""); g != "" && f != "" {
		add("family_name", long(g+f, f+g)...) // names too short to count alone
	}
	add("birth_date", dates(p.BirthDate)...)
	add("number", windows(digits(p.Number))...)
	add("login", long(strings.Join(words(p.Login), ""))...)
	for _, a := range p.Addresses {
		local, _, _ := strings.Cut(a, "@")
		add("address", pieces(words(local))...)
	}
	for _, w := range p.Institution {
		add("institution", pieces(words(w))...)
	}
	return out
}

// spelled returns the words that are not in Latin letters in their Latin spelling.
func spelled(words []string) []string {
	var out []string
	for _, w := range words {
		if latin := fold(unidecode.Unidecode(w)); latin != w {
			out = append(out, strings.Join(strings.FieldsFunc(latin, func(r rune) bool { return !unicode.IsLetter(r) }), ""))
		}
	}
	return out
}

// words splits folded text at characters that are neither letters nor digits.
func words(s string) []string {
	return strings.FieldsFunc(fold(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// pieces returns the words that count, and all of them joined if there are
// several.
func pieces(words []string) []string {
	out := long(words...)
	if len(words) > 1 {
		out = append(out, long(strings.Join(words, ""))...)
	}
	return out
}

// long returns the words that are long enough to count. In a script that writes a
// word with one or two characters, each word counts.
func long(words ...string) []string {
	var out []string
	for _, w := range words {
		runes := []rune(w)
		if len(runes) >= shortest || len(runes) > 0 && unicode.IsOneOf([]*unicode.RangeTable{unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana}, runes[0]) {
			out = append(out, w)
		}
	}
	return out
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// windows returns every run of four digits of a number: a part of it is as
// personal as the whole.
func windows(s string) []string {
	var out []string
	for i := 0; i+shortest <= len(s); i++ {
		out = append(out, s[i:i+shortest])
	}
	return out
}

var months = [12][]string{
	{"janvier", "january", "janv"}, {"fevrier", "february"}, {"mars", "march"}, {"avril", "april"}, {"mai", "may"}, {"juin", "june"},
	{"juillet", "july", "juil"}, {"aout", "august"}, {"septembre", "september", "sept"}, {"octobre", "october"}, {"novembre", "november"}, {"decembre", "december"},
}

// dates returns the ways in which people write a date, without separators.
func dates(iso string) []string {
	at, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		return nil
	}
	var out []string
	for _, layout := range []string{"02012006", "020106", "20060102", "060102", "01022006", "010206", "212006", "2106", "0201", "0102", "2006", "012006", "0106"} {
		if s := at.Format(layout); len(s) >= shortest && (len(s) > shortest || layout == "2006") {
			out = append(out, s)
		}
	}
	for _, month := range months[at.Month()-1] {
		day := at.Format("2")
		out = append(out, day+month, at.Format("02")+month, month+day, month+at.Format("2006"), month+at.Format("06"))
	}
	return out
}
