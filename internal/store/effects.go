package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"entree/internal/domain"
)

// apply writes effects within a transaction. The charter and the people come
// first: their guards decide whether anything is written at all.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	if e.Charter != nil {
		if err := s.holds(ctx, tx, *e.Charter); err != nil {
			return err
		}
	}
	for _, c := range e.People {
		if err := changePerson(ctx, tx, c); err != nil {
			return err
		}
	}
	if e.Spend != nil {
		if _, err := spend(ctx, tx, *e.Spend); err != nil {
			return err
		}
	}
	if err := assist(ctx, tx, e); err != nil {
		return err
	}
	for _, w := range e.Wrong {
		if err := markWrong(ctx, tx, w); err != nil {
			return fmt.Errorf("wrong address: %w", err)
		}
	}
	for _, r := range e.Refused {
		if err := countRefused(ctx, tx, r); err != nil {
			return fmt.Errorf("refused mail: %w", err)
		}
	}
	for _, a := range e.Acceptances {
		if _, err := tx.ExecContext(ctx, `INSERT INTO acceptances (person_id, journey_id, profile, lang, version, sha256, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			a.Person, a.Journey, a.Profile, a.Lang, a.Version, a.SHA256, micros(a.At)); err != nil {
			return fmt.Errorf("acceptance: %w", err)
		}
	}
	for _, j := range e.Jobs {
		if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, kind, person_id, journey_id, payload, created_at, run_at, deadline) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			j.ID, j.Kind, j.Person, j.Journey, j.Payload, micros(j.Created), micros(j.RunAt), micros(j.Deadline)); err != nil {
			return fmt.Errorf("job: %w", err)
		}
	}
	for _, v := range e.Events {
		if err := insertEvent(ctx, tx, v); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	for _, r := range e.Reaches() {
		if _, err := tx.ExecContext(ctx, `UPDATE people SET stage = $1 WHERE id = $2 AND stage < $1`, int64(r.Stage), r.Person); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	// Last, since the head of the chain is held from here to the commit.
	for _, entry := range e.Audit {
		if err := chain(ctx, tx, entry); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

// changePerson moves a person's account if it is in one of the states that the
// change begins from.
func changePerson(ctx context.Context, tx *sql.Tx, c domain.PersonChange) error {
	args := []any{c.To, c.ActivationID, c.AccountID, micros(c.ActivatedAt), micros(c.FirstLoginAt), c.Person}
	var from []string
	for _, state := range c.From {
		args = append(args, state)
		from = append(from, fmt.Sprintf("$%d", len(args)))
	}
	return one(ctx, tx, domain.ErrConflict, `UPDATE people SET account = $1,
		activation_id  = CASE WHEN $2 = '' THEN activation_id ELSE $2 END,
		account_id     = CASE WHEN $3 = '' THEN account_id ELSE $3 END,
		activated_at   = CASE WHEN cast($4 AS bigint) = 0 THEN activated_at ELSE cast($4 AS bigint) END,
		first_login_at = CASE WHEN cast($5 AS bigint) = 0 THEN first_login_at ELSE cast($5 AS bigint) END
		WHERE id = $6 AND (cast($5 AS bigint) = 0 OR first_login_at = 0) AND (hold = '' OR $1 <> 'creating') AND account IN (`+strings.Join(from, ", ")+`)`, args...)
}

// markWrong marks an address for every person who has it and is not marked yet.
func markWrong(ctx context.Context, tx *sql.Tx, w domain.WrongAddress) error {
	rows, err := tx.QueryContext(ctx, `UPDATE people SET wrong_address = $1, wrong_why = $2, wrong_since = $3, wrong_rule = $4, wrong_provider = $5
		WHERE email = $1 AND wrong_address <> $1 RETURNING id`, w.Address, w.Why, micros(w.At), w.Rule, w.Provider)
	if err != nil {
		return err
	}
	var people []domain.PersonID
	for rows.Next() {
		var id domain.PersonID
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		people = append(people, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range people {
		if err := insertEvent(ctx, tx, domain.Event{At: w.At, Kind: domain.EventAddressWrong, Person: id, Details: map[string]string{"status": w.Why, "rule": w.Rule}}); err != nil {
			return err
		}
	}
	return nil
}

func insertEvent(ctx context.Context, tx *sql.Tx, v domain.Event) error {
	details, err := json.Marshal(v.Details)
	if err != nil {
		return err
	}
	// The id sorts by time; the random half keeps two of one microsecond apart.
	random := make([]byte, 8)
	_, _ = rand.Read(random)
	id := fmt.Sprintf("%016x%x", micros(v.At), random)
	_, err = tx.ExecContext(ctx, `INSERT INTO events (id, at, kind, person_id, journey_id, details) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, micros(v.At), v.Kind, v.Person, v.Journey, string(details))
	return err
}

// Events gives the story of a person, oldest first.
func (s *Store) Events(ctx context.Context, person domain.PersonID) ([]domain.Event, error) {
	// What happened before a person was identified belongs to their journey.
	rows, err := s.db.QueryContext(ctx, `SELECT at, kind, person_id, journey_id, details FROM events
		WHERE person_id = $1 OR (journey_id <> '' AND journey_id IN (SELECT journey_id FROM events WHERE person_id = $1)) ORDER BY id`, person)
	if err != nil {
		return nil, wrap("events", err)
	}
	defer rows.Close()
	var out []domain.Event
	for rows.Next() {
		var v domain.Event
		var at int64
		var details string
		if err := rows.Scan(&at, &v.Kind, &v.Person, &v.Journey, &details); err != nil {
			return nil, wrap("events", err)
		}
		v.At = moment(at)
		if err := json.Unmarshal([]byte(details), &v.Details); err != nil {
			return nil, wrap("events", err)
		}
		out = append(out, v)
	}
	return out, wrap("events", rows.Err())
}

// EventCounts tells how often each kind of event happened.
func (s *Store) EventCounts(ctx context.Context) (map[domain.EventKind]int64, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT kind, count(*) FROM events GROUP BY kind`)
	if err != nil {
		return nil, wrap("event counts", err)
	}
	defer rows.Close()
	out := map[domain.EventKind]int64{}
	for rows.Next() {
		var kind domain.EventKind
		var n int64
		if err := rows.Scan(&kind, &n); err != nil {
			return nil, wrap("event counts", err)
		}
		out[kind] = n
	}
	return out, wrap("event counts", rows.Err())
}
