package directory

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-crypt/x/crypt"

	"entree/internal/domain"
	"entree/internal/secret"
)

// The schemes of userPassword that the portal can write. Except for Crypt, the
// value holds the bytes of the credential that Keycloak would store.
const (
	Argon2       = "argon2"        // {ARGON2}, OpenLDAP's module argon2
	PBKDF2SHA256 = "pbkdf2-sha256" // {PBKDF2-SHA256}, its module pw-pbkdf2
	PBKDF2SHA512 = "pbkdf2-sha512" // {PBKDF2-SHA512}, the same
	Crypt        = "crypt"         // {CRYPT}$6$, built into OpenLDAP; 389-ds and others have it too
)

// Schemes returns the schemes, the best first.
func Schemes() []string { return []string{Argon2, PBKDF2SHA512, PBKDF2SHA256, Crypt} }

// modules names the server modules that a scheme needs.
var modules = map[string]string{
	Argon2: "load its module on every server (OpenLDAP: moduleload argon2)", PBKDF2SHA256: "load its module on every server (OpenLDAP: moduleload pw-pbkdf2)",
	PBKDF2SHA512: "load its module on every server (OpenLDAP: moduleload pw-pbkdf2)", Crypt: "the server was built without crypt(3)",
}

// UserPassword returns the scheme of a credential and its value for userPassword.
// A malformed credential is a permanent error.
func UserPassword(c domain.Credential) (scheme, value string, err error) {
	var data struct {
		Algorithm string              `json:"algorithm"`
		Rounds    int                 `json:"hashIterations"`
		More      map[string][]string `json:"additionalParameters"`
	}
	var hidden struct{ Value, Salt []byte }
	if err := json.Unmarshal([]byte(c.Data), &data); err != nil {
		return "", "", domain.Permanent(errors.New("directory: malformed credential"))
	}
	if data.Algorithm == Crypt {
		return Crypt, "{CRYPT}" + c.Secret, nil
	}
	if err := json.Unmarshal([]byte(c.Secret), &hidden); err != nil || len(hidden.Value) == 0 || len(hidden.Salt) == 0 {
		return "", "", domain.Permanent(errors.New("directory: malformed credential"))
	}
	parameter := func(name string) string {
		if v := data.More[name]; len(v) == 1 {
			return v[0]
		}
		return ""
	}
	switch data.Algorithm {
	case Argon2:
		if parameter("type") != "id" || parameter("version") != "1.3" {
			return "", "", domain.Permanent(errors.New("directory: only Argon2id of version 1.3 has a form in userPassword"))
		}
		b := base64.RawStdEncoding
		return Argon2, fmt.Sprintf("{ARGON2}$argon2id$v=19$m=%s,t=%d,p=%s$%s$%s", parameter("memory"), data.Rounds, parameter("parallelism"),
			b.EncodeToString(hidden.Salt), b.EncodeToString(hidden.Value)), nil
	case PBKDF2SHA256, PBKDF2SHA512:
		// "ab64" of passlib: base64 without padding, with "." for "+".
		ab64 := func(raw []byte) string {
			return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(raw), "+", ".")
		}
		return data.Algorithm, fmt.Sprintf("{%s}%d$%s$%s", strings.ToUpper(data.Algorithm), data.Rounds, ab64(hidden.Salt), ab64(hidden.Value)), nil
	}
	return "", "", domain.Permanent(fmt.Errorf("directory: the algorithm %q has no scheme in userPassword", data.Algorithm))
}

// cryptRounds makes a hash cost about 50 ms of one core; crypt's own default of
// 5,000 dates from 2007.
const cryptRounds = 100_000

// CryptHasher hashes passwords by SHA-512 crypt, for the scheme {CRYPT}.
type CryptHasher struct {
	random io.Reader
	atOnce chan struct{}
}

// NewCryptHasher returns a hasher that computes at most atOnce hashes at a time.
func NewCryptHasher(atOnce int, random io.Reader) *CryptHasher {
	return &CryptHasher{random, make(chan struct{}, max(1, atOnce))}
}

// saltLetters is the alphabet of salts of crypt(3). It has 64 letters, so that six
// bits of a random byte choose one without bias.
const saltLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Hash returns the credential of a password. It returns an error if ctx ends
// before one of the hashes at once is free.
func (h *CryptHasher) Hash(ctx context.Context, password secret.Text) (domain.Credential, error) {
	select {
	case h.atOnce <- struct{}{}:
		defer func() { <-h.atOnce }()
	case <-ctx.Done():
		return domain.Credential{}, ctx.Err()
	}
	salt := make([]byte, 16)
	if _, err := io.ReadFull(h.random, salt); err != nil {
		return domain.Credential{}, fmt.Errorf("draw a salt: %w", err)
	}
	for i := range salt {
		salt[i] = saltLetters[salt[i]&63]
	}
	sum := crypt.KeySHACrypt(sha512.New, []byte(password.Reveal()), salt, cryptRounds)
	return domain.Credential{Data: `{"algorithm":"crypt"}`, Secret: fmt.Sprintf("$6$rounds=%d$%s$%s", cryptRounds, salt, sum)}, nil
}
