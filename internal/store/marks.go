package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Mark returns the time up to which an outside source was read, or the zero
// time if it was never read.
func (s *Store) Mark(ctx context.Context, name string) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT at FROM marks WHERE name = $1`, name).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return moment(at), wrap("mark", err)
}

// Advance moves a mark forward and never back. If several instances read the
// same source, the slowest changes nothing.
func (s *Store) Advance(ctx context.Context, name string, to time.Time) error {
	return wrap("mark", s.tx(ctx, func(tx *sql.Tx) error { return advance(ctx, tx, name, to) }))
}

func advance(ctx context.Context, tx *sql.Tx, name string, to time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO marks (name, at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE marks.at < excluded.at`, name, micros(to))
	return err
}
