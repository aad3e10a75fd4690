package domain

import (
	"fmt"
	"io"
	"time"

	"entree/internal/clean"
	"entree/internal/secret"
)

// LongLife is how long a long code is good. It covers the window in which an
// address gets no further mail (NIST SP 800-63A-4 allows a confirmation code
// sent by mail 24 hours).
const LongLife = 24 * time.Hour

// LongCode is what is kept of a long code: a MAC, and the address whose mailbox
// it proves. It is sent when six digits may not be enough: when an address has
// been sent several mails, or after wrong codes. It has 80 bits, so it needs no
// limit of tries, names its address by itself and works in any browser; nothing
// that others do to the address can refuse it.
type LongCode struct {
	MAC       []byte
	Purpose   Purpose // of the journeys that it begins
	Profile   string
	Address   Address
	ExpiresAt time.Time
}

// LongSpent spends a long code in one statement: it has to exist and not to have
// expired (S2, S5), or the whole transaction is refused with ErrConflict.
type LongSpent struct {
	MAC []byte
	At  time.Time
}

// NewLongCode draws a long code: four groups of four letters and digits without
// I, L, O and U.
func NewLongCode(random io.Reader, keys secret.Keyring, purpose Purpose, profile string, address Address, now time.Time) (secret.Text, LongCode, error) {
	b := make([]byte, 10)
	if _, err := io.ReadFull(random, b); err != nil {
		return secret.Text{}, LongCode{}, fmt.Errorf("draw a code: %w", err)
	}
	code := crockford.EncodeToString(b)
	return secret.New(code[:4] + "-" + code[4:8] + "-" + code[8:12] + "-" + code[12:]), LongCode{
		MAC: keys.MAC(secret.UseLong, code), Purpose: purpose, Profile: profile, Address: address, ExpiresAt: now.Add(LongLife),
	}, nil
}

// CleanLongCode returns the letters and digits of a long code that was typed, or
// pasted with the sentence around it, and false if there is none.
func CleanLongCode(s string) (string, bool) { return clean.Groups(s, 4) }
