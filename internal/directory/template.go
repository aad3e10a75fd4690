package directory

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
)

// Attribute is one attribute of the entries that the portal makes. Value is a
// template: text with placeholders in braces.
type Attribute struct{ Name, Value string }

var placeholder = regexp.MustCompile(`\{([a-z_0-9]*)\}`)

// computed holds the placeholders that are not fields of a person.
var computed = map[string]func(a domain.Account) []string{
	"login":               func(a domain.Account) []string { return []string{a.Login} },
	"university_address":  func(a domain.Account) []string { return []string{a.UniversityAddress} },
	"profile":             func(a domain.Account) []string { return []string{a.Profile} },
	"number":              func(a domain.Account) []string { return []string{a.Number} },
	"affiliation":         func(a domain.Account) []string { return []string{a.Affiliation} },
	"affiliations":        func(a domain.Account) []string { return a.Affiliations },
	"student_number":      func(a domain.Account) []string { return numberOf(a, true) },
	"staff_number":        func(a domain.Account) []string { return numberOf(a, false) },
	"language":            func(a domain.Account) []string { return []string{string(a.Lang)} },
	"charter_version":     func(a domain.Account) []string { return []string{a.CharterVersion} },
	"charter_sha256":      func(a domain.Account) []string { return []string{a.CharterSHA256} },
	"charter_accepted_at": func(a domain.Account) []string { return []string{stamp(a.CharterAcceptedAt)} },
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func numberOf(a domain.Account, student bool) []string {
	if slices.Contains(a.Affiliations, "student") != student {
		return nil
	}
	return []string{a.Number}
}

// Placeholders returns the names that a template may hold, sorted: the fields of
// a person that an account takes, and computed values.
func Placeholders() []string {
	var out []string
	for name := range computed {
		out = append(out, name)
	}
	for _, f := range domain.Fields() {
		if f.OfAccount() {
			out = append(out, f.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// CheckTemplate returns an error if a template holds an unknown placeholder or a
// brace without its partner.
func CheckTemplate(template string) error {
	for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(Placeholders(), m[1]) {
			return fmt.Errorf("%q: there is no {%s}; there are {%s}", template, m[1], strings.Join(Placeholders(), "}, {"))
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(template, ""), "{}") {
		return fmt.Errorf("%q: a brace without its partner", template)
	}
	return nil
}

// values returns the values of a template for an account. A template of one
// placeholder with several values has several values; a template whose
// placeholders are all empty has none. Spaces beside an empty placeholder go.
func values(template string, a domain.Account) []string {
	if m := placeholder.FindStringSubmatch(template); m != nil && m[0] == template {
		return slices.DeleteFunc(slices.Clone(of(m[1], a)), func(v string) bool { return v == "" })
	}
	filled, holds := false, false
	text := placeholder.ReplaceAllStringFunc(template, func(name string) string {
		v := strings.Join(of(strings.Trim(name, "{}"), a), " ")
		holds, filled = true, filled || v != ""
		return v
	})
	if text = strings.Join(strings.Fields(text), " "); text == "" || holds && !filled {
		return nil
	}
	return []string{text}
}

func of(name string, a domain.Account) []string {
	if f := computed[name]; f != nil {
		return f(a)
	}
	return []string{a.Fields[name]}
}

// fieldOf returns the field of a person that an attribute's value comes from, or
// the attribute's own name if it has none.
func (o Options) fieldOf(attribute string) string {
	switch {
	case strings.EqualFold(attribute, o.Login):
		return domain.FieldLogin
	case strings.EqualFold(attribute, o.Address):
		return domain.FieldUniversityAddress
	}
	for _, t := range o.Attributes {
		if !strings.EqualFold(t.Name, attribute) {
			continue
		}
		// The last placeholder with a field: "{given_name} {family_name}" is the family name.
		for _, m := range slices.Backward(placeholder.FindAllStringSubmatch(t.Value, -1)) {
			if m[1] == "student_number" || m[1] == "staff_number" {
				return domain.FieldNumber
			}
			if f := domain.FieldNamed(m[1]); f.OfAccount() {
				return m[1]
			}
		}
	}
	return attribute
}

// Lacks returns the fields of a person without which the portal cannot make the entry:
// the object class person requires a value of sn and of cn (RFC 4519 §3.12).
func (o Options) Lacks(a domain.Account) (fields []string) {
	if o.Way == Activate {
		return nil
	}
	for _, name := range []string{"sn", "cn"} {
		for _, t := range o.Attributes {
			if field := o.fieldOf(name); strings.EqualFold(t.Name, name) && len(values(t.Value, a)) == 0 && !slices.Contains(fields, field) {
				fields = append(fields, field)
			}
		}
	}
	return fields
}

// fills reports whether the portal's templates write an attribute from values of
// the person, so that another value could be accepted.
func (s *Store) fills(attribute string) bool {
	return slices.ContainsFunc(s.Attributes, func(t Attribute) bool { return strings.EqualFold(t.Name, attribute) }) ||
		strings.EqualFold(attribute, s.Login) || strings.EqualFold(attribute, s.Address)
}
