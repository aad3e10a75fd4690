// Package secret keeps what must not be seen.
//
// Text is a string that no formatter prints: not fmt, not slog, not JSON, not
// a panic's argument list. Keyring holds the installation's keys and makes
// from them one subkey for each use, so that a MAC made for one purpose means
// nothing for another.
//
//	ENTREE_SECRET ── HKDF ──┬─ code        MAC of the six digits
//	                        ├─ desk        MAC of the desk's codes
//	                        ├─ job         sealed payloads of waiting jobs
//	                        ├─ session     signatures of session cookies, per site
//	                        ├─ session-row sealed session rows, per site
//	                        ├─ cookie      sealed cookies, per site
//	                        ├─ form        tokens in forms, per site
//	                        ├─ record      MACs of acceptances and audit
//	                        └─ pseudonym   people in logs
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Text is a password, a code or a key on its way through memory. Its content
// leaves only by [Text.Reveal], which is easy to search for.
type Text struct{ s string }

// New wraps s.
func New(s string) Text { return Text{s} }

// Reveal gives the content. Every call of it is a place to review.
func (t Text) Reveal() string { return t.s }

// Empty tells whether there is nothing inside.
func (t Text) Empty() bool { return t.s == "" }

// Format answers every verb of fmt, so that %v, %q, %x and %#v all stay silent.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue keeps the content out of structured logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText keeps the content out of JSON, YAML and XML.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText lets configuration be read into a Text.
func (t *Text) UnmarshalText(b []byte) error {
	t.s = string(b)
	return nil
}
