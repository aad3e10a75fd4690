// Package passkeytest is a device that registers passkeys, for tests.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"

	"github.com/fxamacker/cbor/v2"
)

// Device answers registrations as a telephone does: with a new ES256 key and no
// attestation. Its fields are what a test changes.
type Device struct {
	Origin       string
	RelyingParty string // empty: that of the options
	Challenge    string // base64url; empty: that of the options
	Unverified   bool   // the user's finger or PIN was not asked for
	Type         string // of the ceremony; empty: webauthn.create
}

// Register returns the answer to the options of navigator.credentials.create: a
// PublicKeyCredential as JSON.
func (d Device) Register(options []byte) ([]byte, error) {
	var asked struct {
		Challenge string
		RP        struct{ ID string }
	}
	if err := json.Unmarshal(options, &asked); err != nil {
		return nil, err
	}
	or := func(set, otherwise string) string {
		if set != "" {
			return set
		}
		return otherwise
	}
	client, err := json.Marshal(map[string]any{
		"type": or(d.Type, "webauthn.create"), "challenge": or(d.Challenge, asked.Challenge), "origin": d.Origin, "crossOrigin": false,
	})
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	point, err := key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]})
	if err != nil {
		return nil, err
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	party := sha256.Sum256([]byte(or(d.RelyingParty, asked.RP.ID)))
	flags := byte(0x45) // present, verified, with a key
	if d.Unverified {
		flags = 0x41
	}
	data := append(party[:], flags, 0, 0, 0, 0) // the counter of a passkey that is synchronised stays 0
	data = append(data, make([]byte, 16)...)    // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(id)))
	data = append(append(data, id...), cose...)
	attestation, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data})
	if err != nil {
		return nil, err
	}
	text := base64.RawURLEncoding.EncodeToString
	return json.Marshal(map[string]any{
		"id": text(id), "rawId": text(id), "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": text(client), "attestationObject": text(attestation), "transports": []string{"internal", "hybrid"}},
	})
}
