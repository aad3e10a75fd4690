package bounce_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/mail/bounce"
)

// Whatever a stranger sends to the box: nothing is told of but what is known as
// ours, and no message stops the reader for those behind it.
func FuzzReport(f *testing.F) {
	samples, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(samples) == 0 {
		f.Fatalf("%d samples, %v", len(samples), err)
	}
	for _, name := range samples {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(strings.ReplaceAll(string(raw), "{ID}", ours)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &bounce.Reader{
			Box: pile{raw}, Log: slog.New(slog.DiscardHandler), Clock: time.Now,
			Ours: func(id string, to domain.Address) (string, bool) {
				return "0123abcd", strings.Trim(id, "<> \t\r\n") == ours && to == jp
			},
			Tell: func(_ context.Context, b bounce.Bounce) error {
				if b.Address != jp || b.ID != "0123abcd" || !strings.HasPrefix(b.Status, "5.") {
					t.Errorf("told %+v", b)
				}
				return nil
			},
		}
		if err := r.Look(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
