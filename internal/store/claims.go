package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/naming"
	"entree/internal/overview"
)

// claimColumns lists the columns of a claim in the order of scanClaim.
var claimColumns = []string{
	"id", "journey_id", "person_id", "profile", "number", "given_name", "family_name", "birth_date", "address", "lang", "client", "asked_at", "proven_at", "state",
	"decided_at", "operator", "operator_id", "reason", "second", "second_reason", "card_seen", "opens_at", "old_address",
}

func scanClaim(scan func(...any) error) (c domain.Claim, err error) {
	err = scan(claimValues(&c)...)
	return c, err
}

// claimValues returns the destinations of the columns of a claim.
func claimValues(c *domain.Claim) []any {
	return []any{
		&c.ID, &c.Journey, &c.Person, &c.Profile, &c.Number, &c.GivenName, &c.FamilyName, &c.BirthDate, &c.Address, &c.Lang, &c.Client, column{&c.AskedAt}, column{&c.ProvenAt}, &c.State,
		column{&c.DecidedAt}, &c.Operator, &c.OperatorID, &c.Reason, &c.Second, &c.SecondReason, &c.CardSeen, column{&c.OpensAt}, &c.Old,
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
		put("old_address", m.Old)
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
// have the new address as their first or second one.
const (
	ofSamePerson = ` FROM address_claims o WHERE o.id <> c.id AND o.state <> 'unproven' AND (o.profile = c.profile AND o.number = c.number OR o.person_id = c.person_id AND c.person_id <> '')`
	ofNetwork    = ` FROM address_claims o WHERE o.id <> c.id AND o.state <> 'unproven' AND o.client = c.client AND c.client <> ''`
	claimFacts   = `(SELECT count(*)` + ofSamePerson + ` AND o.asked_at <= c.asked_at),
		(SELECT count(*)` + ofSamePerson + ` AND o.asked_at <= c.asked_at AND o.state IN ('refused', 'objected')),
		(SELECT count(*)` + ofSamePerson + ` AND o.state IN ('waiting', 'agreed', 'accepted')),
		(SELECT count(*)` + ofNetwork + ` AND o.asked_at <= c.asked_at AND o.state IN ('refused', 'objected')),
		(SELECT count(*)` + ofNetwork + `),
		(SELECT count(*) FROM people q WHERE (q.email = c.address OR q.second_email = c.address AND q.second_email <> '') AND q.id <> c.person_id)`
)

// ClaimQueue returns the claims that match a query, each with the registry's side, in
// one statement. Undecided claims come oldest first, decided ones newest first. It
// returns q.Limit+1 claims if there are more.
func (s *Store) ClaimQueue(ctx context.Context, q helpdesk.ClaimQuery) ([]helpdesk.ClaimCase, error) {
	var c clause
	for _, state := range q.States {
		c.args = append(c.args, state)
	}
	c.where = append(c.where, "c.state IN ("+marks(1, len(q.States))+")")
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

// ClaimsOf returns the proven claims for a person, oldest first.
func (s *Store) ClaimsOf(ctx context.Context, p domain.PersonID) ([]domain.Claim, error) {
	out, err := all(ctx, s.db, scanClaim, `SELECT `+strings.Join(claimColumns, ", ")+` FROM address_claims WHERE person_id = $1 AND state <> 'unproven' ORDER BY asked_at, id`, p)
	return out, wrap("claims", err)
}

// AcceptedChanges calls see for each address that a claim put in use, and for each
// change of address by a student that the old address can no longer undo at a time,
// oldest first.
func (s *Store) AcceptedChanges(ctx context.Context, now time.Time, see func(helpdesk.AddressChange) error) error {
	return wrap("accepted changes", eachRow(ctx, s.db, func(scan func(...any) error) error {
		var c helpdesk.AddressChange
		if err := scan(&c.Profile, &c.Number, &c.Old, &c.New, column{&c.At}, &c.By, &c.Second); err != nil {
			return err
		}
		return see(c)
	}, `SELECT p.profile, p.number, c.old_address, c.address, c.opens_at, c.operator, c.second FROM address_claims c JOIN people p ON p.id = c.person_id WHERE c.state = 'done'
		UNION ALL SELECT p.profile, p.number, x.old_address, x.new_address, x.at, '', '' FROM contact_changes x JOIN people p ON p.id = x.person_id
			WHERE x.closed <> $1 AND (x.until_at <= $2 OR x.closed_at > 0)
		ORDER BY 5, 1, 2`, domain.ClosedTakenBack, micros(now)))
}

// ClaimsWaiting returns the number of claims that wait for an operator, and when the one
// that waits the longest was proven.
func (s *Store) ClaimsWaiting(ctx context.Context) (n int64, oldest time.Time, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*), coalesce(min(proven_at), 0) FROM address_claims WHERE state IN ('waiting', 'agreed')`).Scan(&n, column{&oldest})
	return n, oldest, wrap("claims", err)
}

// claimFigures returns the figures of the queue, with the decisions since a time.
func (s *Store) claimFigures(ctx context.Context, since time.Time) (f overview.Claims, err error) {
	if f.Waiting, f.Oldest, err = s.ClaimsWaiting(ctx); err != nil {
		return f, err
	}
	const decided = ` FROM address_claims WHERE state IN ('accepted', 'objected', 'done', 'refused') AND decided_at >= $1`
	if f.Decided, err = counts[domain.ClaimState](ctx, s.db, `SELECT state, count(*)`+decided+` GROUP BY state`, micros(since)); err != nil {
		return f, wrap("claims", err)
	}
	if len(f.Decided) == 0 {
		f.Decided = nil
		return f, nil
	}
	var all, median int64
	for _, n := range f.Decided {
		all += n
	}
	err = s.db.QueryRowContext(ctx, `SELECT decided_at - proven_at`+decided+` ORDER BY 1 LIMIT 1 OFFSET $2`, micros(since), (all-1)/2).Scan(&median)
	if errors.Is(err, sql.ErrNoRows) { // they were deleted meanwhile
		err = nil
	}
	f.Median = time.Duration(median) * time.Microsecond
	return f, wrap("claims", err)
}

// ClaimCounts returns the number of claims of each state that operators see.
func (s *Store) ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error) {
	out, err := counts[domain.ClaimState](ctx, s.db, `SELECT state, count(*) FROM address_claims WHERE state <> 'unproven' GROUP BY state`)
	return out, wrap("claim counts", err)
}
