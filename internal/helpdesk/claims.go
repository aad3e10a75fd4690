package helpdesk

import (
	"context"
	"errors"
	"slices"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/naming"
)

// Claims is the part of the store that the queue of claims needs.
type Claims interface {
	// Claims returns the claims of a state, those that wait the longest first. It
	// returns limit+1 claims if there are more.
	Claims(ctx context.Context, state domain.ClaimState, skip, limit int) ([]domain.Claim, error)
	ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error)
	// ClaimsOf returns the proven claims for a number, oldest first.
	ClaimsOf(ctx context.Context, profile, number string) ([]domain.Claim, error)
}

// ClaimCase is a claim beside the registry.
type ClaimCase struct {
	domain.Claim
	Registry domain.Person // whose number was typed; zero: no person has it
	For      []string      // what speaks for it, message keys console.claims.for.…
	Against  []string      // what speaks against it, message keys console.claims.against.…
	Earlier  int           // earlier claims for the same number
}

// Decidable reports whether the claim waits and can be accepted.
func (c ClaimCase) Decidable() bool {
	return c.State == domain.ClaimWaiting && c.Registry.ID != "" && c.Registry.ErasedAt.IsZero()
}

// ClaimQueue returns one page of the claims of a state with the registry's side.
func (d *Service) ClaimQueue(ctx context.Context, state domain.ClaimState, skip, limit int) (cases []ClaimCase, more bool, err error) {
	claims, err := d.Claims.Claims(ctx, state, skip, limit)
	if err != nil {
		return nil, false, err
	}
	if more = len(claims) > limit; more {
		claims = claims[:limit]
	}
	for _, c := range claims {
		one, err := d.claimCase(ctx, c)
		if err != nil {
			return nil, false, err
		}
		cases = append(cases, one)
	}
	return cases, more, nil
}

// ClaimCounts returns the number of claims of each state.
func (d *Service) ClaimCounts(ctx context.Context) (map[domain.ClaimState]int64, error) {
	return d.Claims.ClaimCounts(ctx)
}

func (d *Service) claimCase(ctx context.Context, c domain.Claim) (ClaimCase, error) {
	out := ClaimCase{Claim: c}
	all, err := d.Claims.ClaimsOf(ctx, c.Profile, c.Number)
	if err != nil {
		return out, err
	}
	out.Earlier = max(0, slices.IndexFunc(all, func(o domain.Claim) bool { return o.ID == c.ID }))
	weigh := func(speaksFor bool, pro, contra string) {
		if speaksFor {
			out.For = append(out.For, pro)
		} else {
			out.Against = append(out.Against, contra)
		}
	}
	if c.Person == "" {
		out.Against = []string{"number"}
		return out, nil
	}
	if out.Registry, err = d.Store.Person(ctx, c.Person); err != nil && !errors.Is(err, domain.ErrNotFound) {
		return out, err
	}
	r := out.Registry
	out.For = []string{"number"}
	weigh(r.BirthDate == c.BirthDate, "birth", "birth")
	switch same, near := namesAlike(c, r); {
	case same:
		out.For = append(out.For, "name")
	case near:
		out.Against = append(out.Against, "name_near")
	default:
		out.Against = append(out.Against, "name")
	}
	if r.Email == "" || r.AddressWrong() {
		out.For = append(out.For, "unreachable")
	}
	if !r.FirstLoginAt.IsZero() {
		out.Against = append(out.Against, "used")
	}
	if out.Earlier > 0 {
		out.Against = append(out.Against, "earlier")
	}
	others, err := d.Store.PeopleAt(ctx, c.Address)
	if slices.ContainsFunc(others, func(p domain.Person) bool { return p.ID != r.ID }) {
		out.Against = append(out.Against, "shared")
	}
	return out, err
}

// namesAlike compares the typed names with the registry's, without accents, case and
// order. near means that they share a word.
func namesAlike(c domain.Claim, p domain.Person) (same, near bool) {
	typed, known := naming.Words(c.GivenName+" "+c.FamilyName), naming.Words(p.GivenName+" "+p.FamilyName)
	slices.Sort(typed)
	slices.Sort(known)
	return slices.Equal(typed, known), slices.ContainsFunc(typed, func(w string) bool { return slices.Contains(known, w) })
}

// AcceptClaim accepts a waiting claim: the new address is in use after the time in
// which the old one can object.
func (d *Service) AcceptClaim(ctx context.Context, e audit.Entry, id, why string) error {
	return d.decideClaim(ctx, e, id, why, ActClaimAccepted, func(c domain.Claim, why string) (domain.Effects, error) {
		p, err := d.Store.Person(ctx, c.Person)
		if errors.Is(err, domain.ErrNotFound) || err == nil && (!p.ErasedAt.IsZero() || !p.EraseAt.IsZero() || p.Hold != "") {
			return domain.Effects{}, &Refusal{Reason: NotNow}
		}
		if err != nil {
			return domain.Effects{}, err
		}
		return d.Service.AcceptClaim(c, p, e.By.Name, why)
	})
}

// RefuseClaim refuses a waiting claim. The claimant is sent to the help desk.
func (d *Service) RefuseClaim(ctx context.Context, e audit.Entry, id, why string) error {
	return d.decideClaim(ctx, e, id, why, ActClaimRefused, func(c domain.Claim, why string) (domain.Effects, error) {
		return d.Service.RefuseClaim(c, e.By.Name, why)
	})
}

func (d *Service) decideClaim(ctx context.Context, e audit.Entry, id, why, act string, effects func(domain.Claim, string) (domain.Effects, error)) error {
	c, err := d.Store.Claim(ctx, id)
	if err != nil {
		return err
	}
	if c.State != domain.ClaimWaiting {
		return &Refusal{Reason: Changed}
	}
	if why, err = reason(why); err != nil {
		return err
	}
	out, err := effects(c, why)
	if err != nil {
		return err
	}
	out.Audit = done(e, act, domain.Person{ID: c.Person}, map[string]string{"claim": c.ID, "to": string(c.Address), "reason": why})
	return d.commit(ctx, out)
}
