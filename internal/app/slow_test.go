package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"entree/internal/config"
	"entree/internal/devenv/demotest"
)

// A client that never ends its header is cut off; another goes on being served.
func TestOverload_ASlowClientIsCutOff(t *testing.T) {
	t.Parallel()
	i := demotest.Install(t)
	c, err := config.Load(i.Config, i.Environ)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = a.answer(t.Context(), listener, a.pages) }()
	slow, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: "); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get("http://" + listener.Addr().String() + "/healthz")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("beside a slow client: %v", err)
	}
	_ = response.Body.Close()
	if _, err := io.ReadAll(slow); err != nil { // ends when the server hangs up, or the tests do
		t.Error(err)
	}
}
