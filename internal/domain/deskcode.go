package domain

import (
	"fmt"
	"io"
	"time"

	"entree/internal/clean"
	"entree/internal/secret"
)

// DeskLife is the lifetime of a help desk code: the student stands at the desk.
const DeskLife = 15 * time.Minute

// DeskCode is the stored form of a code that an operator issued to a person who
// showed an identity card: a MAC, the person and the operator. A person has one
// at most; a new one replaces it.
type DeskCode struct {
	MAC       []byte
	Person    PersonID
	Operator  string // by the name that the audit uses
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// NewDeskCode draws a help desk code: eight letters and digits without I, L, O
// and U, 40 bits. The code alone identifies its person, so that its page asks
// for nothing else and discloses nothing. Therefore it is longer than the six
// digits, which are compared for one address only.
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

// LongestSheet is the longest lifetime of a code on a printed sheet.
const LongestSheet = 30 * 24 * time.Hour

// NewSheetCode is NewDeskCode for a code on a printed sheet: twelve letters and digits,
// 60 bits, because it lives for days and many of them live at once.
func NewSheetCode(random io.Reader, keys secret.Keyring, person PersonID, operator string, now, until time.Time) (secret.Text, DeskCode, error) {
	b := make([]byte, 8)
	if _, err := io.ReadFull(random, b); err != nil {
		return secret.Text{}, DeskCode{}, fmt.Errorf("draw a code: %w", err)
	}
	code := crockford.EncodeToString(b)[:12]
	return secret.New(code[:4] + "-" + code[4:8] + "-" + code[8:]), DeskCode{
		MAC: keys.MAC(secret.UseDesk, code), Person: person, Operator: operator, IssuedAt: now, ExpiresAt: until,
	}, nil
}

// CleanDeskCode returns a typed code in its canonical form: it ignores case,
// spaces and hyphens, and reads O as 0, I and L as 1. The bool is false if it
// is no code, neither of the desk nor of a sheet.
func CleanDeskCode(s string) (string, bool) {
	if code, ok := clean.Groups(s, 2); ok {
		return code, true
	}
	return clean.Groups(s, 3)
}
