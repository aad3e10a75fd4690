package store

import (
	"context"
	"database/sql"
	"fmt"

	"entree/internal/domain"
)

// claimColumns lists the columns of a claim in the order of scanClaim.
const claimColumns = `id, journey_id, person_id, profile, number, given_name, family_name, birth_date, address, lang, client, asked_at, proven_at, state, decided_at, operator, reason, opens_at`

func scanClaim(scan func(...any) error) (c domain.Claim, err error) {
	var asked, proven, decided, opens int64
	err = scan(&c.ID, &c.Journey, &c.Person, &c.Profile, &c.Number, &c.GivenName, &c.FamilyName, &c.BirthDate, &c.Address, &c.Lang, &c.Client,
		&asked, &proven, &c.State, &decided, &c.Operator, &c.Reason, &opens)
	c.AskedAt, c.ProvenAt, c.DecidedAt, c.OpensAt = moment(asked), moment(proven), moment(decided), moment(opens)
	return c, err
}

// fileClaim writes a new claim, or moves one to another state.
func fileClaim(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	if c := e.Claim; c != nil {
		if _, err := tx.ExecContext(ctx, `INSERT INTO address_claims (`+claimColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, 0, '', '', 0)`,
			c.ID, c.Journey, c.Person, c.Profile, c.Number, c.GivenName, c.FamilyName, c.BirthDate, c.Address, c.Lang, c.Client, micros(c.AskedAt), domain.ClaimUnproven); err != nil {
			return fmt.Errorf("claim: %w", err)
		}
	}
	m := e.ClaimMove
	if m == nil {
		return nil
	}
	at, column := m.ID, "id"
	if m.Journey != "" {
		at, column = string(m.Journey), "journey_id"
	}
	set := "decided_at = $2"
	switch m.To {
	case domain.ClaimWaiting:
		set = "proven_at = $2"
	case domain.ClaimDone:
		set = "opens_at = $2"
	}
	return one(ctx, tx, domain.ErrConflict, `UPDATE address_claims SET state = $1, `+set+`,
		operator = CASE WHEN $3 = '' THEN operator ELSE $3 END, reason = CASE WHEN $4 = '' THEN reason ELSE $4 END,
		opens_at = CASE WHEN cast($5 AS bigint) = 0 THEN opens_at ELSE cast($5 AS bigint) END WHERE `+column+` = $6 AND state = $7`,
		m.To, micros(m.At), m.Operator, m.Reason, micros(m.OpensAt), at, m.From)
}

// Claim returns a claim, or ErrNotFound.
func (s *Store) Claim(ctx context.Context, id string) (domain.Claim, error) {
	c, err := scanClaim(s.db.QueryRowContext(ctx, `SELECT `+claimColumns+` FROM address_claims WHERE id = $1`, id).Scan)
	return c, wrap("claim", notFound(err))
}

// Claims returns the claims of a state, those that wait the longest first. It returns
// limit+1 claims if there are more.
func (s *Store) Claims(ctx context.Context, state domain.ClaimState, skip, limit int) ([]domain.Claim, error) {
	out, err := all(ctx, s.db, scanClaim, `SELECT `+claimColumns+` FROM address_claims WHERE state = $1 ORDER BY asked_at, id LIMIT $2 OFFSET $3`, state, limit+1, skip)
	return out, wrap("claims", err)
}

// ClaimsOf returns the proven claims for a number of a profile, oldest first.
func (s *Store) ClaimsOf(ctx context.Context, profile, number string) ([]domain.Claim, error) {
	out, err := all(ctx, s.db, scanClaim, `SELECT `+claimColumns+` FROM address_claims WHERE profile = $1 AND number = $2 AND state <> $3 ORDER BY asked_at, id`, profile, number, domain.ClaimUnproven)
	return out, wrap("claims", err)
}

// ClaimCounts returns the number of claims of each state that operators see.
func (s *Store) ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error) {
	out, err := counts[domain.ClaimState](ctx, s.db, `SELECT state, count(*) FROM address_claims WHERE state <> 'unproven' GROUP BY state`)
	return out, wrap("claim counts", err)
}
