package keycloak

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"entree/internal/domain"
)

// passkeyType is the type of a credential that logs in without a password.
const passkeyType = "webauthn-passwordless"

// RelyingParty implements domain.Passkeys. It needs the role view-realm. The answer may be
// a minute old, since Keycloak's representation of a realm is large.
func (c *Accounts) RelyingParty(ctx context.Context) (string, error) {
	return c.relyingParties.get(ctx, "", c.now(), func(ctx context.Context) (string, bool, error) {
		realm, err := c.readRealm(ctx)
		switch {
		case err != nil:
			return "", false, err
		case realm[passwordless+"PasskeysEnabled"] != true:
			return "", false, errors.New("keycloak: the realm accepts no passkeys: entree realm plan has the part passkeys")
		}
		if host, _ := realm[passwordless+"RpId"].(string); host != "" {
			return host, true, nil
		}
		return c.PasskeyHost, true, nil
	})
}

// storedPasskey is Keycloak's credentialData of a passkey: bytes in base64, the key in
// base64url. The admin API takes it as it is, which is not documented:
// TestContract_APasskeyIsAddedToAnAccount guards it.
type storedPasskey struct {
	AAGUID                     string   `json:"aaguid"`
	CredentialID               string   `json:"credentialId"`
	Counter                    uint32   `json:"counter"`
	CredentialPublicKey        string   `json:"credentialPublicKey"`
	AttestationStatementFormat string   `json:"attestationStatementFormat"`
	Transports                 []string `json:"transports"`
}

// AddPasskey implements domain.Passkeys. An update of a user that carries a credential
// of another type than "password" adds it (Keycloak 26.7.4).
func (c *Accounts) AddPasskey(ctx context.Context, a domain.AccountRef, p domain.Passkey) error {
	stored, err := c.changeable(ctx, a)
	if err != nil || hasPasskey(stored, p) {
		return err
	}
	data, err := json.Marshal(storedPasskey{
		AAGUID: p.Model, CredentialID: base64.StdEncoding.EncodeToString(p.ID), Counter: p.Counter,
		CredentialPublicKey: base64.URLEncoding.EncodeToString(p.PublicKey), AttestationStatementFormat: "none", Transports: append([]string{}, p.Transports...),
	})
	if err != nil {
		return fmt.Errorf("keycloak: passkey: %w", err)
	}
	_, err = c.do(ctx, http.MethodPut, c.path("users", a.ID), map[string]any{"credentials": []any{map[string]any{
		"type": passkeyType, "userLabel": p.Label, "credentialData": string(data), "secretData": "{}",
	}}}, nil)
	if status(err) == http.StatusConflict { // a run whose answer was lost, or another device of this label
		if stored, looked := c.credentials(ctx, a.ID); looked == nil && hasPasskey(stored, p) {
			return nil
		}
	}
	return lasting(err)
}

// hasPasskey reports whether a passkey is among the credentials of a user.
func hasPasskey(credentials []storedCredential, p domain.Passkey) bool {
	return slices.ContainsFunc(credentials, func(c storedCredential) bool {
		var stored storedPasskey
		return c.Type == passkeyType && json.Unmarshal([]byte(c.CredentialData), &stored) == nil &&
			stored.CredentialID == base64.StdEncoding.EncodeToString(p.ID)
	})
}
