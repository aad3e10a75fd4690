package registry

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/domain"
)

// stateForms are a word of a state column in the forms in which a list may have it.
type stateForms struct {
	word  string   // as it is in the cell
	forms []string // as simple returns them: whole, without its code and endings, without stateOf
}

func formsOf(word string) stateForms {
	out := stateForms{word: word}
	for _, w := range []string{word, stateWord(word)} {
		if s := simple(w); s != "" && !slices.Contains(out.forms, s) {
			out.forms = append(out.forms, s)
		}
	}
	if len(out.forms) > 0 {
		last := out.forms[len(out.forms)-1]
		if of, rest, _ := strings.Cut(last, " "); rest != "" && slices.Contains(stateOf, of) {
			out.forms = append(out.forms, rest)
		}
	}
	return out
}

// configured returns what the configuration says of a word, or an empty string. The
// whole word comes first: "D - Inscrit" may be configured beside "Inscrit".
func (m Mapping) configured(s stateForms) domain.Readiness {
	for _, form := range append(slices.Clone(s.forms), "") {
		is := func(w string) bool {
			known := simple(w)
			return form != "" && known == form || form == "" && len(s.forms) == 0 && w == s.word
		}
		switch {
		case slices.ContainsFunc(m.Ready, is):
			return domain.Ready
		case slices.ContainsFunc(m.Held, is):
			return domain.Held
		}
	}
	return ""
}

// isState reports whether a word of a state column is known.
func (m Mapping) isState(s stateForms) bool {
	v := words()
	return m.configured(s) != "" || v.ready.has(s) || v.notReady.has(s) || v.held.has(s)
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

// wordSet is a set of words, as simple returns them. A tick, which has no letter, is
// kept as it is.
type wordSet map[string]bool

func newWordSet(list []string) wordSet {
	out := wordSet{}
	for _, w := range list {
		if s := simple(w); s != "" {
			out[s] = true
		} else {
			out[w] = true
		}
	}
	return out
}

// has reports whether a word is in the set in one of its forms.
func (w wordSet) has(s stateForms) bool {
	if len(s.forms) == 0 {
		return w[s.word]
	}
	return slices.ContainsFunc(s.forms, func(form string) bool { return w[form] })
}

// readiness reads a word of the state column. stops means that the column names the
// people who are held: yes means held, and no or nothing means ready. lenient means
// that a word that is not known means ready.
func (m Mapping) readiness(word string, stops, lenient bool) domain.Readiness {
	s, v := formsOf(word), words()
	if stops {
		switch {
		case word == "" || v.no.has(s) || nothing.MatchString(word):
			return domain.Ready
		case m.isState(s):
			return domain.Held
		}
		return domain.NotReady
	}
	if is := m.configured(s); is != "" {
		return is
	}
	switch {
	case v.held.has(s):
		return domain.Held
	case v.ready.has(s) && !v.notReady.has(s):
		return domain.Ready
	case lenient && !v.ready.has(s) && !v.notReady.has(s):
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
	s := formsOf(v)
	return utf8.RuneCountInString(v) > 1 && !words().ready.has(s) && !words().no.has(s)
}
