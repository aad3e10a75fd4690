package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"

	"entree/internal/helpdesk"
)

// dialect holds the differences between the two databases.
type dialect struct {
	name   string
	driver string
	goose  goose.Dialect
	// skipLocked lets several instances lease jobs at once. It is empty for
	// SQLite, which has one writer at a time.
	skipLocked string
	// lockRow locks the rows that a query reads until the transaction ends. It is empty
	// for SQLite, whose transactions have the write lock from the beginning.
	lockRow string
	// pipelines makes a transaction send its statements in one batch: see pipeline.
	pipelines bool
	// match is the condition on the full-text index people_words of which query returns
	// the parameter: a person has one of the terms of each group. A term that ends in * is
	// a beginning. SQLite stops at helpdesk.EnoughWords + 1 people.
	match string
	query func(groups [][]string) string
	// existing selects the places of those terms of a list that any person has. Some
	// hundred terms in one query are compared with each person, so they are looked up one
	// after the other first. The subselect hides them from PostgreSQL's planner, which would
	// estimate each. list returns the parameter.
	existing string
	list     func(terms []string) any
	// howOften, if not empty, counts the people with a word that begins in a certain way,
	// up to commonWord.
	howOften string
	// parts is the condition on people_parts, the trigram index over a part of
	// people.search. It selects as many people as its parameter says, at most. part returns
	// the value to search for, from the search terms of finder.pieces. howMany, if not
	// empty, counts the people with a trigram, up to commonPart; parts then searches some
	// trigrams only, and also matches people who have these in another place. partsIndex
	// selects a row if the index exists.
	parts      func(most int) string
	part       func(pieces []string) string
	howMany    string
	partsIndex string
	// segmented are the text indexes that consist of segments: see mergeSegments.
	segmented []string
	// sampling estimates how common words are.
	sampling sampling
	// key is the column with the fastest unique lookup, among is the IN condition
	// over it, and keys returns the parameter of that condition.
	key, among string
	keys       func(found []string) any
	// planEach precedes the parameters of a search and makes the database plan
	// for their values. A plan for any value assumes that a third of all people
	// match.
	planEach []any
	// textOnly, if not empty, restricts the planner to the full-text indexes for one
	// transaction.
	textOnly string
	// listTables lists the tables of the schema, listColumns the columns of a
	// table and listNeeds the tables that its foreign keys refer to.
	listTables, listColumns, listNeeds string
	// imports holds the differences of an import.
	imports importDialect
}

var sqlite = dialect{
	name: "sqlite", driver: sqliteKept, goose: goose.DialectSQLite3, imports: sqliteImports,
	match: fmt.Sprintf("rowid IN (SELECT rowid FROM people_words WHERE people_words MATCH ? LIMIT %d)", helpdesk.EnoughWords+1),
	query: func(groups [][]string) string {
		return allOf(groups, `"%s"*`, `"%s"`, " OR ", " AND ")
	},
	existing: `SELECT key FROM json_each($1) WHERE EXISTS (SELECT 1 FROM people_words WHERE people_words MATCH value)`,
	list: func(terms []string) any {
		list, _ := json.Marshal(each(terms, `"%s"*`, `"%s"`)) // strings have a JSON form
		return string(list)
	},
	howOften: fmt.Sprintf("(SELECT count(*) FROM (SELECT 1 FROM people_words WHERE people_words MATCH ? LIMIT %d))", commonWord),
	parts: func(most int) string {
		return fmt.Sprintf("rowid IN (SELECT rowid FROM people_parts WHERE people_parts MATCH ? LIMIT %d)", most)
	},
	howMany:    fmt.Sprintf("(SELECT count(*) FROM (SELECT 1 FROM people_parts WHERE people_parts MATCH ? LIMIT %d))", commonPart),
	part:       func(pieces []string) string { return terms(pieces, "", `"%s"`, " AND ") },
	partsIndex: `SELECT name FROM sqlite_schema WHERE name = 'people_parts'`,
	segmented:  textIndexes,
	key:        "rowid", among: "rowid IN (SELECT value FROM json_each(?))",
	keys: func(found []string) any { return "[" + strings.Join(found, ",") + "]" },
	// The tables of the full-text index are left out: triggers of the target fill them.
	listTables:  `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`,
	listColumns: `SELECT name FROM pragma_table_info($1)`,
	listNeeds:   `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1)`,
}

var postgres = dialect{
	name: "postgres", driver: postgresLate, goose: goose.DialectPostgres, imports: postgresImports,
	skipLocked: "FOR UPDATE SKIP LOCKED", lockRow: " FOR NO KEY UPDATE", pipelines: true,
	match: "cast(search AS tsvector) @@ cast(? AS tsquery)",
	query: func(groups [][]string) string { return allOf(groups, "%s:*", "%s", " | ", " & ") },
	existing: `SELECT cast(place - 1 AS text) FROM unnest(cast($1 AS text[])) WITH ORDINALITY AS list (term, place)
		WHERE EXISTS (SELECT 1 FROM people WHERE cast(search AS tsvector) @@ cast(term AS tsquery))`,
	list: func(terms []string) any { return each(terms, "%s:*", "%s") },
	parts: func(most int) string {
		return fmt.Sprintf("ctid = ANY (ARRAY (SELECT ctid FROM people WHERE substr(search, strpos(search, '#')) LIKE ? LIMIT %d))", most)
	},
	part:       func(pieces []string) string { return "%" + beginning(pieces[0]) + "%" },
	partsIndex: `SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() AND indexname = 'people_parts'`,
	sampling:   sampling{table: "people TABLESAMPLE SYSTEM (%g) REPEATABLE (1)", counted: 0.2, read: 5, common: 50_000, many: 30_000},
	key:        "id",
	among:      "id = ANY(?)",
	keys:       func(found []string) any { return found },
	planEach:   []any{pgx.QueryExecModeExec},
	// A bitmap scan is the only way to read an index of kind GIN.
	textOnly:    `SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off`,
	listTables:  `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`,
	listColumns: `SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`,
	listNeeds:   `SELECT DISTINCT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::text::regclass`,
}

