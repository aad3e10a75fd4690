package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
)

// beginImport records that an import has begun, with the audit entry of its
// operator. The caller holds the import lock, so earlier imports without an end
// were interrupted; they are marked first.
func (s *Store) beginImport(ctx context.Context, o *domain.ImportOrder) error {
	if _, err := s.interrupted(ctx); err != nil {
		return err
	}
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO imports (id, source, file, sha256, operator, state, begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			o.ID, o.Source, o.File, o.SHA256, o.Operator, domain.ImportRunning, micros(s.now())); err != nil {
			return err
		}
		return s.apply(ctx, tx, domain.Effects{Audit: o.Audit})
	})
}

// SettleImports marks and returns the imports whose program ended before they
// did. Each is returned once. Nothing of them was stored. While an import is
// running it returns none.
func (s *Store) SettleImports(ctx context.Context) ([]domain.ImportRecord, error) {
	release, err := s.dialect.imports.hold(ctx, s.db, s.dsn)
	if errors.Is(err, domain.ErrImportRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer release()
	return s.interrupted(ctx)
}

func (s *Store) interrupted(ctx context.Context) ([]domain.ImportRecord, error) {
	return s.importRecords(ctx, `UPDATE imports SET state = $1, ended_at = $2 WHERE state = $3 RETURNING `+importColumns,
		domain.ImportInterrupted, micros(s.now()), domain.ImportRunning)
}

func (s *Store) failImport(ctx context.Context, o *domain.ImportOrder, c domain.ImportCounts, cause error) error {
	state := domain.ImportFailed
	if tooMany := (*domain.TooManyGone)(nil); errors.As(cause, &tooMany) {
		state = domain.ImportStopped
	}
	_, err := s.writer.ExecContext(ctx, `UPDATE imports SET state = $1, ended_at = $2, sha256 = $3, gone = $4, error = $5 WHERE id = $6`,
		state, micros(s.now()), o.SHA256, c.Gone, cause.Error(), o.ID)
	return wrap("end the import", err)
}

// Imports returns n imports, the newest first, after skipping from of them, and
// the total number of imports.
func (s *Store) Imports(ctx context.Context, from, n int) ([]domain.ImportRecord, int, error) {
	if _, err := s.SettleImports(ctx); err != nil {
		return nil, 0, err
	}
	var count int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM imports`).Scan(&count); err != nil {
		return nil, 0, wrap("imports", err)
	}
	out, err := s.importRecords(ctx, `SELECT `+importColumns+` FROM imports ORDER BY begun_at DESC, id LIMIT $1 OFFSET $2`, n, from)
	return out, count, err
}

func (s *Store) importRecords(ctx context.Context, query string, args ...any) ([]domain.ImportRecord, error) {
	out, err := all(ctx, s.db, scanImport, query, args...)
	return out, wrap("imports", err)
}

// ImportRecord returns one import, or domain.ErrNotFound.
func (s *Store) ImportRecord(ctx context.Context, id string) (domain.ImportRecord, error) {
	r, err := scanImport(s.db.QueryRowContext(ctx, `SELECT `+importColumns+` FROM imports WHERE id = $1`, id).Scan)
	return r, wrap("import", notFound(err))
}

// ImportOf returns the import that created a person, or domain.ErrNotFound if
// the person was not imported.
func (s *Store) ImportOf(ctx context.Context, id domain.PersonID) (domain.ImportRecord, error) {
	r, err := scanImport(s.db.QueryRowContext(ctx, `SELECT `+importColumns+` FROM imports WHERE id = (SELECT import_id FROM people WHERE id = $1)`, id).Scan)
	return r, wrap("import of a person", notFound(err))
}

const importColumns = `id, source, file, sha256, operator, state, begun_at, ended_at, added, changed, unchanged, gone, refused, error`

func scanImport(scan func(...any) error) (domain.ImportRecord, error) {
	var r domain.ImportRecord
	var begun, ended int64
	err := scan(&r.ID, &r.Source, &r.File, &r.SHA256, &r.Operator, &r.State, &begun, &ended, &r.New, &r.Changed, &r.Unchanged, &r.Gone, &r.Refused, &r.Error)
	r.Begun, r.Ended = moment(begun), moment(ended)
	return r, err
}

// Due reports whether a scheduled task is due, and if so sets its next time to
// now + every. If several instances ask at once, it returns true to one of
// them.
func (s *Store) Due(ctx context.Context, name string, now time.Time, every time.Duration) (bool, error) {
	var due string
	err := s.writer.QueryRowContext(ctx, `INSERT INTO schedule (name, due_at) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET due_at = $2 WHERE schedule.due_at <= $3 RETURNING name`, name, micros(now.Add(every)), micros(now)).Scan(&due)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, wrap(fmt.Sprintf("schedule %s", name), err)
}
