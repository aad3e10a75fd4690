package i18n_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	mailtemplates "entree/templates/mail"
)

// term is one entry of glossary.yaml.
type term struct {
	Word   string
	Not    []string
	In     []string
	Except []string
	Why    string
}

func glossary(t *testing.T) map[string][]term {
	t.Helper()
	text, err := os.ReadFile("glossary.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]term
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestU17_OneWordForOneThing finds, in all messages and mails, the words that the
// glossary of the language replaces.
func TestU17_OneWordForOneThing(t *testing.T) {
	markup := regexp.MustCompile(`\{\{[^}]*\}\}|<[^>]*>|https?://\S+`)
	for lang, terms := range glossary(t) {
		if len(terms) < 5 {
			t.Errorf("%s: %d terms", lang, len(terms))
		}
		texts := raw(t, lang)
		mails, err := fs.Glob(mailtemplates.FS, "*."+lang+".txt")
		if err != nil || len(mails) == 0 {
			t.Fatalf("%d mails, %v", len(mails), err)
		}
		for _, name := range mails {
			text, err := fs.ReadFile(mailtemplates.FS, name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
		for _, e := range terms {
			for _, pattern := range e.Not {
				other := regexp.MustCompile(pattern)
				for key, text := range texts {
					if len(e.In) > 0 && !slices.ContainsFunc(e.In, func(p string) bool { return strings.HasPrefix(key, p) }) || slices.Contains(e.Except, key) {
						continue
					}
					if found := other.FindString(markup.ReplaceAllString(text, "")); found != "" {
						t.Errorf("%s, %s: %q; write %q (%s)", lang, key, found, e.Word, e.Why)
					}
				}
			}
		}
	}
}
