package fake

import (
	"bytes"
	"context"
	"slices"

	"entree/internal/domain"
)

// RelyingParty implements domain.Passkeys.
func (f *Accounts) RelyingParty(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return "univ.example", f.fail
}

// AddPasskey implements domain.Passkeys.
func (f *Accounts) AddPasskey(_ context.Context, ref domain.AccountRef, p domain.Passkey) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	there, err := f.held(ref)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(there.passkeys, func(has domain.Passkey) bool { return bytes.Equal(has.ID, p.ID) }) {
		there.passkeys = append(there.passkeys, p)
	}
	there.standing.HasFactor = true
	return nil
}

// Passkeys returns the passkeys of the account with an id, and whether it has a
// password.
func (f *Accounts) Passkeys(id string) (passkeys []domain.Passkey, password bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, there := range f.byLogin {
		if there.id == id {
			return slices.Clone(there.passkeys), there.Credential != domain.Credential{}
		}
	}
	return nil, false
}
