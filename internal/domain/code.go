package domain

import (
	"fmt"
	"io"
	"math/big"
	"time"

	"crypto/rand"

	"entree/internal/clean"
	"entree/internal/secret"
)

// CodeLife is the default lifetime of a code. The configuration may set at most
// 60 minutes (S6).
const CodeLife = 10 * time.Minute

// Code is the stored form of the six digits: a MAC, bound to the journey and
// its address, under a key that is not in the database.
type Code struct {
	MAC       []byte
	Earlier   [][]byte `json:",omitzero"` // MACs of the codes that this one replaced, the newest last
	SentAt    time.Time
	ExpiresAt time.Time
	Sent      int // codes made in this journey so far
	Tries     int // over all codes: a new code does not reset them (S4)
}

// NewDigits draws six decimal digits, each of the million with the same
// chance, leading zeros kept (S1).
func NewDigits(random io.Reader) (secret.Text, error) {
	n, err := rand.Int(random, big.NewInt(1_000_000))
	if err != nil {
		return secret.Text{}, fmt.Errorf("draw a code: %w", err)
	}
	return secret.New(fmt.Sprintf("%06d", n)), nil
}

// CleanDigits returns the six digits of what the student typed or pasted, and
// false if there are none (see clean.Code).
func CleanDigits(s string) (string, bool) {
	digits, err := clean.Code(s)
	return digits, err == nil
}

// CodeMAC returns the MAC of six digits, bound to the journey and its address.
func (j *Journey) CodeMAC(keys secret.Keyring, digits string) []byte {
	return keys.MAC(secret.UseCode, string(j.ID), string(j.Address), digits)
}

// CodeFits reports whether digits are the journey's code, in constant time (S8).
func (j *Journey) CodeFits(keys secret.Keyring, digits string) bool {
	return keys.Verify(secret.UseCode, j.Code.MAC, string(j.ID), string(j.Address), digits)
}

// CodeIsEarlier reports whether digits are a code that a newer one replaced. Such a
// code proves nothing; the answer keeps a student from taking it for a wrong one.
func (j *Journey) CodeIsEarlier(keys secret.Keyring, digits string) bool {
	earlier := false
	for _, mac := range j.Code.Earlier {
		earlier = keys.Verify(secret.UseCode, mac, string(j.ID), string(j.Address), digits) || earlier
	}
	return earlier && !j.CodeFits(keys, digits)
}
