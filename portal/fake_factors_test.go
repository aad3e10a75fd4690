package portal_test

import (
	"cmp"
	"context"
	"slices"

	"entree/internal/domain"
)

func (f *fakeService) ListsFactors() bool { return true }

func (f *fakeService) FactorsOf(context.Context, domain.Person) (domain.HeldFactors, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return domain.HeldFactors{HasPassword: f.held.HasPassword, List: slices.Clone(f.held.List)}, f.heldFails
}

func (f *fakeService) CheckDrop(_ domain.Person, held domain.HeldFactors, id string) ([]domain.Factor, error) {
	gone, reason := held.Removal(id, f.rule == domain.FactorsRequired)
	if reason != "" {
		return nil, &domain.Refusal{Reason: reason}
	}
	return gone, nil
}

func (f *fakeService) RenameFactor(_ context.Context, _ domain.Person, id, typed string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if typed == "" {
		return &domain.Refusal{Reason: domain.ReasonFactorLabel}
	}
	for i := range f.held.List {
		if f.held.List[i].ID == id {
			f.held.List[i].Label = typed
			return nil
		}
	}
	return domain.ErrNotFound
}

func (f *fakeService) RemoveFactor(_ context.Context, p domain.Person, id string, _ domain.Lang) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gone, err := f.CheckDrop(p, f.held, id)
	if err != nil || len(gone) == 0 {
		return false, cmp.Or(err, domain.ErrNotFound)
	}
	f.acts++
	if !f.slowRemoval {
		f.held.List = slices.DeleteFunc(f.held.List, func(o domain.Factor) bool {
			return slices.ContainsFunc(gone, func(g domain.Factor) bool { return g.ID == o.ID })
		})
	}
	return !f.slowRemoval, nil
}

func (f *fakeService) FactorLater(_ context.Context, p domain.Person) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, p.Login+" later")
	return nil
}

func (f *fakeService) FactorAdded(_ context.Context, login, _ string, kind domain.FactorKind, _ domain.Lang) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins = append(f.logins, login+" added "+string(kind))
	return nil
}
