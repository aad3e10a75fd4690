package domain_test

import (
	"strings"
	"testing"

	"entree/internal/domain"
)

// Whatever is typed: six digits come out, in their order, or nothing passes.
func FuzzCleanDigits(f *testing.F) {
	for _, seed := range []string{"123456", "123 456", "123\u00a0456", "12-34.56", "1234567", "١٢٣٤٥٦", "12345a", "", "１２３４５６", "123456\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		digits, ok := domain.CleanDigits(typed)
		if !ok {
			return
		}
		var in strings.Builder
		for _, r := range typed {
			if r >= '0' && r <= '9' {
				in.WriteRune(r)
			}
		}
		if len(digits) != 6 || digits != in.String() {
			t.Errorf("%q became %q", typed, digits)
		}
	})
}
