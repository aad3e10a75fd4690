package registry

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

//go:embed vocabulary.yaml
var vocabularyFile []byte

// vocabulary is the content of vocabulary.yaml, ready for look-ups.
type vocabulary struct {
	ignored  map[string]bool
	phrases  map[string]string // spelling → concept
	longest  int               // words of the longest spelling
	meanings map[string][]meaning
	keys     map[string]field // fields without a row in the file, by the words of their keys
	needless map[string]bool
	ready    wordSet
	notReady wordSet
	held     wordSet
	no       wordSet
}

// meaning is a field that a header may stand for.
type meaning struct {
	field field
	rank  int  // 0 is the best
	sure  bool // the header alone is enough
	stops bool // a word for yes means that the person is held
}

// words returns the vocabulary. The file is a part of the program; a test
// reads it.
var words = sync.OnceValue(func() *vocabulary {
	v, err := readVocabulary(vocabularyFile)
	if err != nil {
		panic(err)
	}
	return v
})

func readVocabulary(raw []byte) (*vocabulary, error) {
	var file struct {
		Ignored  []string
		Concepts map[string][]string
		Fields   map[string][]struct {
			Is    []string
			Sure  *bool
			Stops bool
		}
		Needless []string
		Ready    []string
		NotReady []string `yaml:"not_ready"`
		Held     []string
		No       []string
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("vocabulary.yaml: %w", err)
	}
	v := &vocabulary{
		ignored: map[string]bool{}, phrases: map[string]string{}, meanings: map[string][]meaning{}, keys: map[string]field{}, needless: map[string]bool{},
		ready: newWordSet(file.Ready), notReady: newWordSet(append(file.NotReady, file.No...)), held: newWordSet(file.Held), no: newWordSet(file.No),
	}
	for _, w := range file.Ignored {
		v.ignored[w] = true
	}
	for concept, spellings := range file.Concepts {
		for _, s := range spellings {
			if other, twice := v.phrases[s]; twice && other != concept {
				return nil, fmt.Errorf("vocabulary.yaml: %q is a spelling of %s and of %s", s, other, concept)
			}
			v.phrases[s] = concept
			v.longest = max(v.longest, len(strings.Fields(s)))
		}
	}
	for f, row := range table {
		if len(file.Fields[row.key]) == 0 {
			v.keys[simple(row.key)] = field(f)
		}
	}
	for key, ranks := range file.Fields {
		f := fieldOf(key)
		if f < 0 {
			return nil, fmt.Errorf("vocabulary.yaml: there is no field %q", key)
		}
		for rank, r := range ranks {
			for _, is := range r.Is {
				set := keyOf(strings.Fields(is))
				v.meanings[set] = append(v.meanings[set], meaning{f, rank, r.Sure == nil || *r.Sure, r.Stops})
			}
		}
	}
	for _, of := range v.meanings {
		slices.SortFunc(of, func(a, b meaning) int { return int(a.field - b.field) })
	}
	for _, h := range file.Needless {
		v.needless[h] = true
	}
	return v, nil
}

// keyOf returns concepts as the key of a look-up.
func keyOf(concepts []string) string {
	slices.Sort(concepts)
	return strings.Join(slices.Compact(concepts), " ")
}

// meaningsOf returns the fields that a header may stand for, nil if it is not
// recognised. A header may have its technical name in brackets, "Nom de famille
// (LIB_NOM_PAT_IND)", the name of its table before it, "INDIVIDU.COD_ETU", or two
// languages, "Nom / Family name".
func (v *vocabulary) meaningsOf(header string) []meaning {
	if ofContacts.MatchString(header) {
		return nil // CONTACT.MAIL is the address of a parent or another person to call
	}
	header = unitsIn.ReplaceAllString(listed.ReplaceAllString(header, ""), " ")
	if m := v.meaningsAs(header); m != nil {
		return m
	}
	if parts := strings.Split(header, "/"); len(parts) > 1 {
		return v.common(parts)
	}
	if m := inBrackets.FindStringSubmatch(header); m != nil {
		return v.common(m[1:]) // none for "Nom (père)"
	}
	if of, name, found := strings.Cut(header, "."); found && !strings.Contains(name, ".") && v.isTable(of) {
		return v.meaningsAs(name)
	}
	return nil
}

