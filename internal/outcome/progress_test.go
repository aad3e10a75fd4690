package outcome_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"entree/internal/outcome"
)

// A log of cron holds no control characters.
func TestAStatusIsForTerminals(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var buffer bytes.Buffer
	outcome.NewStatus(f).Show("%d adopted", 1)
	outcome.NewStatus(&buffer).Show("%d adopted", 1)
	if raw, err := os.ReadFile(name); err != nil || len(raw) > 0 || buffer.Len() > 0 {
		t.Errorf("%q, %q, %v", raw, buffer.String(), err)
	}
}
