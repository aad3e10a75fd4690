// Package charset finds out in which encoding a text file is, from the whole
// file, and reads it line by line as UTF-8.
//
// Files of enrolment offices come as UTF-8, with or without a mark, as UTF-16,
// and in the code pages of Windows, Macintosh and DOS. Parts of one file may
// differ, if it was put together from several. A line that is valid UTF-8 is
// read as UTF-8; the bytes that are not are decoded with the code page that
// gives the most plausible letters in the whole file, or with another one if
// only that one gives plausible letters in the line.
package charset

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The encodings.
const (
	UTF8        = "UTF-8"
	UTF16LE     = "UTF-16LE"
	UTF16BE     = "UTF-16BE"
	Windows1252 = "Windows-1252"
	Latin9      = "ISO-8859-15"
	MacRoman    = "MacRoman"
	CP850       = "CP850"
	// Windows1250 of central Europe, Windows1251 of Cyrillic and Windows1254 of Turkish are
	// read only if they are named: their bytes are also valid in Windows-1252.
	Windows1250 = "Windows-1250"
	Windows1251 = "Windows-1251"
	Windows1254 = "Windows-1254"
)

// page is a code page.
type page struct {
	name  string
	runes [256]rune
	bytes map[rune]byte
}

// pages are the code pages that are tried; the first one of equals wins.
var pages = []*page{
	newPage(Windows1252, charmap.Windows1252), newPage(Latin9, charmap.ISO8859_15),
	newPage(MacRoman, charmap.Macintosh), newPage(CP850, charmap.CodePage850),
}

// namedPages are the code pages that are used only if the operator names them.
var namedPages = []*page{newPage(Windows1250, charmap.Windows1250), newPage(Windows1251, charmap.Windows1251), newPage(Windows1254, charmap.Windows1254)}

// allPages are all code pages by which an encoding may be named.
var allPages = slices.Concat(pages, namedPages)

func newPage(name string, m *charmap.Charmap) *page {
	p := &page{name: name, bytes: map[rune]byte{}}
	for b := range 256 {
		r := m.DecodeByte(byte(b))
		p.runes[b] = r
		if r != utf8.RuneError {
			p.bytes[r] = byte(b)
		}
	}
	return p
}

// Names returns the names of all encodings.
func Names() []string {
	out := []string{UTF8, UTF16LE, UTF16BE}
	for _, p := range allPages {
		out = append(out, p.name)
	}
	return out
}

func pageOf(name string) *page {
	for _, p := range allPages {
		if strings.EqualFold(p.name, name) {
			return p
		}
	}
	return nil
}

// usual are the accented letters of names in western Europe with a weight by
// how frequent they are.
var usual = map[rune]int{
	'é': 10, 'è': 7, 'ç': 6, 'ë': 5, 'ê': 4, 'ï': 5, 'ô': 4, 'à': 3, 'â': 3, 'î': 3, 'ñ': 5, 'ö': 4, 'ü': 4, 'á': 4, 'í': 4, 'ó': 4, 'ú': 3,
	'ä': 3, 'œ': 4, 'û': 2, 'ù': 2, 'ã': 3, 'õ': 2, 'å': 2, 'ø': 2, 'æ': 2, 'ß': 2, 'š': 2, 'ž': 2, 'ò': 2, 'ì': 1, 'ý': 1, 'ÿ': 1, 'ð': 1, 'þ': 1,
}

// plausible weighs a decoded character by its neighbours: positive for a
// letter of a name, negative for what has no place there.
func plausible(before, r, after rune) int {
	besides := unicode.IsLetter(before) || unicode.IsLetter(after)
	switch {
	case r == utf8.RuneError, r >= 0x80 && r < 0xa0:
		return -20
	case unicode.IsLetter(r):
		weight, known := usual[unicode.ToLower(r)]
		switch {
		case !known:
			return -4
		case unicode.IsUpper(r) && unicode.IsLower(before):
			return -10
		case unicode.IsUpper(r) && unicode.IsUpper(before) && unicode.IsLower(after):
			return -2
		case !besides && r != 'à':
			return -3
		}
		return weight
	case strings.ContainsRune("’‘", r) && unicode.IsLetter(before) && unicode.IsLetter(after):
		return 3
	case r == '°' && (before == 'n' || before == 'N'), r == 'º' && (before == 'n' || before == 'N'):
		return 3
	case strings.ContainsRune("\u00a0–—«»“”’…€°", r):
		if unicode.IsLower(before) && unicode.IsLower(after) {
			return -6
		}
		return 0
	case besides:
		return -10
	default:
		return -3
	}
}

