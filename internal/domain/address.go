package domain

import (
	"errors"
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is an e-mail address in the one form in which addresses are kept and
// compared: the domain in lower case and punycode, the local part in lower case
// and NFC. RFC 5321 would let two mailboxes differ by the case of the local
// part; no provider does so, and people type capitals on telephones, so the
// rule here is to fold the case of both. Nothing else is folded: dots, plus
// tags and look-alike letters make different addresses. Mail goes to the
// stored address only, never to what was typed.
type Address string

// MaxAddress is the longest address taken, in bytes (RFC 5321, 4.5.3.1.3).
const MaxAddress = 254

// What is wrong with an address.
var (
	ErrAddressEmpty   = errors.New("address: empty")
	ErrAddressSeveral = errors.New("address: more than one")
	ErrAddressSyntax  = errors.New("address: not of the form name@domain")
)

// addressIDNA maps as UTS 46 asks for look-ups: case folding, NFC and the
// checks that keep a label from being read two ways.
var addressIDNA = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true))

// ParseAddress reads exactly one address. White space around it is forgiven.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", ErrAddressEmpty
	case len(s) > 4*MaxAddress || !utf8.ValidString(s):
		return "", ErrAddressSyntax
	case strings.ContainsAny(s, ",;") || strings.Count(s, "@") > 1:
		return "", ErrAddressSeveral
	case strings.ContainsAny(s, " \t\r\n\"<>()[]\\:") || hasControl(s):
		return "", ErrAddressSyntax
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || local == "" || domain == "" {
		return "", ErrAddressSyntax
	}
	domain, err := addressIDNA.ToASCII(domain)
	if err != nil || !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") || strings.HasPrefix(domain, ".") {
		return "", ErrAddressSyntax
	}
	// strings.ToLower maps rune by rune and by no language, so the Turkish
	// dotless ı stays apart from i.
	out := strings.ToLower(norm.NFC.String(local)) + "@" + strings.ToLower(domain)
	if len(out) > MaxAddress {
		return "", ErrAddressSyntax
	}
	if a, err := mail.ParseAddress(out); err != nil || a.Address != out {
		return "", ErrAddressSyntax
	}
	return Address(out), nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 || r == 0x7f || (r >= 0x80 && r <= 0x9f) || r == '\u2028' || r == '\u2029'
	})
}
