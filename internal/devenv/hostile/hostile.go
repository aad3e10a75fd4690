// Package hostile opens connections to a portal as an attacker does who wants
// to take its capacity: slow headers, slow bodies, TLS handshakes that stop
// half-way, event streams, logins. It also stands in for servers that accept a
// connection and never answer.
//
//	attack, err := hostile.Start(ctx, hostile.SlowBodies, target, 1000)
//	… honest visitors must be served …
//	attack.Close()
//
// Use it against a portal of your own only.
package hostile

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Target is the listener under attack.
type Target struct {
	Address string      // host:port of the connection
	Host    string      // of the Host header; empty: Address
	Path    string      // of the requests; empty: /activation
	Header  []string    // more header lines, such as "Cookie: …"
	TLS     *tls.Config // nil: plain HTTP. Silent and HalfTLS end before the handshake.
}

// Kind is a way to hold a connection.
type Kind string

// The kinds of connections.
const (
	Silent      Kind = "silent"       // sends nothing
	HalfTLS     Kind = "half-tls"     // the first bytes of a TLS handshake
	SlowHeaders Kind = "slow-headers" // a header that does not end
	SlowBodies  Kind = "slow-bodies"  // a form, one byte at a time
	ChunkedBody Kind = "slow-chunks"  // a body without a length, one byte at a time
	BodyOfGet   Kind = "body-of-get"  // a GET with a body that does not come
	NoReader    Kind = "no-reader"    // whole requests one after another, whose responses are not read
	Requests    Kind = "requests"     // one whole request, whose response is awaited: streams, logins
)

// Kinds lists the kinds that need no path of their own.
var Kinds = []Kind{Silent, HalfTLS, SlowHeaders, SlowBodies, ChunkedBody, BodyOfGet, NoReader}

// drip is the pause between two bytes.
const drip = time.Second

// Attack is a set of open connections.
type Attack struct {
	cancel   context.CancelFunc
	done     sync.WaitGroup
	open     atomic.Int64
	answered atomic.Int64
	began    chan struct{} // gets a value for each connection that sent its first bytes
}

// Open returns the number of connections that the server has not closed.
func (a *Attack) Open() int { return int(a.open.Load()) }

// Answered returns the number of connections on which the server has answered.
func (a *Attack) Answered() int { return int(a.answered.Load()) }

// Close closes all connections and waits for them.
func (a *Attack) Close() {
	a.cancel()
	a.done.Wait()
}

// Start opens n connections of a kind and returns when each of them has sent its
// first bytes. A connection that the server closes is opened again until Close
// or until ctx ends.
func Start(ctx context.Context, kind Kind, target Target, n int) (*Attack, error) {
	if target.Host == "" {
		target.Host = target.Address
	}
	if target.Path == "" {
		target.Path = "/activation"
	}
	first, rest, err := target.bytes(kind)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &Attack{cancel: cancel, began: make(chan struct{}, n)}
	failed := make(chan error, n)
	for range n {
		a.done.Go(func() {
			for begun := false; ctx.Err() == nil; {
				err := a.hold(ctx, target, kind, first, rest, &begun)
				if err != nil && !begun {
					failed <- err
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(drip):
				}
			}
		})
	}
	for range n {
		select {
		case <-a.began:
		case err := <-failed:
			a.Close()
			return nil, fmt.Errorf("%s: %w", kind, err)
		case <-ctx.Done():
			a.Close()
			return nil, ctx.Err()
		}
	}
	return a, nil
}

// bytes returns what a connection sends at once and what it repeats slowly.
func (t Target) bytes(kind Kind) (first, rest string, err error) {
	head := func(method string, lines ...string) string {
		lines = append(append([]string{method + " " + t.Path + " HTTP/1.1", "Host: " + t.Host, "User-Agent: hostile"}, lines...), t.Header...)
		return strings.Join(lines, "\r\n") + "\r\n"
	}
	form := "Content-Type: application/x-www-form-urlencoded"
	switch kind {
	case Silent:
		return "", "", nil
	case HalfTLS:
		return "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "", nil
	case SlowHeaders:
		return head("GET", "X-Slow: "), "a", nil
	case SlowBodies:
		return head("POST", form, "Content-Length: 8000") + "\r\nadresse=", "a", nil
	case ChunkedBody:
		return head("POST", form, "Transfer-Encoding: chunked") + "\r\n", "1\r\na\r\n", nil
	case BodyOfGet:
		return head("GET", form, "Content-Length: 8000") + "\r\n", "", nil
	case NoReader:
		return head("GET") + "\r\n", head("GET") + "\r\n", nil
	case Requests:
		return head("GET", "Connection: close") + "\r\n", "", nil
	}
	return "", "", fmt.Errorf("hostile: kind %q is not known", kind)
}

// hold keeps one connection until the server closes it.
func (a *Attack) hold(ctx context.Context, target Target, kind Kind, first, rest string, begun *bool) error {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", target.Address)
	if err != nil {
		return err
	}
	if target.TLS != nil && kind != Silent && kind != HalfTLS {
		secure := tls.Client(conn, target.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return err
		}
		conn = secure
	}
	a.open.Add(1)
	defer a.open.Add(-1)
	over := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer over()
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, first); err != nil {
		return err
	}
	if !*begun {
		*begun = true
		a.began <- struct{}{}
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		var b [512]byte
		for answered := false; ; answered = true {
			if strings.HasPrefix(rest, "GET ") { // a client that does not read
				<-ctx.Done()
				return
			}
			if _, err := conn.Read(b[:]); err != nil {
				return
			}
			if !answered {
				a.answered.Add(1)
			}
		}
	}()
	tick := time.NewTicker(drip)
	defer tick.Stop()
	for {
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := io.WriteString(conn, rest); err != nil {
				return nil // the server closed the connection
			}
		}
	}
}

// Hanging is a server that accepts connections and never answers.
type Hanging struct {
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

// NewHanging starts a hanging server on a free loopback port.
func NewHanging() (*Hanging, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &Hanging{listener: listener}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, conn)
			h.mu.Unlock()
		}
	}()
	return h, nil
}

// Address returns host:port of the server.
func (h *Hanging) Address() string { return h.listener.Addr().String() }

// Connections returns the number of connections that were accepted.
func (h *Hanging) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Close closes the server and its connections.
func (h *Hanging) Close() {
	_ = h.listener.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, conn := range h.conns {
		_ = conn.Close()
	}
}
