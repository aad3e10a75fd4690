package clean

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// MaxName is the longest name, in characters. Keycloak's own limit is lower or
// equal in a realm's user profile.
const MaxName = 255

// MaxNumber is the longest number, in bytes.
const MaxNumber = 64

// treatment says what a kind does with the classes that it does not refuse.
type treatment struct {
	kind   Kind
	remove []class
	keep   []class
	emoji  bool // joiners between emoji are kept
	join   bool // joiners are kept where orthography needs them
	lines  bool // line breaks are kept
}

// runes applies a treatment. White space becomes a single space.
func (t treatment) runes(s string) (string, *Fault) {
	if IsPrintableASCII(s) {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", &Fault{Kind: t.kind, Rule: RuleEncoding}
	}
	in := []rune(s)
	out := make([]rune, 0, len(in))
	next := func(i int) rune {
		if i+1 < len(in) {
			return in[i+1]
		}
		return 0
	}
	for i, r := range in {
		switch c := classify(r); {
		case c == plain || has(t.keep, c):
			out = append(out, r)
		case c == space && t.lines && (r == '\n' || r == '\u2028' || r == '\u2029'):
			out = append(out, '\n')
		case c == space && t.lines && r == '\r':
			if next(i) != '\n' {
				out = append(out, '\n')
			}
		case c == space:
			out = append(out, ' ')
		case c == joiner && t.join && needed(out, r, next(i), t.emoji):
			out = append(out, r)
		case has(t.remove, c):
		default:
			return "", &Fault{Kind: t.kind, Rule: faults[c], Char: r, At: i}
		}
	}
	return string(out), nil
}

func has(list []class, c class) bool {
	for _, l := range list {
		if l == c {
			return true
		}
	}
	return false
}

// IsPrintableASCII reports whether s has only the characters U+0020 to U+007E. No treatment
// changes them.
func IsPrintableASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// single trims spaces at both ends and makes them single within.
func single(s string) string {
	if !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// settle applies f until its result no longer changes: removing a character can
// put a joiner beside another letter, and composing can change a letter.
func settle(s string, f func(string) (string, *Fault)) (string, *Fault) {
	for range 8 {
		out, fault := f(s)
		if fault != nil || out == s {
			return out, fault
		}
		s = out
	}
	return s, nil
}

// result keeps a nil *Fault from becoming an error that is not nil.
func result(s string, f *Fault) (string, error) {
	if f != nil {
		return "", f
	}
	return s, nil
}

// Prose returns what an operator typed or pasted as free text without the
// characters that a reader cannot see: control characters, bidi controls and
// invisible ones. Spaces and line breaks stay as they are. It refuses nothing,
// because text that is pasted from other programs often has such characters.
func Prose(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		switch c := classify(r); {
		case c == bidi, c == invisible, c == leftover, c == control:
			return -1
		case c == space && r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x85:
			return ' '
		case r == '\u2028' || r == '\u2029':
			return '\n'
		}
		return r
	}, s))
}

// Text cleans free text of one line.
func Text(s string) (string, error) { return text(s, false) }

// Lines cleans free text of several lines. Lines end in \n; spaces at their ends
// and empty lines at both ends of the text are removed.
func Lines(s string) (string, error) { return text(s, true) }

func text(s string, lines bool) (string, error) {
	t := treatment{kind: KindText, remove: []class{leftover, joiner}, keep: []class{symbol, variation}, emoji: true, join: true, lines: lines}
	return result(settle(s, func(s string) (string, *Fault) {
		out, fault := t.runes(s)
		if fault != nil {
			return "", fault
		}
		split := strings.Split(norm.NFC.String(out), "\n")
		for i := range split {
			if lines {
				split[i] = strings.TrimRight(split[i], " ")
			} else {
				split[i] = single(split[i])
			}
		}
		return strings.Trim(strings.Join(split, "\n"), "\n"), nil
	}))
}

var entity = regexp.MustCompile(`&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});`)

// Name cleans a given or family name. An empty name is returned as it is: the
// caller decides whether one is needed.
func Name(s string) (string, error) {
	s, fault := decode(s)
	if fault != nil {
		return "", fault
	}
	t := treatment{kind: KindName, remove: []class{leftover, variation, joiner}, join: true}
	s, fault = settle(s, func(s string) (string, *Fault) {
		out, fault := t.runes(s)
		if strings.ContainsFunc(out, isWide) {
			out = width.Fold.String(out)
		}
		return single(norm.NFC.String(out)), fault
	})
	if fault == nil && s != "" {
		fault = spelled(s)
	}
	return result(s, fault)
}

// isWide reports whether a character is one of those that differ from another one in their
// width only, as East Asian keyboards enter them.
func isWide(r rune) bool { return r >= 0xff00 && r <= 0xffef }

// decode replaces the HTML entities that older systems leave in names, also
// where they were escaped twice.
func decode(s string) (string, *Fault) {
	for range 3 {
		if !entity.MatchString(s) {
			return s, nil
		}
		s = entity.ReplaceAllStringFunc(s, html.UnescapeString)
	}
	if at := entity.FindStringIndex(s); at != nil {
		return "", &Fault{Kind: KindName, Rule: RuleEntity, Char: '&', At: utf8.RuneCountInString(s[:at[0]])}
	}
	return s, nil
}

