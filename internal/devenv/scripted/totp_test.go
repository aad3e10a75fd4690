package scripted_test

import (
	"testing"
	"time"

	"entree/internal/devenv/scripted"
)

// The vectors of RFC 6238, appendix B, of which six digits remain.
func TestTOTP(t *testing.T) {
	for second, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037"} {
		if got := scripted.TOTP("12345678901234567890", time.Unix(second, 0)); got != want {
			t.Errorf("at %d: %s, want %s", second, got, want)
		}
	}
}
