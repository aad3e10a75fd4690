package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// dialect is where the two databases differ.
type dialect struct {
	name   string
	driver string
	goose  goose.Dialect
	// skipLocked lets several instances lease jobs at once. SQLite has one
	// writer at a time and needs nothing.
	skipLocked string
	// appendOnly makes a table refuse changes and removals, whoever asks (S47).
	appendOnly string
	// cutOnly makes a table refuse changes, and every removal but that of what
	// lies before the cut that audit_head holds.
	cutOnly string
	// unprotect takes appendOnly away from a table.
	unprotect string
	// bytewise makes a column compare by bytes, whatever the database's language.
	bytewise string
	// words is the full-text index of people.search, kept up to date by the
	// database itself; match is the condition that it answers, up to one more
	// than helpdesk.EnoughWords, and query writes its value.
	words, match string
	query        func(words []string) string
	// key is what tells one person from another quickest, among the condition of
	// being one of several, and keys writes its value.
	key, among string
	keys       func(found []string) any
	// planEach comes before the values of a search: it is planned for these values.
	// A plan for any state takes everybody for a third of the people.
	planEach []any
	// shortWords makes that index quick for the first letters of a word; empty
	// where it is.
	shortWords string
	// severalNames lets a person have a second identifier.
	severalNames string
	// The tables that are ours, the columns of one, and what it points to.
	listTables, listColumns, listNeeds string
	// imports is how people are brought in.
	imports importWay
}

const sqliteAppendOnly = `
		CREATE TRIGGER %[1]s_no_update BEFORE UPDATE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;
		CREATE TRIGGER %[1]s_no_delete BEFORE DELETE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;`

var sqlite = dialect{
	name: "sqlite", driver: sqliteKept, goose: goose.DialectSQLite3, imports: sqliteImports,
	appendOnly: sqliteAppendOnly,
	unprotect:  `DROP TRIGGER %[1]s_no_update; DROP TRIGGER %[1]s_no_delete;`,
	cutOnly: `
		CREATE TRIGGER %[1]s_no_update BEFORE UPDATE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;
		CREATE TRIGGER %[1]s_no_delete BEFORE DELETE ON %[1]s WHEN OLD.%[2]s > (SELECT %[3]s FROM audit_head)
			BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;`,
	// The index holds no text of its own: it points to people's rowid, which a
	// VACUUM keeps as long as the table has an index.
	words: `
		CREATE VIRTUAL TABLE people_words USING fts5(search, content='people', content_rowid='rowid', detail='none', columnsize=0,
			tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");
		CREATE TRIGGER people_words_insert AFTER INSERT ON people BEGIN
			INSERT INTO people_words (rowid, search) VALUES (new.rowid, new.search); END;
		CREATE TRIGGER people_words_delete AFTER DELETE ON people BEGIN
			INSERT INTO people_words (people_words, rowid, search) VALUES ('delete', old.rowid, old.search); END;
		CREATE TRIGGER people_words_update AFTER UPDATE OF search ON people WHEN old.search <> new.search BEGIN
			INSERT INTO people_words (people_words, rowid, search) VALUES ('delete', old.rowid, old.search);
			INSERT INTO people_words (rowid, search) VALUES (new.rowid, new.search); END;
		INSERT INTO people_words (people_words) VALUES ('rebuild');`,
	// Without an index of its own, a beginning is put together from every word
	// that begins so before the first row is given.
	shortWords: `
		DROP TABLE people_words;
		CREATE VIRTUAL TABLE people_words USING fts5(search, content='people', content_rowid='rowid', detail='none', columnsize=0, prefix='1 2 3 4 5 6',
			tokenize="unicode61 remove_diacritics 0 categories 'L* N* M* Co'");
		INSERT INTO people_words (people_words) VALUES ('rebuild');`,
	match: fmt.Sprintf("rowid IN (SELECT rowid FROM people_words WHERE people_words MATCH ? LIMIT %d)", helpdesk.EnoughWords+1),
	query: func(words []string) string { return beginnings(words, `"%s"*`, " ") },
	key:   "rowid", among: "rowid IN (SELECT value FROM json_each(?))",
	keys: func(found []string) any { return "[" + strings.Join(found, ",") + "]" },
	severalNames: `
		CREATE TABLE names_several (kind TEXT NOT NULL, value TEXT NOT NULL, person_id TEXT NOT NULL, PRIMARY KEY (kind, value));
		INSERT INTO names_several SELECT kind, value, person_id FROM names;
		DROP TABLE names;
		ALTER TABLE names_several RENAME TO names;` + fmt.Sprintf(sqliteAppendOnly, "names"),
	// Not the tables of an index: the triggers of the target fill its own.
	listTables:  `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name <> 'goose_db_version'`,
	listColumns: `SELECT name FROM pragma_table_info($1)`,
	listNeeds:   `SELECT DISTINCT "table" FROM pragma_foreign_key_list($1)`,
}

