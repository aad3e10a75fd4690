package registry

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/domain"
)

// formsOf returns the forms in which a list may have a word of a state column, as stateKey
// returns them: whole, without its code and endings, and without a word of stateOf.
func formsOf(word string) []string {
	forms := []string{stateKey(word)}
	if bare := simple(stateWord(word)); bare != "" && bare != forms[0] {
		forms = append(forms, bare)
	}
	if of, rest, _ := strings.Cut(forms[len(forms)-1], " "); rest != "" && slices.Contains(stateOf, of) {
		forms = append(forms, rest)
	}
	return forms
}

// stateKey returns a word as simple does, and a tick, which has no letter, as it is.
func stateKey(word string) string { return cmp.Or(simple(word), word) }

// configured returns what the configuration says of a word with these forms, or an empty
// string. The whole word comes first: "D - Inscrit" may be configured beside "Inscrit".
func (m Mapping) configured(forms []string) domain.Readiness {
	for _, form := range forms {
		is := func(w string) bool { return stateKey(w) == form }
		switch {
		case slices.ContainsFunc(m.Ready, is):
			return domain.Ready
		case slices.ContainsFunc(m.Held, is):
			return domain.Held
		}
	}
	return ""
}

// isState reports whether a word of a state column with these forms is known.
func (m Mapping) isState(forms []string) bool {
	v := words()
	return m.configured(forms) != "" || v.ready.has(forms) || v.notReady.has(forms) || v.held.has(forms)
}

// stateOf are words before a state that say of what it is: "IA annulée".
var stateOf = []string{"ia", "inscription", "dossier", "compte", "candidature"}

var (
	// coded matches a word behind its code in the enrolment software: "1 - Inscrit".
	coded = regexp.MustCompile(`^([0-9]{1,3}|[A-Z]{1,2})\s*[-–:=]\s*(\pL.*)$`)
	// gendered matches the endings for both genders: "Inscrit(e)", "Inscrit·e".
	gendered = regexp.MustCompile(`[(·.]e\)?(s?)(\PL|$)`)
)

// stateWord returns a word of a state column without its code and without the endings for
// both genders. A code that means no before a word that means yes is kept: the two
// contradict each other.
func stateWord(word string) string {
	if !strings.ContainsAny(word, "(·.-–:=") {
		return word
	}
	word = gendered.ReplaceAllString(word, "$1$2")
	if m := coded.FindStringSubmatch(word); m != nil && (!words().no[simple(m[1])] || !words().ready[simple(m[2])]) {
		return m[2]
	}
	return word
}

// wordSet is a set of words, as stateKey returns them.
type wordSet map[string]bool

func newWordSet(list []string) wordSet {
	out := wordSet{}
	for _, w := range list {
		out[stateKey(w)] = true
	}
	return out
}

// has reports whether a word is in the set in one of its forms.
func (w wordSet) has(forms []string) bool {
	return slices.ContainsFunc(forms, func(form string) bool { return w[form] })
}

// readiness reads a word of the state column. stops means that the column names the
// people who are held: yes means held, and no or nothing means ready. lenient means
// that a word that is not known means ready.
func (m Mapping) readiness(word string, stops, lenient bool) domain.Readiness {
	forms, v := formsOf(word), words()
	if stops {
		switch {
		case word == "" || v.no.has(forms) || nothing.MatchString(word):
			return domain.Ready
		case m.isState(forms):
			return domain.Held
		}
		return domain.NotReady
	}
	if is := m.configured(forms); is != "" {
		return is
	}
	switch {
	case v.held.has(forms):
		return domain.Held
	case v.ready.has(forms) && !v.notReady.has(forms):
		return domain.Ready
	case lenient && !v.ready.has(forms) && !v.notReady.has(forms):
		return domain.Ready
	default:
		return domain.NotReady
	}
}

// yearOf returns the last year that a header names, 0 if there is none.
func yearOf(header string) (year int) {
	for word := range strings.FieldsSeq(simple(header)) {
		if aYear.MatchString(word) {
			year, _ = strconv.Atoi(word) // digits
		}
	}
	return year
}

// academicYear returns the year in which the academic year began.
func (l *layout) academicYear() int {
	if l.dates.now.Month() < time.July {
		return l.dates.now.Year() - 1
	}
	return l.dates.now.Year()
}

// states counts the values of a column that are known words of a state.
type states struct {
	n, all int
	held   bool // one of them stops a person
}

func (m Mapping) knownStates(values []string) (s states) {
	for _, v := range values {
		s.all++
		forms := formsOf(v)
		if m.isState(forms) {
			s.n++
		}
		s.held = s.held || m.configured(forms) == domain.Held || words().held.has(forms)
	}
	return s
}

// isNoFlag reports whether a value is more than a word for yes or no.
func (m Mapping) isNoFlag(v string) bool {
	forms := formsOf(v)
	return utf8.RuneCountInString(v) > 1 && !words().ready.has(forms) && !words().no.has(forms)
}
