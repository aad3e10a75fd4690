package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/naming"
)

// soundMark begins the sound of a name in people.search. It is a private-use
// character, so no word of a query contains it.
const soundMark = "\ue000"

const digits = "0123456789"

// Bounds of a search for people who match nearly.
const (
	nearWords = 3 // words of a query that are compared with other spellings
	minPart   = 3 // letters of a piece of a number or address
	maxLonger = 4 // letters by which two similar spellings differ in length at most
	rareParts = 3 // trigrams by which a piece is looked up
	// trigrams of a piece that are counted, and the count at which one is common
	countedParts = 12
	commonPart   = 2000
	fewNear      = 10 // below this number of similar people, a single name is compared by sound too
)

// candidate is a person who may match nearly.
type candidate struct {
	key, id, search string
	unlikeness      int
}

// near returns the people who match nearly and are not in found, the most similar
// first. Its queries use the indexes of exact words and of trigrams:
//
//	words with one letter wrong   each of their 54 spellings per letter is looked up
//	mac donald                    the words are joined
//	a piece of a number           the trigram index, beside another word if the page is not full
//	names of the same sound       beside another word, or if the others are few
//
// Of several words all are looked up together, besides common ones. The people found
// are compared with all words in Go, which decides the order.
func (f finder) near(ctx context.Context, q helpdesk.Query, words []string, often frequency, found []domain.Person) ([]domain.Person, error) {
	typed := naming.Words(q.Words)
	isExact := true // exact has looked these words up
	if joined := joinNumbers(typed); len(joined) < len(typed) {
		words, isExact = distinct(joined), false
	}
	if len(words) > nearWords {
		return nil, nil
	}
	variants := variantsOf(words)
	n := nearly{finder: f, query: q, often: often, seen: map[string]bool{}, terms: map[string][]string{}}
	for _, v := range variants {
		n.spellings = append(n.spellings, spell(v))
	}
	for _, p := range found {
		n.seen[string(p.ID)] = true
	}
	for i, v := range variants {
		if i == 0 && isExact && !slices.ContainsFunc(n.spellings[0], func(s spelled) bool { return s.edits != nil || s.sound != "" && len(v) > 1 }) {
			continue // no word has another spelling
		}
		if err := n.lookUp(ctx, v, len(v) > 1); err != nil {
			return nil, err
		}
	}
	isFull := len(words) > 1 && len(n.candidates) >= helpdesk.PageSize
	if part := often.part(words); f.hasParts && !isFull && part != "" {
		if err := n.piece(ctx, part, words); err != nil {
			return nil, err
		}
	}
	if len(words) == 1 && len(n.candidates) < fewNear && naming.Sound(words[0]) != "" {
		if err := n.lookUp(ctx, words, true); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(n.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.unlikeness, b.unlikeness), strings.Compare(a.search, b.search), strings.Compare(a.id, b.id))
	})
	return f.people(ctx, n.candidates[:min(len(n.candidates), helpdesk.PageSize)])
}

// variantsOf returns the words, and again with each two neighbours joined.
func variantsOf(words []string) [][]string {
	variants := [][]string{words}
	for i := range len(words) - 1 {
		variants = append(variants, slices.Concat(words[:i], []string{words[i] + words[i+1]}, words[i+2:]))
	}
	return variants
}

// joinNumbers joins neighbours of digits only: a number is read out in groups.
func joinNumbers(words []string) (out []string) {
	isNumber := func(w string) bool { return strings.Trim(w, digits) == "" }
	for _, w := range words {
		if last := len(out) - 1; last >= 0 && isNumber(w) && isNumber(out[last]) {
			out[last] += w
		} else {
			out = append(out, w)
		}
	}
	return out
}

