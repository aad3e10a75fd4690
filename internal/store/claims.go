package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/naming"
)

// claimColumns lists the columns of a claim in the order of scanClaim.
var claimColumns = []string{
	"id", "journey_id", "person_id", "profile", "number", "given_name", "family_name", "birth_date", "address", "lang", "client", "asked_at", "proven_at", "state",
	"decided_at", "operator", "operator_id", "reason", "second", "second_reason", "card_seen", "opens_at",
}

func scanClaim(scan func(...any) error) (c domain.Claim, err error) {
	err = scan(claimValues(&c)...)
	return c, err
}

// claimValues returns the destinations of the columns of a claim.
func claimValues(c *domain.Claim) []any {
	return []any{
		&c.ID, &c.Journey, &c.Person, &c.Profile, &c.Number, &c.GivenName, &c.FamilyName, &c.BirthDate, &c.Address, &c.Lang, &c.Client, column{&c.AskedAt}, column{&c.ProvenAt}, &c.State,
		column{&c.DecidedAt}, &c.Operator, &c.OperatorID, &c.Reason, &c.Second, &c.SecondReason, &c.CardSeen, column{&c.OpensAt},
	}
}

// fileClaim writes a new claim, or moves one to another state.
func fileClaim(ctx context.Context, tx *sql.Tx, e domain.Effects) error {
	if c := e.Claim; c != nil {
		words := strings.Join(naming.Words(strings.Join([]string{c.Number, c.GivenName, c.FamilyName, string(c.Address)}, " ")), " ")
		if _, err := tx.ExecContext(ctx, `INSERT INTO address_claims (id, journey_id, person_id, profile, number, given_name, family_name, birth_date, address, lang, client, asked_at, state, search, proven_at, decided_at, opens_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, 0)`,
			c.ID, c.Journey, c.Person, c.Profile, c.Number, c.GivenName, c.FamilyName, c.BirthDate, c.Address, c.Lang, c.Client, micros(c.AskedAt), domain.ClaimUnproven, words); err != nil {
			return fmt.Errorf("claim: %w", err)
		}
	}
	if e.ClaimMove == nil {
		return nil
	}
	return moveClaim(ctx, tx, *e.ClaimMove)
}

// moveClaim moves a claim to another state in one guarded statement. It returns
// ErrConflict if the claim is in another state than From, or if the operator who
// accepts a claim agreed to it before.
func moveClaim(ctx context.Context, tx *sql.Tx, m domain.ClaimMove) error {
	c := clause{args: []any{m.To}}
	set := []string{"state = $1"}
	put := func(column string, value any) {
		c.args = append(c.args, value)
		set = append(set, fmt.Sprintf("%s = $%d", column, len(c.args)))
	}
	switch m.To {
	case domain.ClaimWaiting:
		put("proven_at", micros(m.At))
	case domain.ClaimDone, domain.ClaimObjected:
		put("opens_at", micros(m.At))
	default: // a decision
		put("decided_at", micros(m.At))
		put("opens_at", micros(m.OpensAt))
		put("card_seen", flag(m.CardSeen))
		if m.From == domain.ClaimAgreed {
			put("second", m.By.Name)
			put("second_reason", m.Reason)
		} else {
			put("operator", m.By.Name)
			put("operator_id", m.By.Subject)
			put("reason", m.Reason)
		}
	}
	if m.Journey != "" {
		c.add("journey_id = ?", m.Journey)
	} else {
		c.add("id = ?", m.ID)
	}
	c.add("state = ?", m.From)
	if m.From == domain.ClaimAgreed && m.To == domain.ClaimAccepted {
		c.add("operator_id <> ?", m.By.Subject)
	}
	return one(ctx, tx, domain.ErrConflict, `UPDATE address_claims SET `+strings.Join(set, ", ")+c.sql(), c.args...)
}

// flag returns the stored form of a boolean.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Claim returns a claim, or ErrNotFound.
func (s *Store) Claim(ctx context.Context, id string) (domain.Claim, error) {
	c, err := scanClaim(s.db.QueryRowContext(ctx, `SELECT `+strings.Join(claimColumns, ", ")+` FROM address_claims WHERE id = $1`, id).Scan)
	return c, wrap("claim", notFound(err))
}

