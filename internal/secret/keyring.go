package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Use is the purpose of a subkey. Two uses never share a key.
type Use string

// Of returns the use for one site, so that a cookie of the portal is invalid in
// the console.
func (u Use) Of(site string) Use { return u + "/" + Use(site) }

// The uses. A use is either for MACs or for sealing, never for both.
// UseSession, UseSessionRow, UseCookie and UseForm are always combined with a
// site by Of.
const (
	UseCode       Use = "code"
	UseDesk       Use = "desk"
	UseLong       Use = "long-code"
	UseJob        Use = "job"
	UseSession    Use = "session"     // signatures of session cookies
	UseSessionRow Use = "session-row" // sealed session rows
	UseCookie     Use = "cookie"      // sealed cookies: logins under way
	UseForm       Use = "form"
	UsePseudonym  Use = "pseudonym"
	UseMail       Use = "mail"     // Message-IDs by which the portal recognises bounces of its mails
	UseEvidence   Use = "evidence" // signatures under exports
	UseRecord     Use = "record"   // MACs of acceptances and of the audit
	UseRetired    Use = "retired"  // sealed record keys of removed master keys
	UseLimit      Use = "limit"    // names of addresses in the keys of limits
	UseFreeze     Use = "freeze"   // addresses of the page that stops a recovery
	UsePasskey    Use = "passkey"  // challenges of registrations of passkeys
	UseTakeBack   Use = "takeback" // addresses of the page that takes a change of address back
)

// KeySize is the size of a master key in bytes.
const KeySize = 32

// Keyring holds one or more master keys. The first one signs and seals; all of
// them verify and open. To rotate a key, a new one is put in front, and the old
// one is removed when no data depends on it.
type Keyring struct {
	masters [][]byte
	// subkeys caches the derived keys by use, because a derivation costs more
	// than most operations with the key.
	subkeys *sync.Map
}

// Empty reports whether the keyring holds no key.
func (k Keyring) Empty() bool { return len(k.masters) == 0 }

// Format prints the same placeholder for every verb of fmt, as Text does.
func (k Keyring) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// ErrOpen is returned if a sealed box was changed, or was sealed for another
// use or context, or by a key that is not in the keyring.
var ErrOpen = errors.New("secret: no key opens the sealed value")

// ParseKeys parses keys separated by commas or white space, each 32 bytes in
// hexadecimal or base64.
func ParseKeys(text Text) (Keyring, error) {
	fields := strings.FieldsFunc(text.Reveal(), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' })
	k := Keyring{subkeys: &sync.Map{}}
	for i, f := range fields {
		key, err := decodeKey(f)
		if err != nil {
			return Keyring{}, fmt.Errorf("key %d: %w", i+1, err)
		}
		k.masters = append(k.masters, key)
	}
	if len(k.masters) == 0 {
		return Keyring{}, errors.New("no key given: make one with `openssl rand -hex 32`")
	}
	return k, nil
}

func decodeKey(s string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if b, err := decode(s); err == nil && len(b) == KeySize {
			return b, nil
		}
	}
	return nil, fmt.Errorf("want %d bytes in hexadecimal or base64", KeySize)
}

// GenerateKey returns a new master key in hexadecimal.
func GenerateKey() Text {
	b := make([]byte, KeySize)
	_, _ = rand.Read(b) // never fails: crypto/rand aborts the program
	return New(hex.EncodeToString(b))
}

// Subkeys returns the keys for a use, the signing one first. The caller must
// not change them, because they are shared.
func (k Keyring) Subkeys(use Use) [][]byte {
	if k.subkeys != nil {
		if keys, ok := k.subkeys.Load(use); ok {
			return keys.([][]byte)
		}
	}
	keys := make([][]byte, len(k.masters))
	for i, m := range k.masters {
		key, err := hkdf.Key(sha256.New, m, nil, "entree/"+string(use), KeySize)
		if err != nil {
			panic("secret: hkdf: " + err.Error()) // cannot happen: HKDF only fails for larger sizes
		}
		keys[i] = key
	}
	if k.subkeys != nil {
		k.subkeys.Store(use, keys)
	}
	return keys
}

// Signers returns the Ed25519 keys for a use, the signing one first. Their
// public halves verify a signature without the secret.
func (k Keyring) Signers(use Use) []ed25519.PrivateKey {
	keys := make([]ed25519.PrivateKey, len(k.masters))
	for i, seed := range k.Subkeys(use) {
		keys[i] = ed25519.NewKeyFromSeed(seed)
	}
	return keys
}

// MAC returns HMAC-SHA-256 over parts under the first key of use. Each part is
// preceded by its length, so that ("ab","c") and ("a","bc") differ.
func (k Keyring) MAC(use Use, parts ...string) []byte {
	return mac(k.Subkeys(use)[0], parts)
}

// MACs returns one MAC per key of use, so that values stored before a key
// rotation still match.
func (k Keyring) MACs(use Use, parts ...string) [][]byte {
	var out [][]byte
	for _, key := range k.Subkeys(use) {
		out = append(out, mac(key, parts))
	}
	return out
}

// OldestMAC returns the MAC under the last key of use. During a rotation all
// instances have the old key, so that counters under such a MAC are shared until
// the old key is removed.
func (k Keyring) OldestMAC(use Use, parts ...string) []byte {
	keys := k.Subkeys(use)
	return mac(keys[len(keys)-1], parts)
}

// Verify reports, in constant time, whether sum is the MAC of parts under any
// key of use.
func (k Keyring) Verify(use Use, sum []byte, parts ...string) bool {
	ok := false
	for _, key := range k.Subkeys(use) {
		ok = hmac.Equal(sum, mac(key, parts)) || ok
	}
	return ok
}

// MAC returns HMAC-SHA-256 over parts under a key, each part preceded by its
// length.
func MAC(key []byte, parts ...string) []byte { return mac(key, parts) }

func mac(key []byte, parts []string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// Pseudonym returns a short stable name for a value in logs. It cannot be
// reversed without the key.
func (k Keyring) Pseudonym(value string) string {
	return hex.EncodeToString(k.MAC(UsePseudonym, value)[:6])
}

// Seal encrypts plain (AES-256-GCM, random nonce) for a use and a context. The
// context is not stored in the box, and Open needs the same one, so that a box
// cannot be moved to another row.
func (k Keyring) Seal(use Use, context string, plain []byte) ([]byte, error) {
	aead, err := newAEAD(k.Subkeys(use)[0])
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce)
	return aead.Seal(nonce, nonce, plain, []byte(context)), nil
}

// Open decrypts a box that Seal made for the same use and context with any key
// of the keyring.
func (k Keyring) Open(use Use, context string, box []byte) ([]byte, error) {
	for _, key := range k.Subkeys(use) {
		aead, err := newAEAD(key)
		if err != nil {
			return nil, err
		}
		if len(box) < aead.NonceSize() {
			return nil, ErrOpen
		}
		n := aead.NonceSize()
		if plain, err := aead.Open(nil, box[:n], box[n:], []byte(context)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrOpen
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
