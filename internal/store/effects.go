package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entree/internal/domain"
)

// apply writes effects within a transaction, at once.
func (s *Store) apply(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	return s.write(ctx, &pipeline{tx: tx}, e)
}

// write writes effects within a transaction. If a condition of the charter, of a person
// or of a limit fails, it returns an error and nothing is committed. Statements in b may
// run only when b is sent.
func (s *Store) write(ctx context.Context, b *pipeline, e domain.Effects) (err error) {
	if hasRare(e) {
		if b, err = b.atOnce(ctx); err != nil {
			return err
		}
	}
	tx := b.tx
	numbers, err := s.readBefore(ctx, b, e)
	if err != nil {
		return err
	}
	reached := e.Reaches()
	for _, c := range e.People {
		// One update for both: each one writes all indexes of the row.
		var stage domain.Stage
		reached = slices.DeleteFunc(slices.Clone(reached), func(r domain.Reached) bool {
			if r.Person == c.Person {
				stage = max(stage, r.Stage)
			}
			return r.Person == c.Person
		})
		if err := changePerson(ctx, b, c, stage); err != nil {
			return err
		}
	}
	if err := changeOfContact(ctx, tx, e); err != nil {
		return err
	}
	if e.Reserve != nil {
		if _, _, err := s.reserveNames(ctx, b, *e.Reserve); err != nil {
			return err
		}
	}
	if e.Spend != nil {
		taken, err := spend(ctx, b, *e.Spend)
		if err == nil && e.Spend.More != nil {
			var more domain.Effects
			if more, err = e.Spend.More(taken); err == nil {
				err = s.write(ctx, b, more)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, row := range e.Sessions {
		if err := saveSession(ctx, b, row); err != nil {
			return err
		}
	}
	if err := assist(ctx, b, e); err != nil {
		return err
	}
	for _, d := range e.Matches {
		if err := decideMatch(ctx, tx, d); err != nil {
			return fmt.Errorf("match: %w", err)
		}
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
		if err := s.insertAcceptance(ctx, b, a, numbers[a.Person]); err != nil {
			return fmt.Errorf("acceptance: %w", err)
		}
	}
	for _, n := range e.Factors {
		if err := writeFactors(ctx, tx, n); err != nil {
			return fmt.Errorf("factors: %w", err)
		}
	}
	for _, c := range e.FactorChanges {
		if err := s.writeFactorChange(ctx, b, c); err != nil {
			return fmt.Errorf("change of factors: %w", err)
		}
	}
	for _, j := range e.Jobs {
		if err := b.exec(ctx, `INSERT INTO jobs (id, kind, person_id, journey_id, payload, created_at, run_at, deadline, attempts, lease, lease_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			j.ID, j.Kind, j.Person, j.Journey, j.Payload, micros(j.Created), micros(j.RunAt), micros(j.Deadline), j.Attempts, j.Lease, micros(j.LeaseUntil)); err != nil {
			return fmt.Errorf("job: %w", err)
		}
	}
	for _, v := range e.Events {
		if err := insertEvent(ctx, b, v); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	for _, v := range e.Tallies {
		if err := tally(ctx, tx, v); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	for _, r := range reached {
		if err := b.exec(ctx, `UPDATE people SET stage = $1 WHERE id = $2 AND stage < $1`, int64(r.Stage), r.Person); err != nil {
			return fmt.Errorf("stage: %w", err)
		}
	}
	// The audit comes last: the row of the head stays locked from here to the
	// commit.
	for _, entry := range e.Audit {
		if err := s.chain(ctx, tx, entry); err != nil {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

// readBefore reads what the effects depend on: it returns ErrCharterReplaced if e.Charter
// is not in force, and the numbers of the people whose acceptances get a MAC.
func (s *Store) readBefore(ctx context.Context, b *pipeline, e domain.Effects) (numbers map[domain.PersonID]string, err error) {
	holds := func() error { return nil }
	if e.Charter != nil {
		if holds, err = s.holds(ctx, b, *e.Charter); err != nil {
			return nil, err
		}
	}
	if s.record != nil && len(e.Acceptances) > 0 {
		numbers = map[domain.PersonID]string{}
		for _, a := range e.Acceptances {
			if err := b.rows(ctx, func(scan func(...any) error) error {
				var number string
				err := scan(&number)
				numbers[a.Person] = number
				return err
			}, `SELECT number FROM people WHERE id = $1`, a.Person); err != nil {
				return nil, err
			}
		}
	}
	if e.Charter == nil && numbers == nil {
		return nil, nil
	}
	if err := b.send(ctx); err != nil {
		return nil, err
	}
	return numbers, holds()
}

// changePerson changes the state of a person's account if the current state is
// one of c.From and the other conditions of the change hold. Otherwise it returns
// ErrConflict and changes nothing. stage is the stage that the person reaches, or 0.
func changePerson(ctx context.Context, b *pipeline, c domain.PersonChange, stage domain.Stage) error {
	args := []any{c.To, c.Person}
	put := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	// Only columns that change are set: SQLite writes the indexes of the others too.
	set, guard := "account = $1", ""
	if c.ActivationID != "" {
		set += ", activation_id = " + put(c.ActivationID)
	}
	if c.AccountID != "" {
		set += ", account_id = " + put(c.AccountID)
	}
	if !c.ActivatedAt.IsZero() {
		set += ", activated_at = " + put(micros(c.ActivatedAt))
	}
	if !c.FirstLoginAt.IsZero() {
		set += ", first_login_at = " + put(micros(c.FirstLoginAt))
		guard += " AND first_login_at = 0"
	}
	switch {
	case c.MayActivate:
		guard += ` AND readiness = ` + put(domain.Ready) + ` AND erased_at = 0 AND erase_at = 0 AND matching = ''`
		if c.Address != "" {
			guard += ` AND email = ` + put(c.Address)
		}
	case c.PasswordJob != "":
		set += ", password_job = " + put(c.PasswordJob)
		guard += ` AND recovery_frozen_at = 0 AND hold = '' AND erased_at = 0 AND erase_at = 0`
		if c.Address != "" {
			at := put(c.Address)
			guard += ` AND (email = ` + at + ` OR second_email = ` + at + `)`
		}
	}
	if stage > 0 {
		at := put(int64(stage))
		set += `, stage = CASE WHEN stage < ` + at + ` THEN ` + at + ` ELSE stage END`
	}
	if c.To == domain.AccountCreating {
		guard += ` AND hold = ''`
	}
	from := marks(len(args)+1, len(c.From))
	for _, state := range c.From {
		args = append(args, state)
	}
	return b.one(ctx, domain.ErrConflict, `UPDATE people SET `+set+` WHERE id = $2 AND account IN (`+from+`)`+guard, args...)
}

// markWrong marks an address as wrong for all people with it who have no such mark. A
// mark of the second address does not replace one of the first.
func markWrong(ctx context.Context, tx *sql.Tx, w domain.WrongAddress) error {
	for _, mark := range []struct {
		kind domain.EventKind
		who  string
	}{ // in one order, so that two transactions cannot wait for each other
		{domain.EventAddressWrong, `email = $1`},
		{domain.EventSecondWrong, `second_email = $1 AND second_email <> '' AND email <> $1 AND (wrong_address = '' OR wrong_address <> email)`},
	} {
		people, err := all(ctx, tx, value[domain.PersonID], `UPDATE people SET wrong_address = $1, wrong_why = $2, wrong_since = $3, wrong_rule = $4, wrong_provider = $5
			WHERE `+mark.who+` AND wrong_address <> $1 RETURNING id`, w.Address, w.Why, micros(w.At), w.Rule, w.Provider)
		if err != nil {
			return err
		}
		for _, id := range people {
			if err := insertEvent(ctx, &pipeline{tx: tx}, domain.Event{At: w.At, Kind: mark.kind, Person: id, Details: map[string]string{"status": w.Why, "rule": w.Rule}}); err != nil {
				return err
			}
		}
	}
	return nil
}

func insertEvent(ctx context.Context, b *pipeline, v domain.Event) error {
	return insertEventAs(ctx, b, newEventID(v), v)
}

// newEventID returns an id that sorts by time. The random half keeps two events
// of the same microsecond apart.
func newEventID(v domain.Event) string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails: crypto/rand ends the program instead
	return fmt.Sprintf("%016x%x", micros(v.At), random)
}

func insertEventAs(ctx context.Context, b *pipeline, id string, v domain.Event) error {
	details, err := json.Marshal(v.Details)
	if err != nil {
		return err
	}
	return b.exec(ctx, `INSERT INTO events (id, at, kind, person_id, journey_id, details) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, micros(v.At), v.Kind, v.Person, v.Journey, string(details))
}

// tally inserts an event, or increments its count if the journey already has an
// event of this kind in the same minute. Attempts are free for the client, so
// each one must not add a row.
func tally(ctx context.Context, tx *sql.Tx, v domain.Event) error {
	minute := v.At.Truncate(time.Minute)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", v.Kind, v.Journey, minute.Unix()))
	id := newEventID(v)
	var n int64
	if err := tx.QueryRowContext(ctx, `INSERT INTO event_tallies (key, event_id, kind, at, n) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (key) DO UPDATE SET n = event_tallies.n + 1 RETURNING n`, hex.EncodeToString(sum[:16]), id, v.Kind, micros(minute)).Scan(&n); err != nil || n > 1 {
		return err
	}
	return insertEventAs(ctx, &pipeline{tx: tx}, id, v)
}

// Events returns the events of a person, oldest first.
func (s *Store) Events(ctx context.Context, person domain.PersonID) ([]domain.Event, error) {
	// The events of a journey before the person was identified are included, those
	// of another person with the same address are not.
	out, err := all(ctx, s.db, scanEvent, `SELECT `+eventColumns+` FROM events
		WHERE person_id = $1 OR (person_id = '' AND journey_id <> '' AND journey_id IN (SELECT journey_id FROM events WHERE person_id = $1)) ORDER BY id`, person)
	return out, wrap("events", err)
}

// EventsSince returns the events of a person of one kind from a time on, oldest first.
func (s *Store) EventsSince(ctx context.Context, person domain.PersonID, kind domain.EventKind, from time.Time) ([]domain.Event, error) {
	out, err := all(ctx, s.writer, scanEvent, `SELECT `+eventColumns+` FROM events WHERE person_id = $1 AND at >= $2 AND kind = $3 ORDER BY id`, person, micros(from), kind)
	return out, wrap("events", err)
}

// eventColumns lists the columns of an event in the order of scanEvent.
const eventColumns = `at, kind, person_id, journey_id, details, coalesce((SELECT n FROM event_tallies t WHERE t.event_id = events.id), 1)`

func scanEvent(scan func(...any) error) (v domain.Event, err error) {
	var at, n int64
	var details string
	if err := scan(&at, &v.Kind, &v.Person, &v.Journey, &details, &n); err != nil {
		return v, err
	}
	v.At = moment(at)
	if err := json.Unmarshal([]byte(details), &v.Details); err != nil {
		return v, err
	}
	if n > 1 {
		if v.Details == nil {
			v.Details = map[string]string{}
		}
		v.Details["count"] = strconv.FormatInt(n, 10)
	}
	return v, nil
}

// EventCounts returns the number of events of each kind.
func (s *Store) EventCounts(ctx context.Context) (map[domain.EventKind]int64, error) {
	out, err := counts[domain.EventKind](ctx, s.db, `SELECT kind, count(*) FROM events GROUP BY kind
		UNION ALL SELECT kind, sum(n - 1) FROM event_tallies WHERE n > 1 GROUP BY kind`)
	return out, wrap("event counts", err)
}
