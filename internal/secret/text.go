// Package secret protects passwords, codes and keys from being printed or
// stored.
//
// Text is a string that no formatter prints: not fmt, not slog, not JSON, not a
// panic's argument list. Keyring holds the installation's keys and derives one
// subkey per use, so that a MAC made for one purpose is invalid for another.
// nothing for another.
//
//	ENTREE_SECRET ── HKDF ──┬─ code        MAC of the six digits
//	                        ├─ desk        MAC of the desk's codes
//	                        ├─ job         sealed payloads of waiting jobs
//	                        ├─ session     signatures of session cookies, per site
//	                        ├─ session-row sealed session rows, per site
//	                        ├─ cookie      sealed cookies, per site
//	                        ├─ form        tokens in forms, per site
//	                        ├─ mail        Message-IDs
//	                        ├─ evidence    Ed25519 signatures of exports
//	                        ├─ record      MACs of acceptances and audit
//	                        ├─ retired     sealed record keys of removed master keys
//	                        └─ pseudonym   people in logs
package secret

import (
	"fmt"
	"log/slog"
)

const redacted = "[secret]"

// Text is a password, a code or a key in memory. Its content is only accessible
// through [Text.Reveal], which is easy to search for.
type Text struct{ s string }

// New returns a Text with the content s.
func New(s string) Text { return Text{s} }

// Reveal returns the content. Review every call.
func (t Text) Reveal() string { return t.s }

// Empty reports whether the content is empty.
func (t Text) Empty() bool { return t.s == "" }

// Format prints a placeholder for every verb of fmt, including %v, %q, %x and
// %#v.
func (t Text) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the content in structured logs.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the content in JSON, YAML and XML.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText sets the content, so that a configuration can be parsed into a
// Text.
func (t *Text) UnmarshalText(b []byte) error {
	t.s = string(b)
	return nil
}
