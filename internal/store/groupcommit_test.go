package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

var errRefused = errors.New("refused")

// shared is a database in which transactions wait for one that does not end before
// release is called.
type shared struct {
	t         *testing.T
	db        *sql.DB
	reader    *sql.DB
	commits   groupCommit
	release   func()
	first     chan error
	connected []*sql.Tx
}

func newShared(t *testing.T, first error) *shared {
	t.Helper()
	dsn := sqliteDSN(filepath.Join(t.TempDir(), "t.db"))
	open := func() *sql.DB {
		db, err := sql.Open(sqliteKept, dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(1)
		return db
	}
	s := &shared{t: t, db: open(), reader: open(), first: make(chan error, 1)}
	// A reference that is not satisfied makes the commit fail, not the statement.
	if _, err := s.db.ExecContext(t.Context(), `CREATE TABLE a (n INTEGER PRIMARY KEY, of_n INTEGER NULL REFERENCES a (n) DEFERRABLE INITIALLY DEFERRED)`); err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	s.release = func() { close(end) }
	go func() {
		s.first <- s.commits.run(context.Background(), s.db, func(_ context.Context, tx *sql.Tx) error {
			close(begun)
			<-end
			return errors.Join(s.insert(tx, 1, nil), first)
		})
	}()
	<-begun
	return s
}

func (s *shared) insert(tx *sql.Tx, n int, of any) error {
	s.connected = append(s.connected, tx)
	_, err := tx.ExecContext(s.t.Context(), `INSERT INTO a (n, of_n) VALUES ($1, $2)`, n, of)
	return err
}

// wait starts a transaction and returns when it waits for its turn. The result is nil
// after a panic.
func (s *shared) wait(ctx context.Context, f func(context.Context, *sql.Tx) error) <-chan error {
	s.t.Helper()
	before, result := s.waiting(), make(chan error, 1)
	go func() {
		defer func() { _ = recover(); close(result) }()
		result <- s.commits.run(ctx, s.db, f)
	}()
	for s.waiting() == before {
		runtime.Gosched()
	}
	return result
}

func (s *shared) waiting() int {
	s.commits.mu.Lock()
	defer s.commits.mu.Unlock()
	return len(s.commits.waiting)
}

// stored returns the rows that another connection reads.
func (s *shared) stored() (rows []int) {
	s.t.Helper()
	rows, err := all(s.t.Context(), s.reader, value[int], `SELECT n FROM a ORDER BY n`)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

func (s *shared) row(n int) func(context.Context, *sql.Tx) error {
	return func(_ context.Context, tx *sql.Tx) error { return s.insert(tx, n, nil) }
}

// Transactions that wait share a commit, and each returns when its changes are stored.
func TestGroupCommit_WaitingTransactionsShareACommit(t *testing.T) {
	s := newShared(t, nil)
	var results []<-chan error
	for n := 2; n <= mostTogether+2; n++ {
		results = append(results, s.wait(t.Context(), s.row(n)))
	}
	s.release()
	if err := <-s.first; err != nil {
		t.Error(err)
	}
	if rows := s.stored(); !slices.Contains(rows, 1) || !slices.Contains(rows, mostTogether) {
		t.Errorf("the first transaction has returned before its group was stored: %v", rows)
	}
	for _, r := range results {
		if err := <-r; err != nil {
			t.Error(err)
		}
	}
	if rows := s.stored(); len(rows) != mostTogether+2 {
		t.Errorf("stored: %v", rows)
	}
	if n := len(slices.Compact(s.connected)); n != 2 {
		t.Errorf("%d commits of %d transactions: want 2", n, len(s.connected))
	}
}

// A transaction that is refused, that panics or whose caller goes while it waits changes
// nothing, and the others of its group are stored. So is one whose caller goes later.
func TestGroupCommit_AFailedTransactionIsUndoneAlone(t *testing.T) {
	s := newShared(t, nil)
	cancelled, cancel := context.WithCancel(t.Context())
	second := s.wait(t.Context(), s.row(2))
	refused := s.wait(t.Context(), func(_ context.Context, tx *sql.Tx) error { return errors.Join(s.insert(tx, 3, nil), errRefused) })
	panicked := s.wait(t.Context(), func(_ context.Context, tx *sql.Tx) error {
		_ = s.insert(tx, 4, nil)
		panic("a defect")
	})
	gone := s.wait(cancelled, s.row(5))
	goes, goNow := context.WithCancel(t.Context())
	leaves := s.wait(goes, func(ctx context.Context, tx *sql.Tx) error {
		goNow()
		_, err := tx.ExecContext(ctx, `INSERT INTO a (n) VALUES (6)`)
		return err
	})
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone waits: %v", err)
	}
	last := s.wait(t.Context(), s.row(7))
	s.release()
	for name, want := range map[string]struct {
		result <-chan error
		err    error
	}{"first": {s.first, nil}, "second": {second, nil}, "refused": {refused, errRefused}, "panicked": {panicked, nil}, "leaves": {leaves, nil}, "last": {last, nil}} {
		if err := <-want.result; !errors.Is(err, want.err) {
			t.Errorf("%s: %v, want %v", name, err, want.err)
		}
	}
	if rows := s.stored(); !slices.Equal(rows, []int{1, 2, 6, 7}) {
		t.Errorf("stored: %v", rows)
	}
	if n := len(slices.Compact(s.connected)); n != 1 {
		t.Errorf("%d commits: want 1", n)
	}
}

// A failed first transaction is undone, and those that wait for it are stored.
func TestGroupCommit_TheFirstFails(t *testing.T) {
	s := newShared(t, errRefused)
	second := s.wait(t.Context(), s.row(2))
	s.release()
	if err := <-s.first; !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
	if rows := s.stored(); !slices.Equal(rows, []int{2}) {
		t.Errorf("stored: %v", rows)
	}
}

// If the commit fails, or SQLite ends the transaction, no transaction of the group reports
// success. The next one is stored.
func TestGroupCommit_AFailedCommitFailsForAll(t *testing.T) {
	for name, breaks := range map[string]func(*shared, *sql.Tx) error{
		"commit":   func(s *shared, tx *sql.Tx) error { return s.insert(tx, 2, 99) },
		"rollback": func(s *shared, tx *sql.Tx) error { _, err := tx.ExecContext(s.t.Context(), `ROLLBACK`); return err },
		"an error with it": func(s *shared, tx *sql.Tx) error {
			_, err := tx.ExecContext(s.t.Context(), `INSERT OR ROLLBACK INTO a (n) VALUES (1)`)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShared(t, nil)
			second := s.wait(t.Context(), func(_ context.Context, tx *sql.Tx) error { return breaks(s, tx) })
			third := s.wait(t.Context(), func(_ context.Context, tx *sql.Tx) error { return errRefused })
			s.release()
			if err := <-s.first; err == nil {
				t.Error("the first one reports success")
			}
			if err := <-second; err == nil {
				t.Error("the second one reports success")
			}
			<-third
			if err := s.commits.run(t.Context(), s.db, s.row(4)); err != nil {
				t.Error(err)
			}
			if rows := s.stored(); !slices.Equal(rows, []int{4}) {
				t.Errorf("stored: %v", rows)
			}
		})
	}
}
