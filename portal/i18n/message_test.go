package i18n

import (
	"fmt"
	"html/template"
	"strings"
	"testing"

	"entree/internal/domain"
)

// A message that was cut up reads as its template does, with each number, value and
// variant.
func TestMessagesReadAsTheirTemplates(t *testing.T) {
	for _, variants := range [][]string{nil, {InDirectory, WithoutKeycloak}} {
		c, err := Load(variants...)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range Languages {
			whole := len(c.keys[lang]) - len(c.messages[lang])
			if whole > len(c.keys[lang])/20 {
				t.Errorf("%s: %d messages are executed as templates", lang, whole)
			}
			for _, key := range append(c.keys[lang], "no.such.key") {
				for _, count := range []any{nil, 0, 1, 2, 1_000_000, int64(1), -1, "2"} {
					args := []any{
						"Step", 2, "Address", `<a href="x">&'`, "Wait", template.HTML("dans <b>4</b> minutes"), "Time", "{{.Step}}", "Name", "Zoë",
					}
					if count != nil {
						args = append(args, "Count", count)
					}
					if got, want := c.T(lang, key, args...), c.localize(lang, key, args); got != want {
						t.Errorf("%s %s with %v: %q, want %q", lang, key, count, got, want)
					}
				}
				if got, want := c.T(lang, key), c.localize(lang, key, nil); got != want {
					t.Errorf("%s %s: %q, want %q", lang, key, got, want)
				}
			}
		}
	}
}

// Headers that are kept are bounded, however many a client invents, and their answers stay
// the same.
func TestMatchKeepsAFewHeaders(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * mostMatches {
		header := fmt.Sprintf("en;q=0.%03d, fr;q=0.5", i%1000) + strings.Repeat(" ", i/1000)
		if i%3 == 0 {
			header += strings.Repeat(" ", longestMatch)
		}
		for range 2 {
			if got, want := c.Match(header), c.match(header); got != want {
				t.Fatalf("%q: %s, want %s", header, got, want)
			}
		}
	}
	kept := 0
	c.matches.Range(func(header, _ any) bool {
		kept++
		if len(header.(string)) > longestMatch {
			t.Errorf("%q is kept", header)
		}
		return true
	})
	if kept == 0 || kept > mostMatches {
		t.Errorf("%d headers are kept", kept)
	}
}

func TestMessageWithoutAValue(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if got := c.T(domain.English, "code.hint"); !strings.Contains(string(got), "<no value>") {
		t.Errorf("%q", got)
	}
}

// BenchmarkT measures a message with a number, of which a page has up to ten.
func BenchmarkT(b *testing.B) {
	c, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.T(domain.French, "code.hint", "Count", 10)
	}
}
