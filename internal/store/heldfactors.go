package store

import (
	"context"
	"database/sql"
	"time"

	"entree/internal/domain"
	"entree/internal/overview"
)

// writeFactors writes which kinds of factors an account has. The date of a kind that is
// known stays. An addition dated before the last removal is ignored: Keycloak's events
// arrive late and are read twice.
func writeFactors(ctx context.Context, tx *sql.Tx, n domain.FactorNews) error {
	if n.All {
		c := &conditions{}
		c.and(`person_id = ` + c.arg(n.Person))
		c.and(`kind <> ` + c.arg(domain.FactorDeclined))
		for _, kind := range n.Kinds {
			c.and(`kind <> ` + c.arg(kind))
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM factors WHERE `+c.String(), c.args...); err != nil {
			return err
		}
	}
	for _, kind := range n.Kinds {
		if _, err := tx.ExecContext(ctx, `INSERT INTO factors (person_id, kind, at)
			SELECT cast($1 AS text), cast($2 AS text), cast($3 AS bigint) WHERE $4 OR NOT EXISTS (SELECT 1 FROM events WHERE person_id = $1 AND kind IN ($5, $6) AND at >= $3)
			ON CONFLICT (person_id, kind) DO NOTHING`, n.Person, kind, micros(n.At), n.All, domain.EventFactorDropped, domain.EventFactorRemoved); err != nil {
			return err
		}
	}
	return nil
}

// writeFactorChange writes a change and its effects, unless a change with its key was
// written before.
func (s *Store) writeFactorChange(ctx context.Context, b *pipeline, c domain.FactorChange) error {
	removed := 0
	if c.Removed {
		removed = 1
	}
	done, err := b.tx.ExecContext(ctx, `INSERT INTO factor_changes (key, person_id, kind, removed, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		c.Key, c.Person, c.Kind, removed, micros(c.At))
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return s.write(ctx, b, domain.Effects{Events: c.Events, Jobs: c.Jobs})
}

// HasFactorChange reports whether a change with this key was written.
func (s *Store) HasFactorChange(ctx context.Context, key string) (bool, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM factor_changes WHERE key = $1`, key).Scan(&n)
	return n > 0, wrap("change of factors", err)
}

// FactorAdditions returns the times of the additions of a kind of factor to a person's
// account from a time on, oldest first.
func (s *Store) FactorAdditions(ctx context.Context, p domain.PersonID, kind domain.FactorKind, from time.Time) ([]time.Time, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (at time.Time, err error) {
		err = scan(column{&at})
		return at, err
	}, `SELECT at FROM factor_changes WHERE person_id = $1 AND kind = $2 AND removed = 0 AND at >= $3 ORDER BY at`, p, kind, micros(from))
	return out, wrap("changes of factors", err)
}

// KnownFactors returns the kinds of factors of a person's account, oldest first.
func (s *Store) KnownFactors(ctx context.Context, p domain.PersonID) ([]domain.KnownFactor, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (f domain.KnownFactor, err error) {
		err = scan(&f.Kind, column{&f.At})
		return f, err
	}, `SELECT kind, at FROM factors WHERE person_id = $1 ORDER BY at, kind`, p)
	return out, wrap("factors", err)
}

// isFactor is the condition that a row f of factors is a passkey or a second factor.
// Recovery codes and a declined offer are none.
const isFactor = `f.kind NOT IN ('codes', 'later')`

// FactorCounts returns, by profile and cohort, how many active accounts have a passkey, a
// second factor, or neither.
func (s *Store) FactorCounts(ctx context.Context) ([]overview.FactorCount, error) {
	out, err := all(ctx, s.db, func(scan func(...any) error) (c overview.FactorCount, err error) {
		err = scan(&c.Profile, &c.Cohort, &c.Accounts, &c.Passkeys, &c.Seconds, &c.Declined, &c.Without)
		return c, err
	}, `SELECT p.profile, p.cohort, count(*), coalesce(sum(h.passkey), 0), coalesce(sum(h.second), 0), coalesce(sum(h.later), 0),
		sum(CASE WHEN coalesce(h.passkey, 0) + coalesce(h.second, 0) = 0 THEN 1 ELSE 0 END)
		FROM people p LEFT JOIN (SELECT person_id,
			max(CASE WHEN kind = 'passkey' THEN 1 ELSE 0 END) AS passkey,
			max(CASE WHEN kind NOT IN ('passkey', 'codes', 'later') THEN 1 ELSE 0 END) AS second,
			max(CASE WHEN kind = 'later' THEN 1 ELSE 0 END) AS later
			FROM factors GROUP BY person_id) h ON h.person_id = p.id
		WHERE p.account = 'active' GROUP BY p.profile, p.cohort ORDER BY p.profile, p.cohort`)
	return out, wrap("factor counts", err)
}

// WithoutFactor calls see for each person whose active account has neither a passkey nor a
// second factor, oldest activation first.
func (s *Store) WithoutFactor(ctx context.Context, q overview.WithoutQuery, see func(overview.Without) error) error {
	c := &conditions{}
	c.and(`p.account = 'active'`)
	c.and(`NOT EXISTS (SELECT 1 FROM factors f WHERE f.person_id = p.id AND ` + isFactor + `)`)
	if q.Profile != "" {
		c.and(`p.profile = ` + c.arg(q.Profile))
	}
	if q.Cohort != "" {
		c.and(`p.cohort = ` + c.arg(q.Cohort))
	}
	if !q.Before.IsZero() {
		c.and(`p.activated_at < ` + c.arg(micros(q.Before)))
	}
	limit := ``
	if q.Limit > 0 {
		limit = ` LIMIT ` + c.arg(q.Limit) + ` OFFSET ` + c.arg(q.Skip)
	}
	return s.each(ctx, func(scan func(...any) error) error {
		var w overview.Without
		var activated, first, declined int64
		if err := scan(&w.ID, &w.Profile, &w.Number, &w.GivenName, &w.FamilyName, &w.Cohort, &w.Login, &activated, &first, &declined); err != nil {
			return err
		}
		w.ActivatedAt, w.FirstLoginAt, w.DeclinedAt = moment(activated), moment(first), moment(declined)
		return see(w)
	}, `SELECT p.id, p.profile, p.number, p.given_name, p.family_name, p.cohort, p.login, p.activated_at, p.first_login_at,
		coalesce((SELECT f.at FROM factors f WHERE f.person_id = p.id AND f.kind = 'later'), 0)
		FROM people p WHERE `+c.String()+` ORDER BY p.activated_at, p.id`+limit, c.args...)
}
