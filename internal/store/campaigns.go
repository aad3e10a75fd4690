package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entree/internal/campaign"
	"entree/internal/domain"
)

// conditions are SQL conditions joined by AND, with their arguments.
type conditions struct {
	where []string
	args  []any
}

func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprintf("$%d", len(c.args))
}

// list adds values and returns their placeholders, separated by commas.
func list[T any](c *conditions, values []T) string {
	from := len(c.args) + 1
	for _, v := range values {
		c.args = append(c.args, v)
	}
	return marks(from, len(values))
}

func (c *conditions) and(condition string) { c.where = append(c.where, condition) }

func (c *conditions) String() string { return strings.Join(c.where, " AND ") }

// audience returns the conditions that select the people of a campaign.
func audience(a campaign.Audience) *conditions {
	c := &conditions{}
	c.and(`email <> '' AND wrong_address <> email`)
	if a.Kind == campaign.Charter {
		c.and(`account = 'active'`)
		var owe []string
		for _, profile := range slices.Sorted(maps.Keys(a.Owed)) {
			if len(a.Owed[profile]) == 0 {
				continue // PostgreSQL refuses an argument that is not used
			}
			p := c.arg(profile)
			owe = append(owe, fmt.Sprintf(`(profile = %s AND NOT EXISTS (SELECT 1 FROM acceptances a WHERE a.person_id = people.id AND a.sha256 IN (%s)))`, p, list(c, a.Owed[profile])))
		}
		c.and(`(` + strings.Join(append(owe, `1 = 0`), ` OR `) + `)`)
	} else if a.Kind == campaign.Factor {
		c.and(`account = 'active' AND hold = '' AND NOT EXISTS (SELECT 1 FROM factors f WHERE f.person_id = people.id AND ` + isFactor + `)`)
	} else {
		c.and(stateColumn + ` = 'ready'`)
		c.and(`matching = ''`)
	}
	if a.Profile != "" {
		c.and(`profile = ` + c.arg(a.Profile))
	}
	if a.Cohort != "" {
		c.and(`cohort = ` + c.arg(a.Cohort))
	}
	if stage, is := domain.ParseStage(a.Stage); is {
		c.and(`stage = ` + c.arg(int64(stage)))
	}
	switch a.LastMail {
	case campaign.MailNever:
		c.and(`NOT EXISTS (SELECT 1 FROM campaign_mails m WHERE m.person_id = people.id AND m.sent_at > 0)`)
	case campaign.MailBefore:
		c.and(`NOT EXISTS (SELECT 1 FROM campaign_mails m WHERE m.person_id = people.id AND m.sent_at >= ` + c.arg(micros(a.Before)) + `)`)
	}
	return c
}

// Count returns the number of people in an audience.
func (s *Store) Count(ctx context.Context, a campaign.Audience) (int, error) {
	c := audience(a)
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM people WHERE `+c.String(), c.args...).Scan(&n)
	return n, wrap("count", err)
}

// Next returns up to limit people of an audience whose ids are greater than
// after, in the order of their ids.
func (s *Store) Next(ctx context.Context, a campaign.Audience, after domain.PersonID, limit int) ([]domain.PersonID, error) {
	c := audience(a)
	c.and(`id > ` + c.arg(after))
	return s.ids(ctx, `SELECT id FROM people WHERE `+c.String()+` ORDER BY id LIMIT `+c.arg(limit), c.args...)
}

func (s *Store) ids(ctx context.Context, query string, args ...any) ([]domain.PersonID, error) {
	out, err := all(ctx, s.db, value[domain.PersonID], query, args...)
	return out, wrap("people", err)
}

// Campaigns returns all campaigns, the newest first.
func (s *Store) Campaigns(ctx context.Context) ([]campaign.Campaign, error) {
	out, err := all(ctx, s.db, document[campaign.Campaign], `SELECT doc FROM campaigns ORDER BY created_at DESC`)
	return out, wrap("campaigns", err)
}

// Campaign returns a campaign, or ErrNotFound.
func (s *Store) Campaign(ctx context.Context, id string) (campaign.Campaign, error) {
	var doc string
	if err := s.db.QueryRowContext(ctx, `SELECT doc FROM campaigns WHERE id = $1`, id).Scan(&doc); err != nil {
		return campaign.Campaign{}, wrap("campaign", notFound(err))
	}
	var c campaign.Campaign
	return c, wrap("campaign", json.Unmarshal([]byte(doc), &c))
}

// SaveCampaign replaces the previous version of a campaign and stores the
// planned mails. It returns campaign.ErrOvertaken if another version was saved
// since the campaign was read.
func (s *Store) SaveCampaign(ctx context.Context, c campaign.Campaign, mails []campaign.Recipient, e domain.Effects) error {
	doc, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return wrap("campaign", s.tx(ctx, func(tx *sql.Tx) error {
		if c.Version == 1 {
			err = one(ctx, tx, campaign.ErrOvertaken, `INSERT INTO campaigns (id, version, created_at, doc) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, c.ID, c.Version, micros(c.CreatedAt), string(doc))
		} else {
			err = one(ctx, tx, campaign.ErrOvertaken, `UPDATE campaigns SET version = $1, doc = $2 WHERE id = $3 AND version = $4`, c.Version, string(doc), c.ID, c.Version-1)
		}
		if err != nil {
			return err
		}
		for _, m := range mails {
			if err := one(ctx, tx, domain.ErrConflict, `INSERT INTO campaign_mails (campaign_id, person_id, round, job_id, state, why, at) VALUES ($1, $2, $3, $4, 'waiting', '', $5)
				ON CONFLICT (campaign_id, person_id, round) DO UPDATE SET job_id = excluded.job_id, at = excluded.at WHERE campaign_mails.state = 'waiting' AND campaign_mails.job_id = ''`,
				m.Campaign, m.Person, m.Round, m.Job, micros(m.At)); err != nil {
				return err
			}
		}
		return s.apply(ctx, tx, e)
	}))
}
