package portal_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/domain"
	"entree/portal"
	"entree/portal/i18n"
	"entree/static"
	"entree/templates"
)

// real sets the program's own pages, style sheets and words.
func real(t failer) func(*portal.Options) {
	t.Helper()
	catalog, err := i18n.Load()
	if err != nil {
		t.Fatalf("words: %v", err)
	}
	return func(o *portal.Options) { o.Templates, o.Static, o.Catalog = templates.FS, static.FS, catalog }
}

// The page arrives with the first round trip, its style sheets with the second.
// Nothing is loaded by a style sheet, no script blocks the page, and no other
// server is used.
func TestFirstPaintWithinTwoRoundTrips(t *testing.T) {
	b := newWorld(t, real(t)).browser(t)
	for _, path := range []string{"/", "/activation"} {
		page := b.get(path)
		page.Find("script").Each(func(_ int, s *goquery.Selection) {
			if _, deferred := s.Attr("defer"); !deferred {
				t.Errorf("%s: the script %s holds the page up", path, s.AttrOr("src", "in the page"))
			}
		})
		page.Find("link[href], script[src], img[src]").Each(func(_ int, s *goquery.Selection) {
			if at := s.AttrOr("href", s.AttrOr("src", "")); !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") {
				t.Errorf("%s asks somebody else: %s", path, at)
			}
		})
	}
	more := regexp.MustCompile(`@import|url\(\s*["']?(?:[^d"']|d[^a])`) // url(data:…) is part of the file
	sheets, err := fs.Glob(static.FS, "*.css")
	if err != nil || len(sheets) == 0 {
		t.Fatalf("%v %v", sheets, err)
	}
	for _, name := range sheets {
		text, err := fs.ReadFile(static.FS, name)
		if at := more.Find(text); err != nil || at != nil {
			t.Errorf("%s names something that has to be fetched: %q, %v", name, at, err)
		}
	}
}

// BenchmarkPage measures the cost of each page of an activation with its frame: session,
// journey, words and template, without a database.
func BenchmarkPage(b *testing.B) {
	w := newWorld(b, real(b))
	visitor := w.browser(b)
	visitor.begin(known)
	for _, page := range []struct {
		path string
		step domain.Step
	}{
		{"/", domain.StepCode},
		{"/activation?profil=etudiant", domain.StepCode},
		{"/activation/identification", domain.StepCode},
		{"/activation/charte", domain.StepCharter},
		{"/activation/entre-mdp", domain.StepGuide},
		{"/activation/mot-de-passe", domain.StepPassword},
		{"/activation/accueil-succes", domain.StepDone},
	} {
		b.Run(page.path, func(b *testing.B) {
			w.put(page.step)
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest(http.MethodGet, w.base+page.path, nil)
				request.AddCookie(&http.Cookie{Name: "__Host-entree", Value: visitor.sessionCookie()})
				answer := httptest.NewRecorder()
				w.portal.ServeHTTP(answer, request)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code)
				}
			}
		})
	}
}
