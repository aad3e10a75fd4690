package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"entree/internal/password"
)

// Policy is a realm's password policy as the portal understands it. Keycloak
// checks a password only if it receives the password itself, never if it
// receives a hash. So the portal, which sends hashes, has to check it.
type Policy struct {
	Rules          password.Policy
	HashAlgorithm  string // empty: Keycloak's default
	HashIterations int    // 0: the default of the algorithm
	// Unjudgeable lists the terms that only Keycloak can check: a regular
	// expression of Java, a block list on its disk, a provider of another
	// vendor.
	Unjudgeable []string
}

// ParsePolicy parses a policy in the form of the realm's passwordPolicy:
// "length(16) and upperCase(1) and notUsername(undefined)". It returns an error
// for a term with an invalid number.
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	for term := range strings.SplitSeq(text, " and ") {
		if term = strings.TrimSpace(term); term == "" {
			continue
		}
		name, value, _ := strings.Cut(term, "(")
		value = strings.TrimSuffix(value, ")")
		if err := p.add(name, value); err != nil {
			return Policy{}, fmt.Errorf("keycloak: password policy: %s: %w", term, err)
		}
	}
	return p, nil
}

func (p *Policy) add(name, value string) (err error) {
	number := func(otherwise int) int {
		if value == "" || value == "undefined" {
			return otherwise
		}
		n, e := strconv.Atoi(value)
		if e != nil {
			err = fmt.Errorf("%q is no number", value)
		}
		return n
	}
	switch name { // the numbers are the defaults of Keycloak
	case "length":
		p.Rules.Length = number(8)
	case "maxLength":
		p.Rules.MaxLength = number(64)
	case "upperCase":
		p.Rules.Upper = number(1)
	case "lowerCase":
		p.Rules.Lower = number(1)
	case "digits":
		p.Rules.Digits = number(1)
	case "specialChars":
		p.Rules.Special = number(1)
	case "hashAlgorithm":
		p.HashAlgorithm = value
	case "hashIterations":
		p.HashIterations = number(0)
	case "notUsername", "notEmail", "notContainsUsername":
		// enforced: the rule "personal" refuses a password that contains the
		// login or an address
	case "passwordHistory", "passwordAge", "forceExpiredPasswordChange", "maxAuthAge", "maximumAuthenticationAge", "recoveryCodesWarningThreshold":
		// a first password cannot break these terms
	default:
		p.Unjudgeable = append(p.Unjudgeable, name)
	}
	return err
}

// stricter returns a policy that satisfies both: the larger value of each
// number (of maxLength the smaller), and every other term of the realm's own.
// It returns has unchanged if it is strict enough.
func stricter(has, wanted string) (string, error) {
	a, err := ParsePolicy(has)
	if err != nil {
		return "", err
	}
	b, err := ParsePolicy(wanted)
	if err != nil {
		return "", err
	}
	both := password.Max(a.Rules, b.Rules)
	if both == a.Rules {
		return has, nil
	}
	var terms []string
	for _, n := range []struct {
		name   string
		number int
	}{
		{"length", both.Length}, {"maxLength", both.MaxLength}, {"upperCase", both.Upper}, {"lowerCase", both.Lower}, {"digits", both.Digits}, {"specialChars", both.Special},
	} {
		if n.number > 0 {
			terms = append(terms, fmt.Sprintf("%s(%d)", n.name, n.number))
		}
	}
	for term := range strings.SplitSeq(has+" and "+wanted, " and ") {
		name, _, _ := strings.Cut(strings.TrimSpace(term), "(")
		there := slices.ContainsFunc(terms, func(t string) bool { return strings.HasPrefix(t, name+"(") || t == name })
		if name != "" && !there {
			terms = append(terms, strings.TrimSpace(term))
		}
	}
	return strings.Join(terms, " and "), nil
}

// ReadPolicy reads the realm's password policy. It needs the role view-realm.
func (c *Client) ReadPolicy(ctx context.Context) (Policy, error) {
	var realm struct{ PasswordPolicy *string }
	if _, err := c.do(ctx, http.MethodGet, c.path(), nil, &realm); err != nil {
		return Policy{}, err
	}
	if realm.PasswordPolicy == nil {
		return Policy{}, nil
	}
	return ParsePolicy(*realm.PasswordPolicy)
}
