package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"entree/internal/domain"
)

// pipeline collects statements whose only result is whether the transaction may commit.
// On PostgreSQL they are sent in one batch before the commit, so the transaction waits
// for one answer. On SQLite each runs at once.
type pipeline struct {
	tx   *sql.Tx
	conn *sql.Conn // the connection of tx, or nil: run each statement at once
	list []statement
}

type statement struct {
	query string
	args  []any
	// instead is returned if the statement does not change exactly one row. nil accepts
	// any number.
	instead error
}

func (q statement) judge(n int64) error {
	if q.instead != nil && n != 1 {
		return q.instead
	}
	return nil
}

// exec adds a statement.
func (b *pipeline) exec(ctx context.Context, query string, args ...any) error {
	return b.add(ctx, statement{query: query, args: args})
}

// one adds a statement that must change exactly one row. Otherwise the transaction
// fails with instead.
func (b *pipeline) one(ctx context.Context, instead error, query string, args ...any) error {
	return b.add(ctx, statement{query, args, instead})
}

func (b *pipeline) add(ctx context.Context, q statement) error {
	if b.conn != nil {
		b.list = append(b.list, q)
		return nil
	}
	result, err := b.tx.ExecContext(ctx, q.query, q.args...)
	if err != nil || q.instead == nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	return q.judge(n)
}

// send runs the collected statements in their order.
func (b *pipeline) send(ctx context.Context) error {
	if len(b.list) == 0 {
		return nil
	}
	var all pgx.Batch
	for _, q := range b.list {
		all.Queue(q.query, q.args...).Exec(func(tag pgconn.CommandTag) error { return q.judge(tag.RowsAffected()) })
	}
	b.list = nil
	return b.conn.Raw(func(c any) error {
		own, ok := c.(*stdlib.Conn)
		if !ok {
			return errors.New("store: the driver of PostgreSQL has changed")
		}
		return own.Conn().SendBatch(ctx, &all).Close()
	})
}

// atOnce sends the collected statements, and returns a pipeline that runs each further one
// at once.
func (b *pipeline) atOnce(ctx context.Context) (*pipeline, error) {
	return &pipeline{tx: b.tx}, b.send(ctx)
}

// hasRare reports whether e has effects whose statements must run at once, because they
// read rows that earlier statements of the transaction wrote. A new field of Effects
// counts as rare until it is listed here.
func hasRare(e domain.Effects) bool {
	e.Charter, e.Jobs, e.Events, e.Acceptances, e.People, e.Reached = nil, nil, nil, nil, nil, nil
	e.Spend, e.Forget, e.Sessions, e.Long, e.CodeOf, e.End = nil, nil, nil, nil, nil, nil
	return !reflect.ValueOf(e).IsZero()
}

// transaction runs f in one transaction, sends its pipeline, and commits unless there was
// an error.
func (s *Store) transaction(ctx context.Context, f func(*pipeline) error) error {
	err := s.transact(ctx, f)
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return errors.Join(err, s.correct(ctx, spent))
	}
	return err
}

func (s *Store) transact(ctx context.Context, f func(*pipeline) error) (err error) {
	b, begin := &pipeline{}, s.writer.BeginTx
	if s.dialect.pipelines {
		if b.conn, err = s.writer.Conn(ctx); err != nil {
			return err
		}
		defer func() { _ = b.conn.Close() }() // returns the connection to the pool
		begin = b.conn.BeginTx
	}
	if b.tx, err = begin(ctx, nil); err != nil {
		return err
	}
	// Runs before Close, which waits for the end of the transaction, also after a panic. It
	// has no effect after a commit.
	defer func() { _ = b.tx.Rollback() }()
	if err := f(b); err != nil {
		return err
	}
	if err := b.send(ctx); err != nil {
		return err
	}
	return b.tx.Commit()
}