// pieces returns the search terms for a part of a number or address: the part itself
// or, on SQLite, its rarest trigrams. FTS5 would read the lists of all its trigrams,
// and those of "@example.net" are as long as the registry.
func (f finder) pieces(ctx context.Context, word string) ([]string, error) {
	if f.dialect.howMany == "" {
		return []string{word}, nil
	}
	letters := []rune(word)
	last := len(letters) - minPart
	var trigrams, parameters []string
	for i := range min(countedParts, last+1) {
		at := i
		if last+1 > countedParts {
			at = i * last / (countedParts - 1) // spread over the word
		}
		t := string(letters[at : at+minPart])
		if slices.Contains(trigrams, t) {
			continue
		}
		trigrams, parameters = append(trigrams, t), append(parameters, f.dialect.part([]string{t}))
	}
	people, err := f.counts(ctx, f.dialect.howMany, parameters)
	if err != nil {
		return nil, err
	}
	place := map[string]int{}
	for i, t := range trigrams {
		place[t] = people[i]
	}
	slices.SortStableFunc(trigrams, func(a, b string) int { return place[a] - place[b] })
	return trigrams[:min(rareParts, len(trigrams))], nil
}

// nearly is a search for people who match nearly.
type nearly struct {
	finder
	query      helpdesk.Query
	often      frequency
	spellings  [][]spelled
	seen       map[string]bool     // people who are found or compared
	terms      map[string][]string // the results of like
	candidates []candidate
}

// lookUp compares the people who have each of the words or another that is like it: one
// letter away or, with bySound, of the same sound. Of a common word only the beginning
// counts, and it is not looked up.
func (n *nearly) lookUp(ctx context.Context, words []string, bySound bool) error {
	c := clause{most: helpdesk.EnoughWords, rare: true}
	var groups [][]string
	// No person has most of the long words, which are joined ones.
	for _, w := range slices.SortedFunc(slices.Values(words), func(a, b string) int { return len(b) - len(a) }) {
		if n.often.isCommon(w) {
			c.begins(w)
			continue
		}
		like, err := n.like(ctx, w, bySound)
		if err != nil || len(like) == 0 {
			return err
		}
		groups = append(groups, like)
	}
	if len(groups) == 0 {
		return nil
	}
	c.add(n.dialect.match, n.dialect.query(groups))
	return n.compare(ctx, c)
}

// like returns the terms of the index of words that are like a word, among them its
// beginning.
func (n *nearly) like(ctx context.Context, word string, bySound bool) (terms []string, err error) {
	key := word
	others := append(naming.Edits(word), word+"*")
	if sound := naming.Sound(word); bySound && sound != "" {
		key = soundMark + word
		others = append(others, soundMark+sound)
	}
	if _, isKnown := n.terms[key]; !isKnown {
		db, end, err := n.byText(ctx)
		if err != nil {
			return nil, err
		}
		defer end()
		places, err := texts(ctx, db, n.dialect.existing, n.dialect.list(others))
		if err != nil {
			return nil, err
		}
		n.terms[key] = []string{}
		for _, p := range places {
			i, err := strconv.Atoi(p)
			if err != nil {
				return nil, err
			}
			n.terms[key] = append(n.terms[key], others[i])
		}
	}
	return n.terms[key], nil
}

// piece compares the people who have a word as a piece of a number, identifier or
// address. Beside other words it also compares those with the rarest word, of which
// another word may be a piece, and more people with the piece of a number.
func (n *nearly) piece(ctx context.Context, word string, words []string) error {
	c, within := clause{most: helpdesk.EnoughWords}, helpdesk.Enough
	if len(words) > 1 {
		rarest := n.often.rarestFirst(words)[0]
		if n.often.people[rarest] <= helpdesk.EnoughWords {
			one := clause{most: helpdesk.EnoughWords}
			one.add(n.dialect.match, n.dialect.query(begun([]string{rarest})))
			if err := n.compare(ctx, one); err != nil {
				return err
			}
		}
		if !strings.ContainsAny(word, digits) {
			within = helpdesk.EnoughWords
		}
		c.most = within
	}
	pieces, err := n.pieces(ctx, word)
	if err != nil {
		return err
	}
	c.add(n.dialect.parts(within), n.dialect.part(pieces))
	return n.compare(ctx, c)
}

// compare adds the people who match a condition and the filters and have each word of
// one of the spellings nearly.
func (n *nearly) compare(ctx context.Context, condition clause) error {
	db, end, err := n.reader(ctx, condition)
	if err != nil {
		return err
	}
	defer end()
	condition.facets(n.query, true)
	query := fmt.Sprintf(`SELECT %s, id, search FROM people%s LIMIT %d`, n.dialect.key, condition.sql(), condition.most)
	return eachRow(ctx, db, func(scan func(...any) error) error {
		var c candidate
		if err := scan(&c.key, &c.id, &c.search); err != nil || n.seen[c.id] {
			return err
		}
		n.seen[c.id] = true
		var ok bool
		if c.unlikeness, ok = unlikeness(n.spellings, c.search); ok {
			n.candidates = append(n.candidates, c)
		}
		return nil
	}, query, n.values(condition)...)
}

