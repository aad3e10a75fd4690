package clean_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entree/internal/clean"
)

// kinds lists the functions with a value of each in which a character is put.
var kinds = []struct {
	kind   clean.Kind
	clean  func(string) (string, error)
	before string
	after  string
}{
	{clean.KindName, clean.Name, "Mar", "tin"},
	{clean.KindAddress, clean.Address, "jp", "@example.net"},
	{clean.KindLogin, clean.Login, "mar", "tin"},
	{clean.KindNumber, clean.Number, "225", "021"},
	{clean.KindCode, clean.Code, "123", "456"},
	{clean.KindPassword, func(s string) (string, error) { return s, clean.Password(s) }, "MotDe", "Passe"},
	{clean.KindText, clean.Text, "un m", "ot"},
	{clean.KindText, clean.Lines, "un m", "ot"},
}

// each calls f for every character of the tables.
func each(f func(rune), tables ...*unicode.RangeTable) int {
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && unicode.IsOneOf(tables, r) {
			f(r)
			n++
		}
	}
	return n
}

// TestV4_FormatCharacters puts every format character and every character that
// Unicode calls ignorable at three places of a value of each kind.
func TestV4_FormatCharacters(t *testing.T) {
	tables := []*unicode.RangeTable{unicode.Cf, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Join_Control, unicode.Deprecated}
	for _, k := range kinds {
		n := each(func(r rune) {
			for _, in := range []string{string(r) + k.before + k.after, k.before + string(r) + k.after, k.before + k.after + string(r)} {
				out, err := k.clean(in)
				var fault *clean.Fault
				switch {
				case errors.As(err, &fault):
					if fault.Kind != k.kind || fault.Rule == "" || fault.Char != r && fault.Rule != clean.RuleNoCode && !unicode.Is(unicode.Deprecated, r) {
						t.Errorf("%s: U+%04X: %v", k.kind, r, err)
					}
				case err != nil:
					t.Errorf("%s: U+%04X: %v", k.kind, r, err)
				case k.kind == clean.KindPassword:
					if !unicode.Is(unicode.Variation_Selector, r) && !unicode.Is(unicode.Deprecated, r) || unicode.Is(unicode.Cf, r) {
						t.Errorf("password: U+%04X is taken", r)
					}
				case unicode.In(r, unicode.Cf, unicode.Bidi_Control, unicode.Other_Default_Ignorable_Code_Point) && strings.ContainsRune(out, r):
					t.Errorf("%s: U+%04X is kept", k.kind, r)
				case out != k.before+k.after && !strings.ContainsRune(out, r) && !unicode.Is(unicode.Deprecated, r):
					t.Errorf("%s: U+%04X changes the value to %q", k.kind, r, out)
				}
			}
		}, tables...)
		if n < 400 {
			t.Errorf("%s: only %d characters", k.kind, n)
		}
	}
}

// TestV4_RefusedEverywhere covers the classes of characters that no kind of text
// accepts.
func TestV4_RefusedEverywhere(t *testing.T) {
	check := func(r rune, want clean.Rule) {
		for _, k := range kinds {
			if k.kind == clean.KindCode && want == clean.RuleControl {
				continue // below: a code may stand at an end of a line
			}
			_, err := k.clean(k.before + string(r) + k.after)
			var fault *clean.Fault
			if !errors.As(err, &fault) || fault.Rule != want {
				t.Errorf("%s: U+%04X: %v, want %s", k.kind, r, err, want)
			}
		}
	}
	check('\ufffd', clean.RuleLost)
	check('\ufffc', clean.RuleLost)
	each(func(r rune) {
		if !unicode.Is(unicode.White_Space, r) {
			check(r, clean.RuleControl)
		}
	}, unicode.Cc)
	each(func(r rune) { check(r, clean.RuleUnassigned) }, unicode.Noncharacter_Code_Point)
	for _, r := range []rune{0xe000, 0xf8ff, 0xf0000, 0xffffd, 0x100000, 0x10fffd} {
		check(r, clean.RulePrivate)
	}
	for _, r := range []rune{0x0378, 0x05ff, 0x2fe0, 0x1ffff - 2, 0xe01f0 + 1, 0x40000} {
		if r < 0xe0000 || r > 0xe0fff {
			check(r, clean.RuleUnassigned)
		}
	}
	for _, k := range kinds {
		if _, err := k.clean(k.before + "\xff" + k.after); err == nil {
			t.Errorf("%s: invalid UTF-8 is taken", k.kind)
		}
	}
}

// TestV4_Spaces puts every white space at the ends and in the middle.
func TestV4_Spaces(t *testing.T) {
	n := each(func(r rune) {
		s := string(r)
		for _, k := range kinds {
			if k.kind == clean.KindPassword {
				err := clean.Password("Mot" + s + "Passe")
				if refused := err != nil; refused != (unicode.IsControl(r) || r == 0x2028 || r == 0x2029) {
					t.Errorf("password: U+%04X: %v", r, err)
				}
				continue
			}
			out, err := k.clean(s + s + k.before + k.after + s)
			if err != nil || strings.TrimSpace(out) != strings.TrimSpace(k.before+k.after) {
				t.Errorf("%s: U+%04X at the ends: %q, %v", k.kind, r, out, err)
			}
		}
		if out, err := clean.Name("Jean" + s + s + "Paul"); err != nil || out != "Jean Paul" {
			t.Errorf("name: U+%04X within: %q, %v", r, out, err)
		}
		if out, err := clean.Code("123" + s + "456"); err != nil || out != "123456" {
			t.Errorf("code: U+%04X within: %q, %v", r, out, err)
		}
		if out, err := clean.Number("22" + s + "502" + s + "142"); err != nil || out != "22502142" {
			t.Errorf("number: U+%04X between groups: %q, %v", r, out, err)
		}
		if out, err := clean.Login("jp" + s + "martin"); err == nil {
			t.Errorf("login: U+%04X within: %q", r, out)
		}
	}, unicode.White_Space, unicode.Zs)
	if n < 25 {
		t.Errorf("only %d spaces", n)
	}
}

