package registry

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"entree/internal/clean"
	"entree/internal/registry/sheet"
)

// tidy returns a cell in NFC, without white space around it and with single
// spaces within. ="022" and '022 are how spreadsheets keep the zeros of a
// number in CSV.
func tidy(v string) string {
	if plain(v) {
		return v
	}
	if inner, ok := strings.CutPrefix(v, `="`); ok && strings.HasSuffix(inner, `"`) {
		v = strings.TrimSuffix(inner, `"`)
	}
	if !norm.NFC.IsNormalString(v) {
		v = norm.NFC.String(v)
	}
	return strings.Join(strings.Fields(v), " ")
}

// plain reports whether tidy would change nothing: printable ASCII without
// needless spaces.
func plain(v string) bool {
	space := true
	for i := range len(v) {
		c := v[i]
		if c < ' ' || c >= 0x7f || c == ' ' && space || c == '=' && i == 0 {
			return false
		}
		space = c == ' '
	}
	return !space || v == ""
}

// cleaned returns the clean form of a value of a field.
func cleaned(f field, v string) (string, error) {
	switch f {
	case fieldGivenName, fieldFamilyName, fieldFullName:
		if letters(v) {
			return v, nil
		}
		return clean.Name(v)
	case fieldEmail, fieldAddress:
		if clean.IsPrintableASCII(v) {
			return v, nil
		}
		return clean.Address(v)
	case fieldNumber:
		if clean.IsPrintableASCII(v) {
			return v, nil // see number
		}
		return clean.Number(v)
	case fieldLogin:
		return clean.Login(v)
	case fieldPhone:
		return v, nil // see phone
	}
	if clean.IsPrintableASCII(v) {
		return v, nil
	}
	return clean.Text(v)
}

// letters reports whether a name has nothing but ASCII letters, spaces, hyphens
// and apostrophes, so that no rule can change or refuse it.
func letters(v string) bool {
	if len(v) == 0 || v[0] < 'A' {
		return false
	}
	for i := range len(v) {
		if c := v[i]; (c|0x20 < 'a' || c|0x20 > 'z') && c != ' ' && c != '-' && c != '\'' {
			return false
		}
	}
	return len(v) <= clean.MaxName
}

// anyAddress removes from an address what can only be a slip: mailto: before it,
// angle brackets around it, and a name before the brackets.
func anyAddress(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 7 && strings.EqualFold(v[:7], "mailto:") {
		v = v[7:]
	}
	if strings.HasSuffix(v, ">") && strings.Count(v, "<") == 1 {
		v = v[strings.IndexByte(v, '<')+1 : len(v)-1]
	}
	return v
}

var (
	errorValue = regexp.MustCompile(`^(#(N/A|N/D|REF!|VALUE!|VALEUR!|NAME\?|NOM\?|DIV/0!|NULL!|NUL!|NUM!|NOMBRE!|SPILL!|CALC!|EXTERNAL!|FIELD!|CHAMP!|GETTING_DATA|BLOCKED!|CONNECT!|UNKNOWN!|BUSY!|EPARS!|PROPAGATION!|#+)|Err:\d{3})$`)
	isoDate    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2})?$`)
	wholeFloat = regexp.MustCompile(`^(\d+)[.,]0+$`)
	exponent   = regexp.MustCompile(`^(\d)(?:[.,](\d+))?[eE]([+-]?)(\d{1,2})$`)
	thousands  = regexp.MustCompile(`^\d{1,3}( \d{3})+$`)
)

// isDate reports whether a number is the date that a spreadsheet made of it.
func isDate(v string) bool { return len(v) >= 10 && isoDate.MatchString(v) }

// isError reports whether a cell is an error value of a spreadsheet.
func isError(v string) bool {
	return v == sheet.NoValue || (strings.HasPrefix(v, "#") || strings.HasPrefix(v, "Err:")) && errorValue.MatchString(v)
}

// digitsKept is how many digits of a number a spreadsheet keeps: the others become
// zeros.
const digitsKept = 15

// wholeNumber returns the digits of a number that a program wrote as a decimal
// one: 22502142.0, 2.2502142E7. rounded reports that digits are lost.
func wholeNumber(v string) (digits string, rounded bool) {
	if v == "" || v[0] != '\'' && (v[0] < '0' || v[0] > '9') {
		return v, false
	}
	if v[0] == '\'' {
		return v[1:], false
	}
	if m := wholeFloat.FindStringSubmatch(v); m != nil {
		return m[1], false
	}
	if thousands.MatchString(v) {
		return strings.ReplaceAll(v, " ", ""), false
	}
	if len(v) > digitsKept && strings.Trim(v[digitsKept:], "0") == "" && strings.Trim(v, "0123456789") == "" {
		return v, true
	}
	m := exponent.FindStringSubmatch(v)
	if m == nil {
		return v, false
	}
	places := 10*int(m[4][0]-'0') + 0
	if len(m[4]) == 1 {
		places = int(m[4][0] - '0')
	} else {
		places += int(m[4][1] - '0')
	}
	fraction := strings.TrimRight(m[2], "0")
	switch {
	case m[3] == "-" || m[2] == "" && m[3] == "" || len(fraction) > places:
		return v, false // no number of a person; 1E5 may be a code
	case m[3] == "+" && len(m[2]) < places, places > 14:
		return v, true
	}
	return m[1] + fraction + strings.Repeat("0", places-len(fraction)), false
}

// unaccented returns text in lower case without accents and with single spaces.
func unaccented(s string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(strings.ToLower(s)) {
		if !unicode.Is(unicode.Mn, r) {
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