// people returns the candidates as people, in the same order.
func (f finder) people(ctx context.Context, candidates []candidate) (out []domain.Person, err error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	var keys []string
	place := map[domain.PersonID]int{}
	for i, c := range candidates {
		keys = append(keys, c.key)
		place[domain.PersonID(c.id)] = i
	}
	var among clause
	among.add(f.dialect.among, f.dialect.keys(keys))
	err = f.each(ctx, `SELECT `+personColumns+` FROM people WHERE `+among.where[0], among, func(scan func(...any) error) error {
		p, err := scanPerson(scan)
		out = append(out, p)
		return err
	})
	slices.SortFunc(out, func(a, b domain.Person) int { return place[a.ID] - place[b.ID] })
	return out, err
}

// each calls row for each row of a query with the arguments of c.
func (f finder) each(ctx context.Context, query string, c clause, row func(scan func(...any) error) error) error {
	return eachRow(ctx, f.db, row, query, f.values(c)...)
}

// spelled is a word of a query with what it is compared by.
type spelled struct {
	word, sound string
	isPart      bool            // long enough for a piece of a number or address
	edits       map[string]bool // the spellings that match too; nil if there are none
}

func spell(words []string) (out []spelled) {
	for _, w := range words {
		s := spelled{word: w, sound: naming.Sound(w), isPart: utf8.RuneCountInString(w) >= minPart}
		for _, other := range naming.Edits(w) {
			if s.edits == nil {
				s.edits = map[string]bool{}
			}
			s.edits[other] = true
		}
		out = append(out, s)
	}
	return out
}

// unlikeness compares the words of a query with the stored words of a person. It
// returns the sum of the differences, smaller for more similar words, of the spelling
// that fits best. ok is false if no spelling has all its words.
func unlikeness(spellings [][]spelled, search string) (least int, ok bool) {
	before, after, _ := strings.Cut(search, " # ")
	before, sounds, _ := strings.Cut(before, " - ")
	names, rest := strings.Fields(before), strings.Fields(after)
	for _, words := range spellings {
		sum, all := 0, true
		for i := 0; all && i < len(words); i++ {
			d := words[i].unlike(names, rest, sounds)
			sum, all = sum+d, d < unlikeMost
		}
		if all && (!ok || sum < least) {
			least, ok = sum, true
		}
	}
	return least, ok
}

// unlikeMost is the difference of words that are not similar.
const unlikeMost = 100

// unlike returns the difference between the word and the most similar one of a
// person: 0 for the same word, 1 for its beginning, 2 for the end of a number or
// joined name, 3 for another piece of one, and more for a different spelling. sounds
// are those of the names.
func (s spelled) unlike(names, rest []string, sounds string) int {
	least := unlikeMost
	sounding := s.edits != nil && s.sound != "" && strings.Contains(sounds, soundMark+s.sound)
	for _, other := range names {
		least = min(least, s.unlikeOne(other, false, sounding))
	}
	for _, other := range rest {
		least = min(least, s.unlikeOne(other, s.isPart, s.edits != nil && s.sound != ""))
	}
	return least
}

// unlikeOne compares the word with one of a person: also as a part of it, and also by
// sound.
func (s spelled) unlikeOne(other string, isPart, bySound bool) int {
	switch {
	case other == s.word:
		return 0
	case strings.HasPrefix(other, s.word):
		return 1
	case isPart && strings.HasSuffix(other, s.word):
		return 2
	case isPart && strings.Contains(other, s.word):
		return 3
	case s.edits[other]:
		return 4
	case bySound && max(len(other)-len(s.word), len(s.word)-len(other)) <= maxLonger && s.sound == naming.Sound(other):
		if d := naming.Distance(s.word, other); d <= 1+len(s.word)/3 {
			return 3 + d
		}
	}
	return unlikeMost
}
