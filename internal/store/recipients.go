package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"entree/internal/campaign"
	"entree/internal/domain"
)

const recipientColumns = `campaign_id, person_id, round, job_id, state, why, at`

func scanRecipient(scan func(...any) error) (campaign.Recipient, error) {
	var r campaign.Recipient
	var at int64
	err := scan(&r.Campaign, &r.Person, &r.Round, &r.Job, &r.State, &r.Why, &at)
	r.At = moment(at)
	return r, err
}

// Queued counts the mails of a campaign that wait and have a job.
func (s *Store) Queued(ctx context.Context, id string) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM campaign_mails WHERE campaign_id = $1 AND state = 'waiting' AND job_id <> ''`, id).Scan(&n)
	return n, wrap("queued", err)
}

// Stranded returns up to limit waiting mails of a campaign that have no job
// after a pause.
func (s *Store) Stranded(ctx context.Context, id string, limit int) ([]campaign.Recipient, error) {
	return s.recipients(ctx, `WHERE campaign_id = $1 AND state = 'waiting' AND job_id = '' ORDER BY round, person_id LIMIT $2`, id, limit)
}

// Unanswered returns up to limit people to whom the mail of a round was sent at
// or before a time and who have no row in the next round.
func (s *Store) Unanswered(ctx context.Context, id string, round int, before time.Time, limit int) ([]domain.PersonID, error) {
	return s.ids(ctx, `SELECT person_id FROM campaign_mails m WHERE campaign_id = $1 AND state = 'sent' AND round = $2 AND at <= $3 AND `+unanswered+` ORDER BY at LIMIT $4`,
		id, round, micros(before), limit)
}

const unanswered = `NOT EXISTS (SELECT 1 FROM campaign_mails n WHERE n.campaign_id = m.campaign_id AND n.person_id = m.person_id AND n.round = m.round + 1)`

// OldestUnanswered returns when the oldest sent mail without a row in the next
// round was sent, among the rounds smaller than below. It returns the zero time
// if there is none.
func (s *Store) OldestUnanswered(ctx context.Context, id string, below int) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT coalesce(min(at), 0) FROM campaign_mails m WHERE campaign_id = $1 AND state = 'sent' AND round < $2 AND `+unanswered, id, below).Scan(&at)
	return moment(at), wrap("unanswered", err)
}

// Recipient returns the campaign mail of a job, or ErrNotFound.
func (s *Store) Recipient(ctx context.Context, job string) (campaign.Recipient, error) {
	if job == "" {
		return campaign.Recipient{}, domain.ErrNotFound
	}
	r, err := scanRecipient(s.db.QueryRowContext(ctx, `SELECT `+recipientColumns+` FROM campaign_mails WHERE job_id = $1`, job).Scan)
	return r, wrap("recipient", notFound(err))
}

// errSettled is returned if a mail is no longer in one of the expected states.
var errSettled = errors.New("store: settled before")

// Settle changes the state of a mail that is in one of the states from, and
// writes the effects.
func (s *Store) Settle(ctx context.Context, r campaign.Recipient, from []campaign.RecipientState, e domain.Effects) error {
	c := &conditions{args: []any{r.State, r.Why, micros(r.At), r.Job, r.Campaign, r.Person, r.Round}}
	var marks []string
	for _, state := range from {
		marks = append(marks, c.arg(state))
	}
	err := s.tx(ctx, func(tx *sql.Tx) error {
		if err := one(ctx, tx, errSettled, `UPDATE campaign_mails SET state = $1, why = $2, at = $3, job_id = $4,
			sent_at = CASE WHEN $1 = 'sent' THEN cast($3 AS bigint) ELSE sent_at END
			WHERE campaign_id = $5 AND person_id = $6 AND round = $7 AND state IN (`+strings.Join(marks, ", ")+`)`, c.args...); err != nil {
			return err
		}
		return s.apply(ctx, tx, e)
	})
	if errors.Is(err, errSettled) {
		return nil
	}
	return wrap("settle", err)
}

// Tallies returns the number of mails of a campaign by round and state.
func (s *Store) Tallies(ctx context.Context, id string) ([]campaign.Tally, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (t campaign.Tally, err error) {
		err = scan(&t.Round, &t.State, &t.N)
		return t, err
	}, `SELECT round, state, count(*) FROM campaign_mails WHERE campaign_id = $1 GROUP BY round, state ORDER BY round, state`, id)
	return out, wrap("tallies", err)
}

// Recipients returns mails of a campaign, the last changed first, with their
// people. An empty state selects all states.
func (s *Store) Recipients(ctx context.Context, id string, state campaign.RecipientState, skip, limit int) ([]campaign.Recipient, []domain.Person, error) {
	c := &conditions{}
	c.and(`campaign_id = ` + c.arg(id))
	if state != "" {
		c.and(`state = ` + c.arg(state))
	}
	list, err := s.recipients(ctx, `WHERE `+c.String()+` ORDER BY at DESC, person_id LIMIT `+c.arg(limit)+` OFFSET `+c.arg(skip), c.args...)
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	p := &conditions{}
	var marks []string
	for _, r := range list {
		marks = append(marks, p.arg(r.Person))
	}
	found, err := s.people(ctx, `WHERE id IN (`+strings.Join(marks, ", ")+`)`, p.args...)
	if err != nil {
		return nil, nil, err
	}
	byID := map[domain.PersonID]domain.Person{}
	for _, one := range found {
		byID[one.ID] = one
	}
	people := make([]domain.Person, len(list))
	for i, r := range list {
		people[i] = byID[r.Person]
	}
	return list, people, nil
}

func (s *Store) recipients(ctx context.Context, where string, args ...any) ([]campaign.Recipient, error) {
	out, err := all(ctx, s.db, scanRecipient, `SELECT `+recipientColumns+` FROM campaign_mails `+where, args...)
	return out, wrap("recipients", err)
}
