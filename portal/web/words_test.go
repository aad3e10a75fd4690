package web

import (
	"bytes"
	"html/template"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"entree/internal/domain"
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
		f := fixer{lang: domain.French, say: words{}.T, asset: func(string) (string, bool) { return "", false }}
		x := template.Must(template.New("x").Funcs(f.functions()).Parse(page))
		if fix {
			f.fix(x)
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

// A constant block reads the same as one that is executed with each page, and its values
// are escaped.
func TestConstantBlocksReadTheSame(t *testing.T) {
	const block = `<p title="{{.Institution.Name}}">{{.T "plain"}}{{with .Institution.HelpURL}}<a href="{{.}}">{{.}}</a>{{end}}{{with .Institution.HelpPhone}}<a href="tel:{{$.Institution.Dial}}">{{.}}</a>{{end}}</p>`
	institution := Institution{Name: `L'"<b>" & Cie`, HelpURL: "javascript:alert(1)", HelpPhone: "+33 (0)2 38"}
	draw := func(name string) string {
		f := fixer{lang: domain.French, say: words{}.T}
		set, err := f.parsePages(fstest.MapFS{
			"layout.html": {Data: []byte(`{{define "layout"}}<i>{{template "` + name + `" .}}</i>{{end}}{{define "` + name + `"}}` + block + `{{end}}`)},
			"page.html":   {Data: []byte(`{{define "content"}}{{end}}`)},
		}, []string{"page"}, institution)
		if err != nil {
			t.Fatal(err)
		}
		if fixed := !strings.Contains(set["page"].Lookup("layout").Tree.Root.String(), "template"); fixed != strings.HasPrefix(name, constant) {
			t.Errorf("%s: fixed is %v", name, fixed)
		}
		var b bytes.Buffer
		if err := set["page"].ExecuteTemplate(&b, "layout", &View{Institution: institution}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	fixed, executed := draw("constant-foot"), draw("foot")
	if fixed != executed || strings.Contains(fixed, "<b>") || strings.Contains(fixed, `href="javascript`) {
		t.Errorf("constant:\n%s\nexecuted:\n%s", fixed, executed)
	}
}

// A constant block that needs a value of the page is refused at the start.
func TestConstantBlocksHaveNoOtherData(t *testing.T) {
	for _, field := range []string{".Token", ".Data", ".Path", ".SwitchTo other", ".F \"title\"", ".ErrorAt \"x\""} {
		_, err := fixer{lang: domain.French, say: words{}.T}.parsePages(fstest.MapFS{
			"layout.html": {Data: []byte(`{{define "constant-foot"}}{{` + field + `}}{{end}}`)},
		}, nil, Institution{})
		if err == nil {
			t.Errorf("%s is accepted", field)
		}
	}
}
