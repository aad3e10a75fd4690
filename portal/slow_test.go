package portal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"entree/portal"
	"entree/portal/web"
)

// wire is a listener whose connections are in memory, so that a test can move the time.
type wire struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.ended:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.ended) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// dial returns the client's end of a new connection.
func (w *wire) dial() net.Conn {
	client, server := net.Pipe()
	k := &kernel{Conn: server, out: make(chan []byte, 100)}
	go k.send()
	w.conns <- k
	return client
}

// kernel is the server's end of a connection. A write returns at once, and the reader
// gets the bytes at its own speed, as with the buffers of the operating system.
type kernel struct {
	net.Conn
	mu     sync.Mutex
	out    chan []byte
	until  time.Time // deadline of writes
	closed bool
}

func (k *kernel) send() {
	for b := range k.out {
		if _, err := k.Conn.Write(b); err != nil {
			break
		}
	}
	_ = k.Conn.Close()
}

func (k *kernel) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return 0, net.ErrClosed
	case !k.until.IsZero() && time.Now().After(k.until):
		return 0, os.ErrDeadlineExceeded
	}
	k.out <- bytes.Clone(p)
	return len(p), nil
}

func (k *kernel) SetWriteDeadline(t time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = t
	return nil
}

func (k *kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		k.closed = true
		close(k.out)
	}
	return k.SetReadDeadline(time.Unix(1, 0))
}

func (k *kernel) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }

// trickle is a connection that carries a piece of some bytes in each pause.
type trickle struct {
	net.Conn
	piece int
	pause time.Duration
}

func (c trickle) Write(p []byte) (n int, err error) {
	for len(p) > 0 && err == nil {
		time.Sleep(c.pause)
		var sent int
		sent, err = c.Conn.Write(p[:min(c.piece, len(p))])
		n, p = n+sent, p[sent:]
	}
	return n, err
}

func (c trickle) Read(p []byte) (int, error) {
	time.Sleep(c.pause)
	return c.Conn.Read(p[:min(c.piece, len(p))])
}

// onAWire runs f on a portal that serves a wire with the program's time limits.
func onAWire(t *testing.T, f func(t *testing.T, w *world, wire *wire)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *portal.Options) { o.BaseURL, o.AtOnce = "http://127.0.0.1:8080", placesAtOnce })
		wire := &wire{conns: make(chan net.Conn), ended: make(chan struct{})}
		server := web.NewServer(w.portal, w.portal.Log)
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(wire) }()
		defer func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		}()
		f(t, w, wire)
	})
}

// headerOfATelephone is what Chrome sends besides the lines that net/http writes.
var headerOfATelephone = http.Header{
	"Cache-Control": {"max-age=0"}, "Upgrade-Insecure-Requests": {"1"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-User": {"?1"}, "Sec-Fetch-Dest": {"document"},
	"Sec-Ch-Ua": {`"Chromium";v="156", "Google Chrome";v="156", "Not?A_Brand";v="99"`}, "Sec-Ch-Ua-Mobile": {"?1"}, "Sec-Ch-Ua-Platform": {`"Android"`},
	"User-Agent":      {"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"},
	"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"},
	"Accept-Language": {"fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7"}, "Referer": {"http://127.0.0.1:8080/activation"},
}

