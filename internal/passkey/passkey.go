// Package passkey registers passkeys on the portal's own page (WebAuthn level 3,
// section 7.1): it writes the browser's options and checks the device's answer. It
// keeps nothing and does no I/O; the caller supplies the challenge.
package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"entree/internal/domain"
)

// Ceremony is one registration.
type Ceremony struct {
	RelyingParty string // RP ID: the host that passkeys belong to
	Origin       string // of the page, "https://mon-compte.univ.example"
	Institution  string // shown by the browser
	Handle       string // user handle: the account's id in Keycloak, which reads it at a login
	Login        string // name of the passkey in the device's list
	Name         string // of the person
	Challenge    []byte // at least 16 bytes, known to this registration alone
}

// Fits reports whether a page of the origin may register passkeys of a relying party:
// the origin's host is the relying party's, or below it.
func Fits(origin, relyingParty string) bool {
	u, err := url.Parse(origin)
	if err != nil || relyingParty == "" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == relyingParty || strings.HasSuffix(host, "."+relyingParty)
}

// timeout is how long the browser waits for the device.
const timeout = 5 * time.Minute

// accepted are the signatures that Keycloak accepts unless its policy names others.
var accepted = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// Options returns the options of navigator.credentials.create as JSON, with bytes in
// base64url. A passkey is discoverable and verifies its user, as Keycloak's default
// policy asks; no attestation is asked for.
func (c Ceremony) Options() ([]byte, error) {
	w, err := c.party()
	if err != nil {
		return nil, err
	}
	creation, _, err := w.BeginRegistration(c, func(o *protocol.PublicKeyCredentialCreationOptions) error {
		o.Challenge, o.Parameters, o.Timeout = c.Challenge, accepted, int(timeout.Milliseconds())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return json.Marshal(creation.Response)
}

// Check returns the passkey in a device's answer: PublicKeyCredential as JSON, with
// bytes in base64url. It returns an error unless the answer is to this ceremony's
// challenge, from its origin and for its relying party, and the user was verified.
func (c Ceremony) Check(answer []byte) (domain.Passkey, error) {
	w, err := c.party()
	if err != nil {
		return domain.Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return domain.Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	made, err := w.CreateCredential(c, webauthn.SessionData{
		Challenge: base64.RawURLEncoding.EncodeToString(c.Challenge), RelyingPartyID: c.RelyingParty, UserID: []byte(c.Handle),
		UserVerification: protocol.VerificationRequired, CredParams: accepted,
	}, parsed)
	if err != nil {
		return domain.Passkey{}, fmt.Errorf("passkey: %w", err)
	}
	if len(made.ID) > maxID {
		return domain.Passkey{}, errors.New("passkey: the credential id is too long")
	}
	model, err := uuid.FromBytes(made.Authenticator.AAGUID)
	if err != nil {
		return domain.Passkey{}, fmt.Errorf("passkey: AAGUID: %w", err)
	}
	p := domain.Passkey{Model: model.String(), ID: made.ID, PublicKey: bytes.Clone(made.PublicKey), Counter: made.Authenticator.SignCount}
	for _, t := range made.Transport {
		p.Transports = append(p.Transports, string(t))
	}
	return p, nil
}

// maxID is the longest credential id in bytes (WebAuthn level 3, section 7.1, step 25).
const maxID = 1023

func (c Ceremony) party() (*webauthn.WebAuthn, error) {
	required := true
	w, err := webauthn.New(&webauthn.Config{
		RPID: c.RelyingParty, RPDisplayName: c.Institution, RPOrigins: []string{c.Origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: &required, ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return w, nil
}

// The methods of webauthn.User.

// WebAuthnID returns the user handle.
func (c Ceremony) WebAuthnID() []byte { return []byte(c.Handle) }

// WebAuthnName returns the identifier.
func (c Ceremony) WebAuthnName() string { return c.Login }

// WebAuthnDisplayName returns the person's name.
func (c Ceremony) WebAuthnDisplayName() string { return c.Name }

// WebAuthnCredentials returns nothing: the account has no credential yet.
func (c Ceremony) WebAuthnCredentials() []webauthn.Credential { return nil }
