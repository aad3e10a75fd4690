package store

import (
	"context"
	"fmt"
)

// FTS5 writes each transaction's words into a new segment of the index, and merges some
// of them as they become many. A search looks each spelling of a word up in every
// segment, so an import of a million people, which leaves a dozen, made it seven times as
// slow.
const (
	mostSegments = 6
	// mergedPages is the number of pages that one transaction merges, with some 20 ms of
	// processor time, while other writers wait.
	mergedPages = 128
)

// mergeSegments merges the segments of SQLite's text indexes if they are many. Each step
// is a transaction of its own, and a search meanwhile finds the same people.
func (s *Store) mergeSegments(ctx context.Context) error {
	for _, index := range s.dialect.segmented {
		var segments int
		if err := s.db.QueryRowContext(ctx, fmt.Sprintf(`SELECT count(DISTINCT segid) FROM %s_idx`, index)).Scan(&segments); err != nil {
			return wrap("count segments", err)
		}
		if segments <= mostSegments {
			continue
		}
		// A negative number begins to merge all segments, positive ones continue.
		for pages := -mergedPages; ; pages = mergedPages {
			merged, err := s.mergeStep(ctx, index, pages)
			if err != nil {
				return wrap("merge segments", err)
			}
			if !merged {
				break
			}
		}
	}
	return nil
}

// mergeStep merges some pages and reports whether any were left to merge.
func (s *Store) mergeStep(ctx context.Context, index string, pages int) (merged bool, err error) {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }() // returns the connection to the pool
	var before, after int
	const changes = `SELECT total_changes()`
	if err := conn.QueryRowContext(ctx, changes).Scan(&before); err != nil {
		return false, err
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %[1]s (%[1]s, rank) VALUES ('merge', $1)`, index), pages); err != nil {
		return false, err
	}
	err = conn.QueryRowContext(ctx, changes).Scan(&after)
	return after-before > 1, err // the command itself counts as one change
}
