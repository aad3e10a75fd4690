package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/naming"
)

// searchText returns the words by which a person is found and sorted, folded, in
// three parts:
//
//	arc d jean pierre - ↑rk ↑jn ↑pr # darc jeanpierre 22502142 jpmartinexamplenet
//
// the names, then their sounds with soundMark, then the names without spaces and
// apostrophes, the number, the identifier and the addresses. The third part, with
// the # before it, has an index of trigrams. Every statement that writes one of these
// fields must write the column search too.
func searchText(p domain.Person) string {
	family, given := naming.Words(p.FamilyName), naming.Words(p.GivenName)
	names := slices.Concat(family, given)
	words := slices.Concat(names, []string{"-"})
	for _, w := range names {
		if s := naming.Sound(w); s != "" {
			words = append(words, soundMark+s)
		}
	}
	words = append(words, "#")
	for _, parts := range [][]string{family, given} {
		if len(parts) > 1 {
			words = append(words, strings.Join(parts, ""))
		}
	}
	for _, s := range []string{p.Number, p.Login, string(p.Email), string(p.SecondEmail), p.UniversityAddress} {
		words = append(words, naming.Words(s)...)
	}
	return strings.Join(words, " ")
}

// refind rewrites the column search of a person after one of its fields was
// changed.
func refind(ctx context.Context, tx *sql.Tx, id domain.PersonID) error {
	p, err := scanPerson(tx.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = $1`, id).Scan)
	if err != nil {
		return notFound(err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE people SET search = $1 WHERE id = $2`, searchText(p), id)
	return err
}

// stateColumn is activation.Person.State in SQL. It must be identical to the
// expression of the index people_state.
const stateColumn = `(CASE WHEN account = 'parked' THEN 'parked' WHEN account = 'creating' THEN 'creating'
	WHEN account = 'active' AND first_login_at = 0 THEN 'unused' WHEN account = 'active' THEN 'active'
	WHEN hold <> '' OR readiness = 'held' OR erase_at <> 0 THEN 'held' WHEN readiness = 'ready' THEN 'ready' ELSE 'not_ready' END)`

// order is an indexed column by which lists are sorted.
type order struct {
	column string
	key    func(p domain.Person) string
	number bool
}

var orders = map[helpdesk.Sort]order{
	helpdesk.ByName:       {column: "substr(search, 1, 40)", key: func(p domain.Person) string { return sortedBy(searchText(p)) }},
	helpdesk.ByNumber:     {column: "number", key: func(p domain.Person) string { return p.Number }},
	helpdesk.ByActivation: {column: "activated_at", key: func(p domain.Person) string { return strconv.FormatInt(micros(p.ActivatedAt), 10) }, number: true},
}

// sortedBy returns the part of a person's search text by which lists are sorted: the
// index of the whole text would be the largest of all.
func sortedBy(search string) string {
	if letters := []rune(search); len(letters) > 40 {
		return string(letters[:40])
	}
	return search
}

// hidden returns an expression equal to the column that no index matches.
func (o order) hidden() string {
	if o.number {
		return o.column + " + 0"
	}
	return o.column + " || ''"
}

// clause collects SQL conditions and their arguments.
type clause struct {
	where []string
	args  []any
	most  int  // for a driving query: the largest number of people it may find
	rare  bool // for a driving query: it has many alternative words, each in few rows
	// sample, if not empty, is the part of the people that a driving query reads.
	sample string
}

// add appends a condition; each ? stands for value.
func (c *clause) add(condition string, value any) {
	c.args = append(c.args, value)
	c.where = append(c.where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(c.args))))
}

// begins appends the condition that a person has a word with the given beginning. No
// index helps with it.
func (c *clause) begins(word string) { c.add("' ' || search LIKE ?", "% "+word+"%") }

// sql returns the WHERE clause, or "" if there is no condition.
func (c clause) sql() string {
	if len(c.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.where, " AND ")
}

// FindPeople returns one page of the people who match a query. To sort the matches
// is fast if they are few; to read along an index is fast if they are many.
// FindPeople counts first, up to helpdesk.Enough or EnoughWords, beginning with the
// cheapest count:
//
//	few match the filters ───────► the people who match the words too, sorted
//	few match the rarest word ───► the people who match all the rest too, sorted
//	few match all words ─────────► the same
//	many, without words ─────────► along the index of the order, until the page is full
//	many match the words ────────► some of them, and the advice to add a word
//
// To sort n people reads n rows. To fill a page from an index among N people reads
// 50 N ÷ n rows. With a million people the two are equal at n = 7,000.
//
// Which word is the rarest is estimated by frequencies.
//
// If the matches fit on one page, FindPeople adds the people who match nearly.
func (s *Store) FindPeople(ctx context.Context, q helpdesk.Query) (helpdesk.Page, error) {
	byText := func(ctx context.Context) (reader, func(), error) { return byTextIndex(ctx, s.db, s.dialect) }
	return finder{s.db, byText, s.dialect, s.hasParts}.find(ctx, q)
}