var postgres = dialect{
	name: "postgres", driver: "pgx", goose: goose.DialectPostgres, imports: postgresImports,
	skipLocked: "FOR UPDATE SKIP LOCKED",
	appendOnly: `
		CREATE FUNCTION %[1]s_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%[1]s is append-only'; END $$;
		CREATE TRIGGER %[1]s_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %[1]s FOR EACH STATEMENT EXECUTE FUNCTION %[1]s_append_only();`,
	unprotect: `DROP TRIGGER %[1]s_append_only ON %[1]s; DROP FUNCTION %[1]s_append_only();`,
	cutOnly: `
		CREATE FUNCTION %[1]s_no_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%[1]s is append-only'; END $$;
		CREATE FUNCTION %[1]s_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF OLD.%[2]s > (SELECT %[3]s FROM audit_head) THEN RAISE EXCEPTION '%[1]s is append-only'; END IF; RETURN OLD; END $$;
		CREATE TRIGGER %[1]s_no_change BEFORE UPDATE OR TRUNCATE ON %[1]s FOR EACH STATEMENT EXECUTE FUNCTION %[1]s_no_change();
		CREATE TRIGGER %[1]s_no_delete BEFORE DELETE ON %[1]s FOR EACH ROW EXECUTE FUNCTION %[1]s_no_delete();`,
	bytewise:     ` COLLATE "C"`,
	words:        `CREATE INDEX people_words ON people USING gin ((cast(search AS tsvector)))`,
	match:        "cast(search AS tsvector) @@ cast(? AS tsquery)",
	query:        func(words []string) string { return beginnings(words, "%s:*", " & ") },
	key:          "id",
	among:        "id = ANY(?)",
	keys:         func(found []string) any { return found },
	planEach:     []any{pgx.QueryExecModeExec},
	severalNames: `ALTER TABLE names DROP CONSTRAINT names_kind_person_id_key`,
	listTables:   `SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'goose_db_version'`,
	listColumns:  `SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1`,
	listNeeds:    `SELECT DISTINCT confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND conrelid = $1::text::regclass`,
}

