package charter

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"entree/internal/domain"
)

// evidenceFormat is the prefix of the signed bytes, so that a signature cannot
// be used for another purpose.
const evidenceFormat = "entree-evidence/1"

// Statement is the signed content of an export: the acceptances of one person.
type Statement struct {
	Format      string            `json:"format"`
	Institution string            `json:"institution"`
	Portal      string            `json:"portal"`
	MadeAt      time.Time         `json:"made_at"`
	Person      StatementPerson   `json:"person"`
	Acceptances []StatementAccept `json:"acceptances"`
}

// StatementPerson is the person of a statement.
type StatementPerson struct {
	ID         string `json:"id"`
	Profile    string `json:"profile"`
	Number     string `json:"number"`
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	Login      string `json:"login,omitempty"`
}

// StatementAccept is one acceptance, with the exact text. Journey is empty if
// the charter was accepted after a login.
type StatementAccept struct {
	At      time.Time `json:"at"`
	Version string    `json:"version"`
	Title   string    `json:"title"`
	Lang    string    `json:"lang"`
	SHA256  string    `json:"sha256"`
	Journey string    `json:"journey,omitempty"`
	Text    string    `json:"text"`
}

// Export is a statement with its signature, stored as one JSON file. The
// signature covers the statement without white space between its tokens, so
// that a reformatted file still verifies.
type Export struct {
	Statement json.RawMessage `json:"statement"`
	PublicKey string          `json:"public_key"` // Ed25519, base64
	Signature string          `json:"signature"`  // base64
}

// ErrTampered is returned for a person whose acceptances do not match their MACs
// or the events.
var ErrTampered = errors.New("the stored acceptances were changed outside the portal")

// Evidence returns a person's signed export. It returns ErrTampered, with each
// fault, instead of signing acceptances that do not hold.
func (d *Service) Evidence(ctx context.Context, id domain.PersonID, institution, portal string, key ed25519.PrivateKey) ([]byte, error) {
	p, err := d.Store.Person(ctx, id)
	if err != nil {
		return nil, err
	}
	faults, err := d.Store.EvidenceFaults(ctx, id)
	if err != nil {
		return nil, err
	}
	acceptances, texts, err := d.Store.Evidence(ctx, id)
	if err != nil {
		return nil, err
	}
	for i, a := range acceptances {
		if domain.HashCharter(texts[i].Text) != a.SHA256 {
			faults = append(faults, "the text of version "+a.Version+" is not the accepted one")
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrTampered, strings.Join(faults, "; "))
	}
	s := Statement{Format: evidenceFormat, Institution: institution, Portal: portal, MadeAt: d.now(), Acceptances: []StatementAccept{},
		Person: StatementPerson{string(p.ID), p.Profile, p.Number, p.GivenName, p.FamilyName, p.Login}}
	for i, a := range acceptances {
		s.Acceptances = append(s.Acceptances, StatementAccept{a.At, a.Version, texts[i].Title, string(a.Lang), a.SHA256, string(a.Journey), texts[i].Text})
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(Export{raw, encodeKey(key.Public().(ed25519.PublicKey)), base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed(raw)))}, "", "  ")
}

// Errors of Verify.
var (
	ErrNoEvidence = errors.New("this is no export of evidence")
	ErrSignature  = errors.New("the signature does not fit: the file was changed")
	ErrForeignKey = errors.New("signed by another key than the one given")
	ErrTextHash   = errors.New("a text does not have the hash that was accepted")
)

// Verify checks an export without the portal: its signature, and that each text
// has the accepted hash. want is the public key that the institution published.
// If want is empty, the key in the file is used, and the caller must compare it
// with the published one.
func Verify(file []byte, want string) (Statement, Export, error) {
	var e Export
	var s Statement
	if err := json.Unmarshal(file, &e); err != nil {
		return s, e, fmt.Errorf("%w: %w", ErrNoEvidence, err)
	}
	var compact bytes.Buffer
	key, keyErr := base64.StdEncoding.DecodeString(e.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(e.Signature)
	if errors.Join(err, keyErr, json.Compact(&compact, e.Statement)) != nil || len(key) != ed25519.PublicKeySize {
		return s, e, ErrNoEvidence
	}
	if want != "" && want != e.PublicKey {
		return s, e, ErrForeignKey
	}
	if !ed25519.Verify(key, signed(compact.Bytes()), signature) {
		return s, e, ErrSignature
	}
	if err := json.Unmarshal(e.Statement, &s); err != nil || s.Format != evidenceFormat {
		return s, e, ErrNoEvidence
	}
	for _, a := range s.Acceptances {
		if domain.HashCharter(a.Text) != a.SHA256 {
			return s, e, fmt.Errorf("%w: version %s", ErrTextHash, a.Version)
		}
	}
	return s, e, nil
}

func signed(compact []byte) []byte { return append([]byte(evidenceFormat+"\n"), compact...) }

// EncodeKey returns the public key of key as exports contain it.
func EncodeKey(key ed25519.PrivateKey) string { return encodeKey(key.Public().(ed25519.PublicKey)) }

func encodeKey(key ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(key) }

// Fingerprint returns the beginning of the SHA-256 of a public key in groups
// that people can compare: "3f2a 91c0 …".
func Fingerprint(publicKey string) string {
	raw, _ := base64.StdEncoding.DecodeString(publicKey) // an invalid key still has a fingerprint
	sum := sha256.Sum256(raw)
	h := hex.EncodeToString(sum[:16])
	var out []byte
	for i := 0; i < len(h); i += 4 {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, h[i:i+4]...)
	}
	return string(out)
}
