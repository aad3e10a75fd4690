package store

import (
	"context"
	"database/sql"
	"iter"
	"strings"

	"entree/internal/domain"
)

// personColumns are in the order of scanPerson.
const personColumns = `id, profile, number, given_name, family_name, birth_date, email, cohort, readiness,
	login, university_address, account, activation_id, account_id, activated_at, first_login_at, hold, wrong_address, wrong_why, wrong_since, wrong_rule, erased_at`

func scanPerson(scan func(...any) error) (domain.Person, error) {
	var p domain.Person
	var activated, first, wrong, erased int64
	err := scan(&p.ID, &p.Profile, &p.Number, &p.GivenName, &p.FamilyName, &p.BirthDate, &p.Email, &p.Cohort, &p.Readiness,
		&p.Login, &p.UniversityAddress, &p.Account, &p.ActivationID, &p.AccountID, &activated, &first, &p.Hold, &p.WrongAddress, &p.WrongWhy, &wrong, &p.WrongRule, &erased)
	p.ActivatedAt, p.FirstLoginAt, p.WrongSince, p.ErasedAt = moment(activated), moment(first), moment(wrong), moment(erased)
	return p, err
}

// PeopleAt gives the people with a personal address, of every profile.
func (s *Store) PeopleAt(ctx context.Context, address domain.Address) ([]domain.Person, error) {
	return s.people(ctx, `WHERE email = $1 ORDER BY profile, number`, address)
}

// People gives everybody, by profile and number.
func (s *Store) People(ctx context.Context) ([]domain.Person, error) {
	return s.people(ctx, `ORDER BY profile, number`)
}

func (s *Store) people(ctx context.Context, where string, args ...any) ([]domain.Person, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+personColumns+` FROM people `+where, args...)
	if err != nil {
		return nil, wrap("people", err)
	}
	defer rows.Close()
	var out []domain.Person
	for rows.Next() {
		p, err := scanPerson(rows.Scan)
		if err != nil {
			return nil, wrap("people", err)
		}
		out = append(out, p)
	}
	return out, wrap("people", rows.Err())
}

// Person gives a person.
func (s *Store) Person(ctx context.Context, id domain.PersonID) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = $1`, id).Scan)
	return p, wrap("person", notFound(err))
}

// PersonByLogin gives the person who has an identifier.
func (s *Store) PersonByLogin(ctx context.Context, login string) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE login = $1 AND login <> ''`, login).Scan)
	return p, wrap("person by login", notFound(err))
}

// PeopleCalled gives the people of every profile who have a number or an
// identifier.
func (s *Store) PeopleCalled(ctx context.Context, name string) ([]domain.Person, error) {
	return s.people(ctx, `WHERE number = $1 OR (login = $2 AND login <> '') ORDER BY profile, number`, name, strings.ToLower(name))
}

// PersonByAccount gives the person whose account has an id in Keycloak.
func (s *Store) PersonByAccount(ctx context.Context, accountID string) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE account_id = $1 AND account_id <> ''`, accountID).Scan)
	return p, wrap("person by account", notFound(err))
}

// The kinds of names.
const (
	nameLogin   = "login"
	nameAddress = "address"
)

// Reserve gives a person the first free login and the first free university
// address, for ever; of what the person has already nothing is changed. Of what
// has nil for candidates nothing is given.
func (s *Store) Reserve(ctx context.Context, id domain.PersonID, logins, addresses iter.Seq[string]) (login, address string, err error) {
	return login, address, wrap("reserve", s.tx(ctx, func(tx *sql.Tx) error {
		// The update holds the person's row, so that two journeys of one person
		// reserve one after the other.
		if err := tx.QueryRowContext(ctx, `UPDATE people SET login = login WHERE id = $1 RETURNING login, university_address`, id).Scan(&login, &address); err != nil {
			return notFound(err)
		}
		if login != "" && address != "" {
			return nil // another journey of theirs came first
		}
		if err := reserve(ctx, tx, id, nameLogin, &login, logins); err != nil {
			return err
		}
		if err := reserve(ctx, tx, id, nameAddress, &address, addresses); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET login = $1, university_address = $2 WHERE id = $3`, login, address, id); err != nil {
			return err
		}
		return refind(ctx, tx, id)
	}))
}

// reserve fills name with the first candidate that is free, unless it is filled.
func reserve(ctx context.Context, tx *sql.Tx, id domain.PersonID, kind string, name *string, candidates iter.Seq[string]) error {
	if *name != "" || candidates == nil {
		return nil
	}
	for candidate := range candidates {
		result, err := tx.ExecContext(ctx, `INSERT INTO names (kind, value, person_id) VALUES ($1, $2, $3) ON CONFLICT (kind, value) DO NOTHING`, kind, candidate, id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 1 {
			*name = candidate
			return nil
		}
	}
	return domain.ErrTaken
}
