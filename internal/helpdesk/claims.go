package helpdesk

import (
	"context"
	"errors"
	"slices"
	"time"

	"entree/internal/audit"
	"entree/internal/domain"
)

// Claims is the part of the store that the queue of claims needs.
type Claims interface {
	// ClaimQueue returns the claims that match a query, with the registry's side. It
	// returns q.Limit+1 claims if there are more.
	ClaimQueue(ctx context.Context, q ClaimQuery) ([]ClaimCase, error)
	ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error)
	// ClaimsOf returns the proven claims for a person, oldest first.
	ClaimsOf(ctx context.Context, p domain.PersonID) ([]domain.Claim, error)
	// AcceptedChanges calls see for each change of address by a claim or by a student
	// that is final at a time, oldest first.
	AcceptedChanges(ctx context.Context, now time.Time, see func(AddressChange) error) error
}

// AddressChange is a change of a personal address for the enrolment system.
type AddressChange struct {
	Profile, Number string
	Old, New        domain.Address
	At              time.Time
	By, Second      string // operators; By is empty for a change by the student
}

// ClaimQuery selects claims by every field that is set.
type ClaimQuery struct {
	States      []domain.ClaimState // at least one
	Words       string              // beginnings of words of the number, the names or the new address
	ID          string
	Skip, Limit int
}

// ClaimCase is a claim beside the registry.
type ClaimCase struct {
	domain.Claim
	Registry domain.Person // whose number was typed; zero: no person has it

	// Counts of the store.
	Earlier        int // earlier claims for the person or the number
	EarlierRefused int // those of them that were refused or objected to
	Open           int // other claims for the person that are not decided or not in effect
	NetworkRefused int // earlier claims of the network that were refused or objected to
	NetworkOthers  int // other claims of the network
	Shared         int // other people who have the new address

	// For and Against hold the evidence.
	For, Against []Point
	Typed, Known []NamePart // the names
	// Certain reports that number, names and birth date are the registry's, and that
	// nothing speaks against the claim. Such claims can be accepted together.
	Certain bool
}

// Point is one thing that speaks for or against a claim: the last part of the message
// key console.claims.for.… or console.claims.against.…
type Point struct {
	Key   string
	Count int
}

// Decidable reports whether the claim waits for an operator and can be accepted.
func (c ClaimCase) Decidable() bool {
	return c.Waits() && c.Registry.ID != "" && c.Registry.ErasedAt.IsZero() && c.Registry.EraseAt.IsZero() && c.Registry.Hold == ""
}

// Waits reports whether the claim waits for an operator.
func (c ClaimCase) Waits() bool {
	return c.State == domain.ClaimWaiting || c.State == domain.ClaimAgreed
}

// ClaimQueue returns one page of the claims that match a query.
func (d *Service) ClaimQueue(ctx context.Context, q ClaimQuery) (cases []ClaimCase, more bool, err error) {
	cases, err = d.Claims.ClaimQueue(ctx, q)
	if err != nil {
		return nil, false, err
	}
	if more = len(cases) > q.Limit; more {
		cases = cases[:q.Limit]
	}
	for i := range cases {
		d.weigh(&cases[i])
	}
	return cases, more, nil
}

// ClaimCounts returns the number of claims of each state.
func (d *Service) ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error) {
	return d.Claims.ClaimCounts(ctx)
}

// AcceptedChanges calls see for each change of address by a claim or by a student that
// is final, oldest first.
func (d *Service) AcceptedChanges(ctx context.Context, see func(AddressChange) error) error {
	return d.Claims.AcceptedChanges(ctx, d.Clock(), see)
}

// weigh sets what speaks for and against a claim.
func (d *Service) weigh(c *ClaimCase) {
	pro := func(key string) { c.For = append(c.For, Point{Key: key}) }
	against := func(key string, n int) {
		if n > 0 {
			c.Against = append(c.Against, Point{key, n})
		}
	}
	r := c.Registry
	if r.ID == "" {
		against("number", 1)
		_, c.Typed, _ = compareNames(c.Claim, c.Registry)
		for i := range c.Typed {
			c.Typed[i].Differs = false
		}
	} else {
		if c.Number == r.Number {
			pro("number")
		} else {
			pro("ine")
		}
		switch r.BirthDate {
		case c.BirthDate:
			pro("birth")
		case "":
			against("birth_unknown", 1)
		default:
			against("birth", 1)
		}
		var like Likeness
		if like, c.Typed, c.Known = compareNames(c.Claim, r); like == NameSame {
			pro(string(like))
		} else {
			against(string(like), 1)
		}
		works := func(c domain.Contact) bool { return c.Channel == domain.ChannelMail && c.FailedAt.IsZero() }
		if !slices.ContainsFunc(r.Contacts(), works) {
			pro("unreachable")
		}
		if !r.FirstLoginAt.IsZero() {
			against("used", 1)
		}
	}
	against("open", c.Open)
	against("earlier", c.Earlier)
	against("earlier_refused", c.EarlierRefused)
	against("network", c.NetworkOthers)
	against("network_refused", c.NetworkRefused)
	against("shared", c.Shared)
	c.Certain = c.Decidable() && len(c.Against) == 0 && (c.CardSeen || !d.ClaimRules.CardRequired)
}