// A telephone at the edge of its network sends and receives a few bytes per second, or
// in one piece after a while: each form arrives, and each page comes whole. The clock
// that ends journeys stands still: a whole page at 4 bytes per second takes longer than
// an idle session may.
func TestV8_FourBytesASecond(t *testing.T) {
	for name, slow := range map[string]trickle{
		"4 bytes a second":                  {piece: 4, pause: time.Second},
		"a packet in half a minute":         {piece: 1200, pause: 30 * time.Second},
		"100 bytes, then nothing for 30 s":  {piece: 100, pause: 30 * time.Second},
		"one byte, five times in a second":  {piece: 1, pause: 200 * time.Millisecond},
		"a radio that wakes every 50 s":     {piece: 400, pause: 50 * time.Second},
		"a modem of 1996, 28.8 kbit/s":      {piece: 360, pause: 100 * time.Millisecond},
		"packets of three bytes, 2 seconds": {piece: 6, pause: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			onAWire(t, func(t *testing.T, w *world, wire *wire) {
				transport := &http.Transport{
					DisableCompression: true, DisableKeepAlives: true, // a browser sends a form again on a connection that was closed meanwhile; net/http does not
					DialContext: func(context.Context, string, string) (net.Conn, error) {
						return trickle{wire.dial(), slow.piece, slow.pause}, nil
					},
				}
				defer transport.CloseIdleConnections()
				w.network = transport
				b := w.browser(t)
				b.header = headerOfATelephone.Clone()
				began := time.Now()
				p := b.to("/activation/accueil-succes")
				if p.status != http.StatusOK || !strings.Contains(p.body, "</html>") {
					t.Errorf("%d, the page ends with %q", p.status, p.body[max(0, len(p.body)-50):])
				}
				if acts, mails := w.service.count(); mails != 1 {
					t.Errorf("%d acts, %d mails", acts, mails)
				}
				t.Logf("the activation took %v", time.Since(began).Round(time.Second))
			})
		})
	}
}

// Requests that never end are cut off, and a form that stops is answered with a page
// that says what to do.
func TestV8_RequestsThatNeverEnd(t *testing.T) {
	const form = "POST /activation HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
	for name, tt := range map[string]struct {
		first, rest   string        // sent at once, and then in each pause
		pause         time.Duration // 0: nothing more is sent
		least, most   time.Duration // until the server ends the connection
		status, shows string        // empty: without an answer
	}{
		"nothing":                      {"", "", 0, 9 * time.Minute, 11 * time.Minute, "", ""},
		"a header that does not end":   {"GET / HTTP/1.1\r\nX: ", "a", time.Second, 9 * time.Minute, 11 * time.Minute, "", ""},
		"a header that stops":          {"GET / HTTP/1.1\r\nX: ", "", 0, 9 * time.Minute, 11 * time.Minute, "", ""},
		"a form that stops":            {form + "100\r\n\r\nadresse=", "", 0, 55 * time.Second, 70 * time.Second, "408", "error.slow.title"},
		"a form that does not come":    {form + "100\r\n\r\n", "", 0, 55 * time.Second, 70 * time.Second, "408", "error.slow.title"},
		"a form that does not end":     {form + "8000\r\n\r\nadresse=", "a", 10 * time.Second, 9 * time.Minute, 11 * time.Minute, "408", "error.slow.title"},
		"a form with too long pauses":  {form + "100\r\n\r\nadresse=", "a", 61 * time.Second, 55 * time.Second, 70 * time.Second, "408", "error.slow.title"},
		"a large form that stops":      {form + "20000\r\n\r\n" + strings.Repeat("a", 8192), "", 0, 14 * time.Second, 20 * time.Second, "408", "error.slow.title"},
		"a large form that is slow":    {form + "20000\r\n\r\n" + strings.Repeat("a", 8192), "a", time.Second, 14 * time.Second, 20 * time.Second, "408", "error.slow.title"},
		"a connection that stays open": {"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", "", 0, 110 * time.Second, 130 * time.Second, "200", ""},
	} {
		t.Run(name, func(t *testing.T) {
			onAWire(t, func(t *testing.T, w *world, wire *wire) {
				conn := wire.dial()
				began := time.Now()
				written := make(chan struct{})
				go func() {
					defer close(written)
					_, err := io.WriteString(conn, tt.first)
					for err == nil && tt.pause > 0 {
						time.Sleep(tt.pause)
						_, err = io.WriteString(conn, tt.rest)
					}
				}()
				answer, err := io.ReadAll(conn)
				if err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("cut off after %v", took)
				}
				status, _, _ := strings.Cut(strings.TrimPrefix(string(answer), "HTTP/1.1 "), " ")
				if status != tt.status || !strings.Contains(string(answer), tt.shows) {
					t.Errorf("answered %.300q", answer)
				}
				if acts, _ := w.service.count(); acts != 0 {
					t.Errorf("%d journeys were begun", acts)
				}
				_ = conn.Close()
				<-written
			})
		})
	}
}
