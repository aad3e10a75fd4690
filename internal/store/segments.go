package store

import (
	"context"
	"fmt"
)

// textIndexes are the full-text indexes of SQLite.
var textIndexes = []string{"people_words", "people_parts"}

// FTS5 collects words in memory and writes them as a segment of the index at the end of
// a transaction or when they become many. A large import collects more of them and merges
// no segments while it writes: a million people leave five.
const (
	importedSegment = 16 << 20 // bytes of one index
	usualSegment    = 1 << 20  // FTS5's default
	neverMerge      = 0
	usualMerge      = 4 // FTS5's default
)

// collectWords returns statements that set how many bytes of words FTS5 collects, and the
// number of segments of one size at which it merges them; 0: never.
func collectWords(bytes, merge int) (statements []string) {
	for _, index := range textIndexes {
		statements = append(statements,
			fmt.Sprintf(`INSERT INTO %[1]s (%[1]s, rank) VALUES ('hashsize', %d)`, index, bytes),
			fmt.Sprintf(`INSERT INTO %[1]s (%[1]s, rank) VALUES ('automerge', %d)`, index, merge))
	}
	return statements
}

// A search looks each spelling of a word up in every segment: a dozen segments made it
// seven times as slow. Transactions of a few people leave such small ones that FTS5's own
// merges suffice.
const (
	mostSegments = 3
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
