package registry

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"entree/internal/domain"
)

// Why a column was taken for a field.
const (
	WhyNamed    = "named"    // the configuration, the command line or the operator says so
	WhyHeader   = "header"   // its header
	WhyContent  = "content"  // its values, since the header says nothing
	WhyBoth     = "both"     // its header, confirmed by its values
	WhyFallback = "fallback" // its header; it counts where the better column is empty
)

// layout is where a table's header stands and which column holds what.
type layout struct {
	headers []string
	columns []int   // of each field; -1: none
	others  [][]int // columns that count where the field's column is empty
	why     []string
	skip    int // lines before the first person
	line    int // the last line of the header; 0 if the source has no lines, as a directory
	samples []row
	dates   dateReader
	digits  int  // of the numbers, some of which begin with zero; 0: no such length
	numeric bool // most numbers are of digits only
	stops   bool // a word for yes in the column of the state means that the person is held
	lenient bool // a word that is not known in the column of the state means that the person is ready
	doubts  []Finding
}

// candidate is a column that may hold a field.
type candidate struct {
	column int
	meaning
}

// assign decides which column holds what, by the headers and the values
// together.
func (m Mapping) assign(l *layout) error {
	l.columns, l.others, l.why = slices.Repeat([]int{-1}, len(table)), make([][]int, len(table)), make([]string, len(table))
	used := map[int]bool{}
	for key, given := range m.Columns {
		f := fieldOf(key)
		if f < 0 {
			return fmt.Errorf("there is no field %q: want one of %s", key, strings.Join(Fields(), ", "))
		}
		if given == "" {
			continue
		}
		for i, at := range l.named(given) {
			switch {
			case at < 0:
				l.doubts = append(l.doubts, Finding{Kind: FindMissing, Field: key, Column: given})
				continue
			case i == 0:
				l.columns[f], l.why[f] = at, WhyNamed
			default:
				l.others[f] = append(l.others[f], at)
			}
			used[at] = true
		}
	}
	open := func(f field) bool { _, given := m.Columns[table[f].key]; return !given }
	byField := map[field][]candidate{}
	for c, h := range l.headers {
		if h == "" || used[c] {
			continue
		}
		for _, meaning := range words().meaningsOf(h) {
			if open(meaning.field) {
				byField[meaning.field] = append(byField[meaning.field], candidate{c, meaning})
			}
		}
	}
	for f := range table {
		l.choose(m, field(f), byField[field(f)], used)
	}
	if c := l.columns[fieldReady]; c >= 0 {
		l.stops = slices.ContainsFunc(words().meaningsOf(l.headers[c]), func(of meaning) bool { return of.stops })
	}
	for _, f := range []field{fieldEmail, fieldBirthDate, fieldNumber} {
		if open(f) && l.columns[f] < 0 {
			if c := l.guess(m, f, used); c >= 0 {
				l.columns[f], l.why[f] = c, WhyContent
				used[c] = true
				l.doubts = append(l.doubts, Finding{Kind: FindGuessed, Field: table[f].key, Column: l.headers[c]})
			}
		}
	}
	l.compareMails(m, used, open(fieldEmail))
	if c := l.columns[fieldEmail]; c >= 0 && m.isInstitutional(l.values(c)) && !m.isOwnColumn(l.values(c)) {
		values := l.values(c)
		l.doubts = append(l.doubts, Finding{Kind: FindOwnDomain, Field: table[fieldEmail].key, Column: l.headers[c], Count: len(values), Examples: examplesOf(values)})
	}
	if f := fieldBirthDate; l.columns[f] >= 0 {
		values := l.values(l.columns[f])
		doubt := Finding{Field: table[f].key, Column: l.headers[l.columns[f]], Examples: examplesOf(values)}
		switch l.dates.orderOf(doubt.Column, values) {
		case monthFirst:
			l.dates.monthFirst = true
			doubt.Kind, doubt.Examples = FindMonthFirst, nil
		case yearFirst:
			l.dates.yearFirst = true
			doubt.Kind = FindYearFirst
		case dayMiddle:
			l.dates.dayMiddle = true
			doubt.Kind = FindDayMiddle
		case convertedOrder:
			l.dates.monthFirst = l.dates.count(values).second > 0
			doubt.Kind = FindConverted
		case mixedOrder, ambiguousOrder:
			doubt.Kind = FindDateOrder
		}
		if doubt.Kind != "" {
			l.doubts = append(l.doubts, doubt)
		}
	}
	l.doubtColumns()
	l.unused(m, used)
	return nil
}

