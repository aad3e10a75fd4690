package domain

import (
	"errors"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"entree/internal/clean"
)

// Address is an e-mail address in the form in which addresses are stored and
// compared: the domain in lower case and punycode, the local part in lower case
// and NFC, without invisible characters (see package clean). RFC 5321 would
// allow two mailboxes to differ by the case of the local part; no provider does
// so, and telephones write capitals, so the case of both parts is folded.
// Nothing else is folded: dots, plus tags and look-alike letters make different
// addresses. Mail is sent to the stored address only, never to the typed one.
type Address string

// MaxAddress is the longest address taken, in bytes (RFC 5321, 4.5.3.1.3).
const MaxAddress = 254

// The errors of ParseAddress. A character that no value may hold is reported as
// a *clean.Fault instead, which wraps ErrAddressSyntax.
var (
	ErrAddressEmpty   = errors.New("address: empty")
	ErrAddressSeveral = errors.New("address: more than one")
	ErrAddressSyntax  = errors.New("address: not of the form name@domain")
)

// addressIDNA maps as UTS 46 asks for look-ups: case folding, NFC and the
// checks that keep a label from being read two ways.
var addressIDNA = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true))

// IsPhone reports whether the value is a Phone: the journey of a change of telephone
// has the number in the place of the address.
func (a Address) IsPhone() bool {
	return strings.HasPrefix(string(a), "+") && !strings.Contains(string(a), "@")
}

// Display returns the address for display: an international domain in its own
// script instead of punycode.
func (a Address) Display() string {
	local, host, ok := strings.Cut(string(a), "@")
	if a.IsPhone() {
		return Phone(a).Display()
	}
	if !ok {
		return string(a)
	}
	if shown, err := idna.Display.ToUnicode(host); err == nil {
		host = shown
	}
	return local + "@" + host
}

// ParseAddress parses exactly one address. White space around it and invisible
// characters anywhere are ignored.
func ParseAddress(typed string) (Address, error) {
	if len(typed) > 16*MaxAddress {
		return "", ErrAddressSyntax
	}
	s, err := clean.Address(typed)
	switch {
	case err != nil:
		return "", errors.Join(ErrAddressSyntax, err)
	case s == "":
		return "", ErrAddressEmpty
	case strings.Count(s, "@") > 1 && !strings.Contains(s, "@@"):
		return "", ErrAddressSeveral
	case len(s) > 4*MaxAddress || strings.ContainsAny(s, " \"<>()[]\\:,;"):
		return "", ErrAddressSyntax
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || strings.Contains(domain, "@") || local == "" || domain == "" {
		return "", ErrAddressSyntax
	}
	domain, err = addressIDNA.ToASCII(domain)
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
