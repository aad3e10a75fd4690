package domain

import (
	"fmt"
	"io"
	"math/big"
	"slices"
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
	SpentAt   time.Time `json:",omitzero"` // when the code proved another journey for the same address
	Sent      int       // codes asked for in this journey so far
	// Phone is the number that the code was sent to; empty: to the address.
	Phone Phone `json:",omitzero"`
	Tries int   // over all codes: a new code does not reset them (S4)
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

// mostInHand is the number of earlier journeys whose codes a journey accepts.
const mostInHand = 2

// triesInHand is the number of tries at which a journey compares the codes of
// earlier journeys. With mostInHand it bounds how many codes are compared for
// one address (ADR 0082).
const triesInHand = 2

// InHand returns those of the journeys whose code the journey accepts besides its
// own: the newest ones that began before it with the same purpose, profile and
// address, and whose code is neither spent nor expired. A browser that lost its
// session while the student read the mail began them.
func (j *Journey) InHand(at time.Time, journeys []Journey) []Journey {
	if j.Code.Tries >= triesInHand {
		return nil
	}
	var out []Journey
	for _, o := range journeys {
		same := o.Purpose == j.Purpose && o.Person == j.Person && o.Profile == j.Profile && o.Address == j.Address
		alive := o.Code.MAC != nil && at.Before(o.Code.ExpiresAt) && o.Code.SpentAt.IsZero() && o.ProvenAt.IsZero() && o.EndedAt.IsZero()
		if o.ID != j.ID && same && alive && !o.RequestedAt.After(j.RequestedAt) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b Journey) int { return b.RequestedAt.Compare(a.RequestedAt) })
	return out[:min(len(out), mostInHand)]
}

// SpendCode records that the journey's code proved another journey.
func (j *Journey) SpendCode(at time.Time) { j.Code.SpentAt = at }
