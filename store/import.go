package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"

	"entree/activation"
)

// errDryRun rolls a trial back.
var errDryRun = errors.New("store: dry run")

// Import brings people in. fill calls put for each of them; all of it is one
// transaction, so that an import is there whole or not at all. A dry run does
// the same and rolls back.
//
// put writes what the source says of a person and nothing else: not the state
// of the account, and no identifier or address where one was given already.
func (s *Store) Import(ctx context.Context, dryRun bool, fill func(put func(activation.Person) (activation.ImportOutcome, error)) error) error {
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	err := s.tx(ctx, func(tx *sql.Tx) error {
		i, err := newImporter(ctx, tx, hex.EncodeToString(random))
		if err != nil {
			return err
		}
		defer i.close()
		if err := fill(func(p activation.Person) (activation.ImportOutcome, error) { return i.put(ctx, p) }); err != nil {
			return err
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// importer holds the prepared statements of one import.
type importer struct {
	id                          string
	find, insert, update, claim *sql.Stmt
}

func newImporter(ctx context.Context, tx *sql.Tx, id string) (*importer, error) {
	i := &importer{id: id}
	for _, s := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&i.find, `SELECT import_id, ` + personColumns + ` FROM people WHERE profile = $1 AND number = $2`},
		{&i.insert, `INSERT INTO people (id, profile, number, given_name, family_name, birth_date, email, cohort, readiness, login, university_address, import_id, search)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`},
		{&i.update, `UPDATE people SET given_name = $1, family_name = $2, birth_date = $3, email = $4, cohort = $5, readiness = $6, login = $7, university_address = $8, import_id = $9, search = $10 WHERE id = $11`},
		{&i.claim, `INSERT INTO names (kind, value, person_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`},
	} {
		statement, err := tx.PrepareContext(ctx, s.query)
		if err != nil {
			i.close()
			return nil, err
		}
		*s.to = statement
	}
	return i, nil
}

func (i *importer) close() {
	for _, s := range []*sql.Stmt{i.find, i.insert, i.update, i.claim} {
		if s != nil {
			_ = s.Close() // the transaction's end closes it in any case
		}
	}
}

func (i *importer) put(ctx context.Context, p activation.Person) (activation.ImportOutcome, error) {
	var seen string
	old, err := scanPerson(func(to ...any) error {
		return i.find.QueryRowContext(ctx, p.Profile, p.Number).Scan(append([]any{&seen}, to...)...)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return i.add(ctx, p)
	case err != nil:
		return 0, err
	case seen == i.id:
		return activation.ImportTwice, nil
	}
	merged := old
	merged.GivenName, merged.FamilyName, merged.BirthDate = p.GivenName, p.FamilyName, p.BirthDate
	merged.Email, merged.Cohort, merged.Readiness = p.Email, p.Cohort, p.Readiness
	if old.Login == "" {
		merged.Login = p.Login
	}
	if old.UniversityAddress == "" {
		merged.UniversityAddress = p.UniversityAddress
	}
	if free, err := i.names(ctx, old, merged); err != nil || !free {
		return activation.ImportTaken, err
	}
	if _, err := i.update.ExecContext(ctx, merged.GivenName, merged.FamilyName, merged.BirthDate, merged.Email, merged.Cohort, merged.Readiness,
		merged.Login, merged.UniversityAddress, i.id, searchText(merged), old.ID); err != nil {
		return 0, err
	}
	if merged == old {
		return activation.ImportUnchanged, nil
	}
	return activation.ImportChanged, nil
}

func (i *importer) add(ctx context.Context, p activation.Person) (activation.ImportOutcome, error) {
	if free, err := i.names(ctx, activation.Person{ID: p.ID}, p); err != nil || !free {
		return activation.ImportTaken, err
	}
	_, err := i.insert.ExecContext(ctx, p.ID, p.Profile, p.Number, p.GivenName, p.FamilyName, p.BirthDate, p.Email, p.Cohort, p.Readiness,
		p.Login, p.UniversityAddress, i.id, searchText(p))
	return activation.ImportNew, err
}

// names claims the names that a source gives; false where one is somebody
// else's.
func (i *importer) names(ctx context.Context, old, merged activation.Person) (bool, error) {
	for _, n := range []struct{ kind, had, wants string }{
		{nameLogin, old.Login, merged.Login}, {nameAddress, old.UniversityAddress, merged.UniversityAddress},
	} {
		if n.had == n.wants {
			continue
		}
		result, err := i.claim.ExecContext(ctx, n.kind, n.wants, old.ID)
		if err != nil {
			return false, err
		}
		if rows, err := result.RowsAffected(); err != nil || rows == 0 {
			return false, err
		}
	}
	return true, nil
}