// common returns the meanings that several names of one column share: those of the first.
func (v *vocabulary) common(names []string) []meaning {
	out := slices.Clone(v.meaningsAs(names[0]))
	for _, name := range names[1:] {
		others := v.meaningsAs(name)
		out = slices.DeleteFunc(out, func(m meaning) bool {
			return !slices.ContainsFunc(others, func(o meaning) bool { return o.field == m.field })
		})
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

var (
	// listed matches the number of a question of a form: "1. Nom".
	listed = regexp.MustCompile(`^\s*\d{1,2}\s*[.)]\s+`)
	// unitsIn matches what a header says of the form of its values: "(8 chiffres)".
	unitsIn = regexp.MustCompile(`(?i)[(\[]\s*\d+ (?:chiffres?|caract[eè]res?|digits?|characters?)\s*[)\]]`)
)

// ofContacts matches a header of the table of other people whom the university may call.
var ofContacts = regexp.MustCompile(`(?i)^\s*contacts?\s*\.`)

var inBrackets = regexp.MustCompile(`^([^()\[\]]+)[(\[]([^()\[\]]+)[)\]][ *:]*$`)

// isTable reports whether the words before the dot of a header name a table of the
// people of the file, and not of others such as their parents.
func (v *vocabulary) isTable(of string) bool {
	set := v.concepts(of)
	return len(set) > 0 && !slices.ContainsFunc(set, func(c string) bool {
		return !slices.Contains([]string{"student", "person", "agent", "candidate", "enrolled", "address"}, c)
	})
}

// meaningsAs returns the fields that a header stands for as it is written.
func (v *vocabulary) meaningsAs(header string) []meaning {
	if f, ok := v.keys[simple(header)]; ok {
		return []meaning{{field: f, sure: true}}
	}
	set := v.concepts(header)
	if len(set) == 0 {
		return nil
	}
	if m := v.meanings[keyOf(set)]; m != nil {
		return m
	}
	// "Prénom de l'étudiant" is a given name.
	fewer := slices.DeleteFunc(slices.Clone(set), func(c string) bool {
		return c == "student" || c == "person" || c == "agent" || c == "candidate" || c == "enrolled"
	})
	if len(fewer) == len(set) || len(fewer) == 0 {
		return nil
	}
	var out []meaning
	for _, m := range v.meanings[keyOf(fewer)] {
		if m.field != fieldNumber && m.field != fieldEmail && m.field != fieldReady {
			out = append(out, m)
		}
	}
	return out
}

// concepts returns the concepts of a header, nil if it has a word that is not
// known.
func (v *vocabulary) concepts(header string) []string {
	header = answers.ReplaceAllString(header, " ")
	if atSign.MatchString(header) {
		header = strings.ReplaceAll(header, "@", " mail ")
	}
	tokens := strings.Fields(strings.TrimPrefix(simple(header), "profile field ")) // fields of one's own in Moodle
	var out []string
next:
	for i := 0; i < len(tokens); {
		for n := min(v.longest, len(tokens)-i); n > 0; n-- {
			if concept, ok := v.phrases[strings.Join(tokens[i:i+n], " ")]; ok {
				out = append(out, concept)
				i += n
				continue next
			}
		}
		if word, n, ok := v.numbered(tokens[i]); ok {
			out = append(out, word, n)
		} else if !v.ignored[tokens[i]] && !aYear.MatchString(tokens[i]) {
			return nil
		}
		i++
	}
	return out
}

// aYear matches a year in a header, which says for when the column is: "Inscrit en
// 2026".
var aYear = regexp.MustCompile(`^20\d\d$`)

// answers matches the values that a header announces: "Inscrit (O/N)".
var answers = regexp.MustCompile(`(?i)[(\[]\s*(?:o(?:ui)?\s*[/,|]\s*n(?:on)?|y(?:es)?\s*[/,|]\s*n(?:o)?|0\s*[/,|]\s*1|1\s*[/,|]\s*0|vrai\s*[/,|]\s*faux|true\s*[/,|]\s*false)\s*[)\]]`)

// atSign matches headers in which the sign stands for the word: "@ perso", "Adresse @".
var atSign = regexp.MustCompile(`(?:^|\s)@(?:\s|$|\pL+$)`)

// numbered returns the concepts of a word with a number behind it: "mail2".
func (v *vocabulary) numbered(token string) (word, number string, ok bool) {
	letters := strings.TrimRight(token, "0123456789")
	word, known := v.phrases[letters]
	number, ok = v.phrases[token[len(letters):]]
	return word, number, known && ok
}

// mentions reports whether a header that is not recognised has a known word, such
// as "Mail du tuteur": then its values may look like a field and be another
// person's.
func (v *vocabulary) mentions(header string) bool {
	if v.meaningsOf(header) != nil {
		return false
	}
	tokens := strings.Fields(simple(header))
	for i := range tokens {
		for n := 1; n <= min(v.longest, len(tokens)-i); n++ {
			if _, known := v.phrases[strings.Join(tokens[i:i+n], " ")]; known {
				return true
			}
		}
	}
	return false
}

// isNeedless reports whether a header is known to hold nothing that is needed.
func (v *vocabulary) isNeedless(header string) bool {
	s := simple(header)
	if v.needless[s] {
		return true
	}
	set := v.concepts(header)
	return slices.Contains(set, "ine") || slices.Contains(set, "nne") || slices.Contains(set, "full")
}

// simple returns a header or a word as it is compared: without case, accents
// and punctuation, with a space where a small letter meets a capital.
func simple(s string) string {
	if isSimple(s) {
		return s
	}
	var b strings.Builder
	small := false
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsUpper(r) && small:
			b.WriteByte(' ')
			b.WriteRune(unicode.ToLower(r))
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
		small = unicode.IsLower(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// isSimple reports whether a word consists of small letters without accents and of
// digits.
func isSimple(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
