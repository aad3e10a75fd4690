package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"

	modernc "modernc.org/sqlite"
)

// sqliteKept is SQLite with statements that are kept: each connection parses a
// text once and runs it ever after. Without it a third of a statement's time
// goes into parsing. (pgx keeps statements by itself.)
const sqliteKept = "sqlite-kept"

func init() { sql.Register(sqliteKept, keeping{&modernc.Driver{}}) }

// most bounds what a connection keeps; the program has some hundred texts.
const most = 256

// worthKeeping leaves out what runs once: migrations, pragmas.
var worthKeeping = regexp.MustCompile(`^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b`)

type keeping struct{ driver.Driver }

func (k keeping) Open(name string) (driver.Conn, error) {
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

// sqliteConn is what the driver's connection can do.
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

// keptConn is used by one goroutine at a time, as database/sql promises.
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
	quick bool // it looks a key up, or writes
	busy  bool // its rows are being read
}

// lookUp is a statement that finds a row by its key.
var lookUp = regexp.MustCompile(`^\s*(?:INSERT|UPDATE|DELETE)\b|WHERE (?:id|id_hash|email|login|key) = \$1`)

// watched gives the context that may interrupt the statement. The driver starts
// a goroutine for that, which costs more than a quick statement does: those are
// over in microseconds, and a wait for the writer ends with busy_timeout.
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

// statement gives the kept one; nil where the text is to be run without.
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

// keptRows lets the statement go when they are closed.
type keptRows struct {
	driver.Rows
	stmt *keptStmt
}

func (r *keptRows) Close() error {
	r.stmt.busy = false
	return r.Rows.Close()
}