// beginning returns the first letters of a part of an address. PostgreSQL reads the list
// of each trigram, and the last ones are those of the domain, which are the longest.
func beginning(part string) string {
	const most = 16
	if letters := []rune(part); len(letters) > most {
		return string(letters[:most])
	}
	return part
}

// each writes terms in a database's full-text syntax. The terms contain letters, marks
// and digits only, besides soundMark, so they need no quoting.
func each(words []string, prefix, whole string) (terms []string) {
	for _, term := range words {
		if word, isPrefix := strings.CutSuffix(term, "*"); isPrefix {
			terms = append(terms, fmt.Sprintf(prefix, word))
		} else {
			terms = append(terms, fmt.Sprintf(whole, term))
		}
	}
	return terms
}

// terms is each with an operator between the terms.
func terms(words []string, prefix, whole, operator string) string {
	return strings.Join(each(words, prefix, whole), operator)
}

// allOf writes that one term of each group is wanted.
func allOf(groups [][]string, prefix, whole, or, and string) string {
	var out []string
	for _, g := range groups {
		out = append(out, "("+terms(g, prefix, whole, or)+")")
	}
	return strings.Join(out, and)
}

// begun returns a group for each word: the words with this beginning.
func begun(words []string) (groups [][]string) {
	for _, w := range words {
		groups = append(groups, []string{w + "*"})
	}
	return groups
}

func dialectOf(dsn string) (dialect, error) {
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		return sqlite, nil
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		return postgres, nil
	default:
		return dialect{}, fmt.Errorf("store: a database is sqlite:FILE or postgres://…")
	}
}

// open returns the connection pool of a database and the pool for writing.
func (d dialect) open(dsn string) (db, writer *sql.DB, err error) {
	if d.name == "postgres" {
		dsn, most, err := cutConnections(dsn)
		if err != nil {
			return nil, nil, err
		}
		db, err := sql.Open(d.driver, dsn)
		if err != nil {
			return nil, nil, fmt.Errorf("store: %w", err)
		}
		keepOpen(db, most)
		return db, db, nil
	}
	dsn = sqliteDSN(strings.TrimPrefix(dsn, "sqlite:"))
	if db, err = sql.Open(d.driver, dsn); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	if writer, err = sql.Open(d.driver, dsn); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("store: %w", err), db.Close())
	}
	keepOpen(db, 8)
	keepOpen(writer, 1)
	return db, writer, nil
}

// ConnectionsParameter is the query parameter of a PostgreSQL URL that limits the
// connections of the pool, by the name that pgxpool uses.
const ConnectionsParameter = "pool_max_conns"

// cutConnections removes ConnectionsParameter from a PostgreSQL URL and returns
// its value, or 20 without it.
func cutConnections(dsn string) (rest string, most int, err error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", 0, errors.New("store: the database's URL cannot be parsed") // err would repeat its password
	}
	q := u.Query()
	if !q.Has(ConnectionsParameter) {
		return dsn, 20, nil
	}
	most, err = strconv.Atoi(q.Get(ConnectionsParameter))
	if err != nil || most < 1 {
		return "", 0, fmt.Errorf("store: %s=%q: want a number above 0", ConnectionsParameter, q.Get(ConnectionsParameter))
	}
	q.Del(ConnectionsParameter)
	u.RawQuery = q.Encode()
	return u.String(), most, nil
}

// keepOpen limits the pool to most connections and keeps them open when idle.
// By default database/sql keeps two idle connections and closes the others at
// once, so under load each statement would open its own.
func keepOpen(db *sql.DB, most int) {
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(5 * time.Minute)
}

// sqliteCache is the page cache of one connection in KiB. It holds the upper
// pages of the indexes that a journey needs, with a million people too. All
// other pages are read from the operating system's cache.
const sqliteCache = 4096

// sqliteDSN returns the data source name with the pragmas that the store relies
// on. synchronous=FULL: a committed request survives a power cut, which WAL
// with NORMAL does not guarantee. secure_delete: an erased credential does not
// remain in a free page. cache_size: SQLite allocates outside the Go heap, and
// nine connections fill their caches with every page they read.
// _txlock=immediate: a transaction takes the write lock when it begins, so it
// cannot fail later because another connection holds the lock.
func sqliteDSN(file string) string {
	v := url.Values{"_txlock": {"immediate"}}
	for _, pragma := range []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(ON)", "secure_delete(ON)", fmt.Sprintf("cache_size(-%d)", sqliteCache)} {
		v.Add("_pragma", pragma)
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + v.Encode()
}
