package store

import (
	"context"
	"database/sql"

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
		gone, err := all(ctx, tx, value[domain.FactorKind], `DELETE FROM factors WHERE `+c.String()+` RETURNING kind`, c.args...)
		if err != nil {
			return err
		}
		for _, kind := range gone {
			if !n.Tell {
				break
			}
			e := domain.Event{At: n.At, Kind: domain.EventFactorDropped, Person: n.Person, Details: map[string]string{"kind": string(kind), "by": domain.ByAccounts}}
			if err := insertEvent(ctx, &pipeline{tx: tx}, e); err != nil {
				return err
			}
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
