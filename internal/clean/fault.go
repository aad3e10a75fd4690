package clean

import "fmt"

// Kind is the kind of a value.
type Kind string

// The kinds of values.
const (
	KindName     Kind = "name"
	KindAddress  Kind = "address"
	KindLogin    Kind = "login"
	KindNumber   Kind = "number"
	KindCode     Kind = "code"
	KindPassword Kind = "password"
	KindText     Kind = "text"
	KindBirth    Kind = "birth_date"
	KindPhone    Kind = "phone"
)

// Rule names the rule that a value breaks. It is stable: messages of the pages
// and of the import are keyed by it.
type Rule string

// The rules.
const (
	RuleEncoding   Rule = "encoding"   // not valid UTF-8
	RuleLost       Rule = "lost"       // U+FFFD: a conversion lost a character
	RuleControl    Rule = "control"    // a control character
	RuleBidi       Rule = "bidi"       // a bidi embedding, override or isolate
	RuleInvisible  Rule = "invisible"  // another format character, or an invisible letter
	RulePrivate    Rule = "private"    // private use
	RuleUnassigned Rule = "unassigned" // no character of Unicode
	RuleSpace      Rule = "space"      // a space where none may be
	RuleSymbol     Rule = "symbol"     // a pictograph or another symbol
	RuleMarks      Rule = "marks"      // a mark without a letter, or too many on one letter
	RuleEntity     Rule = "entity"     // an HTML entity that cannot be decoded
	RuleNoLetter   Rule = "no_letter"  // a name without a letter
	RuleCharacter  Rule = "character"  // a character that the kind does not take
	RuleLong       Rule = "long"       // longer than the kind allows
	RuleNoCode     Rule = "no_code"    // no six digits
	RuleManyCodes  Rule = "many_codes" // several groups of six digits
	RuleNoBirth    Rule = "no_birth"   // not the day of birth of a person who lives
	RuleNoPhone    Rule = "no_phone"   // not a telephone number
	RuleNoMobile   Rule = "no_mobile"  // a telephone number that cannot receive an SMS
)

var reasons = map[Rule]string{
	RuleEncoding:   "is not valid UTF-8",
	RuleLost:       "marks a character that an earlier conversion lost",
	RuleControl:    "is a control character",
	RuleBidi:       "changes the direction in which text is read",
	RuleInvisible:  "is invisible",
	RulePrivate:    "is a private-use character, which has no meaning elsewhere",
	RuleUnassigned: "is not a character of Unicode",
	RuleSpace:      "is a space, which is not allowed here",
	RuleSymbol:     "is a symbol, not a letter",
	RuleMarks:      "is a combining mark without a letter, or one of too many on a letter",
	RuleEntity:     "begins an HTML entity that cannot be decoded",
	RuleNoLetter:   "has no letter",
	RuleCharacter:  "is not allowed here",
	RuleLong:       "is too long",
	RuleNoCode:     "has no six digits",
	RuleManyCodes:  "has several groups of six digits",
	RuleNoBirth:    "is not a date like 2007-03-17 or 17/03/2007, of a person who lives",
	RuleNoPhone:    "is not a telephone number like 06 12 34 56 78 or +33 6 12 34 56 78",
	RuleNoMobile:   "is not a mobile number",
}

// Fault says which rule a value breaks, and with which character.
type Fault struct {
	Kind Kind
	Rule Rule
	Char rune // 0 where the rule is about the whole value
	At   int  // place of the character, counted in characters from 0
}

// Error never holds the value: it may be a password.
func (f *Fault) Error() string {
	if f.Char == 0 {
		return fmt.Sprintf("%s %s", f.Kind, reasons[f.Rule])
	}
	return fmt.Sprintf("%s: U+%04X (character %d) %s", f.Kind, f.Char, f.At+1, reasons[f.Rule])
}
