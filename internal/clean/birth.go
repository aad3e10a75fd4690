package clean

import "time"

// OldestAge is the age in years beyond which a date of birth cannot be right.
const OldestAge = 110

// MayBeBirth reports whether a day can be the day of birth of a person who lives.
func MayBeBirth(day, now time.Time) bool {
	return day.Year() >= now.Year()-OldestAge && !day.After(now)
}

// BirthDate returns a date of birth that an operator types, as 2006-01-02. It takes
// this form and the French one, 02/01/2006. The import reads more forms, which it
// recognises by the other values of their column.
func BirthDate(s string, now time.Time) (string, error) {
	s, err := Text(s)
	if err != nil {
		return "", err
	}
	for _, form := range []string{time.DateOnly, "02/01/2006"} {
		if day, err := time.Parse(form, s); err == nil && MayBeBirth(day, now) {
			return day.Format(time.DateOnly), nil
		}
	}
	return "", &Fault{Kind: KindBirth, Rule: RuleNoBirth}
}
