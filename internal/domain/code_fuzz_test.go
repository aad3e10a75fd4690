package domain_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
)

// FuzzCleanDigits: a result has six digits 0 to 9, and reading it again returns it.
func FuzzCleanDigits(f *testing.F) {
	for _, seed := range []string{"123456", "123 456", "123\u00a0456", "12-34.56", "1234567", "١٢٣٤٥٦", "12345a", "", "１２３４５６", "123456\x00", "Code : 123 456."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		digits, ok := domain.CleanDigits(typed)
		if !ok {
			return
		}
		if again, ok := domain.CleanDigits(digits); len(digits) != 6 || strings.Trim(digits, "0123456789") != "" || !ok || again != digits {
			t.Errorf("%q became %q, then %q", typed, digits, again)
		}
	})
}
