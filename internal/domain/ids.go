package domain

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// Instant returns a time in the form in which times are stored: UTC, truncated to
// the microsecond.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// crockford is Crockford's base 32. It lacks I, L, O and U, which are mistaken for
// other letters or figures when they are read aloud.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewID returns 128 random bits in hexadecimal figures. It returns an error only
// if random does.
func NewID(random io.Reader) (string, error) {
	b := make([]byte, 16)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("draw an id: %w", err)
	}
	return hex.EncodeToString(b), nil
}

// NewReference returns a reference that a student reads out to the help desk:
// eight letters and figures in two groups, 40 bits, "7K3F-9Q2M".
func NewReference(random io.Reader) (string, error) {
	b := make([]byte, 5)
	if _, err := io.ReadFull(random, b); err != nil {
		return "", fmt.Errorf("draw a reference: %w", err)
	}
	r := crockford.EncodeToString(b)
	return r[:4] + "-" + r[4:], nil
}
