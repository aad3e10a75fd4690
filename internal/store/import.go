package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
)

// Import stores the people that fill passes to the Intake, all in one transaction:
// an import is stored whole or not at all.
//
//	fill ── staging table ── compare as sets ── names, people, gone, events
//	        (temporary)      (refused, changed, gone)   + "done", one commit
//
// The staging table belongs to the connection: no writer waits while a file is
// read, and a program that is killed leaves no staged data behind. The row in
// imports is written before the transaction and completed by its commit. A row
// that has a beginning and no end therefore names an import of which nothing was
// stored.
//
// An import writes only the data that the source holds about a person. It never
// writes the state of the account, nor an identifier or address that the person
// already has. A dry run compares and writes nothing.
func (s *Store) Import(ctx context.Context, o *domain.ImportOrder, fill func(domain.Intake) error) (domain.ImportCounts, error) {
	if o.Progress == nil {
		o.Progress = func(domain.ImportPhase, int) {}
	}
	if o.Told == nil {
		o.Told = func(domain.Difference) error { return nil }
	}
	if o.ID == "" {
		random := make([]byte, 8)
		_, _ = rand.Read(random)
		o.ID = hex.EncodeToString(random)
	}
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return domain.ImportCounts{}, wrap("import", err)
	}
	defer func() { _ = conn.Close() }() // returns the connection to the pool
	if !o.DryRun {
		release, err := s.dialect.imports.hold(ctx, s.db, s.dsn)
		if err != nil {
			return domain.ImportCounts{}, err
		}
		defer release()
		if err := s.beginImport(ctx, o); err != nil {
			return domain.ImportCounts{}, wrap("begin the import", err)
		}
	}
	i := &importing{ctx: ctx, conn: conn, dialect: s.dialect, order: o, clock: s.now}
	err = i.run(fill)
	if err != nil && !o.DryRun {
		// The failure is recorded also after ctx was cancelled.
		err = errors.Join(err, s.failImport(context.WithoutCancel(ctx), o, i.counts, err))
	}
	if err == nil && i.counts.New+i.counts.Changed > s.dialect.imports.batch && !o.DryRun {
		_ = s.mergeSegments(ctx) // the import is committed, and the next large one merges again
	}
	return i.counts, err
}

// Enrol stores people as they are, without a source: it never marks a person as
// gone.
func (s *Store) Enrol(ctx context.Context, people ...domain.Person) error {
	_, err := s.Import(ctx, &domain.ImportOrder{Import: domain.Import{Source: "by hand"}, Part: true}, func(in domain.Intake) error {
		for line, p := range people {
			if err := in.Put(line+1, p); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// importing is the state of one import on its connection.
type importing struct {
	ctx     context.Context
	conn    *sql.Conn
	dialect dialect
	order   *domain.ImportOrder
	counts  domain.ImportCounts
	clock   func() time.Time
	now     int64 // time of the writing, in microseconds
	stage   stage
}

func (i *importing) run(fill func(domain.Intake) error) (err error) {
	if err := i.all(i.dialect.imports.begin); err != nil {
		return err
	}
	// The transaction is begun and ended with SQL statements: database/sql
	// would take the write lock at the start, and staging does not need it.
	if err := i.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(i.ctx)
		if err != nil {
			_, _ = i.conn.ExecContext(ctx, "ROLLBACK") // a lost connection has already rolled back
		}
		for _, statement := range i.dialect.imports.end {
			_, _ = i.conn.ExecContext(ctx, statement)
		}
	}()
	if err := i.create(); err != nil {
		return err
	}
	if err := fill(i); err != nil {
		return err
	}
	if err := i.flush(); err != nil {
		return err
	}
	i.order.Progress(domain.PhaseComparing, i.stage.seq)
	if !i.order.DryRun {
		// This first write takes the write lock of SQLite, so the data cannot
		// change between compare and write.
		if err := i.exec(`UPDATE imports SET sha256 = $1 WHERE id = $2`, i.order.SHA256, i.order.ID); err != nil {
			return err
		}
	}
	if err := i.compare(); err != nil {
		return err
	}
	if !i.order.DryRun {
		i.now = micros(i.clock())
		if err := i.write(); err != nil {
			return err
		}
	}
	for _, table := range []string{"import_stage", "import_seen", "import_refused", "import_changed", "import_gone"} {
		if err := i.exec("DROP TABLE " + table); err != nil {
			return err
		}
	}
	return i.exec("COMMIT")
}

// exec runs a statement that has the same meaning on both databases.
func (i *importing) exec(query string, args ...any) error {
	_, err := i.count(query, args...)
	return err
}

// all runs statements, up to the first that fails.
func (i *importing) all(statements []string) error {
	for _, statement := range statements {
		if err := i.exec(statement); err != nil {
			return err
		}
	}
	return nil
}

// count runs a statement and returns the number of rows that it changed.
func (i *importing) count(query string, args ...any) (int, error) {
	result, err := i.conn.ExecContext(i.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("store: import: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// each runs a query and calls see for each row.
func (i *importing) each(see func(scan func(...any) error) error, query string, args ...any) error {
	return eachRow(i.ctx, i.conn, see, query, args...)
}
