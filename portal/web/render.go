package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
)

// pages holds the parsed templates by language and page name. Each page has its
// own set, so that pages can define blocks with the same name.
type pages map[domain.Lang]map[string]*template.Template

// languages are the supported languages, the default first.
var languages = []domain.Lang{domain.French, domain.English}

// frame are the files that are parsed with every page. All but the first are
// optional.
var frame = []string{"layout.html", "partials.html"}

func (s *Site) loadPages(files fs.FS, names []string) (pages, error) {
	p := pages{}
	for _, lang := range languages {
		f := fixer{
			lang:  lang,
			say:   func(key string, args ...any) template.HTML { return s.config.Catalog.T(lang, key, args...) },
			asset: func(name string) (string, bool) { to, ok := s.assets.address[name]; return to, ok },
		}
		set, err := f.parsePages(files, names, s.institution)
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		p[lang] = set
	}
	return p, nil
}

// constant begins the name of a block of the frame whose text is the same on all pages of
// a language. Its data is fixedView, and it stands in text, never in a tag.
const constant = "constant-"

// fixedView is the data of the constant blocks.
type fixedView struct{ Institution Institution }

func (f fixer) parsePages(files fs.FS, names []string, institution Institution) (map[string]*template.Template, error) {
	bar := &bars{}
	base := template.New("").Funcs(f.functions()).Funcs(template.FuncMap{"ofStep": bar.html})
	for i, name := range frame {
		if _, err := fs.Stat(files, name); i > 0 && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, err := base.ParseFS(files, name); err != nil {
			return nil, err
		}
	}
	f.fix(base)
	var err error
	if bar.frame, err = base.Clone(); err != nil { // a set that was executed takes no more templates
		return nil, err
	}
	if f.blocks, err = executeConstant(bar.frame, fixedView{institution}); err != nil {
		return nil, err
	}
	p := map[string]*template.Template{}
	for _, name := range names {
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if p[name], err = t.ParseFS(files, name+".html"); err != nil {
			return nil, err
		}
		f.fix(p[name])
	}
	return p, nil
}

// executeConstant returns the texts of the constant blocks of a frame, by name.
func executeConstant(frame *template.Template, data fixedView) (map[string]string, error) {
	texts := map[string]string{}
	for _, block := range frame.Templates() {
		if !strings.HasPrefix(block.Name(), constant) {
			continue
		}
		var b bytes.Buffer
		if err := frame.ExecuteTemplate(&b, block.Name(), data); err != nil {
			return nil, err
		}
		texts[block.Name()] = b.String()
	}
	return texts, nil
}

// bars executes the blocks of the frame that depend on the step alone, such as "steps",
// once for each block, bar and step of a language. It is safe for concurrent use.
type bars struct {
	frame *template.Template
	kept  sync.Map // template.HTML by barKey
}

// barView is the data of these blocks.
type barView struct {
	Step int
	Bar  []BarStep
}

// barKey is a barView that can be compared. The flows have a few bars of at most three
// steps, so that all of them are kept.
type barKey struct {
	block     string
	step, len int
	bar       [4]BarStep
}

func (b *bars) html(block string, step int, bar []BarStep) (template.HTML, error) {
	key := barKey{block: block, step: step, len: len(bar)}
	if copy(key.bar[:], bar) < len(bar) {
		return "", fmt.Errorf("a bar of %d steps: want at most %d", len(bar), len(key.bar))
	}
	if text, ok := b.kept.Load(key); ok {
		return text.(template.HTML), nil
	}
	var text strings.Builder
	if err := b.frame.ExecuteTemplate(&text, block, barView{step, bar}); err != nil {
		return "", err
	}
	b.kept.Store(key, template.HTML(text.String()))
	return template.HTML(text.String()), nil
}

// Draw returns a page that is drawn with sample data. It is called at the start, so
// that a template that uses a missing field or file is found then, and a message that
// is not given all of its values.
func (s *Site) Draw(page string, v View) ([]byte, error) {
	var b bytes.Buffer
	if err := s.draw(&b, page, "layout", v); err != nil {
		return nil, err
	}
	if bytes.Contains(b.Bytes(), []byte("<no value>")) {
		return nil, fmt.Errorf("page %s: a message lacks a value", page)
	}
	return b.Bytes(), nil
}

// draw executes a block of a page into b.
func (s *Site) draw(b *bytes.Buffer, page, block string, v View) error {
	set, ok := s.pages[v.Lang]
	if !ok {
		set = s.pages[languages[0]]
	}
	t, ok := set[page]
	if !ok {
		return fmt.Errorf("no page %q", page)
	}
	// A pointer: the methods of a view are called dozens of times on a page, and each
	// call by value would copy it.
	if err := t.ExecuteTemplate(b, block, &v); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	return nil
}

// Render answers with a page. The page is executed into memory before the first
// byte is sent, so that a failure becomes an error page and not a truncated
// page.
func (s *Site) Render(c *gin.Context, status int, page string, v View) error {
	return s.send(c, status, page, "layout", v)
}

// Fragment answers with one block of a page, without the layout.
func (s *Site) Fragment(c *gin.Context, page, block string, v View) error {
	return s.send(c, http.StatusOK, page, block, v)
}

// buffers holds the buffers in which pages were executed, for the next pages.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// mostKept is the size in bytes of the largest buffer that is kept. Most pages of students
// have 4 to 16 KB; a page of the console may have a hundred times as much.
const mostKept = 64 << 10

func (s *Site) send(c *gin.Context, status int, page, block string, v View) error {
	b := buffers.Get().(*bytes.Buffer)
	defer func() {
		clear(b.Bytes()) // a page may suggest a password
		if b.Cap() <= mostKept {
			b.Reset()
			buffers.Put(b)
		}
	}()
	if err := s.draw(b, page, block, v); err != nil {
		return err
	}
	c.Header("Content-Language", string(v.Lang))
	c.Data(status, "text/html; charset=utf-8", b.Bytes())
	return nil
}

// View returns the view of a page with all fields set except those that the
// handler of the page sets.
func (s *Site) View(c *gin.Context, titleKey string) View {
	v := s.Sample(s.Lang(c), titleKey)
	// The language switch links to this path. It must be a route of the site
	// and not an arbitrary address that another person put into a link.
	if path := c.FullPath(); s.gets[path] {
		v.Path = c.Request.URL.EscapedPath()
	}
	if s.addFrame != nil {
		s.addFrame(c, &v)
	}
	return v
}

// Sample returns the view of a page without a request, to execute a template
// with.
func (s *Site) Sample(lang domain.Lang, titleKey string) View {
	return View{
		Lang: lang, Translate: s.config.Catalog.T, Institution: s.institution, Asset: s.Asset,
		TitleKey: titleKey, Path: "/", Now: s.config.Now(), Zone: s.config.Zone,
	}
}

// With returns a copy of the view with the page's own data.
func (v View) With(data any) View {
	v.Data = data
	return v
}
