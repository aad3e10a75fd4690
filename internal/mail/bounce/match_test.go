package bounce

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The literals that are looked for first must not change what an expression
// matches.
func TestAMatcherAgreesWithItsExpression(t *testing.T) {
	texts := []string{
		"", "550 User unknown", "550 UTILISATEUR INCONNU", "550 mailbox is full", "Host or domain name not found", "550 spam", "554 Relay access denied",
		"550 Adresse destinataire invalide. LPN007_416", "552 over quota", "421 try again later", "550 5.7.1 DMARC", "550 blocked using dnsbl", "Empfänger unbekannt",
		"550 recipient address rejected.", "550 No Such User Here", "554 too many hops", "the account has been deleted", "timed out", "не существует", "存在しません",
	}
	for _, rule := range DefaultRules().Rules {
		if rule.Text == "" {
			continue
		}
		whole := regexp.MustCompile(`(?is)` + rule.Text)
		for _, text := range texts {
			if got, want := rule.text.matches(text, strings.ToLower(text)), whole.MatchString(text); got != want {
				t.Errorf("%s on %q: %v, want %v", rule.ID, text, got, want)
			}
		}
	}
	for expression, want := range map[string][]string{
		`a|b`: {"a", "b"}, `a\|b`: {`a\|b`}, `(a|b)|c`: {"(a|b)", "c"}, `[|]|c`: {"[|]", "c"}, `[^]|]|c`: {"[^]|]", "c"}, ``: {""},
	} {
		if got := alternatives(expression); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
