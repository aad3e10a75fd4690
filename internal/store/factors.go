package store

import (
	"context"
	"database/sql"
	"fmt"

	"entree/internal/domain"
)

// factorColumns lists the columns of a removal in the order of scanFactor.
const factorColumns = `id, person_id, asked_by, asked_by_id, reason, asked_at, due_at, state, agreed_by, ended_at`

func scanFactor(scan func(...any) error) (r domain.FactorRemoval, err error) {
	err = scan(&r.ID, &r.Person, &r.AskedBy, &r.AskedByID, &r.Reason, column{&r.AskedAt}, column{&r.DueAt}, &r.State, &r.AgreedBy, column{&r.EndedAt})
	return r, err
}

// removeFactor writes a request to remove second factors, or moves one to another state.
func removeFactor(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	if r := e.FactorAsk; r != nil {
		if err := one(ctx, tx, domain.ErrConflict, `INSERT INTO factor_removals (id, person_id, asked_by, asked_by_id, reason, asked_at, due_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			r.ID, r.Person, r.AskedBy, r.AskedByID, r.Reason, micros(r.AskedAt), micros(r.DueAt), r.State); err != nil {
			return fmt.Errorf("removal of factors: %w", err)
		}
	}
	m := e.FactorMove
	switch {
	case m == nil:
		return nil
	case m.To == domain.FactorAgreed:
		return one(ctx, tx, domain.ErrConflict, `UPDATE factor_removals SET state = $1, agreed_by = $2 WHERE id = $3 AND state = $4 AND asked_by_id <> $5`, m.To, m.By.Name, m.ID, m.From, m.By.Subject)
	}
	return one(ctx, tx, domain.ErrConflict, `UPDATE factor_removals SET state = $1, ended_at = $2 WHERE id = $3 AND state = $4`, m.To, micros(m.At), m.ID, m.From)
}

// FactorRemoval returns a removal of second factors, or ErrNotFound.
func (s *Store) FactorRemoval(ctx context.Context, id string) (domain.FactorRemoval, error) {
	r, err := scanFactor(s.db.QueryRowContext(ctx, `SELECT `+factorColumns+` FROM factor_removals WHERE id = $1`, id).Scan)
	return r, wrap("removal of factors", notFound(err))
}

// FactorRemovals returns the removals for a person, oldest first.
func (s *Store) FactorRemovals(ctx context.Context, p domain.PersonID) ([]domain.FactorRemoval, error) {
	out, err := all(ctx, s.db, scanFactor, `SELECT `+factorColumns+` FROM factor_removals WHERE person_id = $1 ORDER BY asked_at, id`, p)
	return out, wrap("removals of factors", err)
}
