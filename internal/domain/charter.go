package domain

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Charter is one version of the rules that people accept, in one language. Its
// hash covers the exact text that pages show (the stored Markdown, before it is
// rendered).
type Charter struct {
	Profile string // empty: for every profile that has no charter of its own
	Lang    Lang
	Version string // "2026-09", as the institution names it
	Title   string
	Text    string // Markdown
	SHA256  string // of Text, lower-case hexadecimal
}

// HashCharter returns the SHA-256 of a charter's text.
func HashCharter(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Acceptance is the evidence that a person accepted a charter. Acceptances are
// only added, never changed.
type Acceptance struct {
	Person  PersonID
	Journey JourneyID
	Profile string
	Lang    Lang
	Version string
	SHA256  string
	At      time.Time // UTC
}
