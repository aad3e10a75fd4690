package registry

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// errFullName is returned for a full name that does not show which part is the
// family name.
var errFullName = errors.New(`not a name that can be divided: want "NOM Prénom", "Nom, Prénom" or two columns`)

// addressed matches a form of address before a full name of two words or more.
var addressed = regexp.MustCompile(`^(?i:m\.|mr\.?|mme\.?|mlle\.?|melle\.?|mrs\.?|ms\.?|monsieur|madame|mademoiselle)\s+(\S+\s+\S.*)$`)

// divideName returns the two names of a cell that holds both. The family name stands
// before a comma or is in capitals. Two words of which neither is in capitals are divided
// in the order of the header. A form of address before the names is dropped.
func divideName(header, full string) (given, family string, err error) {
	full = addressed.ReplaceAllString(full, "$1")
	if before, after, found := strings.Cut(full, ","); found {
		given, family = strings.TrimSpace(after), strings.TrimSpace(before)
		if given == "" || family == "" || strings.Contains(given, ",") {
			return "", "", errFullName
		}
		return given, family, nil
	}
	parts := strings.Fields(full)
	familyAt, givenAt := namesOf(header)
	first := 0 // words in capitals at the beginning
	for first < len(parts) && isCapitals(parts[first]) {
		first++
	}
	last := 0 // and at the end
	for last < len(parts) && isCapitals(parts[len(parts)-1-last]) {
		last++
	}
	switch {
	case first > 0 && first < len(parts) && last == 0:
		return strings.Join(parts[first:], " "), strings.Join(parts[:first], " "), nil
	case last > 0 && last < len(parts) && first == 0:
		return strings.Join(parts[:len(parts)-last], " "), strings.Join(parts[len(parts)-last:], " "), nil
	case len(parts) == 2 && familyAt >= 0 && givenAt > familyAt:
		return parts[1], parts[0], nil
	case len(parts) == 2 && givenAt >= 0 && familyAt > givenAt:
		return parts[0], parts[1], nil
	}
	return "", "", errFullName
}

// isCapitals reports whether a word has two letters or more and no small one.
// An initial may belong to either name.
func isCapitals(word string) bool {
	letters := 0
	for _, r := range word {
		if unicode.IsLower(r) {
			return false
		}
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters > 1
}

// namesOf returns where the family name and the given name stand in a header,
// -1 if the header does not name them.
func namesOf(header string) (family, given int) {
	h := strings.Fields(simple(header))
	return slices.IndexFunc(h, func(w string) bool { return w == "nom" || w == "noms" }),
		slices.IndexFunc(h, func(w string) bool { return strings.HasPrefix(w, "prenom") })
}
