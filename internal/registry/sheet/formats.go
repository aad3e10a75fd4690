package sheet

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// numberFormat is what a format does to a number, as far as it matters for
// people: dates, and zeros that belong to the value.
type numberFormat struct {
	date  bool
	zeros string // the format if it consists of zeros and literal text, with '\x00' for each zero
}

// formatOf reads a format code as it is stored in the file, always in English:
// "dd/mm/yyyy", "00000000", "[$-40C]d mmmm yyyy;@".
func formatOf(id int, code string) numberFormat {
	switch {
	case id >= 14 && id <= 17, id == 22, id >= 27 && id <= 31, id == 36, id >= 50 && id <= 54, id == 57, id == 58:
		return numberFormat{date: true}
	case code == "" || strings.EqualFold(code, "general") || strings.EqualFold(code, "standard"):
		return numberFormat{}
	}
	var letters, literal strings.Builder
	zeros, plain := 0, true
	runes := []rune(code)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case ';': // the format of negative numbers follows
			i = len(runes)
		case '"':
			for i++; i < len(runes) && runes[i] != '"'; i++ {
				literal.WriteRune(runes[i])
			}
		case '\\':
			if i++; i < len(runes) {
				literal.WriteRune(runes[i])
			}
		case '_', '*': // a space as wide as the next character; a filling
			i++
		case '[': // a colour, a condition, a language, elapsed time
			for i < len(runes) && runes[i] != ']' {
				i++
			}
		case '0':
			zeros++
			literal.WriteByte(0)
		case ' ', '-', '/', '.', '(', ')':
			literal.WriteRune(r)
			plain = plain && r != '.'
		default:
			letters.WriteRune(r)
		}
	}
	l := strings.ToLower(letters.String())
	switch {
	case strings.ContainsAny(l, "yd"), strings.Contains(l, "m") && !strings.ContainsAny(l, "hs#?") && zeros == 0:
		return numberFormat{date: true}
	case l == "" && plain && (zeros > 1 || zeros == 1 && strings.IndexByte(literal.String(), 0) > 0): // 00000000, "o"0
		return numberFormat{zeros: literal.String()}
	}
	return numberFormat{}
}

// apply returns the text of a number.
func (f numberFormat) apply(value string, from1904 bool) string {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return value
	}
	if f.date {
		return Day(n, from1904, value)
	}
	text := number(n, value)
	if f.zeros == "" || strings.ContainsAny(text, ".-E") {
		return text
	}
	return fill(f.zeros, text)
}

// fill puts digits into a format from the right. Digits for which there is no
// zero stand before the first one.
func fill(format, digits string) string {
	var out []byte // reversed
	first := strings.IndexByte(format, 0)
	for i := len(format) - 1; i >= 0; i-- {
		if format[i] != 0 {
			out = append(out, format[i])
			continue
		}
		d := byte('0')
		if len(digits) > 0 {
			d, digits = digits[len(digits)-1], digits[:len(digits)-1]
		}
		out = append(out, d)
		for i == first && len(digits) > 0 {
			out, digits = append(out, digits[len(digits)-1]), digits[:len(digits)-1]
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}

// number writes a number without exponent. A number of more than 15 digits
// stays as it is in the file: a spreadsheet rounds it.
func number(n float64, raw string) string {
	if math.Abs(n) >= 1e15 || math.IsNaN(n) {
		return strings.TrimSpace(raw)
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// Day returns the date of a day number as 2006-01-02, and the time of day after it if
// the number has a fraction. For a number that is no day between 1900 and 2100 it
// returns the text of otherwise.
func Day(n float64, from1904 bool, otherwise string) string {
	if n < 1 || n > 73050 || math.IsNaN(n) {
		return otherwise
	}
	start := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case from1904:
		start = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case n < 61: // Excel counts a 29th of February 1900
		start = start.AddDate(0, 0, 1)
	}
	days := math.Floor(n)
	seconds := math.Round((n - days) * 86400)
	at := start.AddDate(0, 0, int(days)).Add(time.Duration(seconds) * time.Second)
	if seconds == 0 || seconds == 86400 {
		return at.Format(time.DateOnly)
	}
	return at.Format("2006-01-02T15:04:05")
}

// unescape reads the escapes of control characters, such as _x000D_.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if i+7 <= len(s) && s[i] == '_' && s[i+1] == 'x' && s[i+6] == '_' {
			if r, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				out.WriteRune(rune(r))
				i += 6
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
