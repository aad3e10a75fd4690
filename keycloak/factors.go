package keycloak

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"entree/internal/domain"
)

// factorKinds maps Keycloak's types of credentials to the kinds of factors.
var factorKinds = map[string]domain.FactorKind{
	passkeyType: domain.FactorPasskey, "otp": domain.FactorTOTP, "webauthn": domain.FactorKey, "recovery-authn-codes": domain.FactorCodes,
}

// FactorKind returns the kind of a type of credentials of Keycloak. ok is false for the
// password and for earlier passwords (password-history), which are no factors.
func FactorKind(credentialType string) (kind domain.FactorKind, ok bool) {
	if kind, ok = factorKinds[credentialType]; ok {
		return kind, true
	}
	return domain.FactorOther, credentialType != "" && !strings.HasPrefix(credentialType, "password")
}

// storedCredential is Keycloak's representation of a credential. Its data is JSON in a
// string, whose form is not documented: TestContract_FactorsAreListedAndChanged guards
// it.
type storedCredential struct {
	ID, Type, UserLabel string
	CreatedDate         int64 // in milliseconds
	CredentialData      string
}

// Factors implements domain.Factors.
func (c *Accounts) Factors(ctx context.Context, a domain.AccountRef) (domain.HeldFactors, error) {
	stored, err := c.changeable(ctx, a)
	return heldOf(stored), err
}

// changeable returns the credentials of an account. It returns a permanent
// *domain.AccountBarred for an account that the portal must not change.
func (c *Accounts) changeable(ctx context.Context, a domain.AccountRef) ([]storedCredential, error) {
	_, stored, s, err := c.standing(ctx, a)
	if err == nil && s.Bar != "" {
		err = domain.Permanent(&domain.AccountBarred{Bar: s.Bar})
	}
	return stored, err
}

// credentials returns the credentials of a user, without their secrets.
func (c *Accounts) credentials(ctx context.Context, id string) (stored []storedCredential, err error) {
	_, err = c.do(ctx, http.MethodGet, c.path("users", id, "credentials"), nil, &stored)
	return stored, err
}

func (c *Accounts) factors(ctx context.Context, id string) (domain.HeldFactors, error) {
	credentials, err := c.credentials(ctx, id)
	return heldOf(credentials), err
}

// heldOf returns the factors among the credentials of a user.
func heldOf(credentials []storedCredential) (held domain.HeldFactors) {
	for _, stored := range credentials {
		kind, is := FactorKind(stored.Type)
		if !is {
			held.HasPassword = held.HasPassword || stored.Type == "password"
			continue
		}
		f := domain.Factor{ID: stored.ID, Kind: kind, Label: stored.UserLabel}
		if stored.CreatedDate > 0 {
			f.AddedAt = time.UnixMilli(stored.CreatedDate).UTC()
		}
		var data struct {
			AAGUID         string `json:"aaguid"`
			RemainingCodes int    `json:"remainingCodes"`
		}
		if json.Unmarshal([]byte(stored.CredentialData), &data) == nil {
			f.Model, f.Left = data.AAGUID, data.RemainingCodes
		}
		held.List = append(held.List, f)
	}
	return held
}

// RenameFactor implements domain.Factors.
func (c *Accounts) RenameFactor(ctx context.Context, a domain.AccountRef, id, label string) error {
	if _, err := c.changeable(ctx, a); err != nil {
		return err
	}
	return c.renameFactor(ctx, a.ID, id, label)
}

func (c *Accounts) renameFactor(ctx context.Context, user, id, label string) error {
	if locationID(id) != id || id == "" {
		return domain.ErrNotFound
	}
	_, err := c.do(ctx, http.MethodPut, c.path("users", user, "credentials", id, "userLabel"), plainText(label), nil)
	if status(err) == http.StatusNotFound {
		return domain.ErrNotFound
	}
	return err
}

// RemoveFactor implements domain.Factors.
func (c *Accounts) RemoveFactor(ctx context.Context, a domain.AccountRef, id string) error {
	held, err := c.Factors(ctx, a)
	if err != nil {
		return err
	}
	return c.removeFactor(ctx, a.ID, held, id)
}

// removeFactor deletes one of the held factors. A password is never deleted, also if the
// caller has its id.
func (c *Accounts) removeFactor(ctx context.Context, user string, held domain.HeldFactors, id string) error {
	if _, has := held.Find(id); !has {
		return nil
	}
	_, err := c.do(ctx, http.MethodDelete, c.path("users", user, "credentials", id), nil, nil)
	if status(err) == http.StatusNotFound {
		return nil
	}
	return lasting(err)
}

// Factors implements directory.Factors.
func (f *Federated) Factors(ctx context.Context, id string) (domain.HeldFactors, error) {
	return f.accounts.factors(ctx, id)
}

// RenameFactor implements directory.Factors.
func (f *Federated) RenameFactor(ctx context.Context, user, id, label string) error {
	return f.accounts.renameFactor(ctx, user, id, label)
}

// RemoveFactor implements directory.Factors.
func (f *Federated) RemoveFactor(ctx context.Context, user, id string) error {
	held, err := f.accounts.factors(ctx, user)
	if err != nil {
		return err
	}
	return f.accounts.removeFactor(ctx, user, held, id)
}
