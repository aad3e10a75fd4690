// Package store stores people, journeys, charters, jobs, events, limits and
// sessions in SQLite, for one machine, or in PostgreSQL, for several.
//
// Both databases share the SQL text: $1 placeholders, ON CONFLICT and RETURNING.
// The differences are in dialect.go. No transaction waits for another system: a
// call to one is a row in jobs, written by the same transaction.
//
//	Update(journey)                     Lease ── handler ──── Finish
//	  read doc, version                   lease until a time    delete the job
//	  change(doc)                                               + its effects
//	  UPDATE … WHERE version = read
//	  + people, acceptances, jobs, events
//
// Concurrent writers of one journey are detected by its version: the update of the
// second writer matches no row, and its change runs again on the journey that the
// first writer stored. No lock is held while a change decides, on either database.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/domain"
)

// Store is a database. Its methods are safe for concurrent use.
type Store struct {
	db *sql.DB
	// writer is the pool for all writes except imports. On PostgreSQL it is db.
	// On SQLite, which allows one writer at a time, the pool has one
	// connection: writers wait in a fair queue instead of polling for the lock,
	// and the connection's page cache stays valid because no other connection
	// writes. A transaction must not use the pool again: it would wait for
	// itself.
	writer  *sql.DB
	dsn     string
	dialect dialect
	now     func() time.Time
	record  *recordKeys // nil without UseKeys
	turns   turns
	commits groupCommit // on SQLite
	// hasParts reports whether the trigram index people_parts exists.
	hasParts bool
}

// Open opens a database. dsn is "sqlite:FILE" or "postgres://…". Open creates
// the schema in an empty database. If the schema is older, newer or unknown, it
// returns an error that says what to do and leaves the database unchanged.
func Open(ctx context.Context, dsn string, now func() time.Time) (*Store, error) {
	s, err := connect(dsn, now)
	if err != nil {
		return nil, err
	}
	if file, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		if err := createPrivate(file); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := s.requireSchema(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.lookForParts(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect returns a store without checking its schema.
func connect(dsn string, now func() time.Time) (*Store, error) {
	d, err := dialectOf(dsn)
	if err != nil {
		return nil, err
	}
	db, writer, err := d.open(dsn)
	if err != nil {
		return nil, err
	}
	return &Store{db: db, writer: writer, dsn: dsn, dialect: d, now: now}, nil
}

// Close closes the database.
func (s *Store) Close() error {
	if s.writer == s.db {
		return s.db.Close()
	}
	return errors.Join(s.writer.Close(), s.db.Close())
}

// lookForParts sets hasParts.
func (s *Store) lookForParts(ctx context.Context) error {
	indexes, err := texts(ctx, s.db, s.dialect.partsIndex)
	s.hasParts = len(indexes) > 0
	return wrap("read the schema", err)
}

// FindsParts reports whether FindPeople finds a piece of a number or of an address.
// On PostgreSQL it needs the extension pg_trgm when the schema is created.
func (s *Store) FindsParts() bool { return s.hasParts }

// Ping returns an error if the database does not answer.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// brief returns the context of a read by key. On SQLite, which answers within
// microseconds, it is never cancelled: database/sql starts a goroutine for rows whose
// context can be cancelled, which costs as much as the read. A caller that has gone
// waits at most for a free connection.
func (s *Store) brief(ctx context.Context) context.Context {
	if s.dialect.pipelines || ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// tx runs f in a transaction with a commit of its own, which may take long, and commits it
// unless f returns an error.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	return s.corrected(ctx, s.alone(ctx, func(_ context.Context, b *pipeline) error { return f(b.tx) }))
}

// one runs a statement that must change exactly one row. Otherwise it returns
// instead.
func one(ctx context.Context, tx *sql.Tx, instead error, query string, args ...any) error {
	return (&pipeline{tx: tx}).one(ctx, instead, query, args...)
}

// micros and moment convert between times and stored integers. PostgreSQL
// stores microseconds and Go nanoseconds, so both databases store microseconds.
// The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func notFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return domain.ErrNotFound
	}
	return err
}

func wrap(what string, err error) error {
	if err == nil || errors.Is(err, domain.ErrNotFound) || errors.Is(err, domain.ErrConflict) || errors.Is(err, domain.ErrTaken) || errors.As(err, new(*domain.LimitError)) {
		return err
	}
	return fmt.Errorf("store: %s: %w", what, err)
}
