package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entree/internal/clean"
	"entree/internal/domain"
	"entree/internal/registry/charset"
)

// field is a field that a column can hold: an index of table.
type field int

// The fields that are read in a way of their own, in the order of table.
const (
	fieldNumber field = iota
	fieldGivenName
	fieldFamilyName
	fieldBirthDate
	fieldEmail
	fieldReady
	fieldProfile
	fieldCohort
	fieldLogin
	fieldAddress
	fieldFullName
	fieldPhone
)

// tableRow describes a field.
type tableRow struct {
	key      string // in the configuration and in vocabulary.yaml
	required bool
	usual    string // a header that is understood, for messages
	refused  string // begins the reason why a clean value is refused
	// text is set if the column's text is the value of the domain's field of this
	// name.
	text func(*domain.Person) *string
}

// table has the fields in the order in which they choose their columns: the state
// of a person comes before the profile, because both may be called "Statut". The
// other fields that the domain takes from a source follow and are plain text.
var table = func() []tableRow {
	rows := []tableRow{
		fieldNumber:     {key: "number", required: true, usual: "numero", refused: "not a number: "},
		fieldGivenName:  {key: "given_name", required: true, usual: "prenom", refused: "not a name: ", text: textOf("given_name")},
		fieldFamilyName: {key: "family_name", required: true, usual: "nom", refused: "not a name: ", text: textOf("family_name")},
		fieldBirthDate:  {key: "birth_date", usual: "date de naissance", refused: "not a date: "},
		fieldEmail:      {key: "email", required: true, usual: "adresse mail personnelle", refused: "not an address: "},
		fieldReady:      {key: "ready", usual: "pret", refused: "not a state: "},
		fieldProfile:    {key: "profile", usual: "profil", refused: "unknown profile: "},
		fieldCohort:     {key: "cohort", usual: "cohorte", refused: "not a name: ", text: textOf("cohort")},
		fieldLogin:      {key: "login", usual: "login", refused: "not a login: "},
		fieldAddress:    {key: "university_address", usual: "adresse mail universitaire", refused: "not an address: "},
		fieldPhone:      {key: "phone", usual: "portable", refused: "not a telephone number: "},
		fieldFullName:   {key: "full_name", usual: "nom prénom", refused: "not a name: "},
	}
	for _, f := range domain.Fields() {
		known := f.Name == "readiness" || slices.ContainsFunc(rows, func(r tableRow) bool { return r.key == f.Name })
		if !known && (f.Source == domain.SourceWins || f.Source == domain.SourceFills) {
			rows = append(rows, tableRow{key: f.Name, usual: strings.ReplaceAll(f.Name, "_", " "), refused: "not a name: ", text: textOf(f.Name)})
		}
	}
	return rows
}()

// textOf returns the function that returns the domain's field with a name, which
// must be a string.
func textOf(name string) func(*domain.Person) *string {
	of := domain.FieldNamed(name).Of
	return func(p *domain.Person) *string { return of(p).(*string) }
}

// Mapping says what the columns of a file mean.
type Mapping struct {
	Profile  string              // of every person, if there is no such column
	Profiles []string            // the configured ones
	Columns  map[string]string   // field → header, or #n for the n-th column; empty: no column
	Ready    []string            // values that say that a person may activate
	Held     []string            // values that say that a person was stopped
	Aliases  map[string][]string // profile → words of the file
	Ignore   []string            // headers of columns that are left out without a warning
	Sheets   []string            // the sheets to read; none: the one with the best header
	Domains  []string            // the university's own mail domains
	// RefuseOwn refuses personal addresses inside Domains, instead of warning.
	RefuseOwn bool
	Needs     map[string][]string // profile → fields that its people need to activate
	Cases     []string            // profiles of which numbers that differ in capitals are different people
	Now       func() time.Time    // nil: time.Now
	// Rules judges each person by rules from outside the file: the realm's. With
	// rules, a person may lack one of the two names if the rules allow it.
	Rules domain.PersonRules
}

