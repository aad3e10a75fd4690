package domain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"entree/internal/secret"
)

// DeskLife is how long a code of the desk is good: its person stands there.
const DeskLife = 15 * time.Minute

// DeskCode is what is kept of a code that an operator gave to somebody who
// showed an identity card: a MAC, whose it is, and who vouched. A person has
// one at most; a new one takes its place.
type DeskCode struct {
	MAC       []byte
	Person    PersonID
	Operator  string // as the audit names them
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// NewDeskCode draws a code for somebody at the desk: eight letters and digits
// without I, L, O and U, 40 bits. It names its person by itself, so that
// nothing else has to be typed and nothing is told about anybody: that is why
// it needs more than the six digits, which are tried against one address.
func NewDeskCode(random io.Reader, keys secret.Keyring, person PersonID, operator string, now time.Time) (secret.Text, DeskCode, error) {
	b := make([]byte, 5)
	if _, err := io.ReadFull(random, b); err != nil {
		return secret.Text{}, DeskCode{}, fmt.Errorf("draw a code: %w", err)
	}
	code := crockford.EncodeToString(b)
	return secret.New(code[:4] + "-" + code[4:]), DeskCode{
		MAC: keys.MAC(secret.UseDesk, code), Person: person, Operator: operator, IssuedAt: now, ExpiresAt: now.Add(DeskLife),
	}, nil
}

// CleanDeskCode takes what was read out and typed: small letters, spaces and
// hyphens are forgiven, O is 0, I and L are 1.
func CleanDeskCode(s string) (string, bool) {
	out := make([]rune, 0, 8)
	for _, r := range strings.ToUpper(s) {
		switch {
		case r == 'O':
			r = '0'
		case r == 'I' || r == 'L':
			r = '1'
		case strings.ContainsRune(" \u00a0\u202f\t-–—.", r):
			continue
		}
		if !strings.ContainsRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", r) || len(out) == 8 {
			return "", false
		}
		out = append(out, r)
	}
	return string(out), len(out) == 8
}
