package store

import (
	"context"
	"database/sql"

	"entree/activation"
	"entree/audit"
)

// Dossier gives everything that is held about a person.
func (s *Store) Dossier(ctx context.Context, id activation.PersonID) (activation.Dossier, error) {
	var d activation.Dossier
	var err error
	if d.Person, err = s.Person(ctx, id); err != nil {
		return d, err
	}
	if d.Events, err = s.Events(ctx, id); err != nil {
		return d, err
	}
	if d.Acceptances, d.Charters, err = s.Evidence(ctx, id); err != nil {
		return d, err
	}
	err = s.each(ctx, func(scan func(...any) error) error {
		j, err := scanJobLine(scan)
		d.Jobs = append(d.Jobs, j)
		return err
	}, `SELECT `+jobLineColumns+` FROM jobs WHERE person_id = $1 ORDER BY created_at, id`, id)
	if err != nil {
		return d, err
	}
	err = s.Audit(ctx, audit.Query{Whom: string(id), OldestFirst: true}, func(l audit.Link) error {
		d.Audit = append(d.Audit, l)
		return nil
	})
	return d, err
}

// Erase removes what is held about a person but for what has to be kept:
//
//   - the number, by which a later import knows not to take them in again and
//     the university knows whose the evidence is;
//   - the identifier and the university address, which are never another's;
//   - what was accepted, with its text;
//   - that things happened, without details, under a key that names nobody.
//
// entry is chained with it. A person whose account is being made is
// activation.ErrConflict: the account is to come to its end first.
func (s *Store) Erase(ctx context.Context, id activation.PersonID, entry audit.Entry) error {
	entry.Act, entry.Whom = audit.ActErased, string(id)
	return wrap("erase", s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, activation.ErrConflict, `UPDATE people SET given_name = '', family_name = '', birth_date = '', email = '', cohort = '',
			wrong_address = '', wrong_why = '', wrong_since = 0, readiness = $1, hold = '', activation_id = '', account_id = '', erased_at = $2 WHERE id = $3 AND account <> $4 AND erased_at = 0`,
			activation.Held, micros(entry.At), id, activation.AccountCreating); err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM jobs WHERE person_id = $1 OR journey_id IN (SELECT journey_id FROM events WHERE person_id = $1 AND journey_id <> '')`,
			`DELETE FROM journeys WHERE person_id = $1 OR id IN (SELECT journey_id FROM events WHERE person_id = $1 AND journey_id <> '')`,
			`DELETE FROM desk_codes WHERE person_id = $1`,
			`DELETE FROM audit_details WHERE seq IN (SELECT seq FROM audit WHERE whom = $1)`,
		} {
			if _, err := tx.ExecContext(ctx, statement, id); err != nil {
				return err
			}
		}
		if err := refind(ctx, tx, id); err != nil {
			return err
		}
		return s.apply(ctx, tx, activation.Effects{Audit: []audit.Entry{entry}})
	}))
}
