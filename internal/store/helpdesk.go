package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// editPerson writes the fields that an operator changed. It returns ErrConflict if
// the person is no longer as the operator saw it.
func editPerson(ctx context.Context, tx *sql.Tx, e domain.PersonEdit) error {
	// The update locks the row, so that two operators are served one after the
	// other.
	now, err := scanPerson(tx.QueryRowContext(ctx, `UPDATE people SET hold = hold WHERE id = $1 RETURNING `+personColumns, e.Before.ID).Scan)
	if err != nil {
		return notFound(err)
	}
	if now != e.Before {
		return domain.ErrConflict
	}
	a := e.After
	set, args := []string{"search = $1"}, []any{searchText(a)}
	for _, f := range domain.Fields() {
		value := stored(f, &a)
		if value == stored(f, &now) {
			continue
		}
		if kind := nameKinds[f.Name]; kind != "" {
			if _, err := tx.ExecContext(ctx, `INSERT INTO names (kind, value, person_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, kind, value, a.ID); err != nil {
				return err
			}
			var owner domain.PersonID // a name that the person had before is still the person's
			if err := tx.QueryRowContext(ctx, `SELECT person_id FROM names WHERE kind = $1 AND value = $2`, kind, value).Scan(&owner); err != nil {
				return err
			}
			if owner != a.ID {
				return domain.ErrTaken
			}
		}
		args = append(args, value)
		set = append(set, fmt.Sprintf("%s = $%d", f.Name, len(args)))
	}
	args = append(args, a.ID)
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE people SET %s WHERE id = $%d`, strings.Join(set, ", "), len(args)), args...); err != nil {
		return err
	}
	if e.Ends.IsZero() {
		return nil
	}
	if a.Email != now.Email {
		if err := closeContactChanges(ctx, tx, a.ID, micros(e.Ends)); err != nil {
			return err
		}
	}
	return endJourneys(ctx, tx, e.Before, e.Ends)
}

// statements is implemented by *sql.Tx, and by a connection whose transaction
// was begun with a BEGIN statement.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// freeze stops the recovery of a person's account. It returns ErrConflict if it is
// stopped already.
func freeze(ctx context.Context, tx *sql.Tx, f domain.Freeze) error {
	p := domain.Person{ID: f.Person}
	err := tx.QueryRowContext(ctx, `UPDATE people SET recovery_frozen_at = $1 WHERE id = $2 AND recovery_frozen_at = 0 RETURNING email, second_email`, micros(f.At), f.Person).Scan(&p.Email, &p.SecondEmail)
	if errors.Is(err, sql.ErrNoRows) {
		return domain.ErrConflict
	}
	if err != nil {
		return err
	}
	return endJourneys(ctx, tx, p, f.At)
}

// endJourneys revokes the unexpired journeys of a person, and those sent to the
// person's addresses. Journey.Revoke decides for each whether it applies.
func endJourneys(ctx context.Context, tx statements, p domain.Person, at time.Time) error {
	journeys, err := all(ctx, tx, document[domain.Journey], `UPDATE journeys SET version = version + 1 WHERE (person_id = $1 OR address = $2 OR address = $4) AND expires_at > $3 RETURNING doc`,
		p.ID, p.Email, micros(at), cmp.Or(p.SecondEmail, p.Email))
	if err != nil {
		return err
	}
	for _, j := range journeys {
		// The update has incremented the version of the row; the document must
		// match it.
		j.Version++
		j.Revoke(p.ID, at)
		doc, err := json.Marshal(j)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE journeys SET doc = $1, expires_at = $2 WHERE id = $3`, string(doc), micros(j.ExpiresAt), j.ID); err != nil {
			return err
		}
	}
	return nil
}

// JourneysOf returns the journeys of a person and those requested for one of the person's
// addresses, newest first.
func (s *Store) JourneysOf(ctx context.Context, p domain.Person) ([]domain.Journey, error) {
	out, err := all(ctx, s.db, document[domain.Journey], `SELECT doc FROM journeys WHERE person_id = $1 OR address <> '' AND address IN ($2, $3)`, p.ID, p.Email, p.SecondEmail)
	slices.SortFunc(out, func(a, b domain.Journey) int { return b.RequestedAt.Compare(a.RequestedAt) })
	return out, wrap("journeys", err)
}

func giveDeskCode(ctx context.Context, tx *sql.Tx, c domain.DeskCode) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO desk_codes (person_id, mac, operator, issued_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person_id) DO UPDATE SET mac = excluded.mac, operator = excluded.operator, issued_at = excluded.issued_at, expires_at = excluded.expires_at`,
		c.Person, hex.EncodeToString(c.MAC), c.Operator, micros(c.IssuedAt), micros(c.ExpiresAt))
	return err
}

// spendDeskCode spends a help desk code, in one statement. It returns
// ErrConflict if the code was spent already or has expired.
func spendDeskCode(ctx context.Context, tx *sql.Tx, c domain.DeskSpent) error {
	return one(ctx, tx, domain.ErrConflict, `DELETE FROM desk_codes WHERE mac = $1 AND expires_at > $2`, hex.EncodeToString(c.MAC), micros(c.At))
}

// DeskCode returns the help desk code with one of these MACs, or ErrNotFound.
func (s *Store) DeskCode(ctx context.Context, macs [][]byte) (domain.DeskCode, error) {
	for _, mac := range macs {
		c := domain.DeskCode{MAC: mac}
		var issued, expires int64
		err := s.db.QueryRowContext(ctx, `SELECT person_id, operator, issued_at, expires_at FROM desk_codes WHERE mac = $1`, hex.EncodeToString(mac)).
			Scan(&c.Person, &c.Operator, &issued, &expires)
		c.IssuedAt, c.ExpiresAt = moment(issued), moment(expires)
		if !errors.Is(err, sql.ErrNoRows) {
			return c, wrap("desk code", err)
		}
	}
	return domain.DeskCode{}, domain.ErrNotFound
}

// spendLongCode spends a long code, in one statement. It returns ErrConflict if
// the code was spent already or has expired.
func spendLongCode(ctx context.Context, tx *sql.Tx, c domain.LongSpent) error {
	return one(ctx, tx, domain.ErrConflict, `DELETE FROM long_codes WHERE mac = $1 AND expires_at > $2`, hex.EncodeToString(c.MAC), micros(c.At))
}

// LongCode returns the long code with one of these MACs, or ErrNotFound.
func (s *Store) LongCode(ctx context.Context, macs [][]byte) (domain.LongCode, error) {
	for _, mac := range macs {
		c := domain.LongCode{MAC: mac}
		var expires int64
		err := s.db.QueryRowContext(ctx, `SELECT purpose, profile, address, expires_at FROM long_codes WHERE mac = $1`, hex.EncodeToString(mac)).Scan(&c.Purpose, &c.Profile, &c.Address, &expires)
		c.ExpiresAt = moment(expires)
		if !errors.Is(err, sql.ErrNoRows) {
			return c, wrap("long code", err)
		}
	}
	return domain.LongCode{}, domain.ErrNotFound
}

// assist writes the effects that only acts of operators have.
func assist(ctx context.Context, b *pipeline, e domain.Effects) error {
	tx := b.tx
	for _, edit := range e.Edits {
		if err := editPerson(ctx, tx, edit); err != nil {
			return fmt.Errorf("edit: %w", err)
		}
	}
	if e.Freeze != nil {
		if err := freeze(ctx, tx, *e.Freeze); err != nil {
			return err
		}
	}
	if e.Desk != nil {
		if err := giveDeskCode(ctx, tx, *e.Desk); err != nil {
			return fmt.Errorf("desk code: %w", err)
		}
	}
	if e.DeskSpent != nil {
		if err := spendDeskCode(ctx, tx, *e.DeskSpent); err != nil {
			return err
		}
	}
	if c := e.Long; c != nil {
		if err := b.exec(ctx, `INSERT INTO long_codes (mac, purpose, profile, address, expires_at) VALUES ($1, $2, $3, $4, $5)`,
			hex.EncodeToString(c.MAC), c.Purpose, c.Profile, c.Address, micros(c.ExpiresAt)); err != nil {
			return fmt.Errorf("long code: %w", err)
		}
	}
	if e.LongSpent != nil {
		if err := spendLongCode(ctx, tx, *e.LongSpent); err != nil {
			return err
		}
	}
	if len(e.Forget) == 0 {
		return nil
	}
	var keys []any
	for _, key := range e.Forget {
		keys = append(keys, key)
	}
	if err := b.exec(ctx, `DELETE FROM limits WHERE key IN (`+marks(1, len(keys))+`)`, keys...); err != nil {
		return fmt.Errorf("limit: %w", err)
	}
	return nil
}

// Acts returns the audit entries about a person, oldest first.
func (s *Store) Acts(ctx context.Context, person domain.PersonID) (out []audit.Entry, err error) {
	err = s.Audit(ctx, audit.Query{Whom: string(person), OldestFirst: true}, func(l audit.Link) error {
		out = append(out, l.Entry)
		return nil
	})
	return out, err
}