// named returns the columns that a header or #n,#m stands for; -1: none.
func (l *layout) named(given string) []int {
	if given[0] == '#' {
		var out []int
		for n := range strings.SplitSeq(given, ",") {
			at, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(n), "#"))
			if err != nil || at < 1 || at > len(l.headers) {
				out = nil
				break
			}
			out = append(out, at-1)
		}
		if out != nil {
			return out
		}
	}
	return []int{slices.IndexFunc(l.headers, func(h string) bool { return simple(h) == simple(given) })}
}

// personalRank is the rank of the last headers that name a personal address.
const personalRank = 1

// choose takes the best of a field's candidates.
func (l *layout) choose(m Mapping, f field, all []candidate, used map[int]bool) {
	// Of two columns for two years the later one counts: "Inscrit en 2025", "Inscrit en 2026".
	slices.SortStableFunc(all, func(a, b candidate) int {
		return cmp.Or(a.rank-b.rank, yearOf(l.headers[b.column])-yearOf(l.headers[a.column]), l.isEmpty(a.column)-l.isEmpty(b.column))
	})
	for _, c := range all {
		if used[c.column] {
			continue
		}
		confirmed := m.confirms(l, f, c.column)
		if f == fieldReady {
			if year := yearOf(l.headers[c.column]); year > 0 && year < l.academicYear() {
				continue
			}
			if known := m.knownStates(l.values(c.column)); !confirmed && c.stops {
				// A date or a reason in a column such as "Annulation", which is empty for others.
				confirmed = len(l.values(c.column)) < len(l.samples)
			} else if !confirmed && known.all > 0 && known.n*2 >= known.all {
				confirmed = true
			} else if !confirmed && known.held {
				confirmed, l.lenient = true, true
			}
		}
		if (f == fieldGivenName || f == fieldFamilyName) && len(all) > 1 && !slices.ContainsFunc(l.values(c.column), m.isNoFlag) {
			continue // "PREFERRED_IND" with Y and N is no preferred name
		}
		if f == fieldNumber && plainNumber.MatchString(simple(l.headers[c.column])) && !slices.ContainsFunc(l.values(c.column), func(v string) bool { return !telephone.MatchString(v) }) {
			continue // a column "Numéro" beside "Rue" or "Téléphone"
		}
		if f == fieldNumber && rank.MatchString(simple(l.headers[c.column])) && countLines(l.values(c.column)) {
			continue // a column "N°" that counts the lines
		}
		if f == fieldBirthDate && !confirmed {
			// "Naissance" may be a place of birth. Values with digits are dates, also if
			// the dates cannot be read.
			confirmed = slices.ContainsFunc(l.values(c.column), func(v string) bool { return strings.ContainsAny(v, "0123456789") })
		}
		switch {
		case f == fieldFullName && (l.columns[fieldGivenName] >= 0 || l.columns[fieldFamilyName] >= 0):
			continue
		case !c.sure && !confirmed:
			// The column may still hold another field; what is left at the end is told.
			continue
		case l.columns[f] < 0:
			l.columns[f], l.why[f] = c.column, WhyHeader
			if !c.sure {
				l.why[f] = WhyBoth
			}
			used[c.column] = true
		case (f == fieldGivenName || f == fieldFamilyName) && simple(l.headers[c.column]) == simple(l.headers[l.columns[f]]) && l.differ(c.column, l.columns[f]):
			// Two columns "Nom" with different names: which one counts is not known.
		case f == fieldGivenName || f == fieldFamilyName, f == fieldEmail && c.rank <= personalRank && confirmed:
			l.others[f] = append(l.others[f], c.column)
			used[c.column] = true
		}
	}
}

