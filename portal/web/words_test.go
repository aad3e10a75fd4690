package web

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"

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

// Each step of each bar has its own text, also when many pages are drawn at once.
func TestStepBarsAreKeptApart(t *testing.T) {
	frame := template.Must(template.New("").Parse(`{{define "steps"}}{{.Step}}{{range .Bar}}|{{.N}} {{.Key}}{{end}}{{end}}{{define "title"}} ({{.Step}}){{end}}`))
	b := &bars{frame: frame}
	long, short := []BarStep{{1, "a"}, {2, "<b>"}, {3, "c"}}, []BarStep{{1, "a"}, {2, "<b>"}}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2 {
				for _, c := range []struct {
					block string
					step  int
					bar   []BarStep
					want  template.HTML
				}{
					{"steps", 1, long, "1|1 a|2 &lt;b&gt;|3 c"}, {"steps", 2, long, "2|1 a|2 &lt;b&gt;|3 c"}, {"title", 2, long, " (2)"},
					{"steps", 1, short, "1|1 a|2 &lt;b&gt;"}, {"steps", 1, nil, "1"},
				} {
					if got, err := b.html(c.block, c.step, c.bar); err != nil || got != c.want {
						t.Errorf("%q, %v, want %q", got, err, c.want)
					}
				}
			}
		})
	}
	all.Wait()
	if _, err := b.html("steps", 1, make([]BarStep, 5)); err == nil {
		t.Error("a bar that cannot be compared is kept")
	}
}

// A buffer that is used for the next page holds nothing of the page before.
func TestBuffersKeepNoPage(t *testing.T) {
	set, err := fixer{lang: domain.French, say: words{}.T}.parsePages(fstest.MapFS{
		"layout.html": {Data: []byte(`{{define "layout"}}{{.Token}}{{template "content" .}}{{end}}`)},
		"page.html":   {Data: []byte(`{{define "content"}}{{if .Data}}{{.Data.Missing}}{{end}}{{end}}`)},
	}, []string{"page"}, Institution{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Site{pages: pages{domain.French: set}}
	for _, token := range []string{strings.Repeat("long", 1000), "short"} {
		answer := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(answer)
		if err := s.Render(c, http.StatusOK, "page", View{Lang: domain.French, Token: token, Data: struct{}{}}); err == nil {
			t.Error("a page that fails is sent")
		}
		if err := s.Render(c, http.StatusOK, "page", View{Lang: domain.French, Token: token}); err != nil || answer.Body.String() != token {
			t.Errorf("%v: %d bytes, want %d", err, answer.Body.Len(), len(token))
		}
		b := buffers.Get().(*bytes.Buffer)
		if b.Len() > 0 || bytes.Contains(b.AvailableBuffer()[:b.Available()], []byte(token)) {
			t.Error("a page is left in the buffer")
		}
		buffers.Put(b)
	}
}
