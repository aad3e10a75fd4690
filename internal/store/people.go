package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
)

// personColumns lists the columns of a person in the order of scanPerson.
var personColumns = columns(func(domain.Field) bool { return true })

// columns returns the columns of the fields that are wanted, separated by commas.
func columns(wanted func(domain.Field) bool) string {
	return strings.Join(fieldNames(wanted), ", ")
}

// fieldNames returns the names of the fields that are wanted, in the order of the
// table.
func fieldNames(wanted func(domain.Field) bool) (names []string) {
	for _, f := range domain.Fields() {
		if wanted(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// column is the database form of a field's value: microseconds for a time.
type column struct{ time *time.Time }

// Scan implements sql.Scanner.
func (c column) Scan(v any) error {
	at, ok := v.(int64)
	if !ok {
		return fmt.Errorf("want a number of microseconds, got %T", v)
	}
	*c.time = moment(at)
	return nil
}

func scanPerson(scan func(...any) error) (p domain.Person, err error) {
	err = scan(personValues(&p)...)
	return p, err
}

// personValues returns the destinations of personColumns.
func personValues(p *domain.Person) []any {
	to := make([]any, 0, len(domain.Fields()))
	for _, f := range domain.Fields() {
		value := f.Of(p)
		if t, ok := value.(*time.Time); ok {
			value = column{t}
		}
		to = append(to, value)
	}
	return to
}

// stored returns the value of a field as the database stores it.
func stored(f domain.Field, p *domain.Person) any {
	if t, ok := f.Of(p).(*time.Time); ok {
		return micros(*t)
	}
	return f.Text(p)
}

// PeopleAt returns the people of all profiles with a personal address, the first or the
// second one.
func (s *Store) PeopleAt(ctx context.Context, address domain.Address) ([]domain.Person, error) {
	return s.people(ctx, `WHERE email = $1 OR (second_email = $1 AND second_email <> '') ORDER BY profile, number`, address)
}

// People returns all people, by profile and number.
func (s *Store) People(ctx context.Context) ([]domain.Person, error) {
	return s.people(ctx, `ORDER BY profile, number`)
}

func (s *Store) people(ctx context.Context, where string, args ...any) ([]domain.Person, error) {
	out, err := all(ctx, s.db, scanPerson, `SELECT `+personColumns+` FROM people `+where, args...)
	return out, wrap("people", err)
}

// Person returns a person, or ErrNotFound.
func (s *Store) Person(ctx context.Context, id domain.PersonID) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(s.brief(ctx), `SELECT `+personColumns+` FROM people WHERE id = $1`, id).Scan)
	return p, wrap("person", notFound(err))
}

// PeopleWith returns the people with these ids; an unknown id is left out.
func (s *Store) PeopleWith(ctx context.Context, ids []domain.PersonID) (map[domain.PersonID]domain.Person, error) {
	out := map[domain.PersonID]domain.Person{}
	for some := range slices.Chunk(ids, rowsAtOnce) {
		c := &conditions{}
		people, err := s.people(ctx, `WHERE id IN (`+list(c, some)+`)`, c.args...)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			out[p.ID] = p
		}
	}
	return out, nil
}

// StoredEmail returns the address of the person with a number, empty if there is
// no such person.
func (s *Store) StoredEmail(ctx context.Context, profile, number string) (domain.Address, error) {
	var email domain.Address
	err := s.db.QueryRowContext(ctx, `SELECT email FROM people WHERE profile = $1 AND number = $2`, profile, number).Scan(&email)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return email, wrap("stored address", err)
}

// PersonByNumber returns the person of a profile with a number.
func (s *Store) PersonByNumber(ctx context.Context, profile, number string) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE profile = $1 AND number = $2`, profile, number).Scan)
	return p, wrap("person by number", notFound(err))
}

// PersonByAnyNumber returns the person of a profile whose number is the given one, or
// the only person of the profile whose national number is. Otherwise it returns
// ErrNotFound.
func (s *Store) PersonByAnyNumber(ctx context.Context, profile, number string) (domain.Person, error) {
	people, err := s.people(ctx, `WHERE profile = $1 AND number = $2 UNION ALL SELECT `+personColumns+` FROM people WHERE profile = $1 AND ine = $3 AND ine <> '' AND number <> $2 LIMIT 3`,
		profile, number, strings.ToUpper(number))
	if err != nil {
		return domain.Person{}, err
	}
	for _, p := range people {
		if p.Number == number || len(people) == 1 {
			return p, nil
		}
	}
	return domain.Person{}, domain.ErrNotFound
}

// PersonByLogin returns the person with an identifier, or ErrNotFound.
func (s *Store) PersonByLogin(ctx context.Context, login string) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE login = $1 AND login <> ''`, login).Scan)
	return p, wrap("person by login", notFound(err))
}