// spelled holds the rules on a name as a whole.
func spelled(s string) *Fault {
	letters, marks, i := 0, 0, 0
	based := false
	for _, r := range s {
		switch {
		case unicode.Is(unicode.M, r):
			if marks++; !based || unicode.Is(unicode.Mn, r) && marks > 4 || marks > 8 {
				return &Fault{Kind: KindName, Rule: RuleMarks, Char: r, At: i}
			}
		case r == zwj || r == zwnj || r == mvs:
		default:
			marks, based = 0, r != ' '
			if unicode.IsLetter(r) || r >= 0x20000 && r <= 0x3fffd {
				letters++
			}
		}
		i++
	}
	switch {
	case letters == 0:
		return &Fault{Kind: KindName, Rule: RuleNoLetter}
	case i > MaxName:
		return &Fault{Kind: KindName, Rule: RuleLong}
	}
	return nil
}

// Address cleans what was typed or imported as an e-mail address: invisible
// characters and the spaces at both ends are removed, the rest is in NFC.
// Typographic hyphens and apostrophes, which word processors write, and the
// full-width forms of Asian keyboards become those of ASCII. The syntax is
// checked by domain.ParseAddress. Spaces within are left, so that two addresses
// can be told from one.
func Address(s string) (string, error) {
	t := treatment{kind: KindAddress, remove: []class{leftover, variation, joiner, bidi, invisible}, keep: []class{symbol}, join: true}
	return result(settle(s, func(s string) (string, *Fault) {
		out, fault := t.runes(strings.TrimSpace(s))
		return strings.TrimSpace(strings.Map(typewritten, norm.NFC.String(out))), fault
	}))
}

// typewritten returns the ASCII form of a typographic or full-width character.
func typewritten(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case r >= '\uff01' && r <= '\uff5e' && r != '\uff20': // an at sign stays typed exactly once
		return r - 0xfee0
	case isHyphen(r):
		return '-'
	case r == '\u2018', r == '\u2019':
		return '\''
	}
	return r
}

// isHyphen reports whether a character is a hyphen or a dash of any kind, or the
// minus sign or the hyphen bullet.
func isHyphen(r rune) bool { return unicode.Is(unicode.Pd, r) || r == '\u2212' || r == '\u2043' }

// identifier cleans the spelling that logins and numbers share.
func identifier(kind Kind, s string) (string, *Fault) {
	t := treatment{kind: kind, remove: []class{leftover, variation, joiner, bidi, invisible}}
	return settle(s, func(s string) (string, *Fault) {
		out, fault := t.runes(strings.TrimSpace(s))
		if fault != nil {
			return "", fault
		}
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if d, ok := digit(r); ok {
				return rune('0' + d)
			}
			if isHyphen(r) {
				return '-'
			}
			return r
		}, norm.NFKC.String(out))), nil
	})
}

// Login cleans an identifier, in lower case as Keycloak keeps it. Which further
// characters may stand in it is a rule of the realm.
func Login(s string) (string, error) {
	s, fault := settle(s, func(s string) (string, *Fault) {
		out, fault := identifier(KindLogin, s)
		return strings.ToLower(out), fault
	})
	if at := strings.IndexByte(s, ' '); fault == nil && at >= 0 {
		fault = &Fault{Kind: KindLogin, Rule: RuleSpace, Char: ' ', At: utf8.RuneCountInString(s[:at])}
	}
	return result(s, fault)
}

// grouped is a number written in groups, as it stands on cards: 22 502 142.
var grouped = regexp.MustCompile(`^[A-Za-z]{0,4} ?[0-9]{1,4}( [0-9]{2,4})+$`)

// Number cleans a student or staff number: letters, digits, hyphens and
// underscores, at most MaxNumber bytes. The case of letters is kept.
func Number(s string) (string, error) {
	s, fault := identifier(KindNumber, s)
	if fault != nil {
		return "", fault
	}
	if grouped.MatchString(s) {
		s = strings.ReplaceAll(s, " ", "")
	}
	i := 0
	for _, r := range s {
		switch {
		case r == ' ':
			return "", &Fault{Kind: KindNumber, Rule: RuleSpace, Char: r, At: i}
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_':
			return "", &Fault{Kind: KindNumber, Rule: RuleCharacter, Char: r, At: i}
		}
		i++
	}
	if len(s) > MaxNumber {
		return "", &Fault{Kind: KindNumber, Rule: RuleLong}
	}
	return s, nil
}

// Password reports what a password must not hold: what the student cannot type
// a second time. It changes nothing.
func Password(s string) error {
	t := treatment{kind: KindPassword, keep: []class{symbol, variation, space}, emoji: true, join: true}
	for i, r := range []rune(s) {
		if classify(r) == space && (r < ' ' || r == 0x85 || r == '\u2028' || r == '\u2029') {
			return &Fault{Kind: KindPassword, Rule: RuleControl, Char: r, At: i}
		}
	}
	if _, fault := t.runes(s); fault != nil {
		return fault
	}
	return nil
}
