package store

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entree/internal/domain"
)

// pipeline collects the statements of a transaction. On PostgreSQL they wait until send,
// or until the commit, so that the transaction waits for few answers. On SQLite each runs
// at once.
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
	// row, if not nil, is called for each row of the result, and changed, if not nil, is
	// set to the number of changed rows.
	row     func(scan func(...any) error) error
	changed *int64
}

func (q statement) judge(n int64) error {
	if q.changed != nil {
		*q.changed = n
	}
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
	return b.add(ctx, statement{query: query, args: args, instead: instead})
}

// rows adds a query. row is called when its result is there, at the latest in send.
func (b *pipeline) rows(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	return b.add(ctx, statement{query: query, args: args, row: row})
}

// count adds a statement that sets changed to the number of rows it changed, at the latest
// in send.
func (b *pipeline) count(ctx context.Context, changed *int64, query string, args ...any) error {
	return b.add(ctx, statement{query: query, args: args, changed: changed})
}

func (b *pipeline) add(ctx context.Context, q statement) error {
	if b.conn != nil {
		b.list = append(b.list, q)
		return nil
	}
	if q.row != nil {
		return eachRow(ctx, b.tx, q.row, q.query, q.args...)
	}
	result, err := b.tx.ExecContext(ctx, q.query, q.args...)
	if err != nil || q.instead == nil && q.changed == nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	return q.judge(n)
}

// send runs the collected statements in their order.
func (b *pipeline) send(ctx context.Context) error { return b.flush(ctx, false) }

// commit runs the collected statements and commits the transaction.
func (b *pipeline) commit(ctx context.Context) error {
	if err := b.flush(ctx, true); err != nil {
		return err
	}
	return b.tx.Commit() // sends nothing if flush has committed
}

func (b *pipeline) flush(ctx context.Context, commit bool) error {
	if len(b.list) == 0 {
		return nil
	}
	var queries []*pgx.QueuedQuery
	for _, q := range b.list {
		queries = append(queries, q.queue(commit))
	}
	b.list = nil
	return b.conn.Raw(func(c any) error {
		own, ok := c.(*lateConn)
		if !ok {
			return errDriver
		}
		return own.send(ctx, queries, commit)
	})
}

// notOne begins the error of a statement that had to change one row and is sent together
// with the commit: the server must end the transaction itself.
const notOne = "changed meanwhile, rows now: "

// guarded returns a query that fails if the statement does not change exactly one row.
func guarded(query string) string {
	return `WITH changed AS (` + query + ` RETURNING 1) SELECT CASE count(*) WHEN 1 THEN 1 ELSE cast('` + notOne + `' || count(*) AS int) END FROM changed`
}

// queue returns the statement as a part of a batch. committed says that the commit follows
// in the same batch.
func (q statement) queue(committed bool) *pgx.QueuedQuery {
	out := &pgx.QueuedQuery{SQL: q.query, Arguments: q.args}
	switch {
	case q.row != nil:
		out.Query(func(rows pgx.Rows) error {
			for rows.Next() {
				if err := q.row(rows.Scan); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	case q.instead != nil && committed:
		out.SQL = guarded(q.query)
		out.Fn = func(r pgx.BatchResults) error {
			_, err := r.Exec()
			var refused *pgconn.PgError
			if errors.As(err, &refused) && refused.Code == "22P02" && strings.Contains(refused.Message, notOne) {
				return q.instead
			}
			return err
		}
	default:
		out.Exec(func(tag pgconn.CommandTag) error { return q.judge(tag.RowsAffected()) })
	}
	return out
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
	e.Spend, e.Forget, e.Sessions, e.Long, e.CodeOf, e.End, e.Reserve = nil, nil, nil, nil, nil, nil, nil
	return !reflect.ValueOf(e).IsZero()
}

// transaction runs f in one transaction, sends its pipeline, and commits unless there was
// an error. On SQLite, other transactions may share its commit, and the context of f is
// not cancelled: a cancelled write would undo them too.
func (s *Store) transaction(ctx context.Context, f func(context.Context, *pipeline) error) error {
	if s.dialect.pipelines {
		return s.corrected(ctx, s.alone(ctx, f))
	}
	return s.corrected(ctx, s.commits.run(ctx, s.writer, func(ctx context.Context, tx *sql.Tx) error { return f(ctx, &pipeline{tx: tx}) }))
}

// corrected returns err. If err is a LimitError whose counter lies too far ahead, it
// resets that counter.
func (s *Store) corrected(ctx context.Context, err error) error {
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return errors.Join(err, s.correct(ctx, spent))
	}
	return err
}

// alone is transaction without a shared commit.
func (s *Store) alone(ctx context.Context, f func(context.Context, *pipeline) error) (err error) {
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
	if err := f(ctx, b); err != nil {
		return err
	}
	return b.commit(ctx)
}