// of returns the page that a line is decoded with: the file's, unless its
// characters make no sense in this line and those of another page do.
func (p *page) of(line []byte, mixed bool) *page {
	if p.weigh(line, mixed) >= 0 {
		return p
	}
	best, most := p, 3
	for _, other := range pages {
		if sum := other.weigh(line, mixed); sum > most {
			best, most = other, sum
		}
	}
	return best
}

// decode returns a line in UTF-8. If mixed, what is valid UTF-8 in it stays,
// and a byte whose character is not plausible becomes U+FFFD.
func (p *page) decode(line []byte, mixed bool) string {
	var out strings.Builder
	out.Grow(len(line) + len(line)/8)
	before := ' '
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r < utf8.RuneSelf || mixed && size > 1 {
			out.Write(line[i : i+size])
			before = r
			i += size
			continue
		}
		r = p.runes[line[i]]
		if mixed && plausible(before, r, p.after(line, i+1)) < -5 {
			r = utf8.RuneError
		}
		out.WriteRune(r)
		before = r
		i++
	}
	return out.String()
}

// after returns the character at a position, as far as one byte tells it.
func (p *page) after(line []byte, at int) rune {
	if at >= len(line) {
		return ' '
	}
	return p.runes[line[at]]
}

// weigh returns how plausible a line is in this code page: the sum of the scores of
// its characters outside ASCII. If mixed, characters in valid UTF-8 do not count.
func (p *page) weigh(line []byte, mixed bool) int {
	sum, before := 0, ' '
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRune(line[i:])
		if r < utf8.RuneSelf || mixed && size > 1 {
			before = r
			i += size
			continue
		}
		r = p.runes[line[i]]
		sum += plausible(before, r, p.after(line, i+1))
		before = r
		i++
	}
	return sum
}

// Repair returns text that was encoded as UTF-8 twice, such as "ZoÃ©", as it
// was before. It reports false if the text shows no sign of that.
func Repair(s string) (string, bool) {
	if isASCII(s) {
		return s, false
	}
	for _, p := range pages {
		if out, ok := p.repair(s); ok {
			return out, true
		}
	}
	return s, false
}

func (p *page) repair(s string) (string, bool) {
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		switch b, ok := p.bytes[r]; {
		case ok:
			raw = append(raw, b)
		case r >= 0x80 && r < 0xa0:
			raw = append(raw, byte(r)) // a code point that the page leaves free
		default:
			return s, false
		}
	}
	if !utf8.Valid(raw) {
		return s, false
	}
	for _, r := range string(raw) {
		if r >= utf8.RuneSelf && (r < 0xa0 || r > 0x17f) && (r < 0x2010 || r > 0x203a) && r != '€' && r != '\u0300' && r != '\u0301' {
			return s, false
		}
	}
	return string(raw), true
}

// Damaged reports whether a name or an address shows signs of a lost encoding:
// a replacement character, a question mark between letters, an HTML entity or
// the halves of a letter that was encoded twice.
func Damaged(s string) bool {
	if i := strings.IndexByte(s, '&'); i >= 0 && i+1 < len(s) && s[i+1] != ' ' {
		return true
	}
	before, accents := ' ', 0
	for i, r := range s {
		switch {
		case r == utf8.RuneError, r >= 0x80 && r < 0xa0:
			return true
		case r == '?', r == 'þ', r == 'ð': // Turkish ş and ğ in Windows-1252
			return true
		case strings.ContainsRune("√├┬¬∆≈ƒ‰¤¦½¼¾†‡", r):
			return true
		case unicode.IsUpper(r) && r >= utf8.RuneSelf && unicode.IsLower(before):
			return true // an accented capital behind a small letter
		case r == 'Ã' || r == 'Â':
			next, _ := utf8.DecodeRuneInString(s[i+2:])
			if !unicode.IsLetter(next) && next != '-' && next != '\'' && next != '’' && i+2 < len(s) {
				return true
			}
		}
		if before = r; r < 0xc0 || r > 0xff {
			accents = 0
		} else if accents++; accents > 2 { // letters of another alphabet in Windows-1252
			return true
		}
	}
	return false
}

func isASCII[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
