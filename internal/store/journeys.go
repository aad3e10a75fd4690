package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"entree/internal/domain"
)

// attempts is how often a change is run again on what another writer left.
// Every time one writer gets through, so eight tabs need eight at most.
const attempts = 50

// errOvertaken says that another writer changed the journey first.
var errOvertaken = errors.New("store: overtaken")

// Begin stores a new journey with its effects.
func (s *Store) Begin(ctx context.Context, j domain.Journey, e domain.Effects) error {
	j.Version = 1
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return wrap("begin", s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO journeys (id, version, expires_at, doc, person_id, address) VALUES ($1, $2, $3, $4, $5, $6)`,
			j.ID, j.Version, micros(j.ExpiresAt), string(doc), j.Person, j.Address); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	}))
}

// Journey gives a journey.
func (s *Store) Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, error) {
	var doc string
	if err := s.db.QueryRowContext(ctx, `SELECT doc FROM journeys WHERE id = $1`, id).Scan(&doc); err != nil {
		return domain.Journey{}, wrap("journey", notFound(err))
	}
	var j domain.Journey
	return j, wrap("journey", json.Unmarshal([]byte(doc), &j))
}

// Update lets change decide on a journey and commits what it decided, with its
// effects, if nobody else changed the journey since it was read; otherwise it
// runs change again on the newer state. A journey without a version is read
// first.
func (s *Store) Update(ctx context.Context, known domain.Journey, change func(*domain.Journey) (domain.Effects, error)) (domain.Journey, error) {
	id := known.ID
	for i := range attempts {
		fresh := i > 0 || known.Version == 0
		j := known
		if fresh {
			var err error
			if j, err = s.Journey(ctx, id); err != nil {
				return domain.Journey{}, err
			}
		}
		read := j.Version
		effects, err := change(&j)
		if err != nil && !fresh {
			continue // it may have been said of a state that is over
		}
		if err != nil {
			return domain.Journey{}, err
		}
		j.ID, j.Version = id, read+1
		doc, err := json.Marshal(j)
		if err != nil {
			return domain.Journey{}, err
		}
		err = s.tx(ctx, func(tx *sql.Tx) error {
			if err := one(ctx, tx, errOvertaken, `UPDATE journeys SET version = $1, expires_at = $2, doc = $3, person_id = $4 WHERE id = $5 AND version = $6`,
				j.Version, micros(j.ExpiresAt), string(doc), j.Person, id, read); err != nil {
				return err
			}
			return s.apply(ctx, tx, effects)
		})
		if !errors.Is(err, errOvertaken) {
			return j, wrap("update", err)
		}
	}
	return domain.Journey{}, fmt.Errorf("store: update: overtaken %d times", attempts)
}

// Apply commits effects without a journey.
func (s *Store) Apply(ctx context.Context, e domain.Effects) error {
	return wrap("apply", s.tx(ctx, func(tx *sql.Tx) error { return s.apply(ctx, tx, e) }))
}
