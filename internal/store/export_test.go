package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"entree/internal/domain"
	"entree/internal/helpdesk"
)

// Exec lets a test try what no method does.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.db.ExecContext(ctx, statement)
	return err
}

// ReserveLogin and ReserveAddress reserve one of the two.
func (s *Store) ReserveLogin(ctx context.Context, id domain.PersonID, candidates iter.Seq[string]) (string, error) {
	login, _, err := s.Reserve(ctx, id, candidates, nil)
	return login, err
}

func (s *Store) ReserveAddress(ctx context.Context, id domain.PersonID, candidates iter.Seq[string]) (string, error) {
	_, address, err := s.Reserve(ctx, id, nil, candidates)
	return address, err
}

// PlansOf finds people and gives the plan of every statement that was asked,
// with the statement before it. A table of ten people is read and sorted as a
// whole; PostgreSQL is told to do so only where there is no other way.
func (s *Store) PlansOf(ctx context.Context, q helpdesk.Query) (plans []string, err error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	explain := "EXPLAIN QUERY PLAN "
	if s.dialect.name == "postgres" {
		explain = "EXPLAIN "
		if _, err := conn.ExecContext(ctx, `SET enable_seqscan = off; SET enable_sort = off`); err != nil {
			return nil, err
		}
		defer conn.ExecContext(ctx, `RESET ALL`)
	}
	l := &listener{Conn: conn, explain: explain}
	_, err = finder{l, s.dialect}.find(ctx, q)
	return l.plans, errors.Join(err, l.err)
}

// listener asks for the plan of each query before the query.
type listener struct {
	*sql.Conn
	explain string
	plans   []string
	err     error
}

func (l *listener) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	l.listen(ctx, query, args...)
	return l.Conn.QueryContext(ctx, query, args...)
}

func (l *listener) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	l.listen(ctx, query, args...)
	return l.Conn.QueryRowContext(ctx, query, args...)
}

func (l *listener) listen(ctx context.Context, query string, args ...any) {
	rows, err := l.Conn.QueryContext(ctx, l.explain+query, args...)
	if err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	defer rows.Close()
	columns, err := rows.Columns()
	l.err = errors.Join(l.err, err)
	plan := query
	for rows.Next() {
		line := make([]any, len(columns))
		for i := range line {
			line[i] = new(any)
		}
		l.err = errors.Join(l.err, rows.Scan(line...))
		plan += fmt.Sprintf("\n  %v", *line[len(line)-1].(*any)) // the text stands last on both
	}
	l.err = errors.Join(l.err, rows.Err())
	l.plans = append(l.plans, plan)
}

// Nested asks for rows, and for each of them asks the same again in the same
// transaction, and counts the inner ones. PostgreSQL reads one answer at a
// time on a connection, so there the outer one is read to its end first.
func (s *Store) Nested(ctx context.Context, query string) (n int, err error) {
	return n, s.tx(ctx, func(tx *sql.Tx) error {
		outer, err := tx.QueryContext(ctx, query, "")
		if err != nil {
			return err
		}
		defer outer.Close()
		var ids []string
		for outer.Next() {
			var id string
			if err := outer.Scan(&id); err != nil {
				return err
			}
			if ids = append(ids, id); s.dialect.name == "postgres" {
				continue
			}
			if err := count(ctx, tx, query, id, &n); err != nil {
				return err
			}
		}
		if s.dialect.name == "postgres" {
			for _, id := range ids {
				if err := count(ctx, tx, query, id, &n); err != nil {
					return err
				}
			}
		}
		return outer.Err()
	})
}

func count(ctx context.Context, tx *sql.Tx, query, id string, n *int) error {
	rows, err := tx.QueryContext(ctx, query, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		*n++
	}
	return rows.Err()
}
