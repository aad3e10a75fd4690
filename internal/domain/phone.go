package domain

import (
	"strings"

	"entree/internal/clean"
)

// Phone is a telephone number in the form of E.164: "+33612345678".
type Phone string

// ParsePhone parses a mobile number (see clean.Phone). It returns a *clean.Fault if the
// text is no number, or a number that cannot receive an SMS.
func ParsePhone(typed string) (Phone, error) {
	s, err := clean.Phone(typed)
	if err != nil {
		return "", err
	}
	if !clean.IsMobile(s) {
		return "", &clean.Fault{Kind: clean.KindPhone, Rule: clean.RuleNoMobile}
	}
	return Phone(s), nil
}

// PhoneNone is the ChosenPhone of a person who wants no number.
const PhoneNone = "none"

// PhoneChange puts another telephone of a person in use.
type PhoneChange struct {
	Person   PersonID
	Old, New string // values of ChosenPhone
}

// Mobile returns the number to which SMS of the person are sent: the one that the
// student proved, or that of the source. It returns "" if there is none.
func (p Person) Mobile() Phone {
	switch p.ChosenPhone {
	case "":
		return Phone(p.Phone)
	case PhoneNone:
		return ""
	}
	return Phone(p.ChosenPhone)
}

// Display returns the number in French writing: "06 12 34 56 78".
func (p Phone) Display() string { return clean.NationalPhone(string(p)) }

// Masked returns the number with its first two and last two figures: "06 •• •• •• 42".
func (p Phone) Masked() string {
	shown := []rune(p.Display())
	figures, seen := 0, 0
	for _, r := range shown {
		if r >= '0' && r <= '9' {
			figures++
		}
	}
	for i, r := range shown {
		if r < '0' || r > '9' {
			continue
		}
		if seen++; seen > 2 && seen <= figures-2 {
			shown[i] = '•'
		}
	}
	return string(shown)
}

// Block returns the number without its last four figures: operators are assigned
// numbers by blocks of ten thousand or more.
func (p Phone) Block() string { return string(p[:max(0, len(p)-4)]) }

// Begins reports whether the number begins with one of the prefixes, which have the
// form "+33" or "+336".
func (p Phone) Begins(prefixes []string) bool {
	for _, prefix := range prefixes {
		if prefix != "" && strings.HasPrefix(string(p), prefix) {
			return true
		}
	}
	return false
}
