// Package password checks first passwords and suggests good ones.
//
// A password is normalised to Unicode NFC and then checked as a whole: its
// length in code points (NIST SP 800-63B-4, 3.1.1.2), the characters that the
// institution requires, personal data of its owner (ANSSI PG-078, R27), and
// whether many people would choose it. It is never trimmed or truncated.
//
//	typed ─ NFC ─┬─ counts     length, upper, lower, digit, special
//	             ├─ personal   names, dates, numbers, addresses in any disguise
//	             └─ common     made of nothing but common pieces
//
// [disguise] sees through substitutions: each character represents every letter
// or digit that it may be used for, so "J34n" contains "jean".
//
// This package neither prints, stores nor sends a password.
package password

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entree/internal/secret"
)

// Policy holds the requirements for a password, counted in code points after
// NFC.
type Policy struct {
	Length    int // minimum
	MaxLength int // maximum
	Upper     int
	Lower     int
	Digits    int
	Special   int
}

// Default returns the rule of the how-to: 16 characters, one of each kind.
// Requiring kinds of characters contradicts NIST SP 800-63B-4 and is kept as
// the institution's rule (S19).
func Default() Policy {
	return Policy{Length: 16, MaxLength: 256, Upper: 1, Lower: 1, Digits: 1}
}

// Max returns the stricter of two policies, rule by rule. A MaxLength of 0
// means no maximum.
func Max(a, b Policy) Policy {
	longest := a.MaxLength
	if longest == 0 || b.MaxLength != 0 && b.MaxLength < longest {
		longest = b.MaxLength
	}
	return Policy{
		Length: max(a.Length, b.Length), MaxLength: longest,
		Upper: max(a.Upper, b.Upper), Lower: max(a.Lower, b.Lower),
		Digits: max(a.Digits, b.Digits), Special: max(a.Special, b.Special),
	}
}

// Finding is one rule that a password breaks. What names the kind of personal
// data that was found ("family_name"), never the fragment itself.
type Finding struct {
	Rule string // "length", "too_long", "upper", "lower", "digit", "special", "invalid", "personal", "common", "example"
	What string
	// Count is the limit of the broken rule: the minimum length, the maximum
	// length or the required number of capitals; 0 for rules without a number.
	Count int
}

// Normalize returns the NFC form, in which a password is checked and hashed, so
// that é typed as one character or as two is the same password (S18).
func Normalize(t secret.Text) secret.Text { return secret.New(norm.NFC.String(t.Reveal())) }

// Check returns every rule that a normalised password breaks, in the order in
// which the page lists the rules.
func Check(p Policy, t secret.Text, about Personal) []Finding {
	return p.check(t, about.fragments())
}

// Checker returns Check for many passwords of one person.
func Checker(p Policy, about Personal) func(secret.Text) []Finding {
	personal := about.fragments()
	return func(t secret.Text) []Finding { return p.check(t, personal) }
}

func (p Policy) check(t secret.Text, personal []fragment) []Finding {
	s := t.Reveal()
	if !utf8.ValidString(s) {
		return []Finding{{Rule: "invalid"}}
	}
	found := p.counts(s)
	if utf8.RuneCountInString(s) > max(p.MaxLength, 1024) {
		return found // too long for the expensive checks
	}
	d := disguise(s)
	for _, what := range kinds(personal, d) {
		found = append(found, Finding{Rule: "personal", What: what})
	}
	switch {
	case example(d):
		found = append(found, Finding{Rule: "example"})
	case common(d):
		found = append(found, Finding{Rule: "common"})
	}
	return found
}

// counts checks the numeric rules. Kinds of characters are distinguished as
// Java's Character class does, because Keycloak checks the realm's policy that
// way; a special character is neither a letter nor a digit.
func (p Policy) counts(s string) []Finding {
	var length, upper, lower, digits, special, control int
	for _, r := range s {
		length++
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		case unicode.IsDigit(r):
			digits++
		case unicode.IsControl(r):
			control++
		case !unicode.IsLetter(r):
			special++
		}
	}
	var found []Finding
	for _, rule := range []struct {
		broken bool
		name   string
		count  int
	}{
		{length < p.Length, "length", p.Length},
		{p.MaxLength > 0 && length > p.MaxLength, "too_long", p.MaxLength},
		{upper < p.Upper, "upper", p.Upper},
		{lower < p.Lower, "lower", p.Lower},
		{digits < p.Digits, "digit", p.Digits},
		{special < p.Special, "special", p.Special},
		{control > 0, "invalid", 0},
	} {
		if rule.broken {
			found = append(found, Finding{Rule: rule.name, Count: rule.count})
		}
	}
	return found
}