// beginnings writes a full-text query for words that begin so. Words hold
// letters, marks and figures only, so nothing in them needs quoting.
func beginnings(words []string, form, and string) string {
	var out []string
	for _, w := range words {
		out = append(out, fmt.Sprintf(form, w))
	}
	return strings.Join(out, and)
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

// open gives the pool of a database, and the one that writes.
func (d dialect) open(dsn string) (db, writer *sql.DB, err error) {
	if d.name == "postgres" {
		db, err := sql.Open(d.driver, dsn)
		if err != nil {
			return nil, nil, fmt.Errorf("store: %w", err)
		}
		keepOpen(db, 20)
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

// keepOpen bounds the connections and keeps those that were opened: by default
// all but two are closed as soon as nobody uses them, and under load each
// statement would open its own.
func keepOpen(db *sql.DB, most int) {
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(5 * time.Minute)
}

// sqliteCache is what a connection keeps of the file, in KiB: the upper pages of
// the indexes that a journey needs, among a million people too. The rest is the
// system's cache, one call away.
const sqliteCache = 4096

// sqliteDSN sets what the store relies on. synchronous=FULL: an accepted
// request survives a power cut, which WAL with NORMAL does not promise.
// secure_delete: a credential that was erased is not left in a free page.
// cache_size: SQLite's memory is not Go's, and nine connections fill theirs with
// every page that they met. A transaction takes the writer's place at its beginning, so that it never
// fails half-way for want of it.
func sqliteDSN(file string) string {
	v := url.Values{"_txlock": {"immediate"}}
	for _, pragma := range []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(ON)", "secure_delete(ON)", fmt.Sprintf("cache_size(-%d)", sqliteCache)} {
		v.Add("_pragma", pragma)
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + v.Encode()
}

// appendOnlyTables are evidence: what is written there stays.
var appendOnlyTables = []string{"charters", "acceptances", "events", "names"}

// appendOnlyVersions came later.
var appendOnlyVersions = []string{"charter_versions", "charters_called_off"}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{
		goose.WithGoMigrations(
			goose.NewGoMigration(2, &goose.GoFunc{RunTx: s.protect(appendOnlyTables)}, nil),
			goose.NewGoMigration(4, &goose.GoFunc{RunTx: s.protectAudit}, nil),
			goose.NewGoMigration(6, &goose.GoFunc{RunTx: s.findable}, nil),
			goose.NewGoMigration(11, &goose.GoFunc{RunTx: s.protect(appendOnlyVersions)}, nil),
			goose.NewGoMigration(22, &goose.GoFunc{RunTx: s.indexShortWords}, nil),
		),
		goose.WithDisableGlobalRegistry(true),
		goose.WithAllowOutofOrder(true), // two changes written at once get their numbers before either is merged
	}
	if s.dialect.name == "postgres" {
		// Several instances start at once: one migrates, the others wait.
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.writer, files, options...)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// indexShortWords is the twenty-second migration.
func (s *Store) indexShortWords(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, s.dialect.shortWords)
	return err
}

// protect makes tables refuse changes and removals.
func (s *Store) protect(tables []string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf(s.dialect.appendOnly, table)); err != nil {
				return err
			}
		}
		return nil
	}
}

// protectAudit is the fourth migration.
func (s *Store) protectAudit(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		fmt.Sprintf(s.dialect.unprotect, "events"),
		fmt.Sprintf(s.dialect.cutOnly, "events", "id", "events_cut"),
		fmt.Sprintf(s.dialect.cutOnly, "audit", "seq", "cut"),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// findable is the sixth migration: people are found by words, held by
// operators, and may be given a second identifier.
func (s *Store) findable(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		`ALTER TABLE people ADD COLUMN search TEXT` + s.dialect.bytewise + ` NOT NULL DEFAULT ''`,
		`ALTER TABLE people ADD COLUMN hold TEXT NOT NULL DEFAULT ''`,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if err := describe(ctx, tx); err != nil {
		return err
	}
	for _, statement := range []string{
		`CREATE INDEX people_search ON people (search, id)`,
		`CREATE INDEX people_number ON people (number, id)`,
		`CREATE INDEX people_activated ON people (activated_at, id)`,
		`CREATE INDEX people_state ON people (` + stateColumn + `, cohort, profile)`,
		`CREATE INDEX people_cohort ON people (cohort, profile)`,
		s.dialect.words,
		s.dialect.severalNames,
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// describe writes the searchText of everybody who is there already.
func describe(ctx context.Context, tx *sql.Tx) error {
	for last := domain.PersonID(""); ; {
		rows, err := tx.QueryContext(ctx, `SELECT id, family_name, given_name, number, login, email, university_address FROM people WHERE id > $1 ORDER BY id LIMIT $2`, last, batch)
		if err != nil {
			return err
		}
		var people []domain.Person
		for rows.Next() {
			var p domain.Person
			if err := rows.Scan(&p.ID, &p.FamilyName, &p.GivenName, &p.Number, &p.Login, &p.Email, &p.UniversityAddress); err != nil {
				return errors.Join(err, rows.Close())
			}
			people = append(people, p)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(people) == 0 {
			return err
		}
		for _, p := range people {
			if _, err := tx.ExecContext(ctx, `UPDATE people SET search = $1 WHERE id = $2`, searchText(p), p.ID); err != nil {
				return err
			}
		}
		last = people[len(people)-1].ID
	}
}