// ClaimDecision is the decision of an operator about one claim.
type ClaimDecision struct {
	ID       string
	Reason   string
	CardSeen bool // the operator saw the claimant's identity card
}

// AcceptClaim accepts a claim that waits. If two operators must accept it, the first
// acceptance only asks for the second one. Otherwise the new address is in use after
// the time in which the old one can object.
func (d *Service) AcceptClaim(ctx context.Context, e audit.Entry, by ClaimDecision) error {
	return d.decideClaim(ctx, e, by, func(c domain.Claim, how domain.ClaimDecision) (string, domain.Effects, error) {
		switch {
		case d.ClaimRules.CardRequired && !c.CardSeen && !how.CardSeen:
			return "", domain.Effects{}, &Refusal{Reason: CardUnseen}
		case c.State == domain.ClaimAgreed && c.OperatorID == e.By.Subject:
			return "", domain.Effects{}, &Refusal{Reason: SecondEyes}
		}
		p, err := d.Store.Person(ctx, c.Person)
		if errors.Is(err, domain.ErrNotFound) || err == nil && (!p.ErasedAt.IsZero() || !p.EraseAt.IsZero() || p.Hold != "") {
			return "", domain.Effects{}, &Refusal{Reason: NotNow}
		}
		if err != nil {
			return "", domain.Effects{}, err
		}
		if c.State == domain.ClaimWaiting && d.ClaimRules.Eyes > 1 {
			return ActClaimAgreed, d.Service.AgreeClaim(c, how), nil
		}
		out, err := d.Service.AcceptClaim(c, p, how)
		return ActClaimAccepted, out, err
	})
}

// RefuseClaim refuses a claim that waits. The claimant is sent to the help desk.
func (d *Service) RefuseClaim(ctx context.Context, e audit.Entry, by ClaimDecision) error {
	return d.decideClaim(ctx, e, by, func(c domain.Claim, how domain.ClaimDecision) (string, domain.Effects, error) {
		out, err := d.Service.RefuseClaim(c, how)
		return ActClaimRefused, out, err
	})
}

// AcceptCertain accepts the claims with these ids that are certain, each in its own
// transaction with its own audit entry. It returns the numbers of claims that were
// accepted and that were left, because they are not certain any more or because the
// operator agreed to them before.
func (d *Service) AcceptCertain(ctx context.Context, e audit.Entry, ids []string, why string) (accepted, left int, err error) {
	if _, err := reason(why); err != nil {
		return 0, 0, err
	}
	for _, id := range ids {
		cases, _, err := d.ClaimQueue(ctx, ClaimQuery{States: []domain.ClaimState{domain.ClaimWaiting, domain.ClaimAgreed}, ID: id, Limit: 1})
		if err != nil {
			return accepted, left, err
		}
		if len(cases) == 0 || !cases[0].Certain {
			left++
			continue
		}
		var refusal *Refusal
		switch err := d.AcceptClaim(ctx, e, ClaimDecision{ID: id, Reason: why}); {
		case err == nil:
			accepted++
		case errors.As(err, &refusal):
			left++
		default:
			return accepted, left, err
		}
	}
	return accepted, left, nil
}

func (d *Service) decideClaim(ctx context.Context, e audit.Entry, by ClaimDecision, effects func(domain.Claim, domain.ClaimDecision) (act string, e domain.Effects, err error)) error {
	c, err := d.Store.Claim(ctx, by.ID)
	if err != nil {
		return err
	}
	if !slices.Contains([]domain.ClaimState{domain.ClaimWaiting, domain.ClaimAgreed}, c.State) {
		return &Refusal{Reason: Changed}
	}
	why, err := reason(by.Reason)
	if err != nil {
		return err
	}
	act, out, err := effects(c, domain.ClaimDecision{By: e.By, Reason: why, CardSeen: by.CardSeen})
	if err != nil {
		return err
	}
	what := map[string]string{"claim": c.ID, "to": string(c.Address), "reason": why}
	if by.CardSeen {
		what["card"] = "seen"
	}
	out.Audit = done(e, act, domain.Person{ID: c.Person}, what)
	return d.commit(ctx, out)
}
