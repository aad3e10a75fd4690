package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
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
}

var sqlite = dialect{
	name: "sqlite", driver: "sqlite", goose: goose.DialectSQLite3,
	appendOnly: `
		CREATE TRIGGER %[1]s_no_update BEFORE UPDATE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;
		CREATE TRIGGER %[1]s_no_delete BEFORE DELETE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;`,
	unprotect: `DROP TRIGGER %[1]s_no_update; DROP TRIGGER %[1]s_no_delete;`,
	cutOnly: `
		CREATE TRIGGER %[1]s_no_update BEFORE UPDATE ON %[1]s BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;
		CREATE TRIGGER %[1]s_no_delete BEFORE DELETE ON %[1]s WHEN OLD.%[2]s > (SELECT %[3]s FROM audit_head)
			BEGIN SELECT RAISE(ABORT, '%[1]s is append-only'); END;`,
}

var postgres = dialect{
	name: "postgres", driver: "pgx", goose: goose.DialectPostgres,
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

func (d dialect) open(dsn string) (*sql.DB, error) {
	if d.name == "postgres" {
		db, err := sql.Open(d.driver, dsn)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		db.SetMaxOpenConns(20)
		return db, nil
	}
	db, err := sql.Open(d.driver, sqliteDSN(strings.TrimPrefix(dsn, "sqlite:")))
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

// sqliteDSN sets what the store relies on. synchronous=FULL: an accepted
// request survives a power cut, which WAL with NORMAL does not promise.
// secure_delete: a credential that was erased is not left in a free page. A
// transaction takes the writer's place at its beginning, so that it never
// fails half-way for want of it.
func sqliteDSN(file string) string {
	v := url.Values{"_txlock": {"immediate"}}
	for _, pragma := range []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(ON)", "secure_delete(ON)"} {
		v.Add("_pragma", pragma)
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + v.Encode()
}

// appendOnlyTables are evidence: what is written there stays.
var appendOnlyTables = []string{"charters", "acceptances", "events", "names"}

func (s *Store) migrate(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	options := []goose.ProviderOption{goose.WithGoMigrations(
		goose.NewGoMigration(2, &goose.GoFunc{RunTx: s.protect}, nil),
		goose.NewGoMigration(4, &goose.GoFunc{RunTx: s.protectAudit}, nil),
	), goose.WithDisableGlobalRegistry(true)}
	if s.dialect.name == "postgres" {
		// Several instances start at once: one migrates, the others wait.
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.db, files, options...)
	if err != nil {
		return fmt.Errorf("store: migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// protect is the second migration.
func (s *Store) protect(ctx context.Context, tx *sql.Tx) error {
	for _, table := range appendOnlyTables {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(s.dialect.appendOnly, table)); err != nil {
			return err
		}
	}
	return nil
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
