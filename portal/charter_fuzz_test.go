package portal

import (
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// Any text of a charter renders to HTML that runs no script, loads nothing, and
// uses none of the page's own ids.
func FuzzCharter(f *testing.F) {
	for _, seed := range []string{
		"# Charte\n\n## Objet\n\nVoir [le site](https://exemple.fr/).", "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://exemple.fr/x.png)",
		"<a href=\"java&#115;cript:x\">", "## contenu\n## charte\n", "[x]: data:text/html;base64,x\n\n[x]", "<img src=x onerror=x>", "\x00", "***\n\t- a\n1. b", "&lt;script&gt;", "![x](data:image/svg+xml;base64,x)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, markdown string) {
		html, contents, err := renderCharter(markdown)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader("<main>" + string(html) + "</main>"))
		if err != nil {
			t.Fatal(err)
		}
		if n := doc.Find("main script, main style, main iframe, main object, main form, main input, main svg").Length(); n > 0 {
			t.Errorf("%q makes %d elements that a text has no use for: %s", markdown, n, html)
		}
		doc.Find("main *").Each(func(_ int, e *goquery.Selection) {
			for _, a := range e.Nodes[0].Attr {
				address := strings.ToLower(strings.TrimSpace(a.Val))
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || (a.Key == "href" || a.Key == "src") && (strings.HasPrefix(address, "javascript:") || strings.HasPrefix(address, "vbscript:") || strings.HasPrefix(address, "data:text")) {
					t.Errorf("%q makes %s=%q", markdown, a.Key, a.Val)
				}
				if a.Key == "id" && !strings.HasPrefix(a.Val, "article-") {
					t.Errorf("%q makes the id %q", markdown, a.Val)
				}
			}
		})
		for _, h := range contents {
			if doc.Find("#"+h.ID).Length() != 1 {
				t.Errorf("%q: the contents lead to %s, which is not there once", markdown, h.ID)
			}
		}
	})
}
