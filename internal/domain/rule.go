package domain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The fields of a person that a rule can be about. They are the keys that the
// import and the configuration use.
const (
	FieldNumber            = "number"
	FieldGivenName         = "given_name"
	FieldFamilyName        = "family_name"
	FieldBirthDate         = "birth_date"
	FieldEmail             = "email"
	FieldLogin             = "login"
	FieldUniversityAddress = "university_address"
)

// BrokenRule says that a value of a person breaks a rule from outside the
// portal, so that no account can be made with it.
type BrokenRule struct {
	Field  string // one of the Field constants, or the name of a Keycloak attribute
	Rule   string // stable name of the rule: "length", "required", "person-name-prohibited-characters"
	Detail string // what the rule wants and what the value has, without the value: "at most 255 characters, has 300"
	Warn   bool   // the value can be used: the operator is warned only
}

// String is one line without personal data.
func (b BrokenRule) String() string {
	if b.Detail == "" {
		return b.Field + ": " + b.Rule
	}
	return b.Field + ": " + b.Rule + " (" + b.Detail + ")"
}

// PersonRules judges people before an account is made of them. It is called by
// the import for each line, so it does no I/O; a realm that was never read has
// no rules.
type PersonRules func(Person) []BrokenRule

// AccountRefused is the error of Accounts.Create if Keycloak refuses a value.
// Trying again helps after the value or the rule was changed.
type AccountRefused struct {
	Field string // one of the Field constants, or the name of a Keycloak attribute; empty if the server does not say
	Rule  string // the server's name of the rule
	Class string // what the value is like, never the value: "12 characters, with /"
}

func (r *AccountRefused) Error() string {
	text := "the account is refused: " + r.Rule
	if r.Field != "" {
		text += " (" + r.Field + ")"
	}
	return text
}

// ValueClass describes a value by its length and by the characters that are
// neither letters, marks, digits nor spaces. It does not tell the value.
func ValueClass(value string) string {
	if value == "" {
		return "empty"
	}
	var seen []string
	for _, r := range value {
		if unicode.In(r, unicode.L, unicode.M, unicode.Nd) || r == ' ' {
			continue
		}
		shown := string(r)
		if !unicode.IsPrint(r) {
			shown = fmt.Sprintf("U+%04X", r)
		}
		if !strings.Contains(strings.Join(seen, " "), shown) && len(seen) < 8 {
			seen = append(seen, shown)
		}
	}
	class := fmt.Sprintf("%d characters", utf8.RuneCountInString(value))
	if len(seen) > 0 {
		class += ", with " + strings.Join(seen, " ")
	}
	return class
}
