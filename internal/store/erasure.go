package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// OrderErasure closes a person at once: journeys end and no account can be
// activated. Purge erases the data after domain.ErasureDelay, unless
// TakeBackErasure is called before. It returns domain.ErrConflict while the account
// is being created, and for a person who is erased or about to be.
func (s *Store) OrderErasure(ctx context.Context, id domain.PersonID, entry audit.Entry) error {
	entry.Act, entry.Whom = audit.ActEraseOrdered, string(id)
	return wrap("order an erasure", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET erase_at = $1 WHERE id = $2 AND account <> $3 AND erased_at = 0 AND erase_at = 0`,
			micros(entry.At.Add(domain.ErasureDelay)), id, domain.AccountCreating); err != nil {
			return err
		}
		p, err := scanPerson(tx.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = $1`, id).Scan)
		if err != nil {
			return err
		}
		if err := endJourneys(ctx, tx, p, entry.At); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM desk_codes WHERE person_id = $1`, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, domain.Effects{Audit: []audit.Entry{entry}})
	}))
}

// TakeBackErasure cancels the erasure of a person. It returns domain.ErrConflict if
// none is ordered.
func (s *Store) TakeBackErasure(ctx context.Context, id domain.PersonID, entry audit.Entry) error {
	entry.Act, entry.Whom = audit.ActEraseTakenBack, string(id)
	return wrap("take back an erasure", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET erase_at = 0 WHERE id = $1 AND erase_at <> 0 AND erased_at = 0`, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, domain.Effects{Audit: []audit.Entry{entry}})
	}))
}

// eraseDue erases the people whose erasure was ordered and not taken back, in the
// name of the operator who ordered it. An account that is being created is tried
// again at the next call.
func (s *Store) eraseDue(ctx context.Context, now time.Time) error {
	ids, err := texts(ctx, s.db, `SELECT id FROM people WHERE erase_at <> 0 AND erase_at <= $1 ORDER BY erase_at LIMIT $2`, micros(now), batch)
	if err != nil {
		return wrap("erase", err)
	}
	for _, id := range ids {
		var ordered audit.Entry
		if err := s.Audit(ctx, audit.Query{Whom: id, Act: audit.ActEraseOrdered, OldestFirst: true}, func(l audit.Link) error {
			ordered = l.Entry
			return nil
		}); err != nil {
			return err
		}
		ordered.At = domain.Instant(now)
		if err := s.Erase(ctx, domain.PersonID(id), ordered); err != nil && !errors.Is(err, domain.ErrConflict) {
			return err
		}
	}
	return nil
}