// known returns the profile and number in a refused line, as far as they can be
// read. The person is still in the source, and so must not count as gone.
func (in *reader) known(record []string) domain.Person {
	broken := in.broken
	in.quiet = true
	defer func() { in.quiet = false }()
	p := domain.Person{}
	if c := in.columns[fieldNumber]; c >= 0 && c < len(record) {
		p.Number, _ = wholeNumber(in.text(record[c], fieldNumber, c))
	}
	if len(p.Number) > 64 || !utf8.ValidString(p.Number) || strings.ContainsRune(p.Number, 0) {
		return domain.Person{}
	}
	word := ""
	if c := in.columns[fieldProfile]; c >= 0 && c < len(record) {
		word = in.text(record[c], fieldProfile, c)
	}
	p.Profile, _ = in.mapping.profile(word)
	in.broken = broken
	return p
}

// read reads one line.
func (in *reader) read(record []string) (domain.Person, *Refusal) {
	line := in.current.line
	no := func(f field, reason string) (domain.Person, *Refusal) {
		r := in.refusal(line, in.columnOf(f), reason)
		if c := in.columns[f]; c >= 0 {
			r.Value = cut(tidy(strings.ReplaceAll(record[c], Several, ", ")))
		}
		return in.known(record), r
	}
	in.broken = nil
	p := domain.Person{Login: strings.ToLower(in.value(record, fieldLogin)), UniversityAddress: strings.ToLower(in.value(record, fieldAddress))}
	for f, row := range table {
		if row.text != nil {
			*row.text(&p) = in.value(record, field(f))
		}
	}
	if full := in.value(record, fieldFullName); full != "" && p.GivenName == "" && p.FamilyName == "" {
		var err error
		if p.GivenName, p.FamilyName, err = divideName(in.headers[in.columns[fieldFullName]], full); err != nil {
			return no(fieldFullName, err.Error())
		}
	}
	p.Phone = in.phone(record)
	raw := in.value(record, fieldNumber)
	number, rounded := wholeNumber(raw)
	birth, word, state := in.value(record, fieldBirthDate), in.value(record, fieldProfile), in.value(record, fieldReady)
	var err error
	if p.Number = number; !allDigits.MatchString(number) {
		if p.Number, err = clean.Number(number); err != nil {
			p.Number = ""
		}
	}
	p.INE = strings.ToUpper(strings.Join(strings.Fields(p.INE), ""))
	switch {
	case in.broken != nil:
		return no(in.broken.field, in.broken.reason)
	case isDate(raw):
		return no(fieldNumber, "not a number: a spreadsheet made a date of it; format the column as text and export it again")
	case rounded:
		return no(fieldNumber, fmt.Sprintf("not a number: a spreadsheet rounded it to %s; format the column as text and export it again", raw))
	case err != nil:
		return no(fieldNumber, "not a number: want letters, figures and hyphens, 64 at most ("+err.Error()+")")
	case p.Number == "":
		return no(fieldNumber, "empty")
	case p.FamilyName == "" && (in.mapping.Rules == nil || p.GivenName == ""):
		return no(in.nameField(fieldFamilyName), "empty")
	case p.GivenName == "" && in.mapping.Rules == nil:
		return no(in.nameField(fieldGivenName), "empty")
	}
	for f, row := range table {
		if row.text != nil && utf8.RuneCountInString(*row.text(&p)) > clean.MaxName {
			return no(field(f), row.refused+"longer than 255 characters, or with control characters")
		}
	}
	var ok bool
	if p.Profile, ok = in.mapping.profile(word); !ok {
		return no(fieldProfile, "unknown profile: want one of "+strings.Join(in.mapping.Profiles, ", "))
	}
	if p.BirthDate, err = in.dates.read(birth); err != nil {
		return no(fieldBirthDate, err.Error())
	}
	p.Email, err = in.email(record, p)
	switch {
	case in.broken != nil:
		return no(in.broken.field, in.broken.reason)
	case err != nil:
		return no(fieldEmail, addressReason(err))
	}
	if in.mapping.RefuseOwn {
		if _, host, _ := strings.Cut(string(p.Email), "@"); in.mapping.isOwn(host) {
			return no(fieldEmail, "an address of the university, whose mailbox opens only after the activation: want a personal one")
		}
	}
	if !slices.Contains(in.mapping.Cases, p.Profile) {
		if first := in.numbers.other(p.Profile, p.Number, line); first > 0 {
			n, _ := in.place(first)
			return no(fieldNumber, fmt.Sprintf("this number came before in the file, at line %d, in other capitals", n))
		}
	}
	p.Readiness = domain.Ready // without a column every person of the file may activate: that is what the file is for
	if in.columns[fieldReady] >= 0 {
		p.Readiness = in.mapping.readiness(state, in.stops, in.lenient)
	}
	if in.mapping.Rules != nil {
		for _, broken := range in.mapping.Rules(p) {
			// An attribute that no column can fill is a matter of the realm, which
			// "entree realm check" reports: the person stays in the registry.
			if f := fieldOf(broken.Field); f >= 0 && !broken.Warn {
				in.note(Finding{Kind: FindRealm, Field: broken.Field, Value: broken.Rule}, p.Number, "")
				return no(f, "the realm refuses it: "+broken.String())
			}
		}
	}
	in.judge(p, raw, state)
	return p, nil
}

