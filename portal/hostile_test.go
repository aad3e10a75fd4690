package portal_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"entree/internal/devenv/hostile"
	"entree/internal/devenv/outside"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal"
	"entree/portal/web"
)

// crowdOf is the number of hostile connections, and placesAtOnce the default of
// limits.requests_at_once.
const (
	crowdOf          = 1000
	crowdBehindNginx = 200
	placesAtOnce     = 500
)

// listening starts a portal on its own port, with the program's time limits.
func listening(t *testing.T, change ...func(*portal.Options)) (*world, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	w := newWorld(t, append([]func(*portal.Options){func(o *portal.Options) {
		o.BaseURL, o.AtOnce = "http://"+address, placesAtOnce
	}}, change...)...)
	transport := &http.Transport{ResponseHeaderTimeout: 20 * time.Second}
	w.network = patient{transport}
	server := web.NewServer(w.portal, w.portal.Log)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-ended
	})
	return w, address
}

// memoryHeld returns the memory in use after a garbage collection.
func memoryHeld() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// mostHeld is the memory that 1,000 connections may hold, in bytes. It is doubled under
// the race detector.
var mostHeld int64 = 96 << 20

// R6: students activate while 1,000 connections send slowly or not at all.
func TestR6_StudentsFinishBesideAThousandSlowConnections(t *testing.T) {
	for _, kind := range hostile.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			w, address := listening(t)
			w.browser(t).to("/activation/accueil-succes")
			before := memoryHeld()
			attack, err := hostile.Start(t.Context(), kind, hostile.Target{Address: address}, crowdOf)
			if err != nil {
				t.Fatal(err)
			}
			defer attack.Close()
			for range 3 {
				w.browser(t).to("/activation/accueil-succes")
			}
			if n := attack.Open(); n < crowdOf*9/10 {
				t.Errorf("only %d connections were open meanwhile", n)
			}
			// The attacker's side runs in the same process.
			if grown := int64(memoryHeld()) - int64(before); grown > mostHeld {
				t.Errorf("%d MiB more in use", grown>>20)
			}
		})
	}
}

// R6: the same through nginx and TLS, with the sample's configuration and fewer
// connections: handshakes that stop half-way, headers and bodies that do not end,
// and clients that do not read are nginx's to bear.
func TestR6_StudentsFinishBehindNginxAndTLS(t *testing.T) {
	front, err := outside.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	w, address := listening(t, func(o *portal.Options) {
		o.BaseURL, o.TrustedProxies = "https://"+front, []string{"127.0.0.1"}
	})
	proxy := &outside.Proxy{Dir: t.TempDir(), Listen: front, Instances: []string{address, address}, TLS: true}
	if err := proxy.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	roots, err := proxy.Roots()
	if err != nil {
		t.Fatal(err)
	}
	secure := &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
	transport := &http.Transport{TLSClientConfig: secure, ResponseHeaderTimeout: 20 * time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	w.network = patient{transport}
	for _, kind := range hostile.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			attack, err := hostile.Start(t.Context(), kind, hostile.Target{Address: front, TLS: secure}, crowdBehindNginx)
			if err != nil {
				t.Fatal(err)
			}
			defer attack.Close()
			w.browser(t).to("/activation/accueil-succes")
			if n := attack.Open(); n < crowdBehindNginx*9/10 {
				t.Errorf("only %d connections were open meanwhile", n)
			}
		})
	}
}

// patient sends a request again that finds all places taken, as a visitor does whose
// page says to come back: 1,000 requests that arrive at once take all places for as long
// as a slow machine needs to answer them. A place that a connection keeps is never free
// again.
type patient struct{ http.RoundTripper }

func (p patient) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		response, err := p.RoundTripper.RoundTrip(r)
		if err != nil || response.StatusCode != http.StatusServiceUnavailable || time.Now().After(end) {
			return response, err
		}
		if err := response.Body.Close(); err != nil {
			return nil, err
		}
	}
}

// R6: students activate while 1,000 logins wait for a provider that accepts
// connections and never answers.
func TestR6_StudentsFinishWhileTheProviderHangs(t *testing.T) {
	provider, err := hostile.NewHanging()
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	w, address := listening(t, func(o *portal.Options) {
		o.SSO, err = sso.New(sso.Config{
			Issuer: "http://" + provider.Address() + "/realms/r", ClientID: "c", ClientSecret: secret.New("s"),
			RedirectURL: o.BaseURL + "/connexion/retour", Now: time.Now, Random: rand.Reader,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	attack, err := hostile.Start(t.Context(), hostile.Requests, hostile.Target{Address: address, Path: "/connexion"}, crowdOf)
	if err != nil {
		t.Fatal(err)
	}
	defer attack.Close()
	for range 3 {
		w.browser(t).to("/activation/accueil-succes")
	}
	if n := provider.Connections(); n == 0 || n > 10 {
		t.Errorf("the provider was asked %d times", n)
	}
	w.network = w.network.(patient).RoundTripper
	if p := w.browser(t).do("GET", "/connexion", nil); p.status != http.StatusServiceUnavailable {
		t.Errorf("a login: %d", p.status)
	}
}

// R6: an incomplete body holds its connection for a limited time only, and an
// oversized one is refused as before.
func TestR6_ABodyThatDoesNotComeIsRefused(t *testing.T) {
	w, address := listening(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /activation HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nadresse=")); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, err := conn.Read(b)
	if err != nil || string(b[:min(n, 12)]) != "HTTP/1.1 400" {
		t.Errorf("a body that ends early: %q, %v", b[:n], err)
	}
	if acts, _ := w.service.count(); acts != 0 {
		t.Errorf("%d journeys were begun", acts)
	}
}
