package activation_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"entree/internal/activation"
)

func TestS11_OneFormForAnAddress(t *testing.T) {
	for in, want := range map[string]activation.Address{
		"jp.martin@example.net":        "jp.martin@example.net",
		"  JP.Martin@EXAMPLE.Net\t":    "jp.martin@example.net",
		"jp+univ@example.net":          "jp+univ@example.net",
		"étudiant@école.example":       "étudiant@xn--cole-9oa.example",
		"e\u0301tudiant@ÉCOLE.example": "étudiant@xn--cole-9oa.example",
		"a@XN--COLE-9OA.example":       "a@xn--cole-9oa.example",
		"o'brien@example.net":          "o'brien@example.net",
		"a@sub.domain.example.net":     "a@sub.domain.example.net",
	} {
		got, err := activation.ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestS11_LookAlikesStayApart(t *testing.T) {
	seen := map[activation.Address]string{}
	for _, in := range []string{"mike@example.org", "mıke@example.org", "mike@exampIe.org.example", "mike@еxample.org", "m.ike@example.org", "mike+a@example.org"} {
		got, err := activation.ParseAddress(in)
		if err != nil {
			continue // refused is apart as well
		}
		if other, there := seen[got]; there {
			t.Errorf("%q and %q are one address", in, other)
		}
		seen[got] = in
	}
}

func TestS12_ExactlyOneAddress(t *testing.T) {
	for in, want := range map[string]error{
		"":                                  activation.ErrAddressEmpty,
		"   ":                               activation.ErrAddressEmpty,
		"a@example.net,b@example.net":       activation.ErrAddressSeveral,
		"a@example.net;b@example.net":       activation.ErrAddressSeveral,
		"a@example.net b@example.net":       activation.ErrAddressSeveral,
		"a@b@example.net":                   activation.ErrAddressSeveral,
		"a@example.net\r\nBcc:b":            activation.ErrAddressSyntax,
		"a@example.net\x00":                 activation.ErrAddressSyntax,
		"Jean <a@example.net>":              activation.ErrAddressSyntax,
		"\"a b\"@example.net":               activation.ErrAddressSyntax,
		"a b@example.net":                   activation.ErrAddressSyntax,
		"a@localhost":                       activation.ErrAddressSyntax,
		"a@[192.0.2.1]":                     activation.ErrAddressSyntax,
		"a@example..net":                    activation.ErrAddressSyntax,
		"a@.example.net":                    activation.ErrAddressSyntax,
		"a@-example.net":                    activation.ErrAddressSyntax,
		".a@example.net":                    activation.ErrAddressSyntax,
		"a.@example.net":                    activation.ErrAddressSyntax,
		"@example.net":                      activation.ErrAddressSyntax,
		"a@":                                activation.ErrAddressSyntax,
		"a":                                 activation.ErrAddressSyntax,
		"a＠example.net":                     activation.ErrAddressSyntax, // a full-width @
		"a@exa\u2028mple.net":               activation.ErrAddressSyntax,
		"a\xff@example.net":                 activation.ErrAddressSyntax,
		strings.Repeat("a", 250) + "@b.net": activation.ErrAddressSyntax,
	} {
		if got, err := activation.ParseAddress(in); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", in, got, err, want)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"jp@example.net", "É@École.example", "a,b@c.d", "a@b\r\nBcc:c", "ı@example.org", "a@xn--a.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := activation.ParseAddress(s)
		if err != nil {
			return
		}
		if again, err := activation.ParseAddress(string(a)); err != nil || again != a {
			t.Errorf("%q gives %q, which gives %q, %v", s, a, again, err)
		}
		if strings.ContainsAny(string(a), " ,;<>\r\n\x00") || strings.Count(string(a), "@") != 1 || strings.ContainsFunc(string(a), unicode.IsControl) {
			t.Errorf("%q gives %q", s, a)
		}
	})
}
