package registry

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The numbers of samples from which a column as a whole is doubted.
const (
	enough       = 3 // names in each other's column, numbers without their zeros
	enoughCounts = 5 // numbers that count the lines
	enoughMails  = 4 // people with one address: families share one, cohorts do not
	enoughBirths = 6 // people with one date of birth among the first ones
)

// doubtColumns notes columns whose values fit their field one by one, but not together:
// numbers that count the lines, names in each other's column, one value for many people.
func (l *layout) doubtColumns() {
	if c := l.columns[fieldNumber]; c >= 0 && l.why[fieldNumber] != WhyNamed {
		if values := l.values(c); countLines(values) {
			l.doubts = append(l.doubts, Finding{Kind: FindCounts, Field: table[fieldNumber].key, Column: l.headers[c], Count: len(values), Examples: examplesOf(values)})
		}
	}
	if c := l.columns[fieldNumber]; c >= 0 && l.why[fieldNumber] != WhyNamed {
		if values := l.values(c); len(values) > 0 {
			for _, other := range []struct {
				what  string
				least int // values that show it
				is    func(string) bool
			}{{"national student numbers (INE)", 1, nationalNumber.MatchString}, {"social security numbers", 1, socialNumber.MatchString}, {"telephone numbers", 2, telephone.MatchString}, {"dates of birth", 2, l.isBirth}} {
				if len(values) >= other.least && !slices.ContainsFunc(values, func(v string) bool { return !other.is(v) }) {
					l.doubts = append(l.doubts, Finding{Kind: FindLooks, Field: table[fieldNumber].key, Column: l.headers[c], Value: other.what, Examples: examplesOf(values)})
				}
			}
		}
	}
	if c := l.columns[fieldAddress]; c >= 0 {
		values := l.values(c)
		if n := slices.IndexFunc(values, func(v string) bool {
			_, host, _ := strings.Cut(strings.ToLower(v), "@")
			return provider.MatchString(host)
		}); n >= 0 {
			l.doubts = append(l.doubts, Finding{Kind: FindLooks, Field: table[fieldAddress].key, Column: l.headers[c], Value: "personal addresses", Examples: examplesOf(values[n:])})
		}
	}
	if given, family := l.columns[fieldGivenName], l.columns[fieldFamilyName]; given >= 0 && family >= 0 {
		values := l.values(given)
		if capitals(values) && !capitals(l.values(family)) && l.why[fieldGivenName] != WhyNamed {
			l.doubts = append(l.doubts, Finding{Kind: FindSwapped, Field: table[fieldGivenName].key, Column: l.headers[given], Value: l.headers[family], Count: len(values), Examples: examplesOf(values)})
		}
	}
	for _, of := range []struct {
		field field
		least int
	}{{fieldBirthDate, enoughBirths}, {fieldEmail, enoughMails}} {
		if c := l.columns[of.field]; c >= 0 {
			if value, n := mostFrequent(l.values(c)); n >= of.least {
				l.doubts = append(l.doubts, Finding{Kind: FindOneValue, Field: table[of.field].key, Column: l.headers[c], Count: n, Examples: examplesOf([]string{value})})
			}
		}
	}
	l.numeric = isDigits(l.values(max(l.columns[fieldNumber], 0)))
	l.digits = digitsOf(l.values(max(l.columns[fieldNumber], 0)))
}

var (
	nationalNumber = regexp.MustCompile(`^(?i:\d{10}[a-z]|\d{9}[a-z]{2})$`)
	socialNumber   = regexp.MustCompile(`^[12]\d{2}(?:0[1-9]|1[0-2])[0-9AB]{8}(?:\d{2})?$`)
	// lookAlike matches a number in which a letter stands for a digit.
	lookAlike = regexp.MustCompile(`^[0-9]+[OoIl][0-9OoIl]*$`)
)

// oddNumber reports whether a number looks like one that only fills the cell, or has
// letters for its digits.
func (l *layout) oddNumber(number string) bool {
	return number == "" || number[0] == '-' || number[len(number)-1] == '-' || strings.Trim(number, "0") == "" ||
		l.numeric && (lookAlike.MatchString(number) || !strings.ContainsAny(number, "0123456789"))
}

