package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"entree/internal/domain"
)

// charterMarkdown drops raw HTML and addresses such as javascript:, which is
// goldmark's default.
var charterMarkdown = goldmark.New(goldmark.WithParserOptions(
	parser.WithAutoHeadingID(),
	parser.WithASTTransformers(util.Prioritized(charterTree{}, 100)),
))

// drawnCharters caches the HTML of each text by its hash. An institution has a few.
type drawnCharters struct{ bySHA sync.Map }

type drawnCharter struct {
	body     template.HTML
	contents []Heading
	minutes  int
}

func (d *drawnCharters) draw(c domain.Charter) (drawnCharter, error) {
	if drawn, ok := d.bySHA.Load(c.SHA256); ok {
		return drawn.(drawnCharter), nil
	}
	body, contents, err := renderCharter(c.Text)
	if err != nil {
		return drawnCharter{}, err
	}
	drawn := drawnCharter{body, contents, readingMinutes(c.Text)}
	d.bySHA.Store(c.SHA256, drawn)
	return drawn, nil
}

// renderCharter returns a charter as HTML, and its second-level headings.
func renderCharter(markdown string) (template.HTML, []Heading, error) {
	source := []byte(markdown)
	doc := charterMarkdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&articleIDs{}))))
	var contents []Heading
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			id, _ := h.AttributeString("id")
			contents = append(contents, Heading{ID: string(id.([]byte)), Text: plainText(h, source)})
		}
	}
	var b bytes.Buffer
	if err := charterMarkdown.Renderer().Render(&b, source, doc); err != nil {
		return "", nil, fmt.Errorf("charter: %w", err)
	}
	return template.HTML(b.String()), contents, nil
}

// charterTree moves the headings of a charter below the title of its page, and adds
// rel=noopener to its links.
type charterTree struct{}

func (charterTree) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker returns no error
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = max(n.Level, 2)
		case *ast.Link:
			n.SetAttributeString("rel", []byte("noopener"))
		case *ast.AutoLink:
			n.SetAttributeString("rel", []byte("noopener"))
		}
		return ast.WalkContinue, nil
	})
}

// articleIDs numbers the headings. Ids made of their words could equal the ids of the
// page's fields.
type articleIDs struct{ n int }

func (a *articleIDs) Generate([]byte, ast.NodeKind) []byte {
	a.n++
	return []byte("article-" + strconv.Itoa(a.n))
}

func (a *articleIDs) Put([]byte) {}

func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// wordsPerMinute is the reading speed that the page assumes for a text of rules.
const wordsPerMinute = 200

func readingMinutes(markdown string) int {
	return max(1, (len(strings.Fields(markdown))+wordsPerMinute/2)/wordsPerMinute)
}