// PeopleCalled returns the people of all profiles whose number or identifier is
// name.
func (s *Store) PeopleCalled(ctx context.Context, name string) ([]domain.Person, error) {
	return s.people(ctx, `WHERE number = $1 OR (login = $2 AND login <> '') ORDER BY profile, number`, name, strings.ToLower(name))
}

// PersonByAccount returns the person whose account has an id in Keycloak, or
// ErrNotFound.
func (s *Store) PersonByAccount(ctx context.Context, accountID string) (domain.Person, error) {
	p, err := scanPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE account_id = $1 AND account_id <> ''`, accountID).Scan)
	return p, wrap("person by account", notFound(err))
}

// KnowsEntries reports whether the id in Keycloak of any account is not known yet.
func (s *Store) KnowsEntries(ctx context.Context) (knows bool, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM people WHERE substr(account_id, 1, 6) = 'entry:')`).Scan(&knows)
	return knows, wrap("entries", err)
}

// Kinds of the rows in names.
const (
	nameLogin   = "login"
	nameAddress = "address"
)

// nameKinds maps each field whose value is never used again to its kind.
var nameKinds = map[string]string{"login": nameLogin, "university_address": nameAddress}

// Reserve assigns to a person the first free login and the first free
// university address, permanently. It does not change a name that the person
// already has, and assigns none where the candidates are nil.
func (s *Store) Reserve(ctx context.Context, id domain.PersonID, logins, addresses iter.Seq[string]) (login, address string, err error) {
	return login, address, wrap("reserve", s.transaction(ctx, func(ctx context.Context, b *pipeline) (err error) {
		login, address, err = s.reserveNames(ctx, b, domain.Reservation{Person: id, Logins: logins, Addresses: addresses})
		return err
	}))
}

func (s *Store) reserveNames(ctx context.Context, b *pipeline, r domain.Reservation) (login, address string, err error) {
	// The person's row is locked, so that two journeys of the same person reserve one
	// after the other.
	var people []domain.Person
	if err := b.rows(ctx, func(scan func(...any) error) error {
		p, err := scanPerson(scan)
		people = append(people, p)
		return err
	}, `SELECT `+personColumns+` FROM people WHERE id = $1`+s.dialect.lockRow, r.Person); err != nil {
		return "", "", err
	}
	if err := b.send(ctx); err != nil {
		return "", "", err
	}
	if len(people) == 0 {
		return "", "", domain.ErrNotFound
	}
	p := people[0]
	if p.Login != "" && p.UniversityAddress != "" {
		return p.Login, p.UniversityAddress, nil // another journey of the person was first
	}
	// All writers reserve the login first, so that two transactions never wait for each
	// other.
	if err := reserve(ctx, b, r.Person, nameLogin, &p.Login, r.Logins); err != nil {
		return "", "", err
	}
	if err := reserve(ctx, b, r.Person, nameAddress, &p.UniversityAddress, r.Addresses); err != nil {
		return "", "", err
	}
	// One update: each one writes all indexes of the row.
	return p.Login, p.UniversityAddress, b.exec(ctx, `UPDATE people SET login = $1, university_address = $2, search = $3 WHERE id = $4`,
		p.Login, p.UniversityAddress, searchText(p), r.Person)
}

// reserve sets name to the first free candidate, unless name is already set.
func reserve(ctx context.Context, b *pipeline, id domain.PersonID, kind string, name *string, candidates iter.Seq[string]) error {
	if *name != "" || candidates == nil {
		return nil
	}
	for candidate := range candidates {
		var n int64
		if err := b.count(ctx, &n, `INSERT INTO names (kind, value, person_id) VALUES ($1, $2, $3) ON CONFLICT (kind, value) DO NOTHING`, kind, candidate, id); err != nil {
			return err
		}
		if err := b.send(ctx); err != nil {
			return err
		}
		if n == 1 {
			*name = candidate
			return nil
		}
	}
	return domain.ErrTaken
}