// claimFacts counts what speaks for and against a claim c of a person p: the earlier
// claims for the person or the number, those of them that were refused, the other
// claims for the person that are not decided, refused earlier claims of other people
// from the same network, all claims of other people from it, and the other people who
// have the new address.
const (
	ofSamePerson = ` FROM address_claims o WHERE o.id <> c.id AND o.state <> 'unproven' AND (o.profile = c.profile AND o.number = c.number OR o.person_id = c.person_id AND c.person_id <> '')`
	ofNetwork    = ` FROM address_claims o WHERE o.id <> c.id AND o.state <> 'unproven' AND o.client = c.client AND c.client <> ''`
	claimFacts   = `(SELECT count(*)` + ofSamePerson + ` AND o.asked_at <= c.asked_at),
		(SELECT count(*)` + ofSamePerson + ` AND o.asked_at <= c.asked_at AND o.state IN ('refused', 'objected')),
		(SELECT count(*)` + ofSamePerson + ` AND o.state IN ('waiting', 'agreed', 'accepted')),
		(SELECT count(*)` + ofNetwork + ` AND o.asked_at <= c.asked_at AND o.state IN ('refused', 'objected')),
		(SELECT count(*)` + ofNetwork + `),
		(SELECT count(*) FROM people q WHERE q.email = c.address AND q.id <> c.person_id)`
)

// ClaimQueue returns the claims that match a query, each with the registry's side, in
// one statement. Undecided claims come oldest first, decided ones newest first. It
// returns q.Limit+1 claims if there are more.
func (s *Store) ClaimQueue(ctx context.Context, q helpdesk.ClaimQuery) ([]helpdesk.ClaimCase, error) {
	var c clause
	var states []string
	for _, state := range q.States {
		c.args = append(c.args, state)
		states = append(states, fmt.Sprintf("$%d", len(c.args)))
	}
	c.where = append(c.where, "c.state IN ("+strings.Join(states, ", ")+")")
	for _, word := range naming.Words(q.Words) {
		c.add("' ' || c.search LIKE ?", "% "+word+"%")
	}
	if q.ID != "" {
		c.add("c.id = ?", q.ID)
	}
	order := "c.decided_at DESC, c.id"
	if slices.Contains(q.States, domain.ClaimWaiting) || slices.Contains(q.States, domain.ClaimAgreed) {
		order = "c.asked_at, c.id"
	}
	var columns []string
	for _, name := range claimColumns {
		columns = append(columns, "c."+name)
	}
	for _, f := range domain.Fields() {
		none := "''"
		if _, ok := f.Of(&domain.Person{}).(*time.Time); ok {
			none = "0"
		}
		columns = append(columns, fmt.Sprintf("coalesce(p.%s, %s)", f.Name, none))
	}
	c.args = append(c.args, q.Limit+1, q.Skip)
	out, err := all(ctx, s.db, scanCase, fmt.Sprintf(`SELECT %s, %s FROM address_claims c LEFT JOIN people p ON p.id = c.person_id %s ORDER BY %s LIMIT $%d OFFSET $%d`,
		strings.Join(columns, ", "), claimFacts, c.sql(), order, len(c.args)-1, len(c.args)), c.args...)
	return out, wrap("claims", err)
}

func scanCase(scan func(...any) error) (c helpdesk.ClaimCase, err error) {
	to := append(claimValues(&c.Claim), personValues(&c.Registry)...)
	err = scan(append(to, &c.Earlier, &c.EarlierRefused, &c.Open, &c.NetworkRefused, &c.NetworkOthers, &c.Shared)...)
	return c, err
}

// ClaimCounts returns the number of claims of each state that operators see.
func (s *Store) ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error) {
	out, err := counts[domain.ClaimState](ctx, s.db, `SELECT state, count(*) FROM address_claims WHERE state <> 'unproven' GROUP BY state`)
	return out, wrap("claim counts", err)
}
