package store

import (
	"context"
	"database/sql"
	"fmt"

	"entree/internal/domain"
)

// changeColumns lists the columns of a change of address in the order of scanChange.
const changeColumns = `id, person_id, old_address, new_address, at, until_at, closed_at, closed`

func scanChange(scan func(...any) error) (c domain.ContactChange, err error) {
	var at, until, closed int64
	err = scan(&c.ID, &c.Person, &c.Old, &c.New, &at, &until, &closed, &c.Closed)
	c.At, c.Until, c.ClosedAt = moment(at), moment(until), moment(closed)
	return c, err
}

// changeContact puts another personal address in use, and ends the journeys that the
// old mailbox began. It returns ErrConflict unless the person has a live account and
// the old address, and the new one as the second if the old one is kept.
func changeContact(ctx context.Context, tx *sql.Tx, c domain.ContactChange) error {
	if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET
		source_email = CASE WHEN chosen_email <> '' AND chosen_email = email THEN source_email ELSE email END, email = $1, chosen_email = $1,
		second_email = CASE WHEN $5 = 1 THEN $3 WHEN second_email IN ($1, $3) THEN '' ELSE second_email END
		WHERE id = $2 AND email = $3 AND ($5 = 0 OR second_email = $1) AND account = $4 AND hold = '' AND erased_at = 0 AND erase_at = 0`, c.New, c.Person, c.Old, domain.AccountActive, flag(c.KeepsOld)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO contact_changes (id, person_id, old_address, new_address, at, until_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.ID, c.Person, c.Old, c.New, micros(c.At), micros(c.Until)); err != nil {
		return err
	}
	if err := endJourneys(ctx, tx, domain.Person{ID: c.Person, Email: c.Old}, c.At); err != nil {
		return err
	}
	return refind(ctx, tx, c.Person)
}

// changeSecond puts a second personal address in use, or none, and ends the journeys that
// the address before it began.
func changeSecond(ctx context.Context, tx *sql.Tx, c domain.SecondChange) error {
	if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET second_email = $1 WHERE id = $2 AND second_email = $3 AND email = $4 AND account = $5 AND hold = '' AND erased_at = 0 AND erase_at = 0`,
		c.New, c.Person, c.Old, c.First, domain.AccountActive); err != nil {
		return err
	}
	if c.Old != "" {
		if err := endJourneys(ctx, tx, domain.Person{ID: c.Person, Email: c.Old}, c.At); err != nil {
			return err
		}
	}
	return refind(ctx, tx, c.Person)
}

// takeContactBack puts the address in use again that a change replaced. The later
// changes of the person are undone with it, since the address that began them was
// taken back, and the second address is removed, because the intruder may have added it.
// It ends the open journeys of the person, and a password that was chosen in one of them
// and still waits is never set.
func takeContactBack(ctx context.Context, tx *sql.Tx, b domain.ContactBack) error {
	c, err := scanChange(tx.QueryRowContext(ctx, `SELECT `+changeColumns+` FROM contact_changes WHERE id = $1`, b.ID).Scan)
	if err != nil {
		return notFound(err)
	}
	// The update locks the person, so that two changes are undone one after the other.
	was := domain.Person{ID: c.Person}
	if err := tx.QueryRowContext(ctx, `UPDATE people SET hold = hold WHERE id = $1 RETURNING email, second_email`, c.Person).Scan(&was.Email, &was.SecondEmail); err != nil {
		return notFound(err)
	}
	closed, err := texts(ctx, tx, `UPDATE contact_changes SET closed_at = $1, closed = $2 WHERE closed_at = 0 AND person_id = $3
		AND at >= (SELECT f.at FROM contact_changes f WHERE f.id = $4 AND f.closed_at = 0 AND f.until_at > $1) RETURNING id`,
		micros(b.At), domain.ClosedTakenBack, c.Person, b.ID)
	if err != nil {
		return err
	}
	if len(closed) == 0 {
		return domain.ErrConflict
	}
	if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET email = $1, second_email = '', password_job = '',
		chosen_email = CASE WHEN source_email = $1 THEN '' ELSE $1 END, source_email = CASE WHEN source_email = $1 THEN '' ELSE source_email END
		WHERE id = $2 AND erased_at = 0`, c.Old, c.Person); err != nil {
		return err
	}
	if err := endJourneys(ctx, tx, was, b.At); err != nil {
		return err
	}
	return refind(ctx, tx, c.Person)
}

// closeContactChanges makes the changes of a person final: an operator set another
// address, and no old mailbox may undo that.
func closeContactChanges(ctx context.Context, tx *sql.Tx, p domain.PersonID, at int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE contact_changes SET closed_at = $1, closed = $2 WHERE person_id = $3 AND closed_at = 0`, at, domain.ClosedOperator, p)
	return err
}

// ContactChange returns a change of address, or ErrNotFound.
func (s *Store) ContactChange(ctx context.Context, id string) (domain.ContactChange, error) {
	c, err := scanChange(s.db.QueryRowContext(ctx, `SELECT `+changeColumns+` FROM contact_changes WHERE id = $1`, id).Scan)
	return c, wrap("contact change", notFound(err))
}

// ContactChanges returns the changes of a person's address, oldest first.
func (s *Store) ContactChanges(ctx context.Context, p domain.PersonID) ([]domain.ContactChange, error) {
	out, err := all(ctx, s.db, scanChange, `SELECT `+changeColumns+` FROM contact_changes WHERE person_id = $1 ORDER BY at, id`, p)
	return out, wrap("contact changes", err)
}

// changeOfContact writes the change of an address, or takes one back, the claim to one,
// and the removal of second factors.
func changeOfContact(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	if err := fileClaim(ctx, tx, e); err != nil {
		return err
	}
	if err := removeFactor(ctx, tx, e); err != nil {
		return err
	}
	if e.Contact != nil {
		if err := changeContact(ctx, tx, *e.Contact); err != nil {
			return fmt.Errorf("change of address: %w", err)
		}
	}
	if e.Second != nil {
		if err := changeSecond(ctx, tx, *e.Second); err != nil {
			return fmt.Errorf("change of the second address: %w", err)
		}
	}
	if e.Phone != nil {
		if err := one(ctx, tx, domain.ErrConflict, `UPDATE people SET chosen_phone = $1 WHERE id = $2 AND chosen_phone = $3 AND account = $4 AND hold = '' AND erased_at = 0 AND erase_at = 0`,
			e.Phone.New, e.Phone.Person, e.Phone.Old, domain.AccountActive); err != nil {
			return fmt.Errorf("change of telephone: %w", err)
		}
	}
	if e.ContactBack != nil {
		if err := takeContactBack(ctx, tx, *e.ContactBack); err != nil {
			return fmt.Errorf("change taken back: %w", err)
		}
	}
	return nil
}
