package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// mostTogether is the maximum number of transactions of one commit. It bounds the time
// that the first of them waits for the others.
const mostTogether = 16

// groupCommit lets transactions that wait for SQLite's one writer share a commit: one
// transaction runs its statements and, if another one waits, leaves the commit to it. Each
// returns after the commit, so that its changes are on the disk, or after the error that
// undid all of them. A transaction that fails alone is rolled back to its savepoint.
//
// Without it, each transaction waits for the disk of all transactions before it.
type groupCommit struct {
	mu      sync.Mutex
	busy    bool            // a transaction has the turn
	waiting []chan struct{} // in their order; closed when the turn comes
	open    *group          // the group that the next transaction joins; nil: none
}

// group is the transactions of one commit.
type group struct {
	conn         *sql.Conn
	tx           *sql.Tx
	size, stored int           // transactions, and those that did not fail
	ended        chan struct{} // closed after the commit
	err          error         // why nothing of the group is stored; not changed after ended
}

// run runs f in a transaction on db, which may be shared, and returns when it is committed.
// f runs its statements itself, with the context that it gets. If the commit fails, run
// returns that error also to a transaction that failed alone: it may have failed because
// of rows that were not stored.
func (c *groupCommit) run(ctx context.Context, db *sql.DB, f func(context.Context, *sql.Tx) error) (err error) {
	if err := c.take(ctx); err != nil {
		return err
	}
	if c.open == nil {
		if c.open, err = begin(ctx, db); err != nil {
			c.pass()
			return err
		}
	}
	g := c.open
	defer func() { // after a panic too
		if g.stored > 0 && g.size < mostTogether && g.err == nil && c.hand() {
			<-g.ended
		} else {
			c.open = nil
			g.end()
			c.pass()
		}
		if g.err != nil {
			err = g.err
		}
	}()
	return g.run(ctx, f)
}

// begin begins a group. The context of its first transaction must not end it later.
func begin(ctx context.Context, db *sql.DB) (*group, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &group{conn: conn, tx: tx, ended: make(chan struct{})}, nil
}

// run runs one transaction of the group. The first one needs no savepoint: if it fails,
// the group has no other.
func (g *group) run(ctx context.Context, f func(context.Context, *sql.Tx) error) (err error) {
	ctx = context.WithoutCancel(ctx) // SQLite undoes the whole group if it interrupts a write
	g.size++
	isFirst, stored := g.size == 1, false
	if !isFirst {
		if _, g.err = g.tx.ExecContext(ctx, `SAVEPOINT one`); g.err != nil {
			return g.err
		}
	}
	defer func() { // after a panic too
		if isFirst || stored || g.err != nil {
			return
		}
		if _, failed := g.tx.ExecContext(ctx, `ROLLBACK TO one`); failed != nil {
			g.err = fmt.Errorf("%w (after: %s)", failed, fmt.Sprint(err)) // err is of one transaction, this of all
		}
	}()
	if err := f(ctx, g.tx); err != nil {
		return err
	}
	if !isFirst { // fails if SQLite has rolled the whole group back
		if _, g.err = g.tx.ExecContext(ctx, `RELEASE one`); g.err != nil {
			return g.err
		}
	}
	stored = true
	g.stored++
	return nil
}

// end commits the group, or rolls it back if no transaction is to be stored.
func (g *group) end() {
	if g.err == nil && g.stored > 0 {
		g.err = g.tx.Commit()
	}
	_ = g.tx.Rollback() // has no effect after a commit
	_ = g.conn.Close()  // returns the connection to the pool
	close(g.ended)
}

// take waits for the turn. It returns the context's error if that comes first.
func (c *groupCommit) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	if !c.busy {
		c.busy = true
		c.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	c.waiting = append(c.waiting, mine)
	c.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.waiting, mine)
	if at < 0 {
		return nil // the turn came at the same moment, and an open group may wait for it
	}
	c.waiting = slices.Delete(c.waiting, at, at+1)
	return ctx.Err()
}

// hand passes the turn to the transaction that has waited longest. It reports whether
// there is one.
func (c *groupCommit) hand() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.next()
}

// pass ends the turn of a transaction that leaves no group behind.
func (c *groupCommit) pass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = c.next()
}

func (c *groupCommit) next() bool {
	if len(c.waiting) == 0 {
		return false
	}
	close(c.waiting[0])
	c.waiting = slices.Delete(c.waiting, 0, 1)
	return true
}
