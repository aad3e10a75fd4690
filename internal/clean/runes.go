package clean

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// class is what a character means for the rules of this package.
type class int

const (
	plain      class = iota // everything else: letters, marks, digits, punctuation
	space                   // white space
	control                 // Cc without white space
	leftover                // invisible and without effect on the displayed text
	variation               // a variation selector
	joiner                  // ZWJ, ZWNJ and the Mongolian vowel separator
	bidi                    // embeddings, overrides and isolates
	invisible               // all other invisible characters
	visible                 // visible format characters: Arabic number signs and the like
	lost                    // U+FFFD
	private                 // Co
	unassigned              // Cn, Cs
	symbol                  // So
)

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
	mvs  = '\u180e'
)

// classify returns the class of a character.
func classify(r rune) class {
	switch {
	case r >= ' ' && r < 0x7f:
		if r == ' ' {
			return space
		}
		return plain
	case r == unicode.ReplacementChar || r == '\ufffc': // the object replacement character: an embedded object got lost
		return lost
	case unicode.Is(unicode.White_Space, r):
		return space
	case unicode.Is(unicode.Cc, r):
		return control
	}
	switch r {
	case zwnj, zwj, mvs:
		return joiner
	case '\u00ad', '\u034f', '\u061c', '\u200b', '\u200e', '\u200f', '\u2060', '\ufeff':
		return leftover
	case '\u2800': // the empty Braille cell
		return invisible
	}
	switch {
	case unicode.Is(unicode.Variation_Selector, r):
		return variation
	case unicode.Is(unicode.Bidi_Control, r):
		return bidi
	case unicode.Is(unicode.Noncharacter_Code_Point, r):
		return unassigned
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return visible
	case unicode.IsOneOf([]*unicode.RangeTable{unicode.Cf, unicode.Other_Default_Ignorable_Code_Point}, r):
		return invisible
	case unicode.Is(unicode.Co, r):
		return private
	case unicode.Is(unicode.So, r):
		return symbol
	case unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S):
		return plain
	case r >= 0x20000 && r <= 0x3fffd:
		// Ideographs that are newer than Go's tables. Unicode sets both planes
		// aside for ideographs, and the newest ones are those of rare names.
		return plain
	}
	return unassigned
}

// faults lists the rules of the classes that every kind refuses, unless the
// kind removes or keeps them first.
var faults = map[class]Rule{
	control: RuleControl, bidi: RuleBidi, invisible: RuleInvisible, visible: RuleInvisible, leftover: RuleInvisible, joiner: RuleInvisible, variation: RuleInvisible,
	lost: RuleLost, private: RulePrivate, unassigned: RuleUnassigned, symbol: RuleSymbol, space: RuleSpace,
}

// cursive lists the scripts whose letters join.
var cursive = []*unicode.RangeTable{unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Hanifi_Rohingya, unicode.Adlam}

// endsJoin lists the Arabic letters that never join to their left (Joining_Type
// Right_Joining or Non_Joining in ArabicShaping.txt).
var endsJoin = &unicode.RangeTable{R16: []unicode.Range16{
	{0x0621, 0x0625, 1}, {0x0627, 0x0627, 1}, {0x0629, 0x0629, 1}, {0x062f, 0x0632, 1}, {0x0648, 0x0648, 1},
	{0x0671, 0x0677, 1}, {0x0688, 0x0699, 1}, {0x06c0, 0x06c0, 1}, {0x06c3, 0x06cb, 1}, {0x06cd, 0x06cd, 1}, {0x06cf, 0x06cf, 1},
	{0x06d2, 0x06d3, 1}, {0x06d5, 0x06d5, 1}, {0x06ee, 0x06ef, 1}, {0x0759, 0x075b, 1}, {0x076b, 0x076c, 1}, {0x0771, 0x0771, 1},
	{0x0773, 0x0774, 1}, {0x0778, 0x0779, 1}, {0x08aa, 0x08ae, 1}, {0x08b1, 0x08b2, 1}, {0x08b9, 0x08b9, 1},
}}

// needed reports whether a joiner after the text before and in front of the
// character after changes what is read (see Joiners in the package
// documentation). Emoji count only if emoji is true.
func needed(text []rune, join, after rune, emoji bool) bool {
	if len(text) == 0 {
		return false
	}
	before := text[len(text)-1]
	switch {
	case join == mvs:
		return unicode.IsLetter(before) && unicode.Is(unicode.Mongolian, before) && unicode.IsLetter(after) && unicode.Is(unicode.Mongolian, after)
	case virama(before) && unicode.IsLetter(after):
		return true
	case virama(after) && unicode.IsLetter(before) && join == zwj: // Bengali ra with ya, Sinhala touching letters
		return true
	case join == zwj:
		if len(text) > 1 && (classify(before) == variation || unicode.Is(unicode.Sk, before)) { // a selector or a skin tone
			before = text[len(text)-2]
		}
		return emoji && classify(before) == symbol && classify(after) == symbol
	}
	for k := len(text) - 1; k > 0 && unicode.Is(unicode.Mn, before); k-- { // vowel marks do not take part in joining
		before = text[k-1]
	}
	return unicode.IsLetter(before) && unicode.IsLetter(after) && unicode.IsOneOf(cursive, before) && unicode.IsOneOf(cursive, after) && !unicode.Is(endsJoin, before)
}

// virama reports whether a mark takes the vowel from the letter before it.
func virama(r rune) bool {
	var b [4]byte
	return r >= 0x900 && norm.NFC.Properties(b[:copy(b[:], string(r))]).CCC() == 9
}

// digit returns the value of a decimal digit of any script. The zeros of all
// scripts begin a run of ten (a rule of Unicode's stability policy), but runs
// may touch: the mathematical digits are five runs in a row from U+1D7CE on.
func digit(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9':
		return byte(r - '0'), true
	case r < 0x660 || !unicode.Is(unicode.Nd, r):
		return 0, false
	case r >= 0x1d7ce && r <= 0x1d7ff:
		return byte((r - 0x1d7ce) % 10), true
	}
	first := r
	for unicode.Is(unicode.Nd, first-1) {
		first--
	}
	return byte((r - first) % 10), true
}
