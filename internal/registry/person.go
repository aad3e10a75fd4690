package registry

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entree/internal/clean"
	"entree/internal/domain"
)

// field is a piece of what is known of a person.
type field int

const (
	fieldNumber field = iota
	fieldProfile
	fieldGivenName
	fieldFamilyName
	fieldBirthDate
	fieldEmail
	fieldReady
	fieldCohort
	fieldLogin
	fieldAddress
	fields
)

// names are the fields' keys in the configuration, and the headers that are
// known without it.
var names = [fields]struct {
	key      string
	required bool
	usual    []string
}{
	fieldNumber:     {"number", true, []string{"numero", "numero etudiant", "n etudiant", "no etudiant", "num etudiant", "code etudiant", "numero agent", "matricule", "student number", "number"}},
	fieldProfile:    {"profile", false, []string{"profil", "profile", "type", "population"}},
	fieldGivenName:  {"given_name", true, []string{"prenom", "prenom usuel", "given name", "first name", "firstname", "given_name"}},
	fieldFamilyName: {"family_name", true, []string{"nom", "nom de famille", "nom usuel", "nom patronymique", "family name", "last name", "lastname", "family_name"}},
	fieldBirthDate:  {"birth_date", false, []string{"date de naissance", "naissance", "ne le", "birth date", "date of birth", "birth_date"}},
	fieldEmail:      {"email", true, []string{"adresse mail personnelle", "mail personnel", "email personnel", "courriel personnel", "adresse personnelle", "mail", "email", "e mail", "courriel", "adresse mail"}},
	fieldReady:      {"ready", false, []string{"pret", "pret a etre active", "etat", "statut", "ready", "state"}},
	fieldCohort:     {"cohort", false, []string{"cohorte", "promotion", "annee", "composante", "cohort"}},
	fieldLogin:      {"login", false, []string{"identifiant", "login", "uid"}},
	fieldAddress:    {"university_address", false, []string{"adresse mail universitaire", "mail universitaire", "university address", "university_address"}},
}

// Mapping says what the columns of a file mean.
type Mapping struct {
	Profile  string              // everybody's, where there is no such column
	Profiles []string            // the configured ones
	Columns  map[string]string   // field → header, where it is not a usual one
	Ready    []string            // values that say that somebody may activate
	Held     []string            // values that say that somebody was stopped
	Aliases  map[string][]string // profile → words of the file
}

// known is whom a line names that is refused: they are in the source all the
// same.
func (in *reader) known(record []string) domain.Person {
	p := domain.Person{Number: in.value(record, fieldNumber)}
	if len(p.Number) > 64 || !utf8.ValidString(p.Number) || strings.ContainsRune(p.Number, 0) {
		return domain.Person{}
	}
	p.Profile, _ = in.mapping.profile(in.value(record, fieldProfile))
	return p
}

// person reads one line.
func (in *reader) person(record []string, line int) (domain.Person, *Refusal) {
	no := func(f field, reason string) (domain.Person, *Refusal) {
		return in.known(record), &Refusal{line, in.header(f), reason}
	}
	p := domain.Person{
		Number: in.value(record, fieldNumber), GivenName: in.value(record, fieldGivenName), FamilyName: in.value(record, fieldFamilyName),
		Cohort: in.value(record, fieldCohort), Login: strings.ToLower(in.value(record, fieldLogin)), UniversityAddress: strings.ToLower(in.value(record, fieldAddress)),
	}
	switch {
	case p.Number == "":
		return no(fieldNumber, "empty")
	case len(p.Number) > 64 || strings.ContainsFunc(p.Number, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' }):
		return no(fieldNumber, "not a number: want letters, figures and hyphens, 64 at most")
	case p.FamilyName == "":
		return no(fieldFamilyName, "empty")
	case p.GivenName == "":
		return no(fieldGivenName, "empty")
	}
	for _, f := range []field{fieldGivenName, fieldFamilyName} {
		if v := in.value(record, f); len([]rune(v)) > 255 || strings.ContainsFunc(v, unicode.IsControl) {
			return no(f, "not a name: longer than 255 characters, or with control characters")
		}
	}
	var ok bool
	if p.Profile, ok = in.mapping.profile(in.value(record, fieldProfile)); !ok {
		return no(fieldProfile, "unknown profile: want one of "+strings.Join(in.mapping.Profiles, ", "))
	}
	var err error
	birth := in.value(record, fieldBirthDate)
	if in.table.Date != nil {
		birth = in.table.Date(birth)
	}
	if p.BirthDate, err = date(birth); err != nil {
		return no(fieldBirthDate, err.Error())
	}
	if p.Email, err = domain.ParseAddress(in.value(record, fieldEmail)); err != nil {
		return no(fieldEmail, addressReason(err))
	}
	p.Readiness = in.mapping.readiness(in.columns[fieldReady] >= 0, in.value(record, fieldReady))
	p.ID = ID(p.Profile, p.Number)
	return p, nil
}

// addressReason returns the reason for an address that ParseAddress refuses.
func addressReason(err error) string {
	var fault *clean.Fault
	switch {
	case errors.Is(err, domain.ErrAddressEmpty):
		return "empty"
	case errors.Is(err, domain.ErrAddressSeveral):
		return "more than one address"
	case errors.As(err, &fault):
		return "not an address: " + fault.Error()
	default:
		return "not an address: want name@domain"
	}
}

func (m Mapping) profile(word string) (string, bool) {
	if word == "" {
		if m.Profile == "" && len(m.Profiles) == 1 {
			return m.Profiles[0], true
		}
		return m.Profile, slices.Contains(m.Profiles, m.Profile)
	}
	for _, p := range m.Profiles {
		if simple(word) == simple(p) || slices.ContainsFunc(m.Aliases[p], func(a string) bool { return simple(a) == simple(word) }) {
			return p, true
		}
	}
	return "", false
}

// readiness reads a word. Without such a column everybody in the file may
// activate: that is what the file is for.
func (m Mapping) readiness(column bool, word string) domain.Readiness {
	is := func(list []string) bool {
		return slices.ContainsFunc(list, func(w string) bool { return simple(w) == simple(word) })
	}
	switch {
	case !column || is(m.Ready):
		return domain.Ready
	case is(m.Held):
		return domain.Held
	default:
		return domain.NotReady
	}
}

// date reads 31/12/2004, 31-12-2004, 31.12.2004, 2004-12-31 and what
// directories have, 20041231 with or without a time behind it.
func date(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	for _, layout := range []string{"02/01/2006", "2/1/2006", "02-01-2006", "02.01.2006", time.DateOnly, "20060102", "20060102150405Z"} {
		if at, err := time.Parse(layout, s); err == nil {
			if at.Year() < 1900 || at.After(time.Now()) {
				return "", errors.New("not a date of birth: the year cannot be right")
			}
			return at.Format(time.DateOnly), nil
		}
	}
	return "", errors.New("not a date: want 31/12/2004 or 2004-12-31")
}
