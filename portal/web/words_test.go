package web

import (
	"bytes"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"entree/templates"
)

// Words are inserted into attributes without escaping apostrophes, so no
// attribute of a template may be in single quotes.
func TestWordsStandInDoubleQuotes(t *testing.T) {
	single := regexp.MustCompile(`=\s*'`)
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".html") {
			return err
		}
		text, err := fs.ReadFile(templates.FS, name)
		if at := single.Find(text); at != nil {
			t.Errorf("%s holds %q: attributes stand in double quotes", name, at)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

type words struct{ Many []string }

func (words) T(key string, _ ...any) template.HTML {
	return template.HTML(map[string]string{
		"plain": "l'été", "markup": "<b>vu</b>", "quote": `dit "oui"`, "and": "a &amp; b",
	}[key])
}

// A page with inserted words is the same as a page whose words are looked up
// each time.
func TestFixedWordsReadTheSame(t *testing.T) {
	const page = `<p title="{{.T "plain"}}">{{.T "plain"}} {{.T "markup"}}</p><p title="{{.T "quote"}}" id="{{.T "and"}}">{{.T "and"}}</p>{{range .Many}}<i>{{$.T "plain"}}{{.}}</i>{{else}}{{.T "markup"}}{{end}}{{with .Many}}{{$.T "quote"}}{{end}}`
	draw := func(fix bool, data words) string {
		x := template.Must(template.New("x").Parse(page))
		if fix {
			fixWords(x, func(key string) template.HTML { return words{}.T(key) }, func(string) (string, bool) { return "", false })
			if !strings.Contains(x.Tree.Root.String(), "l'été") || strings.Contains(x.Tree.Root.String(), `"plain"`) {
				t.Error("nothing was put in")
			}
		}
		var b bytes.Buffer
		if err := x.Execute(&b, data); err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(b.String(), "&#39;", "'")
	}
	for _, data := range []words{{}, {Many: []string{"<x>"}}} {
		if fixed, looked := draw(true, data), draw(false, data); fixed != looked {
			t.Errorf("fixed:\n%s\nlooked up:\n%s", fixed, looked)
		}
	}
}
