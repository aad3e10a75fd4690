package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"entree/internal/helpdesk"
	"entree/internal/naming"
)

// sampling holds how a database reads a random part of its people, and from which
// number of people on a word is not looked up in its index. A beginning of a word
// stands for many words, and PostgreSQL reads the lists of all of them before it
// returns the first person: 0.3 µs a person. SQLite indexes beginnings and needs no
// samples.
type sampling struct {
	table string // the table of the sample, with %g for its share in percent; empty if there is none
	// counted is the share from which frequencies are estimated, and read the share
	// that is read for words that many have, both in percent.
	counted, read float64
	common        int // people from which a word is compared with the people of a rarer word
	many          int // people from which the people with all words are read from a sample
}

// frequency is an estimate of the number of people with a word that begins with each
// word of a query.
type frequency struct {
	people map[string]int // estimated by word; 0 for a word of few people
	all    int            // people with all words
	of     sampling
}

// frequencies estimates how many people have the words, from a sample of 0.2 % of all
// people: a word of 50,000 people among a million is in it 100 times.
func (f finder) frequencies(ctx context.Context, words []string) (frequency, error) {
	often := frequency{people: map[string]int{}, of: f.dialect.sampling}
	if often.of.table == "" || len(words) == 0 {
		return often, nil
	}
	var c clause
	for _, w := range words {
		c.begins(w)
	}
	counts := []string{fmt.Sprintf("count(CASE WHEN %s THEN 1 END)", strings.Join(c.where, " AND "))}
	for _, condition := range c.where {
		counts = append(counts, fmt.Sprintf("count(CASE WHEN %s THEN 1 END)", condition))
	}
	seen := make([]int, len(counts))
	into := make([]any, len(counts))
	for i := range seen {
		into[i] = &seen[i]
	}
	query := fmt.Sprintf("SELECT %s FROM "+often.of.table, strings.Join(counts, ", "), often.of.counted)
	if err := f.db.QueryRowContext(ctx, query, f.values(c)...).Scan(into...); err != nil {
		return often, wrap("estimate how common words are", err)
	}
	estimate := func(seen int) int { return int(float64(seen) * 100 / often.of.counted) }
	often.all = estimate(seen[0])
	for i, w := range words {
		often.people[w] = estimate(seen[i+1])
	}
	return often, nil
}

// isCommon reports whether the list of a word is too long to be read.
func (often frequency) isCommon(word string) bool {
	return often.of.table != "" && often.people[word] >= often.of.common
}

// rarestFirst returns the words, the rarest first. Of words that are equally rare the
// longest comes first: a short beginning is in many rows.
func (often frequency) rarestFirst(words []string) []string {
	return slices.SortedStableFunc(slices.Values(words), func(a, b string) int {
		return cmp.Or(often.people[a]-often.people[b], utf8.RuneCountInString(b)-utf8.RuneCountInString(a))
	})
}

// longestFirst returns the words, the longest first and common ones last. A short word
// that no other begins with may still be a piece of many numbers. Of equally long words
// those with other spellings come first.
func (often frequency) longestFirst(words []string) []string {
	rank := func(w string) int {
		out := -2 * utf8.RuneCountInString(w)
		if len(naming.Edits(w)) == 0 {
			out++
		}
		return out
	}
	common, rare := []string{}, []string{}
	for _, w := range words {
		if often.isCommon(w) {
			common = append(common, w)
		} else {
			rare = append(rare, w)
		}
	}
	slices.SortStableFunc(rare, func(a, b string) int { return rank(a) - rank(b) })
	return append(rare, common...)
}

// byWords returns the queries that look for the people who have the words, each to be
// tried if the one before it finds too many. A common word is not looked up together
// with a rarer one but compared with the people of that.
func (f finder) byWords(often frequency, words []string) (tries []clause) {
	if len(words) == 0 {
		return nil
	}
	rarest := often.rarestFirst(words)
	if often.of.table != "" && often.all >= often.of.many {
		sample := clause{most: helpdesk.EnoughWords, sample: fmt.Sprintf(often.of.table, often.of.read)}
		for _, w := range words {
			sample.begins(w)
		}
		tries = append(tries, sample)
	} else if len(words) > 1 && often.people[rarest[0]] < helpdesk.Enough {
		one := clause{most: helpdesk.EnoughWords}
		one.add(f.dialect.match, f.dialect.query(rarest[:1]))
		tries = append(tries, one)
	}
	all := clause{most: helpdesk.EnoughWords}
	lookedUp := rarest[:1:1]
	for _, w := range rarest[1:] {
		if often.isCommon(w) {
			all.begins(w)
		} else {
			lookedUp = append(lookedUp, w)
		}
	}
	all.add(f.dialect.match, f.dialect.query(lookedUp))
	return append(tries, all)
}

// reader returns the database for a driving query, and the function that ends its use.
func (f finder) reader(ctx context.Context, d clause) (reader, func(), error) {
	if !d.rare {
		return f.db, func() {}, nil
	}
	return f.byText(ctx)
}
