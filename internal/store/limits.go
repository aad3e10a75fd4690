package store

import (
	"context"
	"database/sql"
	"time"

	"entree/internal/domain"
)

// Take counts one act under a key by the generic cell rate algorithm (ITU-T
// I.371, annex A), in one statement: of any number of acts at once, exactly as
// many pass as the rate allows.
//
// A key holds the theoretical arrival of the act after the last one. An act
// passes if, with its own interval, that lies no more than Per ahead of now. A
// clock that was put back finds an arrival further ahead than it can be; it is
// taken as Per ahead, so that no step of the clock loosens the limit and none
// locks for longer than Per.
func (s *Store) Take(ctx context.Context, key string, r domain.Rate, now time.Time) (bool, time.Time, error) {
	ok, retry, err := take(ctx, s.writer, key, r, now)
	return ok, retry, wrap("limit", err)
}

// TakeAll counts acts in their order, in one transaction, and stops at the
// first that is refused. Everybody takes keys of the same kinds in the same
// order, so that nobody waits for somebody who waits for him.
func (s *Store) TakeAll(ctx context.Context, acts []domain.Act, now time.Time) (int, time.Time, error) {
	refused, retry := -1, time.Time{}
	err := s.tx(ctx, func(tx *sql.Tx) error {
		for i, a := range acts {
			ok, at, err := take(ctx, tx, a.Key, a.Rate, now)
			if err != nil {
				return err
			}
			if !ok {
				refused, retry = i, at
				return nil
			}
		}
		return nil
	})
	return refused, retry, wrap("limits", err)
}

// either is a database or a transaction.
type either interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func take(ctx context.Context, db either, key string, r domain.Rate, now time.Time) (bool, time.Time, error) {
	per := r.Per.Microseconds()
	interval := per / int64(r.Burst)
	at := now.UnixMicro()
	// arrival, brought between now and now + per
	const bounded = `CASE WHEN limits.arrival < cast($2 AS bigint) THEN cast($2 AS bigint)
		WHEN limits.arrival > cast($2 AS bigint) + cast($4 AS bigint) THEN cast($2 AS bigint) + cast($4 AS bigint) ELSE limits.arrival END`
	const passes = bounded + ` + cast($3 AS bigint) <= cast($2 AS bigint) + cast($4 AS bigint)`
	var granted, arrival int64
	err := db.QueryRowContext(ctx, `INSERT INTO limits (key, arrival, granted) VALUES ($1, cast($2 AS bigint) + cast($3 AS bigint), 1)
		ON CONFLICT (key) DO UPDATE SET
			arrival = `+bounded+` + CASE WHEN `+passes+` THEN cast($3 AS bigint) ELSE 0 END,
			granted = CASE WHEN `+passes+` THEN 1 ELSE 0 END
		RETURNING granted, arrival`, key, at, interval, per).Scan(&granted, &arrival)
	if err != nil {
		return false, time.Time{}, err
	}
	return granted == 1, moment(arrival + interval - per), nil
}