// phone returns the mobile number of a line, "" if there is none. A number that cannot
// receive an SMS, or that is misspelt, refuses no line: the person is reached by mail.
func (in *reader) phone(record []string) string {
	c := in.columns[fieldPhone]
	v := in.value(record, fieldPhone)
	if v == "" || isNoWord(v) {
		return ""
	}
	phone, err := domain.ParsePhone(v)
	if err != nil {
		in.note(Finding{Kind: FindNoMobile, Field: table[fieldPhone].key, Column: in.headers[c]}, v, "")
		return ""
	}
	return string(phone)
}

// nameField returns the field whose column holds a name: itself, or the full
// name.
func (in *reader) nameField(f field) field {
	if in.columns[f] < 0 && in.columns[fieldFullName] >= 0 {
		return fieldFullName
	}
	return f
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
	case errors.Is(err, domain.ErrAddressSyntax):
		return "not an address: want name@domain"
	default:
		return err.Error()
	}
}

// judge counts a person and notes what is doubtful about them.
func (in *reader) judge(p domain.Person, number, state string) {
	count := &in.report.People
	if count.Read++; count.Read <= maxSamples {
		line, _ := in.place(in.current.line)
		in.report.Sample = append(in.report.Sample, Sample{
			Line: line, Profile: p.Profile, Number: p.Number, GivenName: p.GivenName, FamilyName: p.FamilyName, BirthDate: p.BirthDate, Email: string(p.Email),
			Cohort: p.Cohort, Readiness: string(p.Readiness), Login: p.Login, UniversityAddress: p.UniversityAddress,
		})
	}
	switch p.Readiness {
	case domain.Ready:
		count.Ready++
		if in.lenient && state != "" && !in.mapping.isState(formsOf(state)) {
			in.note(Finding{Kind: FindState, Field: table[fieldReady].key, Column: in.columnOf(fieldReady)}, state, "")
		}
	case domain.Held:
		count.Held++
		in.note(Finding{Kind: FindHeld, Field: table[fieldReady].key, Column: in.columnOf(fieldReady)}, state, "")
	default:
		count.NotReady++
		in.note(Finding{Kind: FindNotReady, Field: table[fieldReady].key, Column: in.columnOf(fieldReady)}, state, "")
	}
	if number != p.Number && number != "" {
		in.note(Finding{Kind: FindRounded, Field: table[fieldNumber].key, Column: in.columnOf(fieldNumber)}, number, p.Number)
	}
	in.seeNumber(p.Profile, p.Number)
	if in.lostZeros(p.Number) || in.oddNumber(p.Number) {
		in.note(Finding{Kind: FindDamaged, Field: table[fieldNumber].key, Column: in.columnOf(fieldNumber)}, p.Number, "")
	}
	in.suspect(fieldGivenName, p.GivenName)
	in.suspect(fieldFamilyName, p.FamilyName)
	if misspelt(p.Email) {
		in.note(Finding{Kind: FindDamaged, Field: table[fieldEmail].key, Column: in.columnOf(fieldEmail)}, string(p.Email), "")
	}
	in.seeBirth(p.BirthDate)
	if p.BirthDate != "" && p.BirthDate > in.tooYoung() {
		in.note(Finding{Kind: FindDamaged, Field: table[fieldBirthDate].key, Column: in.columnOf(fieldBirthDate)}, p.BirthDate, "")
	}
	for _, need := range in.mapping.Needs[p.Profile] {
		lacks := need == table[fieldBirthDate].key && p.BirthDate == "" || need == table[fieldCohort].key && p.Cohort == ""
		if lacks {
			in.note(Finding{Kind: FindLacking, Field: need, Profile: p.Profile, Column: in.columnOf(fieldOf(need))}, p.GivenName+" "+p.FamilyName, "")
		}
	}
	if len(in.mapping.Domains) > 0 {
		if _, host, _ := strings.Cut(string(p.Email), "@"); in.mapping.isOwn(host) {
			in.note(Finding{Kind: FindOwnDomain, Field: table[fieldEmail].key, Column: in.columnOf(fieldEmail)}, string(p.Email), "")
		}
	}
}