// TestV4_Marks puts every nonspacing mark on a letter, alone, and five times.
func TestV4_Marks(t *testing.T) {
	n := each(func(r rune) {
		if unicode.IsOneOf([]*unicode.RangeTable{unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point}, r) || r == '\u034f' {
			return // an invisible character: another test covers it
		}
		for _, base := range []string{"a", "क", "ع", "ב"} {
			out, err := clean.Name(base + string(r))
			if err != nil || !norm.NFC.IsNormalString(out) || norm.NFD.String(out) != norm.NFD.String(base+string(r)) {
				t.Errorf("U+%04X on %s: %q, %v", r, base, out, err)
			}
		}
		if out, err := clean.Name(string(r) + "a"); err == nil && norm.NFC.String(string(r)) == string(r) {
			t.Errorf("U+%04X without a letter: %q", r, out)
		}
		if out, err := clean.Name("ab" + strings.Repeat(string(r), 6)); err == nil {
			t.Errorf("U+%04X six times: %q", r, out)
		}
	}, unicode.Mn)
	if n < 1800 {
		t.Errorf("only %d marks", n)
	}
}

// TestV17_DigitsOfEveryScript writes a code and a number in each script's digits.
func TestV17_DigitsOfEveryScript(t *testing.T) {
	scripts := 0
	each(func(r rune) {
		if v, isZero := zeroOf(r); !isZero || v != 0 {
			return
		}
		scripts++
		var s strings.Builder
		for _, d := range "904271" {
			s.WriteRune(r + d - '0')
		}
		if got, err := clean.Code(s.String()); err != nil || got != "904271" {
			t.Errorf("U+%04X: code %q is %q, %v", r, s.String(), got, err)
		}
		if got, err := clean.Number("E" + s.String()); err != nil || got != "E904271" {
			t.Errorf("U+%04X: number %q is %q, %v", r, s.String(), got, err)
		}
	}, unicode.Nd)
	if scripts < 60 {
		t.Errorf("only %d scripts", scripts)
	}
}

// zeroOf reports whether r is the zero of a script, counted from the start of
// the range of Nd that holds it.
func zeroOf(r rune) (int, bool) {
	for _, x := range unicode.Nd.R16 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return int(r-rune(x.Lo)) % 10, true
		}
	}
	for _, x := range unicode.Nd.R32 {
		if r >= rune(x.Lo) && r <= rune(x.Hi) {
			return int(r-rune(x.Lo)) % 10, true
		}
	}
	return 0, false
}

// TestV4_Symbols: no pictograph in a name; all of them in a password.
func TestV4_Symbols(t *testing.T) {
	n := each(func(r rune) {
		if r == '\u2800' || r == '\ufffc' || r == '\ufffd' {
			return
		}
		if _, err := clean.Name("Mar" + string(r) + "tin"); err == nil {
			t.Errorf("name: U+%04X is taken", r)
		}
		if err := clean.Password("MotDe" + string(r)); err != nil {
			t.Errorf("password: %v", err)
		}
	}, unicode.So)
	if n < 6000 {
		t.Errorf("only %d symbols", n)
	}
}

// TestClean_EveryCharacter: for every character there is, a clean value is clean
// again, and its fault, if it has one, names a known rule.
func TestClean_EveryCharacter(t *testing.T) {
	for _, k := range kinds {
		for r := rune(0); r <= 0x323af; r++ {
			if !utf8.ValidRune(r) || r > 0x2fff && r%7 != 0 {
				continue
			}
			out, err := k.clean(k.before + string(r) + k.after)
			if err != nil {
				if s := err.Error(); !strings.HasPrefix(s, string(k.kind)) || strings.HasSuffix(s, ") ") || strings.Contains(s, k.before+k.after) {
					t.Fatalf("%s: U+%04X: %q", k.kind, r, s)
				}
				continue
			}
			if again, err := k.clean(out); err != nil || again != out {
				t.Fatalf("%s: U+%04X: %q becomes %q, %v", k.kind, r, out, again, err)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"O&apos;Brien", "می\u200cخواهم", "र\u200d्य", "a\u00ad\u200d\u0308b", "&amp;amp;amp;amp;", "１２３\u200b４５６", "e\u0301\u034f\u0302", "\u1820\u180e\u1820", "👨\u200d👩\ufe0f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, k := range kinds {
			out, err := k.clean(s)
			if err != nil {
				var fault *clean.Fault
				if !errors.As(err, &fault) {
					t.Fatalf("%s: %v is no *Fault", k.kind, err)
				}
				continue
			}
			if again, err := k.clean(out); err != nil || again != out {
				t.Errorf("%s: %q becomes %q, then %q, %v", k.kind, s, out, again, err)
			}
			if !utf8.ValidString(out) || k.kind != clean.KindPassword && strings.ContainsFunc(out, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
				t.Errorf("%s: %q becomes %q", k.kind, s, out)
			}
		}
	})
}

func ExampleName() {
	name, _ := clean.Name("  O&apos;Brien\u00ad ")
	fmt.Println(name)
	_, err := clean.Name("Mar\u202etin")
	fmt.Println(err)
	// Output:
	// O'Brien
	// name: U+202E (character 4) changes the direction in which text is read
}
