package domain_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"entree/internal/domain"
)

func TestS11_OneFormForAnAddress(t *testing.T) {
	for in, want := range map[string]domain.Address{
		"jp.martin@example.net":        "jp.martin@example.net",
		"  JP.Martin@EXAMPLE.Net\t":    "jp.martin@example.net",
		"jp+univ@example.net":          "jp+univ@example.net",
		"étudiant@école.example":       "étudiant@xn--cole-9oa.example",
		"e\u0301tudiant@ÉCOLE.example": "étudiant@xn--cole-9oa.example",
		"a@XN--COLE-9OA.example":       "a@xn--cole-9oa.example",
		"o'brien@example.net":          "o'brien@example.net",
		"a@sub.domain.example.net":     "a@sub.domain.example.net",
	} {
		got, err := domain.ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

// TestV4_InvisibleCharactersOfAnAddress: invisible characters are removed, so
// that the code is sent to the intended address.
func TestV4_InvisibleCharactersOfAnAddress(t *testing.T) {
	n := 0
	for r := rune(0x80); r <= 0xeffff; r++ {
		if !unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Prepended_Concatenation_Mark, r) {
			continue
		}
		n++
		for _, in := range []string{"%jp@example.net", "jp%@example.net", "j%p@example.net", "jp@%example.net", "jp@exam%ple.net", "jp@example.net%"} {
			in = strings.ReplaceAll(in, "%", string(r))
			if got, err := domain.ParseAddress(in); err != nil || got != "jp@example.net" {
				t.Errorf("U+%04X in %q: %q, %v", r, in, got, err)
			}
		}
	}
	if n < 140 {
		t.Errorf("only %d characters", n)
	}
}

func TestS11_LookAlikesStayApart(t *testing.T) {
	seen := map[domain.Address]string{}
	for _, in := range []string{"mike@example.org", "mıke@example.org", "mike@exampIe.org.example", "mike@еxample.org", "m.ike@example.org", "mike+a@example.org"} {
		got, err := domain.ParseAddress(in)
		if err != nil {
			continue // a refused address is distinct as well
		}
		if other, there := seen[got]; there {
			t.Errorf("%q and %q are one address", in, other)
		}
		seen[got] = in
	}
}

// TestT14_OneAddressIsNotSeveral: "more than one" is only said of two addresses.
func TestT14_OneAddressIsNotSeveral(t *testing.T) {
	for _, in := range []string{"example,net", "jp@example,net", "jp,martin@example.net", "jp;@example.net", "jp@example.net,"} {
		if _, err := domain.ParseAddress(in); !errors.Is(err, domain.ErrAddressSyntax) || errors.Is(err, domain.ErrAddressSeveral) {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, in := range []string{"a@example.net, b@example.net", "a@example.net/b@example.net", "a@example.net\nb@example.net"} {
		if _, err := domain.ParseAddress(in); !errors.Is(err, domain.ErrAddressSeveral) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestS12_ExactlyOneAddress(t *testing.T) {
	for in, want := range map[string]error{
		"":                                  domain.ErrAddressEmpty,
		"   ":                               domain.ErrAddressEmpty,
		"example,net":                       domain.ErrAddressSyntax,
		"jp@example,net":                    domain.ErrAddressSyntax,
		"a@example.net;":                    domain.ErrAddressSyntax,
		"a\ufffd@example.net":               domain.ErrAddressSyntax,
		"a\ue000@example.net":               domain.ErrAddressSyntax,
		"a@example.net,b@example.net":       domain.ErrAddressSeveral,
		"a@example.net;b@example.net":       domain.ErrAddressSeveral,
		"a@example.net b@example.net":       domain.ErrAddressSeveral,
		"a@b@example.net":                   domain.ErrAddressSeveral,
		"a@example.net\r\nBcc:b":            domain.ErrAddressSyntax,
		"a@example.net\x00":                 domain.ErrAddressSyntax,
		"Jean <a@example.net>":              domain.ErrAddressSyntax,
		"\"a b\"@example.net":               domain.ErrAddressSyntax,
		"a b@example.net":                   domain.ErrAddressSyntax,
		"a@localhost":                       domain.ErrAddressSyntax,
		"a@[192.0.2.1]":                     domain.ErrAddressSyntax,
		"a@example..net":                    domain.ErrAddressSyntax,
		"a@.example.net":                    domain.ErrAddressSyntax,
		"a@-example.net":                    domain.ErrAddressSyntax,
		".a@example.net":                    domain.ErrAddressSyntax,
		"a.@example.net":                    domain.ErrAddressSyntax,
		"@example.net":                      domain.ErrAddressSyntax,
		"a@":                                domain.ErrAddressSyntax,
		"a":                                 domain.ErrAddressSyntax,
		"a＠example.net":                     domain.ErrAddressSyntax, // a full-width @
		"a@exa\u2028mple.net":               domain.ErrAddressSyntax,
		"a\xff@example.net":                 domain.ErrAddressSyntax,
		strings.Repeat("a", 250) + "@b.net": domain.ErrAddressSyntax,
	} {
		if got, err := domain.ParseAddress(in); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", in, got, err, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"jp@example.net", "É@École.example", "a,b@c.d", "a@b\r\nBcc:c", "ı@example.org", "a@xn--a.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := domain.ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := domain.ParseAddress(string(a)); err != nil || again != a {
			t.Errorf("%q gives %q, which gives %q, %v", s, a, again, err)
		}
		if strings.ContainsAny(string(a), " ,;<>\r\n\x00") || strings.Count(string(a), "@") != 1 || strings.ContainsFunc(string(a), unicode.IsControl) {
			t.Errorf("%q gives %q", s, a)
		}
	})
}
