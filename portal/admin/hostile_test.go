package admin_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"entree/internal/devenv/hostile"
	"entree/portal/web"
)

// R6: 1,000 event streams of one operator occupy no request place and no more
// than the operator's share of streams. Streams of another operator still open.
func TestR6_StreamsOfOneOperatorTakeNothingFromOthers(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	server := web.NewServer(w.site, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	cookie := func(b *browser) string {
		var all []string
		for _, c := range b.jar.Cookies(must(http.NewRequest("GET", base, nil)).URL) {
			all = append(all, c.Name+"="+c.Value)
		}
		return "Cookie: " + strings.Join(all, "; ")
	}
	b := w.operator("admin")
	b.get("/admin")
	host := strings.TrimPrefix(base, "https://")
	target := hostile.Target{Address: listener.Addr().String(), Host: host, Path: "/admin/en-direct", Header: []string{cookie(b)}}
	attack, err := hostile.Start(t.Context(), hostile.Requests, target, 1000)
	w.must(err)
	defer attack.Close()
	for end := time.Now().Add(20 * time.Second); attack.Answered() < 1000; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("only %d of 1,000 streams were answered", attack.Answered())
		}
	}
	// Visitors without a session cookie still find a free place, among the
	// three quarters that they may use.
	// On a busy machine the refused streams, which come again and again, can hold
	// every place for a moment.
	opens := func(b *browser) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			p := b.get("/admin")
			if p.status == http.StatusOK {
				return
			}
			if p.status != http.StatusServiceUnavailable || time.Now().After(end) {
				t.Fatalf("an operator's page: %d", p.status)
			}
		}
	}
	opens(w.operator("helpdesk"))
	other := w.operator("auditor")
	opens(other)
	request := must(http.NewRequest("GET", "http://"+target.Address+"/admin/en-direct", nil))
	request.Host = host
	request.Header.Set("Cookie", strings.TrimPrefix(cookie(other), "Cookie: "))
	stream := func() *http.Response {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			response, err := http.DefaultTransport.RoundTrip(request)
			w.must(err)
			if response.StatusCode != http.StatusServiceUnavailable || time.Now().After(end) {
				return response
			}
			w.must(response.Body.Close())
		}
	}
	response := stream()
	defer response.Body.Close()
	first := make([]byte, 6)
	if _, err := io.ReadFull(response.Body, first); err != nil || response.StatusCode != http.StatusOK || string(first) != "data: " {
		t.Errorf("another operator's stream: %d %q %v", response.StatusCode, first, err)
	}
	request.Header.Set("Cookie", strings.TrimPrefix(cookie(b), "Cookie: "))
	refused := stream()
	defer refused.Body.Close()
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" {
		t.Errorf("one stream more of the same operator: %d", refused.StatusCode)
	}
	opens(b)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
