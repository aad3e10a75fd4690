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

// Import brings people in. fill gives them; all of it is one transaction, so
// that an import is there whole or not at all.
//
//	fill ── staging table ── compare as sets ── names, people, gone, events
//	        (temporary)      (refused, changed, gone)   + "done", one commit
//
// The staging table is the connection's own: while a file is read nobody waits
// for it, and a program that is killed leaves nothing behind. The row in
// imports is written before and ended with the commit, so that a begun one
// without an end tells of an import of which nothing is there.
//
// What is written is what the source says of a person and nothing else: not
// the state of the account, and no identifier or address where one was given
// already. A dry run compares and writes nothing.
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
	defer func() { _ = conn.Close() }() // it goes back to the pool
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
		// It is remembered whatever ended it, a cancelled ctx too.
		err = errors.Join(err, s.failImport(context.WithoutCancel(ctx), o, i.counts, err))
	}
	return i.counts, err
}

// Enrol takes people in as they are, without a source of which somebody could
// be gone.
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

// importing is one import on its connection.
type importing struct {
	ctx     context.Context
	conn    *sql.Conn
	dialect dialect
	order   *domain.ImportOrder
	counts  domain.ImportCounts
	clock   func() time.Time
	now     int64 // of the writing
	stage   stage
}

func (i *importing) run(fill func(domain.Intake) error) (err error) {
	for _, statement := range i.dialect.imports.begin {
		if err := i.exec(statement); err != nil {
			return err
		}
	}
	// The transaction is begun and ended by hand: database/sql would take the
	// writer's place at once, and what is staged needs none.
	if err := i.exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(i.ctx)
		if err != nil {
			_, _ = i.conn.ExecContext(ctx, "ROLLBACK") // a lost connection has rolled back by itself
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
		// The first thing that is done to the data takes SQLite's place of the
		// writer: nothing can change between comparing and writing.
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

// exec runs statements, of which each has the same meaning on both databases.
func (i *importing) exec(query string, args ...any) error {
	_, err := i.count(query, args...)
	return err
}

// count runs a statement and gives the number of rows that it touched.
func (i *importing) count(query string, args ...any) (int, error) {
	result, err := i.conn.ExecContext(i.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("store: import: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// each runs a query and gives its rows one by one.
func (i *importing) each(see func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := i.conn.QueryContext(i.ctx, query, args...)
	if err != nil {
		return fmt.Errorf("store: import: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := see(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