// suspect notes a name that looks damaged.
func (in *reader) suspect(f field, name string) {
	if suspicious(name) {
		in.note(Finding{Kind: FindDamaged, Field: table[f].key, Column: in.columnOf(in.nameField(f))}, name, "")
	}
}

// tooYoung returns the day after which a date of birth is doubtful: that of a small
// child, or of any child where most of the first people are grown.
func (in *reader) tooYoung() string {
	if in.young == "" {
		age := youngest
		var first births
		if c := in.columns[fieldBirthDate]; c >= 0 {
			for _, v := range in.values(c) {
				if day, err := in.dates.read(v); err == nil {
					first.see(day, in.dates.now)
				}
			}
		}
		if first.all >= enough && first.young*2 < first.all {
			age = youngestShort
		}
		in.young = in.dates.now.AddDate(-age, 0, 0).Format(time.DateOnly)
	}
	return in.young
}

// suspicious reports whether a name looks damaged: by its encoding, a character that
// names do not have, letters of two scripts, a word for nothing, an address or a number
// in its place, a form of address, or several names.
func suspicious(v string) bool {
	if letters(v) {
		return isNoWord(v) || strings.IndexByte(v, ' ') > 0 && titled.MatchString(v)
	}
	latin, other := false, false
	for _, r := range v {
		switch {
		case r < 0x250 && unicode.IsLetter(r) || r >= 0x250 && unicode.Is(unicode.Latin, r):
			latin = true
		case unicode.Is(unicode.Cyrillic, r), unicode.Is(unicode.Greek, r):
			other = true
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), strings.ContainsRune(" '’‘ʼ.·・׳״", r):
		default:
			return true
		}
	}
	return latin && other || charset.Damaged(v) || isNoWord(v) || strings.IndexByte(v, ' ') > 0 && titled.MatchString(v)
}

// profile returns the profile that a word stands for, and reports whether it is
// a configured one. An empty word is the profile of every person.
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
	for _, p := range m.Profiles {
		if alike(word, p) || slices.ContainsFunc(m.Aliases[p], func(a string) bool { return alike(a, word) }) {
			return p, true
		}
	}
	return "", false
}

// alike reports whether two words differ in gender and number only: "Étudiant",
// "Étudiantes", "Étudiant(e)s".
func alike(a, b string) bool {
	stem := func(s string) string {
		s = strings.TrimRight(strings.ReplaceAll(simple(s), " ", ""), "s")
		return strings.TrimSuffix(s, "e")
	}
	return stem(a) != "" && stem(a) == stem(b)
}
