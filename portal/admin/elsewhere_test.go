package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// R19: a link on another site does not make an operator's browser export data.
func TestR19_ADownloadIsAskedForHereOnly(t *testing.T) {
	w := newWorld(t)
	b := w.operator("auditor")
	b.get("/admin/audit")
	ask := func(path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", base+path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		for _, c := range b.jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		w.site.ServeHTTP(rec, r)
		return rec
	}
	for _, tt := range []struct {
		name   string
		header []string
		passes bool
	}{
		{"from the console", []string{"Sec-Fetch-Site", "same-origin"}, true},
		{"typed", []string{"Sec-Fetch-Site", "none"}, true},
		{"from another site", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		{"from another host of the university", []string{"Sec-Fetch-Site", "same-site"}, false},
		{"from another site, with a Referer of ours", []string{"Sec-Fetch-Site", "cross-site", "Referer", base + "/admin/audit"}, false},
		{"a value that there is not yet", []string{"Sec-Fetch-Site", "near-site"}, false},
		{"an old browser, from the console", []string{"Referer", base + "/admin/audit"}, true},
		{"an old browser, from another site", []string{"Referer", "https://evil.example/admin/audit"}, false},
		{"an old browser, from a name like ours", []string{"Referer", base + ".evil.example/"}, false},
		{"an old browser, from our name without TLS", []string{"Referer", "http://mon-compte.exemple.fr/"}, false},
		{"an old browser, with an Origin of another site", []string{"Origin", "https://evil.example", "Referer", base + "/"}, false},
		{"an old browser, with an opaque Origin", []string{"Origin", "null"}, false},
	} {
		for _, path := range []string{"/admin/audit/export/csv", "/admin/audit/export/jsonl", "/admin/personnes/p/donnees"} {
			w.journal.acts()
			rec := ask(path, tt.header...)
			acts := w.journal.acts()
			if tt.passes && rec.Code == http.StatusForbidden || !tt.passes && (rec.Code != http.StatusForbidden || len(acts) != 0) {
				t.Errorf("%s: %s: %d, noted %v", tt.name, path, rec.Code, acts)
			}
		}
	}
	p := ask("/admin/audit/export/csv", "Sec-Fetch-Site", "cross-site", "Accept-Language", "en")
	if p.Header().Get("Content-Disposition") != "" || p.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("refused by no page: %v", p.Header())
	}
	if !strings.Contains(p.Body.String(), `href="/admin/audit/export/csv"`) {
		t.Errorf("the page does not lead to the file: %.2000s", p.Body)
	}
	if rec := ask("/admin/en-direct", "Sec-Fetch-Site", "same-site"); rec.Code != http.StatusForbidden {
		t.Errorf("a stream for another origin: %d", rec.Code)
	}
	// A page is not an export: links to it work.
	if rec := ask("/admin/audit", "Sec-Fetch-Site", "cross-site"); rec.Code != http.StatusOK {
		t.Errorf("a link to a page: %d", rec.Code)
	}
}
