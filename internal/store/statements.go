package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"

	modernc "modernc.org/sqlite"
)

// sqliteKept is the SQLite driver with prepared statements that are reused:
// each connection parses a statement once. Without it, a third of the time of a
// statement is spent on parsing. (pgx caches statements itself.)
const sqliteKept = "sqlite-kept"

func init() { sql.Register(sqliteKept, cachingDriver{&modernc.Driver{}}) }

// most limits the statements that a connection keeps; the program has about a
// hundred.
const most = 256

// worthKeeping matches the statements worth keeping; migrations and pragmas run
// once.
var worthKeeping = regexp.MustCompile(`^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

type cachingDriver struct{ driver.Driver }

func (k cachingDriver) Open(name string) (driver.Conn, error) {
	c, err := k.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	own, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("store: the driver of SQLite has changed"), c.Close())
	}
	return &keptConn{own, map[string]*keptStmt{}}, nil
}

// sqliteConn lists the interfaces of the driver's connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// keptConn is used by one goroutine at a time, which database/sql guarantees.
type keptConn struct {
	sqliteConn
	kept map[string]*keptStmt
}

type keptStmt struct {
	stmt driver.Stmt
	run  interface {
		driver.StmtExecContext
		driver.StmtQueryContext
	}
	quick bool // a lookup by key, or a write
	busy  bool // its rows are being read
}

// lookUp matches writes and lookups of one row by its key.
var lookUp = regexp.MustCompile(`^\s*(?:INSERT|UPDATE|DELETE)\b|WHERE (?:id|id_hash|email|login|key) = \$1`)

// watched returns the context for running the statement: ctx, or for a quick
// statement one that is never cancelled. The driver starts a goroutine for a
// context that can be cancelled, which costs more than a quick statement. A
// quick statement takes microseconds, and busy_timeout bounds its wait for the
// write lock.
func (s *keptStmt) watched(ctx context.Context) context.Context {
	if s.quick {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (c *keptConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.stmt.Close())
	}
	c.kept = nil
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

// statement returns the kept statement of a query, or nil if the query must run
// without one.
func (c *keptConn) statement(ctx context.Context, query string) (*keptStmt, error) {
	if s, ok := c.kept[query]; ok {
		if s.busy {
			return nil, nil
		}
		return s, nil
	}
	if len(c.kept) >= most || !worthKeeping.MatchString(query) {
		return nil, nil
	}
	stmt, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s := &keptStmt{stmt: stmt, quick: lookUp.MatchString(query)}
	var ok bool
	if s.run, ok = stmt.(interface {
		driver.StmtExecContext
		driver.StmtQueryContext
	}); !ok {
		return nil, stmt.Close()
	}
	c.kept[query] = s
	return s, nil
}

// BeginTx begins a transaction whose begin and commit are not watched for a
// cancellation either. database/sql rolls it back if ctx is cancelled before.
func (c *keptConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.sqliteConn.BeginTx(context.WithoutCancel(ctx), opts)
}

func (c *keptConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.run.ExecContext(s.watched(ctx), args)
}

func (c *keptConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.statement(ctx, query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := s.run.QueryContext(s.watched(ctx), args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &keptRows{rows, s}, nil
}

// keptRows marks the statement as free when the rows are closed.
type keptRows struct {
	driver.Rows
	stmt *keptStmt
}

func (r *keptRows) Close() error {
	r.stmt.busy = false
	return r.Rows.Close()
}
