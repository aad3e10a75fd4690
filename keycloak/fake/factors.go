package fake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entree/internal/domain"
)

// AddFactor adds a factor to the account with an id, as a page of Keycloak does, and
// returns the factor's id.
func (f *Accounts) AddFactor(account string, kind domain.FactorKind, label string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, there := range f.byLogin {
		if there.id != account {
			continue
		}
		f.factors++
		made := domain.Factor{ID: fmt.Sprintf("%08d-0000-4000-8000-0000000fac70", f.factors), Kind: kind, Label: label, AddedAt: time.Unix(int64(f.factors), 0).UTC()}
		there.factors = append(there.factors, made)
		there.standing.HasFactor = true
		return made.ID
	}
	return ""
}

// held returns the account of a reference, or a permanent *domain.AccountBarred.
func (f *Accounts) held(ref domain.AccountRef) (*account, error) {
	if f.fail != nil {
		return nil, f.fail
	}
	there, standing := f.standing(ref)
	if standing.Bar != "" {
		return nil, domain.Permanent(&domain.AccountBarred{Bar: standing.Bar})
	}
	return there, nil
}

// Factors implements domain.Factors.
func (f *Accounts) Factors(_ context.Context, ref domain.AccountRef) (domain.HeldFactors, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, err := f.held(ref)
	if err != nil {
		return domain.HeldFactors{}, err
	}
	return domain.HeldFactors{HasPassword: there.Credential != domain.Credential{}, List: slices.Clone(there.factors)}, nil
}

// RenameFactor implements domain.Factors.
func (f *Accounts) RenameFactor(_ context.Context, ref domain.AccountRef, id, label string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, err := f.held(ref)
	if err != nil {
		return err
	}
	for i := range there.factors {
		if there.factors[i].ID == id {
			there.factors[i].Label = label
			return nil
		}
	}
	return domain.ErrNotFound
}

// RemoveFactor implements domain.Factors.
func (f *Accounts) RemoveFactor(_ context.Context, ref domain.AccountRef, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, err := f.held(ref)
	if err != nil {
		return err
	}
	if f.keeps != nil {
		return f.keeps
	}
	there.factors = slices.DeleteFunc(there.factors, func(has domain.Factor) bool { return has.ID == id })
	there.standing.HasFactor = len(there.factors) > 0 || len(there.passkeys) > 0
	if f.loses > 0 {
		f.loses--
		return errors.New("fake: the answer was lost")
	}
	return nil
}

// FailRemovals makes every further RemoveFactor fail; nil ends that.
func (f *Accounts) FailRemovals(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keeps = err
}

// LoseRemovals makes the next n calls of RemoveFactor return an error after the removal.
func (f *Accounts) LoseRemovals(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loses = n
}
