package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresLate is the PostgreSQL driver whose transactions begin with their first
// statement: a pipeline sends BEGIN and COMMIT together with its statements, which saves
// the wait for two answers in each transaction.
const postgresLate = "postgres-late"

func init() { sql.Register(postgresLate, lateDriver{stdlib.GetDefaultDriver()}) }

type lateDriver struct{ driver.Driver }

// OpenConnector implements driver.DriverContext.
func (d lateDriver) OpenConnector(name string) (driver.Connector, error) {
	inner, ok := d.Driver.(driver.DriverContext)
	if !ok {
		return nil, errDriver
	}
	c, err := inner.OpenConnector(name)
	return lateConnector{c, d}, err
}

type lateConnector struct {
	driver.Connector
	of lateDriver
}

func (c lateConnector) Driver() driver.Driver { return c.of }

func (c lateConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	own, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, errors.Join(errDriver, conn.Close())
	}
	return &lateConn{Conn: own}, nil
}

var errDriver = errors.New("store: the driver of PostgreSQL has changed")

// lateConn is used by one goroutine at a time, which database/sql guarantees.
type lateConn struct {
	*stdlib.Conn
	tx *lateTx // the transaction that has not ended, or nil
}

// lateTx is a transaction of the default level.
type lateTx struct {
	conn         *lateConn
	ctx          context.Context // of BeginTx, as in the driver's own transactions
	begun, ended bool            // on the server
}

func (c *lateConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if options != (driver.TxOptions{}) {
		return c.Conn.BeginTx(ctx, options)
	}
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	c.tx = &lateTx{conn: c, ctx: ctx}
	return c.tx, nil
}

// begin begins the transaction on the server, if there is one that has not begun.
func (c *lateConn) begin(ctx context.Context) error {
	if c.tx == nil || c.tx.begun {
		return nil
	}
	_, err := c.Conn.Conn().Exec(ctx, "begin")
	c.tx.begun = err == nil
	return err
}

func (c *lateConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args)
}

func (c *lateConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, args)
}

func (c *lateConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(ctx, query)
}

// send runs the statements of a batch in their order and waits for one answer. It begins
// the transaction if it has not begun, and with commit set it commits it.
func (c *lateConn) send(ctx context.Context, queries []*pgx.QueuedQuery, commit bool) error {
	var all pgx.Batch
	if !c.tx.begun {
		all.Queue("begin")
	}
	all.QueuedQueries = append(all.QueuedQueries, queries...)
	if commit {
		all.Queue("commit")
	}
	err := c.Conn.Conn().SendBatch(ctx, &all).Close()
	// After an error, the transaction has begun unless the connection is broken, and a
	// rollback of one that has not begun is only a warning.
	c.tx.begun, c.tx.ended = true, err == nil && commit
	return err
}

// Commit implements driver.Tx.
func (t *lateTx) Commit() error { return t.end("commit") }

// Rollback implements driver.Tx.
func (t *lateTx) Rollback() error { return t.end("rollback") }

func (t *lateTx) end(how string) error {
	t.conn.tx = nil
	if !t.begun || t.ended {
		return nil
	}
	t.ended = true
	conn := t.conn.Conn.Conn()
	tag, err := conn.Exec(t.ctx, how)
	switch {
	case err != nil && conn.PgConn().TxStatus() != 'I':
		return errors.Join(err, conn.Close(t.ctx)) // the server rolls back
	case err == nil && how == "commit" && tag.String() == "ROLLBACK":
		return pgx.ErrTxCommitRollback
	}
	return err
}

// onPostgres calls f with the connection of the driver, after the begin of its
// transaction.
func onPostgres(ctx context.Context, conn *sql.Conn, f func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error {
		own, ok := c.(*lateConn)
		if !ok {
			return errDriver
		}
		if err := own.begin(ctx); err != nil {
			return err
		}
		return f(own.Conn.Conn())
	})
}
