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

// pipeline takes the statements of a transaction whose results decide nothing but whether
// it may commit. On PostgreSQL they are sent together before the commit: the
// transaction waits for one answer, and not for one after each statement. On SQLite,
// which answers in the same process, each is executed at once.
type pipeline struct {
	tx   *sql.Tx
	conn *sql.Conn // the connection of tx, or nil: execute at once
	list []statement
}

type statement struct {
	query string
	args  []any
	// instead is the error if the statement changes another number of rows than one;
	// nil: any number will do.
	instead error
}

func (q statement) judge(n int64) error {
	if q.instead != nil && n != 1 {
		return q.instead
	}
	return nil
}

// exec takes a statement.
func (b *pipeline) exec(ctx context.Context, query string, args ...any) error {
	return b.add(ctx, statement{query: query, args: args})
}

// one takes a statement that must change exactly one row. Otherwise the transaction
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

// send executes the statements that were taken, in their order.
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

// atOnce sends the statements that were taken, and returns a pipeline that executes each
// further one at once.
func (b *pipeline) atOnce(ctx context.Context) (*pipeline, error) {
	return &pipeline{tx: b.tx}, b.send(ctx)
}

// hasRare reports whether effects contain others than those of an ordinary activation.
// Their statements read what earlier ones of the transaction have written.
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
	b := &pipeline{}
	if s.dialect.name == postgres.name {
		if b.conn, err = s.writer.Conn(ctx); err != nil {
			return err
		}
		defer func() { _ = b.conn.Close() }() // returns the connection to the pool
		b.tx, err = b.conn.BeginTx(ctx, nil)
	} else {
		b.tx, err = s.writer.BeginTx(ctx, nil)
	}
	if err != nil {
		return err
	}
	if err = f(b); err == nil {
		err = b.send(ctx)
	}
	if err != nil {
		if back := b.tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, back)
		}
		return err
	}
	return b.tx.Commit()
}
