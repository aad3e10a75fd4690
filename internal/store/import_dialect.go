package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entree/internal/domain"
)

// importDialect holds the differences of an import between the two databases.
type importDialect struct {
	batch   int                    // lines inserted into the staging table together
	stage   func(*importing) error // inserts them
	chunk   int                    // lines written by one statement
	begin   []string               // statements run first on the connection
	staged  []string               // statements run when all lines are staged
	enlarge []string               // statements run before the first write
	collect []string               // statements run before more than a batch is written, in its transaction
	usual   []string               // statements that undo collect, in the same transaction
	written []string               // statements run after more than a batch of new people
	end     []string               // statements run at the end
	// hold takes the lock against concurrent imports until release is called.
	// If the program is killed, the operating system or the server releases the
	// lock.
	hold func(ctx context.Context, db *sql.DB, dsn string) (release func(), err error)
}

var sqliteImports = importDialect{
	batch: 100, stage: stageSQLite, chunk: 50_000, hold: holdSQLite,
	begin: []string{"PRAGMA cache_size = -8192", "PRAGMA temp.cache_size = -8192"},
	// The indexes are written in random order, so they have to fit into the
	// cache: 64 MiB are enough for a million people. With SQLite's default of
	// 2 MiB every page is written many times.
	enlarge: []string{"PRAGMA shrink_memory", "PRAGMA cache_size = -65536"},
	collect: collectWords(importedSegment, neverMerge), usual: collectWords(usualSegment, usualMerge),
	end: []string{fmt.Sprintf("PRAGMA cache_size = -%d", sqliteCache), "PRAGMA shrink_memory"},
}

var postgresImports = importDialect{
	batch: 5000, stage: stagePostgres, chunk: 1 << 30, hold: holdPostgres,
	staged: []string{"ANALYZE import_stage"},
	// Autovacuum updates the statistics only after a while. Until then the
	// planner chooses the wrong plan for a table that has grown from 0 to a
	// million rows.
	written: []string{"ANALYZE people"},
}

// stageSQLite inserts many rows with one statement: a call through database/sql
// costs more than a row.
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

// stagePostgres inserts the lines with COPY.
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
	err := onPostgres(i.ctx, i.conn, func(conn *pgx.Conn) error {
		_, err := conn.CopyFrom(i.ctx, pgx.Identifier{"import_stage"}, stageColumns, rows)
		return err
	})
	st.rows = st.rows[:0]
	return err
}

// importsLock is the advisory lock of imports on PostgreSQL.
const importsLock = 0x656e7472_65650001

// holdPostgres holds the lock on its own connection. The server releases the
// lock when the connection ends for any reason.
func holdPostgres(ctx context.Context, db *sql.DB, _ string) (func(), error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, wrap("hold imports", err)
	}
	var ok bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, int64(importsLock)).Scan(&ok); err != nil || !ok {
		_ = conn.Close() // returned to the pool without the lock
		if err == nil {
			err = domain.ErrImportRunning
		}
		return nil, err
	}
	return func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(importsLock))
		_ = conn.Close() // returned to the pool
	}, nil
}

// holdSQLite holds a lock on an empty file beside the database. The operating
// system releases it when the program ends. The database itself stays open to
// writers.
func holdSQLite(ctx context.Context, _ *sql.DB, dsn string) (func(), error) {
	file, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(dsn, "sqlite:")+"-import?_txlock=exclusive&_pragma=busy_timeout(0)")
	if err != nil {
		return nil, wrap("hold imports", err)
	}
	tx, err := file.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		_ = file.Close() // the lock was not taken
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