// isBirth reports whether a number of eight digits is the date of birth of a grown
// person.
func (l *layout) isBirth(v string) bool {
	day, err := l.dates.read(v)
	return err == nil && dateDigits.MatchString(v) && day < l.dates.now.AddDate(-youngestShort, 0, 0).Format(time.DateOnly)
}

// isRecent reports whether a value is a date of the last years, on which no student was
// born.
func (l *layout) isRecent(v string) bool {
	day, err := l.dates.read(v)
	return err == nil && day > l.dates.now.AddDate(-youngestShort, 0, 0).Format(time.DateOnly)
}

// isDigits reports whether most numbers of a column are of digits only.
func isDigits(values []string) bool {
	n := 0
	for _, v := range values {
		if allDigits.MatchString(v) {
			n++
		}
	}
	return n >= enough-1 && n*2 > len(values)
}

// countLines reports whether values are 1, 2, 3 and so on.
func countLines(values []string) bool {
	for i, v := range values {
		if n, err := strconv.Atoi(strings.TrimSuffix(v, ".0")); err != nil || n != i+1 {
			return false
		}
	}
	return len(values) >= enoughCounts
}

// capitals reports whether most values are in capitals only.
func capitals(values []string) bool {
	n := 0
	for _, v := range values {
		if isCapitals(v) {
			n++
		}
	}
	return len(values) >= enough && n*10 >= len(values)*8
}

// mostFrequent returns the value that occurs most often and how often.
func mostFrequent(values []string) (value string, n int) {
	counts := map[string]int{}
	for _, v := range values {
		if counts[v]++; counts[v] > n {
			value, n = v, counts[v]
		}
	}
	return value, n
}

// digitsOf returns the length of a column's numbers that begin with zero, if they all
// have one length, none is longer and they are no exception, otherwise 0. Shorter
// numbers have then lost zeros.
func digitsOf(values []string) int {
	length, n := 0, 0
	for _, v := range values {
		switch {
		case strings.Trim(v, "0123456789") != "":
			return 0
		case v[0] == '0' && length != 0 && len(v) != length:
			return 0
		case v[0] == '0':
			length = len(v)
		}
	}
	for _, v := range values {
		if len(v) > length {
			return 0
		}
		if len(v) == length {
			n++
		}
	}
	if n < enough-1 || n*3 < len(values) {
		return 0
	}
	return length
}

// lostZeros reports whether a number of digits is shorter than those of its column.
func (l *layout) lostZeros(number string) bool {
	return l.digits > 0 && len(number) < l.digits && number != "" && strings.Trim(number, "0123456789") == ""
}

// titled matches a name with a form of address or a second name and the word that
// joins them.
var titled = regexp.MustCompile(`(?i)^(?:mr?\.?|mme\.?|mlle\.?|melle\.?|mrs\.?|ms\.?|miss|monsieur|madame|mademoiselle|dr\.?|pr\.?|prof\.?)\s|\s\(?(?:née?|épouse|epouse|épse|ép\.?|ep\.|veuve|vve|dite?|alias)\s`)

// noNames are words that stand in the place of a name, in lower case. There are people
// called Null or Test: such a name is told and kept.
var noNames = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.SplitSeq("xx,xxx,xxxx,xxxxx,sans nom,sans prénom,sans prenom,snp,idem,id.,inconnu,inconnue,à compléter,a completer,non renseigné,non renseignée,néant,neant,test,toto,tbc,tbd,n/a,nc,n/c,nr,n.a.,n.c.,n.r.,null,(null),<null>,\\n,nil,none,undefined,nan,true,false,vrai,faux,aucun,aucune,vide,(vide),s/o,sans objet,non communiqué,non communiquée,non précisé,non précisée", ",") {
		words[word] = true
	}
	return words
}()

// isNoWord reports whether a name is a word that stands in the place of one.
func isNoWord(v string) bool { return len(v) < 20 && noNames[strings.ToLower(v)] }

// isNoName reports whether a cell of a name has no name: it counts only where another
// column has one.
func isNoName(v string) bool {
	return isNoWord(v) || !strings.ContainsFunc(v, unicode.IsLetter)
}
