package naming_test

import (
	"slices"
	"strings"
	"testing"

	"entree/internal/naming"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"Jean-Pierre d’Arc":        "jean pierre d arc",
		"  L'HÔTE  ":               "l hote",
		"jp.martin@Example.net":    "jpmartinexamplenet",
		"jp.mar":                   "jpmar",
		"Łukasz Groß":              "lukasz gross",
		"22 502 142":               "22 502 142",
		"王小明":                      "王小明",
		"Ольга Петрова":            "olga petrova",
		"' OR 1=1 --":              "or 1 1",
		"mar* & (x | !y) \" : \\ ": "mar x y",
		"":                         "",
		" . @ ":                    "",
		"Nguyễn Thị":               "nguyen thi",
		"e\u0301lodie":             "elodie",
		"نور":                      "نور",
	} {
		if got := strings.Join(naming.Words(text), " "); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

// Words has a faster path for ASCII; it returns the same words.
func TestWords_PlainTextIsFoldedAsAnyOther(t *testing.T) {
	for i := range 128 * 128 {
		text := "aB" + string(rune(i/128)) + "3" + string(rune(i%128)) + "c"
		want := append(naming.Words(text), "e")
		if got := naming.Words(text + " é"); !slices.Equal(got, want) {
			t.Errorf("%q gives %q, and %q before another word", text, want, got)
		}
	}
}

// Any input becomes words that are safe in a query of the database: letters,
// marks and digits only.
func FuzzWords(f *testing.F) {
	f.Add("d'Arc \" * : ( ) & | ! \\ 王")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range naming.Words(text) {
			if w == "" || strings.ContainsAny(w, " \t\n'\"*:()&|!\\-<>,%_") {
				t.Errorf("%q gives %q", text, w)
			}
			if again := naming.Words(w); !slices.Equal(again, []string{w}) {
				t.Errorf("%q is folded further to %q", w, again)
			}
		}
	})
}
