package store

import (
	"context"
	"time"

	"entree/internal/domain"
)

// grace is how long an expired journey remains readable for the help desk.
const grace = 24 * time.Hour

// batch limits the rows that one statement removes, so that other writers wait
// briefly.
const batch = 1000

// Purge removes expired sessions, journeys a day after they expire (S48), and
// limits that no longer block an act, and erases the people whose erasure is due.
// Evidence and data that is still needed
// remain.
func (s *Store) Purge(ctx context.Context, now time.Time) error {
	for _, p := range []struct {
		table, key, where string
		before            time.Time
	}{
		{"sessions", "id_hash", "expires_at < $1", now},
		{"journeys", "id", "begun_at < $1 AND expires_at < $1", now.Add(-grace)},
		{"limits", "key", "arrival < $1", now},
		{"event_tallies", "key", "at < $1", now.AddDate(-1, -1, 0)}, // events are kept for a year at most
		{"refused_mails", "job_id", "at < $1", now.AddDate(0, 0, -30)},
		{"address_claims", "id", "state = 'unproven' AND asked_at < $1", now.Add(-grace)},
		{"address_claims", "id", "state <> 'unproven' AND asked_at < $1", now.AddDate(-1, -1, 0)},
		{"factor_removals", "id", "ended_at > 0 AND asked_at < $1", now.AddDate(-1, -1, 0)},
		{"factor_changes", "key", "at < $1", now.Add(-domain.KeepFactorChange)},
		{"contact_changes", "id", "at < $1", now.AddDate(-1, -1, 0)},
		{"desk_codes", "person_id", "expires_at < $1", now},
		{"long_codes", "mac", "expires_at < $1", now},
	} {
		for {
			result, err := s.writer.ExecContext(ctx, `DELETE FROM `+p.table+` WHERE `+p.key+` IN (SELECT `+p.key+` FROM `+p.table+` WHERE `+p.where+` LIMIT $2)`, micros(p.before), batch)
			if err != nil {
				return wrap("purge "+p.table, err)
			}
			if n, err := result.RowsAffected(); err != nil || n < batch {
				if err != nil {
					return wrap("purge "+p.table, err)
				}
				break
			}
		}
	}
	return s.eraseDue(ctx, now)
}
