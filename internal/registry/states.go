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

// isState reports whether a word of a state column is known.
func (m Mapping) isState(word string) bool {
	v := words()
	return contains(m.Ready, word) || contains(m.Held, word) || v.ready.has(word) || v.notReady.has(word) || v.held.has(word)
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

// contains reports whether a list has a word, alone or behind one of stateOf.
func contains(list []string, word string) bool {
	word = stateWord(word)
	s, bare := simple(word), ""
	if of, rest, _ := strings.Cut(s, " "); slices.Contains(stateOf, of) {
		bare = rest
	}
	return slices.ContainsFunc(list, func(w string) bool {
		known := simple(w)
		return s == "" && w == word || s != "" && known == s || bare != "" && known == bare
	})
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

// has reports whether a word is in the set, alone or behind one of stateOf.
func (w wordSet) has(word string) bool {
	word = stateWord(word)
	s := simple(word)
	if s == "" {
		return w[word]
	}
	of, rest, _ := strings.Cut(s, " ")
	return w[s] || rest != "" && slices.Contains(stateOf, of) && w[rest]
}

// readiness reads a word of the state column. stops means that the column names the
// people who are held: yes means held, and no or nothing means ready. lenient means
// that a word that is not known means ready.
func (m Mapping) readiness(word string, stops, lenient bool) domain.Readiness {
	if stops {
		switch {
		case word == "" || words().no.has(word) || nothing.MatchString(word):
			return domain.Ready
		case m.isState(word):
			return domain.Held
		}
		return domain.NotReady
	}
	switch {
	case contains(m.Ready, word):
		return domain.Ready
	case contains(m.Held, word) || words().held.has(word):
		return domain.Held
	case words().ready.has(word) && !words().notReady.has(word):
		return domain.Ready
	case lenient && !m.isState(word):
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
		if m.isState(v) {
			s.n++
		}
		s.held = s.held || contains(m.Held, v) || words().held.has(v)
	}
	return s
}

// isNoFlag reports whether a value is more than a word for yes or no.
func (m Mapping) isNoFlag(v string) bool {
	return utf8.RuneCountInString(v) > 1 && !words().ready.has(v) && !words().no.has(v)
}
