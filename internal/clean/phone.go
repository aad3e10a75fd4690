package clean

import (
	"strings"
	"unicode/utf8"
)

// maxPhone is the longest text that is read as a telephone number, in bytes.
const maxPhone = 64

// territory is a part of France with a country code of its own, and the national
// prefixes of its mobile numbers, without the 0 (ARCEP's numbering plan).
type territory struct {
	code   string
	mobile []string
}

var territories = []territory{
	{"590", []string{"690", "691"}},        // Guadeloupe, Saint-Martin, Saint-Barthélemy
	{"594", []string{"694"}},               // Guyane
	{"596", []string{"696", "697"}},        // Martinique
	{"262", []string{"692", "693", "639"}}, // La Réunion, Mayotte
	{"508", []string{"55", "708"}},         // Saint-Pierre-et-Miquelon
	{"687", []string{"7", "8", "9"}},       // Nouvelle-Calédonie
	{"689", []string{"87", "88", "89"}},    // Polynésie française
	{"681", []string{"4", "8"}},            // Wallis-et-Futuna
}

// Lengths of national numbers without the 0.
var nationalLength = map[string]int{"33": 9, "590": 9, "594": 9, "596": 9, "262": 9, "508": 6, "687": 6, "689": 8, "681": 6}

// Phone returns a telephone number in the form of E.164: "+33612345678". It reads
// French national writing, also without its first 0, which spreadsheets drop, and
// international writing with + or 00. Spaces, dots, hyphens, slashes and parentheses
// part the figures. Which numbers exist is not checked beyond their length in France.
func Phone(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", &Fault{Kind: KindPhone, Rule: RuleEncoding}
	}
	if len(s) > maxPhone {
		return "", &Fault{Kind: KindPhone, Rule: RuleLong}
	}
	var b strings.Builder
	for i, r := range []rune(s) {
		if d, ok := digit(r); ok {
			b.WriteByte('0' + d)
			continue
		}
		switch c := classify(r); {
		case c == leftover, c == variation, c == joiner, c == bidi, c == invisible, c == space:
		case strings.ContainsRune(".-‐‑‒–—−/()_", r):
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		default:
			return "", &Fault{Kind: KindPhone, Rule: RuleCharacter, Char: r, At: i}
		}
	}
	return international(b.String())
}

// international returns figures, perhaps after a +, in the form of E.164.
func international(figures string) (string, error) {
	number, isInternational := strings.CutPrefix(figures, "+")
	if !isInternational {
		number, isInternational = strings.CutPrefix(figures, "00")
	}
	if !isInternational {
		switch {
		case len(figures) == 10 && figures[0] == '0':
			number = "33" + figures[1:]
		case len(figures) == 9 && (figures[0] == '6' || figures[0] == '7'):
			number = "33" + figures
		case len(figures) == 11 && strings.HasPrefix(figures, "33"), len(figures) == 12 && strings.HasPrefix(figures, "330"):
			number = figures
		default:
			return "", &Fault{Kind: KindPhone, Rule: RuleNoPhone}
		}
	}
	if len(number) < 8 || len(number) > 15 || number[0] == '0' {
		return "", &Fault{Kind: KindPhone, Rule: RuleNoPhone}
	}
	code, national := french(number)
	if code == "" {
		return "+" + number, nil
	}
	if len(national) != nationalLength[code] {
		return "", &Fault{Kind: KindPhone, Rule: RuleNoPhone}
	}
	return "+" + code + national, nil
}

// french returns the country code and the national number, without a 0, of a number of
// France; "" for another country's. A mobile number of an overseas territory that is
// written with the code of metropolitan France gets its own.
func french(number string) (code, national string) {
	if rest, ok := strings.CutPrefix(number, "33"); ok {
		rest = strings.TrimPrefix(rest, "0") // "+33 (0)6"
		for _, t := range territories {
			for _, m := range t.mobile {
				if len(m) == 3 && len(rest) == 9 && nationalLength[t.code] == 9 && strings.HasPrefix(rest, m) {
					return t.code, rest
				}
			}
		}
		return "33", rest
	}
	for _, t := range territories {
		if rest, ok := strings.CutPrefix(number, t.code); ok {
			if nationalLength[t.code] == 9 {
				rest = strings.TrimPrefix(rest, "0")
			}
			return t.code, rest
		}
	}
	return "", ""
}

// IsMobile reports whether a number in the form of E.164 may receive an SMS: a mobile
// number in France. Numbers of other countries are not told apart.
func IsMobile(phone string) bool {
	number := strings.TrimPrefix(phone, "+")
	code, national := french(number)
	switch code {
	case "":
		return phone != ""
	case "33":
		return strings.HasPrefix(national, "6") || strings.HasPrefix(national, "7") && !strings.HasPrefix(national, "700")
	}
	for _, t := range territories {
		if t.code != code {
			continue
		}
		for _, m := range t.mobile {
			if strings.HasPrefix(national, m) {
				return true
			}
		}
	}
	return false
}

// NationalPhone returns a number as it is written in France: "06 12 34 56 78" for a
// number with ten figures, and the form of E.164 in groups for all others.
func NationalPhone(phone string) string {
	number := strings.TrimPrefix(phone, "+")
	code, national := french(number)
	if code == "" || nationalLength[code] != 9 || len(national) != 9 {
		return phone
	}
	national = "0" + national
	var groups []string
	for i := 0; i < len(national); i += 2 {
		groups = append(groups, national[i:i+2])
	}
	return strings.Join(groups, "\u00a0")
}