// isEmpty returns 1 if a column has no value among the samples, else 0.
func (l *layout) isEmpty(c int) int {
	if len(l.values(c)) == 0 {
		return 1
	}
	return 0
}

// differ reports whether two columns have different values in one line.
func (l *layout) differ(a, b int) bool {
	return slices.ContainsFunc(l.samples, func(s row) bool {
		return s.fault == nil && max(a, b) < len(s.record) && tidy(s.record[a]) != "" && tidy(s.record[b]) != "" && !strings.EqualFold(tidy(s.record[a]), tidy(s.record[b]))
	})
}

// values are the samples of a column that are not empty.
func (l *layout) values(c int) []string {
	var out []string
	for _, s := range l.samples {
		if s.fault == nil && c < len(s.record) {
			if v := tidy(s.record[c]); v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}

var (
	loginLike = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{1,63}$`)
	allDigits = regexp.MustCompile(`^[0-9]{4,12}$`)
	telephone = regexp.MustCompile(`^(?:0[1-9]|33[1-9])\d{8}$`)
	// notANumber matches headers of columns with digits that are no numbers of
	// students.
	notANumber = regexp.MustCompile(`\b(?:tel|telephone|telephones|mobile|portable|gsm|phone|fax|urgence|nir|insee|secu|securite|iban|rib|montant|amount|prix|note|notes|moyenne|points|siret|siren|postal|cp|zip|annee|year|solde|credits|ects)\b`)
	// plainNumber matches the headers that do not say whose number a column holds.
	plainNumber = regexp.MustCompile(`^(?:n|no|num|nr|numero|number)?$`)
	rank        = regexp.MustCompile(`^(?:n|no|num|nr|id)?$`)
	numberLike  = regexp.MustCompile(`^[0-9A-Za-z_-]*[0-9][0-9A-Za-z_-]*$`)
)

// confirms reports whether the values of a column fit a field.
func (m Mapping) confirms(l *layout, f field, c int) bool {
	values := l.values(c)
	if len(values) == 0 {
		return false
	}
	share := func(fits func(string) bool) bool {
		n := 0
		for _, v := range values {
			if fits(v) {
				n++
			}
		}
		return n*10 >= len(values)*8
	}
	all := func(fits func(string) bool) bool {
		return !slices.ContainsFunc(values, func(v string) bool { return !fits(v) })
	}
	switch f {
	case fieldNumber:
		distinct := map[string]bool{}
		for _, v := range values {
			distinct[v] = true
		}
		return share(func(v string) bool { n, _ := wholeNumber(v); return numberLike.MatchString(n) }) && len(distinct) == len(values)
	case fieldEmail, fieldAddress:
		return share(isAddress)
	case fieldPhone:
		return share(func(v string) bool { _, err := domain.ParsePhone(v); return err == nil })
	case fieldBirthDate:
		return share(func(v string) bool {
			d, err := l.dates.read(v)
			return err == nil && d != "" && (!allDigits.MatchString(v) || len(v) == 8)
		})
	case fieldReady:
		return all(func(v string) bool { return m.isState(formsOf(v)) })
	case fieldFullName:
		return share(func(v string) bool { _, _, err := divideName(l.headers[c], v); return err == nil })
	case fieldCohort:
		// "Année" may be a year of birth.
		return all(func(v string) bool { y, err := strconv.Atoi(v); return err != nil || y > l.dates.now.Year()-youngest })
	case fieldProfile:
		return all(func(v string) bool { _, ok := m.profile(v); return ok })
	case fieldLogin:
		return all(loginLike.MatchString)
	}
	return true
}

func isAddress(v string) bool {
	_, err := domain.ParseAddress(anyAddress(v))
	return err == nil
}

// guess finds the one column without a known header whose values look like a
// field; -1 where there is none or more than one.
func (l *layout) guess(m Mapping, f field, used map[int]bool) int {
	at := -1
	for c, h := range l.headers {
		if used[c] || h != "" && words().isNeedless(h) || words().mentions(h) || !m.confirms(l, f, c) {
			continue
		}
		if f == fieldNumber && (len(l.values(c)) < 2 || notANumber.MatchString(simple(h)) || slices.ContainsFunc(l.values(c), func(v string) bool { return !allDigits.MatchString(v) || telephone.MatchString(v) })) {
			continue
		}
		if f == fieldBirthDate && slices.ContainsFunc(l.values(c), l.isRecent) {
			continue // "Horodateur", the date of an answer
		}
		if at >= 0 {
			return -1
		}
		at = c
	}
	return at
}

var (
	institutional = regexp.MustCompile(`(^|[.-])(univ|etu|etud|etudiant|etudiants|student|students|edu|ac|campus|u)([.-]|[0-9]|$)`)
	provider      = regexp.MustCompile(`^(gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|laposte|orange|wanadoo|free|sfr|neuf|bbox|numericable|icloud|me|mac|proton|protonmail|gmx|aol|mail|posteo|tutanota|zoho|yandex|qq|163|netcourrier)\.`)
)

// isInstitutional reports whether most of the addresses are of one domain that
// looks like a university's.
func (m Mapping) isInstitutional(values []string) bool {
	counts, all := map[string]int{}, 0
	for _, v := range values {
		if a, err := domain.ParseAddress(anyAddress(v)); err == nil {
			_, domain, _ := strings.Cut(string(a), "@")
			counts[domain]++
			all++
		}
	}
	for domain, n := range counts {
		if n*10 >= all*9 && !provider.MatchString(domain) && (m.isOwn(domain) || institutional.MatchString(domain)) {
			return true
		}
	}
	return false
}

// isOwn reports whether a domain belongs to the university.
func (m Mapping) isOwn(domain string) bool {
	return slices.ContainsFunc(m.Domains, func(own string) bool { return domain == own || strings.HasSuffix(domain, "."+own) })
}

// isOwnColumn reports whether the addresses are of a configured domain, so that
// each of them is counted when its line is read.
func (m Mapping) isOwnColumn(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		_, domain, _ := strings.Cut(strings.ToLower(v), "@")
		return m.isOwn(domain)
	})
}

// compareMails looks at the other columns with addresses: if the chosen one
// holds the university's addresses and another one does not, the other one is
// taken.
func (l *layout) compareMails(m Mapping, used map[int]bool, open bool) {
	c := l.columns[fieldEmail]
	if c < 0 || !open {
		return
	}
	for other, header := range l.headers {
		if other == c || slices.Contains(l.others[fieldEmail], other) || words().mentions(header) || other == l.columns[fieldAddress] || l.columns[fieldEmail] == other || !m.confirms(l, fieldEmail, other) || !slices.ContainsFunc(l.values(other), isAddress) {
			continue
		}
		taken := l.columns[fieldEmail]
		if m.isInstitutional(l.values(taken)) && !m.isInstitutional(l.values(other)) && !used[other] {
			delete(used, taken)
			used[other] = true
			l.columns[fieldEmail], l.why[fieldEmail] = other, WhyContent
			taken, other = other, taken
		}
		l.doubts = append(l.doubts, Finding{Kind: FindTwoMails, Field: table[fieldEmail].key, Column: l.headers[taken], Value: l.headers[other]})
	}
}

// unused reports the columns that are not imported, except those that the mapping
// ignores.
func (l *layout) unused(m Mapping, used map[int]bool) {
	for c, h := range l.headers {
		if used[c] || m.ignores(h) {
			continue
		}
		values := l.values(c)
		if len(values) == 0 && h == "" {
			continue
		}
		if h != "" && words().isNeedless(h) {
			continue
		}
		if m := words().meaningsOf(h); m != nil {
			if m[0].stops && !slices.ContainsFunc(values, func(v string) bool { return !words().no.has(formsOf(v)) }) {
				continue // it holds no person
			}
			if m[0].field != fieldEmail || !slices.ContainsFunc(l.doubts, func(f Finding) bool { return f.Kind == FindTwoMails && f.Value == h }) {
				l.doubts = append(l.doubts, Finding{Kind: FindRejected, Field: table[m[0].field].key, Column: h, Examples: examplesOf(values)})
			}
			continue
		}
		l.doubts = append(l.doubts, Finding{Kind: FindUnused, Column: h, Value: strconv.Itoa(c + 1), Examples: examplesOf(values)})
	}
}

// ignores reports whether a column is left out, or read, without a warning.
func (m Mapping) ignores(header string) bool {
	return slices.ContainsFunc(m.Ignore, func(i string) bool { return simple(i) == simple(header) })
}

func examplesOf(values []string) []Example {
	var out []Example
	seen := map[string]bool{}
	for _, v := range values {
		if !seen[v] && len(out) < 3 {
			seen[v] = true
			out = append(out, Example{Text: cut(v)})
		}
	}
	return out
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// missing names the fields that have no column and need one.
func (l *layout) missing(m Mapping) error {
	var lacking []string
	first := ""
	for f, n := range table {
		required := n.required || field(f) == fieldProfile && m.Profile == "" && len(m.Profiles) != 1
		isName := field(f) == fieldGivenName || field(f) == fieldFamilyName
		if l.columns[f] >= 0 || !required || isName && l.columns[fieldFullName] >= 0 {
			continue
		}
		hint := ""
		if field(f) == fieldProfile {
			hint = "; or say whose profile it is with --profile"
		}
		wanted := n.usual
		if given := m.Columns[n.key]; given != "" {
			wanted = given
		}
		if first == "" {
			first = n.key
		}
		lacking = append(lacking, fmt.Sprintf("%s (%q would do%s)", n.key, wanted, hint))
	}
	if len(lacking) == 0 {
		return nil
	}
	fields := strings.Join(lacking, ", ")
	if l.columns[fieldFullName] < 0 && (l.columns[fieldGivenName] < 0 || l.columns[fieldFamilyName] < 0) {
		for c, h := range l.headers {
			if slices.ContainsFunc(words().meaningsOf(h), func(of meaning) bool { return of.field == fieldFullName }) && len(l.values(c)) > 0 {
				fields += fmt.Sprintf("; the names in column %.40q cannot be divided: write \"NOM Prénom\" or \"Nom, Prénom\", or two columns", h)
				break
			}
		}
	}
	if l.line == 0 && len(l.samples) > 0 && strings.HasPrefix(l.headers[0], "#") {
		return fmt.Errorf("no column for %s; the file has no line of headers: add one, or name yours with --column %s=#N", fields, first)
	}
	return fmt.Errorf("no column for %s; the file has %s: name yours under import.columns or with --column %s=HEADER", fields, quoted(l.headers), first)
}

func quoted(headers []string) string {
	var out []string
	for _, h := range headers {
		if h != "" {
			out = append(out, fmt.Sprintf("%.40q", h))
		}
	}
	if len(out) == 0 {
		return "no headers"
	}
	return strings.Join(out, ", ")
}

// Fields returns the keys of what can be known of a person.
func Fields() []string {
	var out []string
	for _, n := range table {
		out = append(out, n.key)
	}
	return out
}

func fieldOf(key string) field {
	return field(slices.IndexFunc(table, func(n tableRow) bool { return n.key == key }))
}

// Column is a column of a file and what it seems to hold.
type Column struct {
	Header  string
	Samples []string
	Field   string // key of a field; empty: none
	Guessed bool   // by its values: its header says nothing or not enough
	Second  bool   // it counts where the field's other column is empty
}

// Propose returns the columns of a file and the report on them, without
// importing anything.
func Propose(t Table, m Mapping) ([]Column, *Report, error) {
	in, err := newReader(t, m)
	if err != nil {
		return nil, nil, err
	}
	out := make([]Column, len(in.headers))
	for i, use := range in.report.Columns {
		out[i] = Column{Header: use.Header, Field: use.Field, Guessed: use.Why == WhyContent || use.Why == WhyBoth, Second: use.Why == WhyFallback}
		for _, v := range in.values(i) {
			if len(out[i].Samples) < 3 {
				out[i].Samples = append(out[i].Samples, v)
			}
		}
	}
	in.report.finish()
	return out, in.report, in.close()
}
