package domain_test

import (
	"testing"

	"entree/internal/domain"
)

func TestPhone_MaskedShowsFourFigures(t *testing.T) {
	for phone, want := range map[domain.Phone]string{
		"+33612345642":  "06\u00a0••\u00a0••\u00a0••\u00a042",
		"+687712345":    "+68•••••45",
		"+447700900123": "+44••••••••23",
		"":              "",
	} {
		if got := phone.Masked(); got != want {
			t.Errorf("%s: %q, want %q", phone, got, want)
		}
	}
}
