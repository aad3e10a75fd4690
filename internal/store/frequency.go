package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"entree/internal/helpdesk"
)

// sampling holds how a database reads a random part of its people, and from which
// number of people on a word is not looked up in its index. A beginning of a word
// stands for many words, and PostgreSQL reads the lists of all of them before it
// returns the first person: 0.3 µs a person. SQLite indexes beginnings, needs no samples
// and counts them.
type sampling struct {
	table string // the table of the sample, with %g for its share in percent; empty if there is none
	// counted is the share from which frequencies are estimated, and read the share
	// that is read for words that many have, both in percent.
	counted, read float64
	common        int // people from which a word is compared with the people of a rarer word
	many          int // people from which the people with all words are read from a sample
}

// commonWord is the number of people to which SQLite counts.
const commonWord = 2000

// frequency is the number of people with a word that begins with each word of a query.
type frequency struct {
	people map[string]int // by word, estimated (0 for a word of few people) or counted
	all    int            // people with all words
	of     sampling
}

// frequencies estimates how many people have the words, from a sample of 0.2 % of all
// people: a word of 50,000 people among a million is in it 100 times.
func (f finder) frequencies(ctx context.Context, words []string) (frequency, error) {
	often := frequency{people: map[string]int{}, of: f.dialect.sampling}
	if often.of.table == "" {
		if len(words) < 2 { // no other word could be looked up instead
			return often, nil
		}
		var err error
		often.people, err = f.counted(ctx, words)
		return often, err
	}
	if len(words) == 0 {
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

// counted counts the people with each beginning, up to commonWord.
func (f finder) counted(ctx context.Context, words []string) (map[string]int, error) {
	var beginnings []string
	for _, w := range words {
		beginnings = append(beginnings, f.dialect.query(begun([]string{w})))
	}
	counts, err := f.counts(ctx, f.dialect.howOften, beginnings)
	people := map[string]int{}
	for i, n := range counts {
		people[words[i]] = n
	}
	return people, wrap("count how common words are", err)
}

// counts returns the result of a counting expression for each parameter, in one query.
func (f finder) counts(ctx context.Context, expression string, parameters []string) ([]int, error) {
	var columns []string
	var args []any
	out, into := make([]int, len(parameters)), []any{}
	for i, p := range parameters {
		args = append(args, p)
		columns = append(columns, strings.ReplaceAll(expression, "?", fmt.Sprintf("$%d", i+1)))
		into = append(into, &out[i])
	}
	return out, f.db.QueryRowContext(ctx, "SELECT "+strings.Join(columns, ", "), args...).Scan(into...)
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

// part returns the word of a query that is looked up as a part of a number or address:
// one with a digit, or else the rarest. It is empty if no word is long enough.
func (often frequency) part(words []string) string {
	long := slices.DeleteFunc(often.rarestFirst(words), func(w string) bool { return utf8.RuneCountInString(w) < minPart })
	for _, w := range long {
		if strings.ContainsAny(w, digits) {
			return w
		}
	}
	return strings.Join(long[:min(1, len(long))], "")
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
	} else if len(words) > 1 && often.people[rarest[0]] <= helpdesk.EnoughWords {
		one := clause{most: helpdesk.EnoughWords}
		one.add(f.dialect.match, f.dialect.query(begun(rarest[:1])))
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
	all.add(f.dialect.match, f.dialect.query(begun(lookedUp)))
	return append(tries, all)
}

// reader returns the database for a driving query, and the function that ends its use.
func (f finder) reader(ctx context.Context, d clause) (reader, func(), error) {
	if !d.rare {
		return f.db, func() {}, nil
	}
	return f.byText(ctx)
}
