// Package password judges first passwords and suggests good ones.
//
// A password is judged whole, in Unicode's NFC form, and is hashed exactly as the
// browser sent it: Keycloak hashes the bytes that its login page receives, so the
// same keys must make the same bytes. The rules are its length
// in code points (NIST SP 800-63B-4, 3.1.1.2), the characters that the
// institution asks for, what it says about its owner (ANSSI PG-078, R27), and
// whether it is one that many people would choose. Nothing is trimmed or cut.
//
//	typed ─ NFC ─┬─ counts     length, upper, lower, digit, special
//	             ├─ personal   names, dates, numbers, addresses in any disguise
//	             └─ common     consists of common pieces only
//
// [disguise] reads through disguises: each character also counts as the letters
// that it is written for or looks like (UTS 39), so "J34n" and a "jean" in
// Cyrillic letters both contain "jean".
//
// The package never prints, stores or sends a password.
package password

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"entree/internal/clean"
	"entree/internal/secret"
)

// Policy is the minimum that a password must contain, counted in code points
// after NFC.
type Policy struct {
	Length    int // at least
	MaxLength int // at most
	Upper     int
	Lower     int
	Digits    int
	Special   int
}

// Default is the rule of the how-to: 16 characters, one of each kind. Asking
// for kinds of characters goes against NIST SP 800-63B-4 and is kept as the
// institution's rule (S19).
func Default() Policy {
	return Policy{Length: 16, MaxLength: 256, Upper: 1, Lower: 1, Digits: 1}
}

// Max returns the stricter of two policies, rule by rule. A MaxLength of 0 is no
// limit.
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

// Finding is one rule that a password breaks. The field What names the kind of
// personal data that was found ("family_name"), never the fragment itself.
type Finding struct {
	Rule string // "length", "too_long", "upper", "lower", "digit", "special", "invalid", "personal", "common", "example"
	What string
	// Count is the number of the rule that is broken: the least length, the most
	// characters, how many capitals; 0 for rules without a number.
	Count int
}

// Normalize returns the NFC form, in which the password is judged: é counts as one
// character, however it was typed (S18). It is not the form that is hashed.
func Normalize(t secret.Text) secret.Text { return secret.New(norm.NFC.String(t.Reveal())) }

// Check judges a normalised password and returns every rule that it breaks, in the
// order in which the page lists the rules.
func Check(p Policy, t secret.Text, about Personal) []Finding {
	return p.check(t, wanted(about.fragments()))
}

// Checker is Check for many passwords of one person.
func Checker(p Policy, about Personal) func(secret.Text) []Finding {
	personal := wanted(about.fragments())
	return func(t secret.Text) []Finding { return p.check(t, personal) }
}

func (p Policy) check(t secret.Text, personal []piece) []Finding {
	s := t.Reveal()
	if !utf8.ValidString(s) {
		return []Finding{{Rule: "invalid"}}
	}
	found := p.counts(s)
	if len(found) == 0 || found[len(found)-1].Rule != "invalid" {
		if err := clean.Password(s); err != nil { // a character that cannot be typed again
			found = append(found, Finding{Rule: "invalid"})
		}
	}
	if utf8.RuneCountInString(s) > max(p.MaxLength, 1024) {
		return found // too long to be looked at more closely
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

// counts returns the broken rules on numbers of characters. It classifies
// characters as Java's class Character does, because Keycloak applies the realm's
// policy in those terms. A special character is neither a letter nor a digit.
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
