package hostile

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// R6: the command finds a server that gives its places to slow bodies, and
// passes one that reads them elsewhere.
func TestR6_TheCommandFindsAServerThatIsTakenBySlowBodies(t *testing.T) {
	places := make(chan struct{}, 20)
	weak := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		if err := r.ParseForm(); err != nil {
			http.Error(w, "malformed", http.StatusBadRequest)
		}
	}))
	defer weak.Close()
	strong := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer strong.Close()
	for _, tt := range []struct {
		url  string
		want error
	}{{weak.URL, ErrRefused}, {strong.URL, nil}} {
		var out bytes.Buffer
		err := Run(t.Context(), Options{URL: tt.url, Kinds: []Kind{SlowBodies}, Connections: 50, For: 300 * time.Millisecond}, &out)
		if !errors.Is(err, tt.want) || !strings.Contains(out.String(), "slow-bodies") {
			t.Errorf("%v, want %v: %s", err, tt.want, out.String())
		}
	}
	if err := Run(t.Context(), Options{URL: "https://example.org"}, &bytes.Buffer{}); err == nil {
		t.Error("an address without a port was accepted")
	}
}
