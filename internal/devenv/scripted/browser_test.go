package scripted_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/devenv/scripted"
)

// A form is submitted with its hidden and checked fields, and the typed values
// replace its own. Its answer's redirect is followed with the cookie.
func TestABrowserSubmitsACompleteForm(t *testing.T) {
	var sent string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<title>A – B</title><link rel="stylesheet" href="/a.css"><script src="/b.js" defer></script><h1>Un titre</h1>
			<form method="post" action="/x/y"><input name="other"></form>
			<form method="post" action="/x"><input type="hidden" name="jeton" value="t&amp;u"><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
			<input name="n"><input name="off" value="o" disabled><input type="checkbox" name="c" value="oui"></form><input name="outside">`))
	})
	mux.HandleFunc("POST /x", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		sent = r.PostForm.Encode() + " " + r.Header.Get("Origin")
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
		http.Redirect(w, r, "/there", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /there", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("c"); err != nil {
			t.Error("the cookie was not sent")
		}
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte("<h1>Là</h1><p class=error>Non\u00a0!</p>"))
	})
	fetched := map[string]int{}
	for _, part := range []string{"/a.css", "/b.js"} {
		mux.HandleFunc("GET "+part, func(w http.ResponseWriter, _ *http.Request) {
			fetched[part]++
			if part == "/a.css" {
				w.Header().Set("Cache-Control", "max-age=31536000, immutable")
			}
		})
	}
	server := httptest.NewServer(mux)
	defer server.Close()
	b := scripted.NewBrowser(nil, 10*time.Second)
	defer b.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.Get(t.Context(), server.URL+"/"))
	must(b.Parts(t.Context()))
	must(b.Parts(t.Context()))
	if fetched["/a.css"] != 1 || fetched["/b.js"] != 2 || b.Requests() != 4 || b.Bytes() < 500 {
		t.Errorf("%v, %d requests, %d bytes", fetched, b.Requests(), b.Bytes())
	}
	if err := b.Submit(t.Context(), "/x", map[string]string{"off": "v"}); err == nil || !strings.Contains(err.Error(), "no field off") {
		t.Errorf("a disabled field was filled: %v", err)
	}
	if err := b.Submit(t.Context(), "/z", nil); err == nil || !strings.Contains(err.Error(), "/ (200) has no form for /z: Un titre") {
		t.Errorf("a missing form was submitted: %v", err)
	}
	b.Leave = func(to *url.URL) bool { return to.Path == "/there" }
	must(b.Submit(t.Context(), "/x", map[string]string{"n": "v", "c": "oui"}))
	if b.Status != http.StatusSeeOther || b.Header.Get("Location") != "/there" {
		t.Errorf("the browser left to %s", b.Where())
	}
	b.Leave = nil
	must(b.Get(t.Context(), server.URL+"/"))
	must(b.Submit(t.Context(), "/x", map[string]string{"n": "v", "c": "oui"}))
	if want := "c=oui&jeton=t%26u&n=v&r=2 " + server.URL; sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if b.Where() != "/there (422)" || b.Errors() != "Là Non !" {
		t.Errorf("%s %q", b.Where(), b.Errors())
	}
}
