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
// The people of these queries are compared in Go, which decides the order.
func (f finder) near(ctx context.Context, q helpdesk.Query, words []string, found []domain.Person) ([]domain.Person, error) {
	if len(words) > nearWords {
		return nil, nil
	}
	similar := []clause{f.alike(words, naming.Edits)}
	spellings := [][]spelled{spell(words)}
	for i := range len(words) - 1 {
		joined := slices.Concat(words[:i], []string{words[i] + words[i+1]}, words[i+2:])
		similar = append(similar, f.alike(joined, naming.Edits))
		spellings = append(spellings, spell(joined))
	}
	if f.hasParts {
		for i, w := range words {
			if utf8.RuneCountInString(w) < minPart {
				continue
			}
			c := clause{most: helpdesk.EnoughWords}
			pieces, err := f.pieces(ctx, w)
			if err != nil {
				return nil, err
			}
			c.add(f.dialect.parts, f.dialect.part(pieces))
			for j, other := range words {
				if j != i {
					c.add("' ' || search LIKE ?", "% "+other+"%")
				}
			}
			similar = append(similar, c)
		}
	}
	candidates, err := f.candidates(ctx, q, similar, spellings, found)
	if err != nil {
		return nil, err
	}
	if len(candidates) < fewNear {
		sounds := f.alike(words, func(word string) []string {
			var others []string
			if len(words) > 1 { // of one word, the other spellings are looked up already
				others = naming.Edits(word)
			}
			if s := naming.Sound(word); s != "" {
				others = append(others, soundMark+s)
			}
			return others
		})
		more, err := f.candidates(ctx, q, []clause{sounds}, spellings, found)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, more...)
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.unlikeness, b.unlikeness), strings.Compare(a.search, b.search), strings.Compare(a.id, b.id))
	})
	candidates = slices.CompactFunc(candidates, func(a, b candidate) bool { return a.id == b.id })
	return f.people(ctx, candidates[:min(len(candidates), helpdesk.PageSize)])
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

// alike returns the condition that each word is the beginning of a person's word or
// equal to one of the others that are like it.
func (f finder) alike(words []string, others func(string) []string) clause {
	var groups [][]string
	for _, w := range words {
		groups = append(groups, append([]string{w + "*"}, others(w)...))
	}
	c := clause{most: helpdesk.EnoughWords, rare: true}
	c.add(f.dialect.match, f.dialect.query(groups))
	return c
}

// candidates returns the people who match one of the conditions and the filters, are
// not in found, and have each word of one of the spellings nearly.
func (f finder) candidates(ctx context.Context, q helpdesk.Query, conditions []clause, spellings [][]spelled, found []domain.Person) (out []candidate, err error) {
	seen := map[string]bool{}
	for _, p := range found {
		seen[string(p.ID)] = true
	}
	for _, condition := range conditions {
		keys, err := f.first(ctx, condition)
		if err != nil {
			return nil, err
		}
		if len(keys) == 0 {
			continue
		}
		var rest clause
		rest.add(f.dialect.among, f.dialect.keys(keys))
		rest.facets(q, true)
		query := fmt.Sprintf(`SELECT %s, id, search FROM people WHERE %s`, f.dialect.key, strings.Join(rest.where, " AND "))
		if err := f.each(ctx, query, rest, func(scan func(...any) error) error {
			var c candidate
			if err := scan(&c.key, &c.id, &c.search); err != nil || seen[c.id] {
				return err
			}
			seen[c.id] = true
			var ok bool
			if c.unlikeness, ok = unlikeness(spellings, c.search); ok {
				out = append(out, c)
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
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
