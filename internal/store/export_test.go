package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// Exec runs a statement that no method of the store runs.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	return err
}

// LockWaits returns the number of connections to this PostgreSQL database that wait for a
// lock.
func (s *Store) LockWaits(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
	return n, err
}

// IndexSizes returns the sizes of the indexes people_words and people_parts in bytes.
func (s *Store) IndexSizes(ctx context.Context) (words, parts int64, err error) {
	query := `SELECT (SELECT sum(length(block)) FROM people_words_data), (SELECT sum(length(block)) FROM people_parts_data)`
	if s.dialect.name == "postgres" {
		query = `SELECT pg_relation_size('people_words'), pg_relation_size('people_parts')`
	}
	err = s.db.QueryRowContext(ctx, query).Scan(&words, &parts)
	return words, parts, err
}

// Segments returns the largest number of segments of a text index; on PostgreSQL 0.
func (s *Store) Segments(ctx context.Context) (most int, err error) {
	for _, index := range s.dialect.segmented {
		var n int
		if err := s.db.QueryRowContext(ctx, `SELECT count(DISTINCT segid) FROM `+index+`_idx`).Scan(&n); err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

// Collects returns the settings of the text indexes for the words that they collect; on
// PostgreSQL none.
func (s *Store) Collects(ctx context.Context) (settings []string, err error) {
	for _, index := range s.dialect.segmented {
		err = errors.Join(err, eachRow(ctx, s.db, func(scan func(...any) error) error {
			var setting string
			err := scan(&setting)
			settings = append(settings, setting)
			return err
		}, `SELECT k || ' ' || v FROM `+index+`_config WHERE k IN ('automerge', 'hashsize') ORDER BY k`))
	}
	return settings, err
}

// DropParts removes the trigram index and makes the store notice it.
func (s *Store) DropParts(ctx context.Context) error {
	statements := []string{`DROP INDEX people_parts`}
	if s.dialect.name == "sqlite" {
		statements = []string{`DROP TRIGGER people_parts_insert`, `DROP TRIGGER people_parts_update`, `DROP TRIGGER people_parts_delete`, `DROP TABLE people_parts`}
	}
	for _, statement := range statements {
		if _, err := s.writer.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return s.lookForParts(ctx)
}

// SampleAll makes searches on PostgreSQL estimate frequencies from all people, and treat
// words of at least common people as common and many people as enough for a sample.
func (s *Store) SampleAll(common, many int) {
	s.dialect.sampling.counted, s.dialect.sampling.read = 100, 100
	s.dialect.sampling.common, s.dialect.sampling.many = common, many
}

// ReserveLogin and ReserveAddress reserve one of the two names.
func (s *Store) ReserveLogin(ctx context.Context, id domain.PersonID, candidates iter.Seq[string]) (string, error) {
	login, _, err := s.Reserve(ctx, id, candidates, nil)
	return login, err
}

func (s *Store) ReserveAddress(ctx context.Context, id domain.PersonID, candidates iter.Seq[string]) (string, error) {
	_, address, err := s.Reserve(ctx, id, nil, candidates)
	return address, err
}

// PlansOf runs a search and returns the query plan of each statement, after the
// statement itself. PostgreSQL scans and sorts a small table by preference, so with
// large set it is told to do that only if there is no other plan.
func (s *Store) PlansOf(ctx context.Context, q helpdesk.Query, large bool) (plans []string, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	explain := "EXPLAIN QUERY PLAN "
	if s.dialect.name == "postgres" {
		explain = "EXPLAIN "
	}
	if s.dialect.name == "postgres" && large {
		if _, err := conn.ExecContext(ctx, `SET enable_seqscan = off; SET enable_sort = off`); err != nil {
			return nil, err
		}
		defer conn.ExecContext(ctx, `RESET ALL`)
	}
	l := &listener{reader: conn, explain: explain}
	_, err = finder{l, func(ctx context.Context) (reader, func(), error) {
		tx, end, err := byTextIndex(ctx, conn, s.dialect)
		if err != nil {
			return nil, nil, err
		}
		l.reader = tx
		return l, func() { end(); l.reader = conn }, nil
	}, s.dialect, s.hasParts}.find(ctx, q)
	return l.plans, errors.Join(err, l.err)
}

// listener records the plan of each query before it runs the query.
type listener struct {
	reader
	explain string
	plans   []string
	err     error
}

func (l *listener) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	l.listen(ctx, query, args...)
	return l.reader.QueryContext(ctx, query, args...)
}

func (l *listener) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	l.listen(ctx, query, args...)
	return l.reader.QueryRowContext(ctx, query, args...)
}

func (l *listener) listen(ctx context.Context, query string, args ...any) {
	rows, err := l.reader.QueryContext(ctx, l.explain+query, args...)
	if err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	defer rows.Close()
	columns, err := rows.Columns()
	l.err = errors.Join(l.err, err)
	plan := query
	for rows.Next() {
		line := make([]any, len(columns))
		for i := range line {
			line[i] = new(any)
		}
		l.err = errors.Join(l.err, rows.Scan(line...))
		plan += fmt.Sprintf("\n  %v", *line[len(line)-1].(*any)) // the text is the last column on both databases
	}
	l.err = errors.Join(l.err, rows.Err())
	l.plans = append(l.plans, plan)
}

// Nested runs a query, runs it again for each of its rows in the same
// transaction, and returns the number of inner rows. PostgreSQL reads one
// result at a time on a connection, so there the outer result is read
// completely first.
func (s *Store) Nested(ctx context.Context, query string) (n int, err error) {
	return n, s.tx(ctx, func(tx *sql.Tx) error {
		outer, err := tx.QueryContext(ctx, query, "")
		if err != nil {
			return err
		}
		defer outer.Close()
		var ids []string
		for outer.Next() {
			var id string
			if err := outer.Scan(&id); err != nil {
				return err
			}
			if ids = append(ids, id); s.dialect.name == "postgres" {
				continue
			}
			if err := count(ctx, tx, query, id, &n); err != nil {
				return err
			}
		}
		if s.dialect.name == "postgres" {
			for _, id := range ids {
				if err := count(ctx, tx, query, id, &n); err != nil {
					return err
				}
			}
		}
		return outer.Err()
	})
}

func count(ctx context.Context, tx *sql.Tx, query, id string, n *int) error {
	rows, err := tx.QueryContext(ctx, query, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		*n++
	}
	return rows.Err()
}

// AddMigration adds a migration after the last one until restore is called.
func AddMigration(t *testing.T, statement string) (restore func()) {
	t.Helper()
	before := migrations
	files := fstest.MapFS{}
	for _, database := range []string{"sqlite", "postgres"} {
		entries, err := fs.ReadDir(before, "migrations/"+database)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := "migrations/" + database + "/" + e.Name()
			raw, err := fs.ReadFile(before, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: raw}
		}
		files[fmt.Sprintf("migrations/%s/%05d_test.sql", database, len(entries)+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
	}
	migrations = files
	return func() { migrations = before }
}

// SchemaText returns docs/schema.sql: the statements of SQLite's own catalogue.
func (s *Store) SchemaText(ctx context.Context) (string, error) {
	statements, err := texts(ctx, s.db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
		AND name NOT LIKE 'people_words~_%' ESCAPE '~' AND name NOT LIKE 'people_parts~_%' ESCAPE '~' AND name <> 'schema_version' AND type <> 'trigger' ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 ELSE 1 END, name`)
	if err != nil {
		return "", err
	}
	triggers, err := texts(ctx, s.db, `SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name`)
	if err != nil {
		return "", err
	}
	return "-- Generated by `make schema` from internal/store/migrations. Do not edit.\n" +
		"-- This is the SQLite schema. PostgreSQL has the same tables, columns and types.\n" +
		"-- Times are microseconds since 1970 in UTC; 0 means \"not set\".\n\n" +
		strings.Join(append(statements, triggers...), ";\n\n") + ";\n", nil
}

// Shape returns the tables of the schema with the type of each column.
func (s *Store) Shape(ctx context.Context) (string, error) {
	query := `SELECT t.name || '.' || c.name || ' ' || c.type || ' ' || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN 'NOT NULL' ELSE '' END
		FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~'`
	if s.dialect.name == "postgres" {
		query = `SELECT table_name || '.' || column_name || ' ' || upper(data_type) || ' ' || CASE WHEN is_nullable = 'NO' THEN 'NOT NULL' ELSE '' END
			FROM information_schema.columns WHERE table_schema = current_schema()`
	}
	lines, err := texts(ctx, s.db, query)
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "schema_version.") || strings.HasPrefix(l, "goose_") })
	slices.Sort(lines)
	return strings.Join(lines, "\n"), err
}

// Values returns the text of every column of every table, by "table.column".
func (s *Store) Values(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	return out, s.tx(ctx, func(tx *sql.Tx) error {
		tables, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			for _, c := range t.columns {
				cast := "cast(" + c + " AS text)"
				if c == "data" || c == "payload" {
					cast = "''" // sealed
				}
				lines, err := texts(ctx, tx, `SELECT coalesce(`+cast+`, '') FROM `+t.name)
				if err != nil {
					return err
				}
				out[t.name+"."+c] = strings.Join(lines, "\n")
			}
		}
		return nil
	})
}
