package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
)

// attempts limits how often Update runs a change again after a conflict with another
// instance. In each round one writer succeeds, so eight instances need eight attempts
// at most.
const attempts = 50

// errOvertaken is returned if another writer changed the journey since it was
// read.
var errOvertaken = errors.New("store: overtaken")

// Begin inserts a journey with its effects.
func (s *Store) Begin(ctx context.Context, j domain.Journey, e domain.Effects) error {
	j.Version = 1
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return wrap("begin", s.transaction(ctx, func(ctx context.Context, b *pipeline) error {
		if err := b.exec(ctx, `INSERT INTO journeys (id, version, expires_at, doc, person_id, address, begun_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			j.ID, j.Version, micros(j.ExpiresAt), string(doc), j.Person, j.Address, micros(s.now())); err != nil {
			return err
		}
		return s.write(ctx, b, e)
	}))
}

// Journey returns a journey, or ErrNotFound.
func (s *Store) Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, error) {
	var doc string
	if err := s.db.QueryRowContext(s.brief(ctx), `SELECT doc FROM journeys WHERE id = $1`, id).Scan(&doc); err != nil {
		return domain.Journey{}, wrap("journey", notFound(err))
	}
	var j domain.Journey
	return j, wrap("journey", json.Unmarshal([]byte(doc), &j))
}

// Update runs change on a journey and commits the changed journey with the
// effects, if the journey has not changed since it was read. Otherwise it reads
// the journey and runs change again. If known has no version, it reads the
// journey first.
func (s *Store) Update(ctx context.Context, known domain.Journey, change func(*domain.Journey) (domain.Effects, error)) (domain.Journey, error) {
	return s.update(ctx, known, change, func(context.Context, *pipeline) error { return nil })
}

// update is Update with a first statement of the transaction.
func (s *Store) update(ctx context.Context, known domain.Journey, change func(*domain.Journey) (domain.Effects, error), first func(context.Context, *pipeline) error) (domain.Journey, error) {
	id := known.ID
	end, err := s.turns.take(ctx, id)
	if err != nil {
		return domain.Journey{}, wrap("update", err)
	}
	defer end()
	for i := range attempts {
		fresh := i > 0 || known.Version == 0
		j := known
		if fresh {
			var err error
			if j, err = s.Journey(ctx, id); err != nil {
				return domain.Journey{}, err
			}
		}
		read, person := j.Version, j.Person
		effects, err := change(&j)
		if err != nil && !fresh {
			continue // the error may result from an outdated state
		}
		if err != nil {
			return domain.Journey{}, err
		}
		j.ID, j.Version = id, read+1
		doc, err := json.Marshal(j)
		if err != nil {
			return domain.Journey{}, err
		}
		err = s.transaction(ctx, func(ctx context.Context, b *pipeline) error {
			if err := first(ctx, b); err != nil {
				return err
			}
			// Rows are locked in the order of their ids, so that two journeys that
			// spend each other's codes do not wait for each other.
			other := effects.CodeOf
			if other != nil && other.ID < id {
				if err := spendCode(ctx, b, *other); err != nil {
					return err
				}
			}
			query, args := `UPDATE journeys SET version = $1, expires_at = $2, doc = $3 WHERE id = $4 AND version = $5`, []any{j.Version, micros(j.ExpiresAt), string(doc), id, read}
			if j.Person != person { // SQLite writes the index of a column that is set, also to the same value
				query, args = `UPDATE journeys SET version = $1, expires_at = $2, doc = $3, person_id = $6 WHERE id = $4 AND version = $5`, append(args, j.Person)
			}
			if err := b.one(ctx, errOvertaken, query, args...); err != nil {
				return err
			}
			if other != nil && other.ID > id {
				if err := spendCode(ctx, b, *other); err != nil {
					return err
				}
			}
			return s.write(ctx, b, effects)
		})
		if !errors.Is(err, errOvertaken) {
			return j, wrap("update", err)
		}
	}
	return domain.Journey{}, fmt.Errorf("store: update: overtaken %d times", attempts)
}

// spendCode stores a journey whose code was spent in another one. It returns
// ErrConflict if the journey was changed since it was read.
func spendCode(ctx context.Context, b *pipeline, j domain.Journey) error {
	read := j.Version
	j.Version++
	doc, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return b.one(ctx, domain.ErrConflict, `UPDATE journeys SET version = $1, doc = $2 WHERE id = $3 AND version = $4`, j.Version, string(doc), j.ID, read)
}

// JourneysAt returns the journeys to an address that have not expired.
func (s *Store) JourneysAt(ctx context.Context, address domain.Address, now time.Time) ([]domain.Journey, error) {
	out, err := all(ctx, s.db, document[domain.Journey], `SELECT doc FROM journeys WHERE address = $1 AND expires_at > $2`, address, micros(now))
	return out, wrap("journeys", err)
}

// Apply commits effects without a journey.
func (s *Store) Apply(ctx context.Context, e domain.Effects) error {
	return wrap("apply", s.transaction(ctx, func(ctx context.Context, b *pipeline) error { return s.write(ctx, b, e) }))
}
