package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/overview"
)

// quietDay is the time after which a new refusal begins a new count.
const quietDay = int64(24 * time.Hour / time.Microsecond)

// countRefused counts a mail that a provider refused for a reason other than
// the recipient. Each mail is counted once.
func countRefused(ctx context.Context, tx *sql.Tx, r domain.MailRefused) error {
	result, err := tx.ExecContext(ctx, `INSERT INTO refused_mails (job_id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING`, r.Mail, micros(r.At))
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO mail_refusals (provider, reason, since_at, last_at, count, words) VALUES ($1, $2, $3, $3, 1, $4)
		ON CONFLICT (provider, reason) DO UPDATE SET
		since_at = CASE WHEN mail_refusals.last_at < excluded.last_at - cast($5 AS bigint) THEN excluded.since_at ELSE mail_refusals.since_at END,
		count    = CASE WHEN mail_refusals.last_at < excluded.last_at - cast($5 AS bigint) THEN 1 ELSE mail_refusals.count + 1 END,
		last_at  = excluded.last_at, words = excluded.words`,
		r.Provider, r.Reason, micros(r.At), r.Words, quietDay)
	return err
}

// Refusals returns the counts of refused mails whose last refusal is not before
// since, the most frequent first.
func (s *Store) Refusals(ctx context.Context, since time.Time) ([]overview.MailRefusals, error) {
	var out []overview.MailRefusals
	err := s.each(ctx, func(scan func(...any) error) error {
		var r overview.MailRefusals
		var first, last int64
		err := scan(&r.Provider, &r.Reason, &first, &last, &r.Count, &r.Words)
		r.Since, r.Last = moment(first), moment(last)
		out = append(out, r)
		return err
	}, `SELECT provider, reason, since_at, last_at, count, words FROM mail_refusals WHERE last_at >= $1 ORDER BY count DESC, provider, reason`, micros(since))
	return out, err
}

// WrongMarks counts the addresses that are marked as wrong, by provider, status
// and rule, the most frequent first.
func (s *Store) WrongMarks(ctx context.Context) ([]overview.WrongMarks, error) {
	var out []overview.WrongMarks
	err := s.each(ctx, func(scan func(...any) error) error {
		var m overview.WrongMarks
		var first, last int64
		err := scan(&m.Provider, &m.Status, &m.Rule, &m.Count, &first, &last)
		m.Since, m.Last = moment(first), moment(last)
		out = append(out, m)
		return err
	}, `SELECT wrong_provider, wrong_why, wrong_rule, count(*), min(wrong_since), max(wrong_since) FROM people
		WHERE wrong_address <> '' AND wrong_address IN (email, second_email) GROUP BY wrong_provider, wrong_why, wrong_rule ORDER BY 4 DESC, 1, 2, 3`)
	return out, err
}

// ClearWrong removes the marks of one provider, status and rule, and returns
// their number. Each person receives an event with the operator's reason; the
// audit entry holds the number.
func (s *Store) ClearWrong(ctx context.Context, m overview.WrongMarks, reason string, entry audit.Entry) (int, error) {
	cleared := 0
	err := s.tx(ctx, func(tx *sql.Tx) error {
		people, err := all(ctx, tx, value[domain.PersonID], `UPDATE people SET wrong_address = '', wrong_why = '', wrong_since = 0, wrong_rule = '', wrong_provider = ''
			WHERE wrong_address <> '' AND wrong_address IN (email, second_email) AND wrong_provider = $1 AND wrong_why = $2 AND wrong_rule = $3 RETURNING id`, m.Provider, m.Status, m.Rule)
		if err != nil {
			return err
		}
		var events []domain.Event
		for _, id := range people {
			events = append(events, domain.Event{At: entry.At, Kind: domain.EventAddressCleared, Person: id, Details: map[string]string{"status": m.Status, "rule": m.Rule, "reason": reason}})
		}
		if cleared = len(events); cleared == 0 {
			return nil
		}
		entry.What["count"] = fmt.Sprint(cleared)
		return s.apply(ctx, tx, domain.Effects{Events: events, Audit: []audit.Entry{entry}})
	})
	return cleared, wrap("clear wrong addresses", err)
}
