package mailbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageCSS []byte

//go:embed page.js
var pageJS []byte

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Local().Format("02/01 15:04:05") },
}).Parse(pageText))

func (b *Mailbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.show)
	mux.HandleFunc("GET /messages/{n}", b.show)
	mux.HandleFunc("GET /messages/{n}/html", b.html)
	mux.HandleFunc("GET /api/messages", b.api)
	mux.HandleFunc("POST /sms", b.sms)
	mux.HandleFunc("GET /page.css", static("text/css; charset=utf-8", pageCSS))
	mux.HandleFunc("GET /page.js", static("text/javascript; charset=utf-8", pageJS))
	return mux
}

func static(kind string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body)
	}
}

func (b *Mailbox) api(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(b.Messages(r.URL.Query().Get("to"))) // an error means that the client has disconnected
}

// sms accepts a text as an SMS gateway does and stores it as a message to a number. It
// accepts JSON only, which a browser never sends to another site without asking first.
func (b *Mailbox) sms(w http.ResponseWriter, r *http.Request) {
	var in struct{ To, Text string }
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil || in.To == "" {
		http.Error(w, "want to and text", http.StatusBadRequest)
		return
	}
	if err := b.add(Message{To: in.To, Subject: "SMS", Text: in.Text, At: time.Now().UTC()}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// numbered is a mail with its number; the oldest mail has number 1.
type numbered struct {
	Message
	N int
}

func (b *Mailbox) show(w http.ResponseWriter, r *http.Request) {
	to := strings.TrimSpace(r.URL.Query().Get("to"))
	all := b.Messages("")
	data := struct {
		French bool
		To     string
		List   []numbered
		Open   *numbered
	}{French: !strings.HasPrefix(r.Header.Get("Accept-Language"), "en"), To: to}
	for i, m := range all {
		n := numbered{m, len(all) - i}
		if to == "" || strings.Contains(m.To, to) {
			data.List = append(data.List, n)
		}
		if strconv.Itoa(n.N) == r.PathValue("n") {
			data.Open = &n
		}
	}
	if r.PathValue("n") != "" && data.Open == nil {
		http.NotFound(w, r)
		return
	}
	var out bytes.Buffer
	if err := page.Execute(&out, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'")
	_, _ = w.Write(out.Bytes())
}

// html serves the HTML part of a mail without scripts or external resources, as
// a mail program would.
func (b *Mailbox) html(w http.ResponseWriter, r *http.Request) {
	all := b.Messages("")
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 || n > len(all) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'")
	_, _ = w.Write([]byte(all[len(all)-n].HTML))
}
