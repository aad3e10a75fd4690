package helpdesk

import (
	"slices"
	"strings"

	"entree/internal/domain"
	"entree/internal/naming"
)

// Likeness is how near two names are. Accents, capitals, hyphens and the order of the
// words do not count.
type Likeness string

// The degrees of likeness.
const (
	NameSame  Likeness = "name"
	NameNear  Likeness = "name_near"
	NameOther Likeness = "name_other"
)

// NamePart is a word of a name. Differs marks a word that the other name does not have
// in the same spelling.
type NamePart struct {
	Text    string
	Differs bool
}

// nameWord is a folded word of a name, and the word that it was written in.
type nameWord struct {
	folded   string
	at       int // index of the written word
	isFamily bool
	isEqual  bool
	isNear   bool
}

// compareNames compares a typed name with a person's. The names are nearly the same if
// every word of one of them is in the other, in the same or a similar spelling, and
// both the given and the family name have such a word.
func compareNames(c domain.Claim, p domain.Person) (like Likeness, typed, known []NamePart) {
	typed, a := nameWords(c.GivenName, c.FamilyName)
	known, b := nameWords(p.GivenName, p.FamilyName)
	pair(a, b, func(x, y *nameWord) bool {
		x.isEqual, y.isEqual = x.folded == y.folded, x.folded == y.folded
		return x.isEqual
	})
	if joined(a) == joined(b) { // "Jean Pierre" and "Jeanpierre"
		return NameSame, typed, known
	}
	pair(a, b, func(x, y *nameWord) bool {
		near := areSimilar(x.folded, y.folded)
		x.isNear, y.isNear = near, near
		return near
	})
	mark := func(words []nameWord, parts []NamePart) (equal, matched int) {
		for _, w := range words {
			if w.isEqual {
				equal++
			} else {
				parts[w.at].Differs = true
			}
			if w.isEqual || w.isNear {
				matched++
			}
		}
		return equal, matched
	}
	equalA, matchedA := mark(a, typed)
	equalB, matchedB := mark(b, known)
	switch {
	case len(b) == 0:
		return NameOther, typed, known
	case equalA == len(a) && equalB == len(b):
		return NameSame, typed, known
	case (matchedA == len(a) || matchedB == len(b)) && hasBothNames(b):
		return NameNear, typed, known
	}
	return NameOther, typed, known
}

// nameWords returns the written words of a name and their folded forms.
func nameWords(given, family string) (parts []NamePart, words []nameWord) {
	for i, name := range []string{given, family} {
		for text := range strings.FieldsSeq(name) {
			for _, folded := range naming.Words(text) {
				words = append(words, nameWord{folded: folded, at: len(parts), isFamily: i == 1})
			}
			parts = append(parts, NamePart{Text: text})
		}
	}
	return parts, words
}

// pair calls match for each word of a that has no partner, with the words of b that
// have none, until match sets them as partners.
func pair(a, b []nameWord, match func(x, y *nameWord) bool) {
	for i := range a {
		for j := range b {
			if a[i].isEqual || b[j].isEqual || a[i].isNear || b[j].isNear {
				continue
			}
			match(&a[i], &b[j])
		}
	}
}

// areSimilar reports whether two folded words differ by one letter, or by two if both
// have eight letters or more. Shorter words than four letters are never similar.
func areSimilar(one, other string) bool {
	shortest := min(len([]rune(one)), len([]rune(other)))
	return shortest >= 4 && naming.Distance(one, other) <= min(shortest/4, 2)
}

func joined(words []nameWord) string {
	var all []string
	for _, w := range words {
		all = append(all, w.folded)
	}
	return strings.Join(all, "")
}

// hasBothNames reports whether a word of the given name and one of the family name have
// a partner. A name that the person does not have needs none.
func hasBothNames(words []nameWord) bool {
	for _, family := range []bool{false, true} {
		isOf := func(w nameWord) bool { return w.isFamily == family }
		hasPartner := func(w nameWord) bool { return isOf(w) && (w.isEqual || w.isNear) }
		if slices.ContainsFunc(words, isOf) && !slices.ContainsFunc(words, hasPartner) {
			return false
		}
	}
	return true
}
