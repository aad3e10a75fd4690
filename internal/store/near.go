package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/naming"
)

// soundMark begins the sound of a name in people.search. It is a private-use
// character, so no word of a query contains it.
const soundMark = "\ue000"

// Bounds of a search for people who match nearly.
const (
	nearWords = 3 // words of a query that are compared with other spellings
	minPart   = 3 // letters of a piece of a number or address
	maxLonger = 4 // letters by which two similar spellings differ in length at most
	rareParts = 3 // trigrams by which a piece is looked up
	// trigrams of a piece that are counted, and the count at which one is common
	countedParts = 12
	commonPart   = 2000
	fewNear      = 10 // below this number of similar people, names are compared by sound too
	// people with one of several words who are compared with the other words
	mostCompared = 5_000
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
//	a piece of a number           the trigram index
//	names of the same sound       if the others are few
//
// Of several words the longest that is not common is looked up. The people found are
// compared with all words in Go, which decides the order.
func (f finder) near(ctx context.Context, q helpdesk.Query, words []string, often frequency, found []domain.Person) ([]domain.Person, error) {
	if len(words) > nearWords {
		return nil, nil
	}
	n := nearly{finder: f, query: q, seen: map[string]bool{}, spellings: [][]spelled{spell(words)}}
	for _, p := range found {
		n.seen[string(p.ID)] = true
	}
	variants := [][]string{words}
	for i := range len(words) - 1 {
		joined := slices.Concat(words[:i], []string{words[i] + words[i+1]}, words[i+2:])
		n.spellings, variants = append(n.spellings, spell(joined)), append(variants, joined)
	}
	longest := often.longestFirst(words)[0]
	for i, v := range variants {
		if i == 0 && len(v) == 1 && len(naming.Edits(v[0])) == 0 {
			continue // exact has found the people with this word
		}
		if err := n.lookUp(ctx, often.longestFirst(v), naming.Edits); err != nil {
			return nil, err
		}
	}
	if f.hasParts && utf8.RuneCountInString(longest) >= minPart {
		if err := n.piece(ctx, longest, words); err != nil {
			return nil, err
		}
	}
	if len(n.candidates) < fewNear && naming.Sound(longest) != "" {
		sound := func(w string) []string { return []string{soundMark + naming.Sound(w)} }
		if err := n.lookUp(ctx, []string{longest}, sound); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(n.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.unlikeness, b.unlikeness), strings.Compare(a.search, b.search), strings.Compare(a.id, b.id))
	})
	return f.people(ctx, n.candidates[:min(len(n.candidates), helpdesk.PageSize)])
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
	var trigrams, counts []string
	var c clause
	for i := range min(countedParts, last+1) {
		at := i
		if last+1 > countedParts {
			at = i * last / (countedParts - 1) // spread over the word
		}
		t := string(letters[at : at+minPart])
		if slices.Contains(trigrams, t) {
			continue
		}
		trigrams = append(trigrams, t)
		c.args = append(c.args, f.dialect.part([]string{t}))
		counts = append(counts, strings.ReplaceAll(f.dialect.howMany, "?", fmt.Sprintf("$%d", len(c.args))))
	}
	people := make([]int, len(trigrams))
	into := make([]any, len(people))
	for i := range people {
		into[i] = &people[i]
	}
	if err := f.db.QueryRowContext(ctx, "SELECT "+strings.Join(counts, ", "), c.args...).Scan(into...); err != nil {
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
	spellings  [][]spelled
	seen       map[string]bool // people who are found or compared
	candidates []candidate
}

// lookUp compares the people who have one of the words, or another that is like it. A
// word that more than mostCompared people have says little, and the next one is looked
// up too.
func (n *nearly) lookUp(ctx context.Context, words []string, others func(string) []string) error {
	for _, w := range words {
		c := clause{most: mostCompared, rare: true}
		if len(n.spellings[0]) == 1 { // all people with a word like the only one match
			c.most = helpdesk.EnoughWords
		}
		c.add(n.dialect.like(c.most), n.dialect.likeQuery(append([]string{w + "*"}, others(w)...)))
		compared, err := n.compare(ctx, c)
		if err != nil || compared < c.most {
			return err
		}
	}
	return nil
}

// piece compares the people who have a word as a piece of a number, identifier or
// address, and the beginnings of all other words.
func (n *nearly) piece(ctx context.Context, word string, words []string) error {
	pieces, err := n.pieces(ctx, word)
	if err != nil {
		return err
	}
	c := clause{most: helpdesk.EnoughWords}
	c.add(n.dialect.parts, n.dialect.part(pieces))
	for _, w := range words {
		if w != word {
			c.begins(w)
		}
	}
	_, err = n.compare(ctx, c)
	return err
}

// compare adds the people who match a condition and the filters and have each word of
// one of the spellings nearly. It returns the number of people compared.
func (n *nearly) compare(ctx context.Context, condition clause) (compared int, err error) {
	db, end, err := n.reader(ctx, condition)
	if err != nil {
		return 0, err
	}
	defer end()
	condition.facets(n.query, true)
	query := fmt.Sprintf(`SELECT %s, id, search FROM people%s LIMIT %d`, n.dialect.key, condition.sql(), condition.most)
	err = eachRow(ctx, db, func(scan func(...any) error) error {
		var c candidate
		compared++
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
	return compared, err
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
	isPart      bool // long enough for a piece of a number or address
	isTolerant  bool // other spellings match too
}

func spell(words []string) (out []spelled) {
	for _, w := range words {
		out = append(out, spelled{w, naming.Sound(w), utf8.RuneCountInString(w) >= minPart, len(naming.Edits(w)) > 0})
	}
	return out
}

// unlikeness compares the words of a query with the stored words of a person. It
// returns the sum of the differences, smaller for more similar words, of the spelling
// that fits best. ok is false if no spelling has all its words.
func unlikeness(spellings [][]spelled, search string) (least int, ok bool) {
	before, after, _ := strings.Cut(search, " # ")
	before, _, _ = strings.Cut(before, " - ")
	names, rest := strings.Fields(before), strings.Fields(after)
	for _, words := range spellings {
		sum, all := 0, true
		for _, w := range words {
			d := w.unlike(names, rest)
			sum, all = sum+d, all && d < unlikeMost
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
// joined name, 3 for another piece of one, and more for a different spelling.
func (s spelled) unlike(names, rest []string) int {
	least := unlikeMost
	for i, other := range slices.Concat(names, rest) {
		isPart := s.isPart && i >= len(names)
		switch {
		case other == s.word:
			return 0
		case strings.HasPrefix(other, s.word):
			least = min(least, 1)
		case isPart && strings.HasSuffix(other, s.word):
			least = min(least, 2)
		case isPart && strings.Contains(other, s.word):
			least = min(least, 3)
		case s.isTolerant && max(len(other)-len(s.word), len(s.word)-len(other)) <= maxLonger:
			d := naming.Distance(s.word, other)
			if d == 1 || d <= 1+len(s.word)/3 && s.sound != "" && s.sound == naming.Sound(other) {
				least = min(least, 3+d)
			}
		}
	}
	return least
}
