package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Copied is the number of rows of one table and a checksum over them.
type Copied struct {
	Table  string
	Rows   int64
	SHA256 string // checksum over all rows in any order: see sum
}

// ErrNotEmpty is returned for a target store that already holds data.
var ErrNotEmpty = errors.New("store: the target is not empty")

// Copy copies all data from one store to an empty one, between any two of the
// databases. Each side is one transaction: the target receives everything or
// nothing, and the source does not change meanwhile. Before the commit Copy
// reads the target again and compares the number of rows and the checksum of
// each table.
func Copy(ctx context.Context, from, to *Store, tell func(Copied)) error {
	in, err := from.snapshot(ctx)
	if err != nil {
		return wrap("copy", err)
	}
	defer func() { _ = in.Rollback() }() // the transaction only reads
	err = to.tx(ctx, func(out *sql.Tx) error {
		tables, err := from.tables(ctx, in)
		if err != nil {
			return err
		}
		there, err := to.tables(ctx, out)
		if err != nil {
			return err
		}
		if !slices.Equal(names(tables), names(there)) {
			return fmt.Errorf("the two databases do not have the same tables: %v and %v", names(tables), names(there))
		}
		if err := empty(ctx, out); err != nil {
			return err
		}
		if to.dialect.name == "sqlite" {
			if _, err := out.ExecContext(ctx, `PRAGMA defer_foreign_keys = ON`); err != nil {
				return err
			}
		}
		for _, t := range ordered(there) {
			if err := copyTable(ctx, in, out, t, tell); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
		return nil
	})
	if err == nil {
		_ = to.mergeSegments(ctx) // the copy is committed, and the next large import merges again
	}
	return wrap("copy", err)
}

// snapshot begins a transaction that sees one state of the whole database. On
// SQLite it takes the write lock, as every transaction here does: no other
// connection writes until it ends.
func (s *Store) snapshot(ctx context.Context) (*sql.Tx, error) {
	if s.dialect.name == "postgres" {
		return s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	}
	return s.writer.BeginTx(ctx, nil)
}

// table is one table, its columns and the tables that its foreign keys refer
// to.
type table struct {
	name    string
	columns []string
	needs   []string
}

func names(tables []table) (out []string) {
	for _, t := range tables {
		out = append(out, t.name)
	}
	return out
}

// tables lists the tables of the schema by name, without schemaTable.
func (s *Store) tables(ctx context.Context, tx *sql.Tx) ([]table, error) {
	list, err := inOrder(ctx, tx, s.dialect.listTables)
	if err != nil {
		return nil, err
	}
	var out []table
	for _, name := range list {
		if name == schemaTable {
			continue
		}
		t := table{name: name}
		if t.columns, err = inOrder(ctx, tx, s.dialect.listColumns, name); err != nil {
			return nil, err
		}
		if t.needs, err = inOrder(ctx, tx, s.dialect.listNeeds, name); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// ordered sorts the tables so that each follows the tables it refers to.
func ordered(tables []table) []table {
	var out []table
	for len(out) < len(tables) {
		before := len(out)
		for _, t := range tables {
			done := names(out)
			ready := !slices.ContainsFunc(t.needs, func(n string) bool { return n != t.name && !slices.Contains(done, n) })
			if ready && !slices.Contains(done, t.name) {
				out = append(out, t)
			}
		}
		if len(out) == before {
			return tables // a cycle of references, which the schema does not have; the insert would fail
		}
	}
	return out
}

// empty returns ErrNotEmpty if the target holds people, journeys, events or
// audit entries.
func empty(ctx context.Context, tx *sql.Tx) error {
	for _, name := range []string{"people", "journeys", "events", "audit"} {
		var n int64
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM `+name).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: it has %d %s", ErrNotEmpty, n, name)
		}
	}
	return nil
}

func copyTable(ctx context.Context, in, out *sql.Tx, t table, tell func(Copied)) error {
	// A migration may have inserted rows into the new table. They are deleted,
	// because the copied table has them as well. No migration inserts into a table
	// that is append-only.
	var seeds int64
	if err := out.QueryRowContext(ctx, `SELECT count(*) FROM `+t.name).Scan(&seeds); err != nil {
		return err
	}
	if seeds > 0 {
		if _, err := out.ExecContext(ctx, `DELETE FROM `+t.name); err != nil {
			return err
		}
	}
	into := `INSERT INTO ` + t.name + ` (` + strings.Join(t.columns, ", ") + `) VALUES `
	var waiting []any
	flush := func() error {
		if len(waiting) == 0 {
			return nil
		}
		_, err := out.ExecContext(ctx, into+places(len(waiting)/len(t.columns), len(t.columns)), waiting...)
		waiting = waiting[:0]
		return err
	}
	sent, err := sum(ctx, in, t, func(row []any) error {
		if waiting = append(waiting, row...); len(waiting) < atOnce {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	arrived, err := sum(ctx, out, t, nil)
	if err != nil {
		return err
	}
	if sent != arrived {
		return fmt.Errorf("%d rows (%s) became %d rows (%s)", sent.Rows, sent.SHA256, arrived.Rows, arrived.SHA256)
	}
	tell(arrived)
	return nil
}

// atOnce is the number of values in one INSERT: many rows per round trip, well
// below the limit of either database.
const atOnce = 2000

// places returns ($1, $2), ($3, $4), … for a number of rows of the given width.
func places(rows, width int) string {
	var b strings.Builder
	for i := range rows * width {
		switch {
		case i == 0:
			b.WriteByte('(')
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String() + ")"
}

// sum reads the rows of a table, passes each to see unless see is nil, and counts
// them. The checksum is the sum modulo 2^256 of the SHA-256 of each row, so it does not
// depend on the order of the rows, which can differ between two databases. The
// hash of a row includes the type and the length of each value.
func sum(ctx context.Context, tx *sql.Tx, t table, see func([]any) error) (Copied, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name)
	if err != nil {
		return Copied{}, err
	}
	defer rows.Close()
	c := Copied{Table: t.name}
	total := new(big.Int)
	row, to := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		to[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return Copied{}, err
		}
		h := sha256.New()
		for _, v := range row {
			kind, text := encoded(v)
			h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(text))))
			h.Write(text)
		}
		total.Add(total, new(big.Int).SetBytes(h.Sum(nil)))
		c.Rows++
		if see == nil {
			continue
		}
		if err := see(row); err != nil {
			return Copied{}, err
		}
	}
	total.And(total, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)))
	c.SHA256 = hex.EncodeToString(total.FillBytes(make([]byte, sha256.Size)))
	return c, rows.Err()
}

func encoded(v any) (byte, []byte) {
	switch v := v.(type) {
	case nil:
		return 'n', nil
	case []byte:
		return 'b', v
	case string:
		return 's', []byte(v)
	default:
		return 'i', fmt.Append(nil, v)
	}
}

// inOrder returns the values of a query with one column, sorted by bytes: the
// collation of the database does not matter.
func inOrder(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]string, error) {
	out, err := texts(ctx, tx, query, args...)
	slices.Sort(out)
	return out, err
}

// Backup writes a copy of the whole store to a new SQLite file. Other
// connections can keep writing meanwhile.
func (s *Store) Backup(ctx context.Context, file string, tell func(Copied)) (err error) {
	if s.dialect.name == "sqlite" {
		if _, err := s.db.ExecContext(ctx, `VACUUM INTO $1`, file); err != nil {
			return wrap("backup", err)
		}
	}
	copied, err := Open(ctx, "sqlite:"+file, s.now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, copied.Close()) }()
	if s.dialect.name == "sqlite" {
		return wrap("backup", copied.count(ctx, tell))
	}
	return Copy(ctx, s, copied, tell)
}

// count runs PRAGMA integrity_check on a copy and then reads all its tables
// once.
func (s *Store) count(ctx context.Context, tell func(Copied)) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		said, err := texts(ctx, tx, `PRAGMA integrity_check`)
		if err != nil || !slices.Equal(said, []string{"ok"}) {
			return fmt.Errorf("the copy is damaged: %v %w", said, err)
		}
		tables, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			c, err := sum(ctx, tx, t, nil)
			if err != nil {
				return err
			}
			tell(c)
		}
		return nil
	})
}

// restoredMark is the name of the mark that holds the time of the last
// MarkRestored.
const restoredMark = "restored"

// MarkRestored records that the store was filled from a copy. The mark is
// permanent.
func (s *Store) MarkRestored(ctx context.Context) error {
	return s.Advance(ctx, restoredMark, s.now())
}

// ForgetVisitors deletes all sessions, of students and of operators. A restored
// store may hold codes that were spent after the copy was made; without its
// session, no journey can be continued.
func (s *Store) ForgetVisitors(ctx context.Context) error {
	_, err := s.writer.ExecContext(ctx, `DELETE FROM sessions`)
	return wrap("sessions", err)
}

// RestoredAt returns the time of the last call of MarkRestored, or the zero time if
// there was none.
func (s *Store) RestoredAt(ctx context.Context) (time.Time, error) { return s.Mark(ctx, restoredMark) }
