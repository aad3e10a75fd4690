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

// FuzzReport passes arbitrary messages to the reader: it reports only mails of
// ours, and no message stops the messages behind it.
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
	f.Add([]byte(dsn("5.1.1", "550 5.1.1 User unknown")))
	f.Add([]byte(plain("failure notice", "I wasn't able to deliver your message.\n\n<jp.martin@example.net>:\n550 no such user", "--- Below this line is a copy of the message.")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &bounce.Reader{
			Box: pile{raw}, Log: slog.New(slog.DiscardHandler), Clock: time.Now,
			Ours: func(id string, to domain.Address) (string, bool) {
				return "0123abcd", strings.Trim(id, "<> \t\r\n") == ours && to == jp
			},
			Tell: func(_ context.Context, b bounce.Bounce) error {
				if b.Address != jp || b.ID != "0123abcd" || b.Outcome == bounce.Wrong && b.Status == "" {
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