// byTextIndex returns a transaction in which PostgreSQL reads people by an index of
// text only, and the function that ends it. The planner takes each other spelling of a
// word for a common word, and with a limit would read the whole table to find a few:
// half a minute among a million people, instead of five milliseconds. On SQLite it
// returns db.
func byTextIndex(ctx context.Context, db interface {
	reader
	BeginTx(context.Context, *sql.TxOptions) (*sql.Tx, error)
}, d dialect) (reader, func(), error) {
	if d.textOnly == "" {
		return db, func() {}, nil
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	end := func() { _ = tx.Rollback() } // nothing was written
	if _, err := tx.ExecContext(ctx, d.textOnly); err != nil {
		end()
		return nil, nil, err
	}
	return tx, end, nil
}

// reader is implemented by *sql.DB, *sql.Conn and *sql.Tx.
type reader interface {
	rowsOf
	rowQuerier
}

// finder runs the search queries. Tests replace db and byText to record them.
type finder struct {
	db       reader
	byText   func(context.Context) (reader, func(), error) // see byTextIndex
	dialect  dialect
	hasParts bool // the index of trigrams exists
}

func (f finder) find(ctx context.Context, q helpdesk.Query) (helpdesk.Page, error) {
	words := distinct(naming.Words(q.Words))
	if q.Words != "" && len(words) == 0 {
		return helpdesk.Page{}, nil
	}
	often, err := f.frequencies(ctx, words)
	if err != nil {
		return helpdesk.Page{}, err
	}
	page, err := f.exact(ctx, q, words, often)
	if err != nil || len(words) == 0 || page.Loose || q.From.ID != "" || page.Next.ID != "" {
		return page, err
	}
	page.Near, err = f.near(ctx, q, words, often, page.People)
	return page, wrap("find people", err)
}

// distinct returns the words without those with which another one begins: the people who
// have the longer word have the shorter one too.
func distinct(words []string) (out []string) {
	for i, w := range words {
		if !slices.ContainsFunc(words[i+1:], func(later string) bool { return strings.HasPrefix(later, w) }) &&
			!slices.ContainsFunc(out, func(earlier string) bool { return strings.HasPrefix(earlier, w) }) {
			out = append(out, w)
		}
	}
	return out
}

// exact returns one page of the people with a word that begins with each of the
// words.
func (f finder) exact(ctx context.Context, q helpdesk.Query, words []string, often frequency) (page helpdesk.Page, err error) {
	byFilters := clause{most: helpdesk.Enough}
	byFilters.facets(q, false)
	var found []string
	driven := false // true: the rows are reached by the keys found, false: along the order
	for _, d := range append([]clause{byFilters}, f.byWords(often, words)...) {
		if len(d.where) == 0 {
			continue
		}
		if found, err = f.first(ctx, d); err != nil {
			return page, err
		}
		page.Count, page.More = min(len(found), d.most), len(found) > d.most
		if d.sample != "" && !page.More {
			continue // the people outside the sample are missing
		}
		if driven = !page.More; driven || d.sample != "" {
			break
		}
	}
	var rest clause
	if page.More && len(words) > 0 {
		page.Loose, driven, found = true, true, found[:helpdesk.EnoughWords]
	}
	switch {
	case driven && len(found) == 0:
		return page, nil
	case driven:
		rest.add(f.dialect.among, f.dialect.keys(found))
	case len(byFilters.where) == 0:
		var n int
		n, err = f.all(ctx)
		page.Count, page.More = min(n, helpdesk.Enough), n > helpdesk.Enough
	}
	if page.Loose && len(byFilters.where) == 0 {
		page.Count = len(found) // all of them match
		return page, f.fill(ctx, &page, q, driven, rest)
	}
	rest.facets(q, true)
	for _, w := range words {
		rest.begins(w)
	}
	if err == nil && len(words) > 0 {
		page.Count, err = f.count(ctx, rest)
	}
	if err != nil {
		return page, err
	}
	return page, f.fill(ctx, &page, q, driven, rest)
}

// facets adds the filters. If walked is set, the rows are reached another way,
// and the columns are hidden from the planner: it would otherwise use an index
// of the filter and sort a million rows.
func (c *clause) facets(q helpdesk.Query, walked bool) {
	for _, f := range []struct{ column, value string }{{stateColumn, string(q.State)}, {"cohort", q.Cohort}, {"profile", q.Profile}} {
		if f.value == "" {
			continue
		}
		if walked {
			f.column += " || ''"
		}
		c.add(f.column+" = ?", f.value)
	}
	if q.Wrong {
		c.where = append(c.where, "wrong_address <> '' AND wrong_address = email")
	}
}

// first returns up to d.most + 1 keys of the people who match d.
func (f finder) first(ctx context.Context, d clause) ([]string, error) {
	keys, err := texts(ctx, f.db, fmt.Sprintf(`SELECT %s FROM %s%s LIMIT %d`, f.dialect.key, cmp.Or(d.sample, "people"), d.sql(), d.most+1), f.values(d)...)
	return keys, wrap("find people", err)
}

// all counts all people, up to helpdesk.Enough + 1.
func (f finder) all(ctx context.Context) (n int, err error) {
	err = f.db.QueryRowContext(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT 1 FROM people LIMIT %d) AS few`, helpdesk.Enough+1)).Scan(&n)
	return n, wrap("count people", err)
}

func (f finder) values(c clause) []any { return slices.Concat(f.dialect.planEach, c.args) }

func (f finder) count(ctx context.Context, rest clause) (n int, err error) {
	err = f.db.QueryRowContext(ctx, `SELECT count(*) FROM people`+rest.sql(), f.values(rest)...).Scan(&n)
	return n, wrap("count people", err)
}

// fill reads the page, and one row more, which shows whether a next page
// exists.
func (f finder) fill(ctx context.Context, page *helpdesk.Page, q helpdesk.Query, driven bool, rest clause) (err error) {
	o, ok := orders[q.Sort]
	if !ok {
		o = orders[helpdesk.ByName]
	}
	column := o.column
	if driven { // the rows are few and sorted: the planner must not walk an index of a million people
		column = o.hidden()
	}
	down := q.Down != q.From.Before
	direction, beyond := "ASC", ">"
	if down {
		direction, beyond = "DESC", "<"
	}
	if q.From.ID != "" {
		key := any(q.From.Key)
		if o.number {
			key, _ = strconv.ParseInt(q.From.Key, 10, 64) // 0 if the cursor was edited by hand
		}
		rest.args = append(rest.args, key, q.From.ID)
		// SQLite enters an index of an expression by the first condition only.
		rest.where = append(rest.where, fmt.Sprintf("%[1]s %[2]s= $%[3]d AND (%[1]s, id) %[2]s ($%[3]d, $%[4]d)", column, beyond, len(rest.args)-1, len(rest.args)))
	}
	page.People, err = all(ctx, f.db, scanPerson, fmt.Sprintf(`SELECT %s FROM people%s ORDER BY %s %s, id %s LIMIT %d`,
		personColumns, rest.sql(), column, direction, direction, helpdesk.PageSize+1), f.values(rest)...)
	if err != nil {
		return wrap("find people", err)
	}
	more := len(page.People) > helpdesk.PageSize
	page.People = page.People[:min(len(page.People), helpdesk.PageSize)]
	if q.From.Before {
		slices.Reverse(page.People)
	}
	if len(page.People) == 0 {
		return nil
	}
	first, last := page.People[0], page.People[len(page.People)-1]
	if q.From.Before && more || !q.From.Before && q.From.ID != "" {
		page.Prev = helpdesk.Cursor{Key: o.key(first), ID: string(first.ID), Before: true}
	}
	if q.From.Before || more {
		page.Next = helpdesk.Cursor{Key: o.key(last), ID: string(last.ID)}
	}
	return nil
}

// Cohorts returns all cohorts, with one index lookup for each.
func (s *Store) Cohorts(ctx context.Context) ([]string, error) {
	out, err := texts(ctx, s.db, `WITH RECURSIVE c(v) AS (
		SELECT min(cohort) FROM people UNION ALL SELECT (SELECT min(cohort) FROM people WHERE cohort > c.v) FROM c WHERE c.v IS NOT NULL
	) SELECT v FROM c WHERE v <> ''`)
	return out, wrap("cohorts", err)
}
