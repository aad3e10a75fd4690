package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"entree/internal/domain"
)

// importWay is where the two databases differ in how people are brought in.
type importWay struct {
	batch   int                    // lines handed over together
	stage   func(*importing) error // hands them over
	chunk   int                    // lines written by one statement
	begin   []string               // said to the connection before
	staged  []string               // once everything is staged
	enlarge []string               // before anything is written
	written []string               // after more than a batch of new people
	end     []string               // at the end of all
	// hold makes sure that no other import runs until release, even if this
	// program is killed: then the system or the server releases.
	hold func(ctx context.Context, db *sql.DB, dsn string) (release func(), err error)
}

var sqliteImports = importWay{
	batch: 100, stage: stageSQLite, chunk: 50_000, hold: holdSQLite,
	begin: []string{"PRAGMA cache_size = -8192", "PRAGMA temp.cache_size = -8192"},
	// What is written in no order, the indices, has to fit into the cache: 64
	// MiB do for a million people, and the usual 2 write every page many times.
	enlarge: []string{"PRAGMA shrink_memory", "PRAGMA cache_size = -65536"},
	end:     []string{fmt.Sprintf("PRAGMA cache_size = -%d", sqliteCache), "PRAGMA shrink_memory"},
}

var postgresImports = importWay{
	batch: 5000, stage: stagePostgres, chunk: 1 << 30, hold: holdPostgres,
	staged: []string{"ANALYZE import_stage"},
	// The server counts by itself only after a while, and until then takes the
	// wrong way through a table that has grown from nothing to a million.
	written: []string{"ANALYZE people"},
}

// stageSQLite inserts many rows with one statement: the way through
// database/sql costs more than the row.
func stageSQLite(i *importing) error {
	st := &i.stage
	n := len(st.rows) / len(stageColumns)
	one := "(?" + strings.Repeat(",?", len(stageColumns)-1) + ")"
	query := func(n int) string {
		return "INSERT INTO temp.import_stage VALUES " + one + strings.Repeat(","+one, n-1)
	}
	var err error
	if n < i.dialect.imports.batch {
		err = i.exec(query(n), st.rows...)
	} else {
		if st.prepare == nil {
			if st.prepare, err = i.conn.PrepareContext(i.ctx, query(n)); err != nil {
				return fmt.Errorf("store: import: %w", err)
			}
		}
		_, err = st.prepare.ExecContext(i.ctx, st.rows...)
	}
	st.rows = st.rows[:0]
	return err
}

// stagePostgres copies.
func stagePostgres(i *importing) error {
	st := &i.stage
	at := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if at == len(st.rows) {
			return nil, nil
		}
		at += len(stageColumns)
		return st.rows[at-len(stageColumns) : at], nil
	})
	err := i.conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(i.ctx, pgx.Identifier{"import_stage"}, stageColumns, rows)
		return err
	})
	st.rows = st.rows[:0]
	return err
}

// importsLock is the advisory lock of imports on PostgreSQL.
const importsLock = 0x656e7472_65650001

// holdPostgres holds the lock on a connection of its own: the server releases
// it when the connection ends, however that comes about.
func holdPostgres(ctx context.Context, db *sql.DB, _ string) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, wrap("hold imports", err)
	}
	var ok bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(importsLock)).Scan(&ok); err != nil || !ok {
		_ = conn.Close() // back to the pool, with nothing held
		if err == nil {
			err = domain.ErrImportRunning
		}
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(importsLock))
		_ = conn.Close() // back to the pool
	}, nil
}

// holdSQLite holds a lock on an empty file beside the database: the system
// releases it with the program. The database itself stays free for writers.
func holdSQLite(ctx context.Context, _ *sql.DB, dsn string) (func(), error) {
	file, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"-import?_txlock=exclusive&_pragma=busy_timeout(0)")
	if err != nil {
		return nil, wrap("hold imports", err)
	}
	tx, err := file.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = file.Close() // nothing is held
		if strings.Contains(err.Error(), "locked") {
			err = domain.ErrImportRunning
		}
		return nil, err
	}
	return func() {
		_ = tx.Rollback() // nothing was written
		_ = file.Close()
	}, nil
}
