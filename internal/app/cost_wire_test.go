package app

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// wire is a proxy that counts a client's requests to PostgreSQL.
type wire struct {
	dsn string // of the proxy
	// trips are the times that the client waits for an answer, statements are those
	// other than BEGIN and COMMIT, and commits are the transactions that write. alone are
	// the BEGINs and COMMITs that are sent without a statement.
	trips, statements, commits, alone atomic.Int64
}

func newWire(t testing.TB, dsn string) *wire {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	server := u.Host
	u.Host = listener.Addr().String()
	w := &wire{dsn: u.String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go w.pass(client, server)
		}
	}()
	return w
}

func (w *wire) reset() {
	w.trips.Store(0)
	w.statements.Store(0)
	w.commits.Store(0)
	w.alone.Store(0)
}

func (w *wire) pass(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer client.Close()
		tag := ""
		copyMessages(client, server, false, func(kind byte, body []byte) {
			switch kind {
			case 'C': // CommandComplete
				tag = strings.TrimRight(string(body), "\x00")
			case 'Z': // ReadyForQuery
				if string(body) == "I" && (tag == "COMMIT" || strings.HasPrefix(tag, "INSERT") || strings.HasPrefix(tag, "UPDATE") || strings.HasPrefix(tag, "DELETE")) && !strings.HasSuffix(tag, " 0") {
					w.commits.Add(1)
				}
				tag = ""
			}
		})
	}()
	names, query := map[string]string{}, "" // of the prepared statements
	copyMessages(server, client, true, func(kind byte, body []byte) {
		switch kind {
		case 'P': // Parse
			name, rest, _ := strings.Cut(string(body), "\x00")
			names[name], _, _ = strings.Cut(rest, "\x00")
		case 'B': // Bind
			_, rest, _ := strings.Cut(string(body), "\x00")
			name, _, _ := strings.Cut(rest, "\x00")
			query = names[name]
		case 'S': // Sync
			w.trips.Add(1)
		case 'E': // Execute
			if !endsOrBegins(query) {
				w.statements.Add(1)
			}
		case 'Q': // Query
			w.trips.Add(1)
			if endsOrBegins(string(body)) {
				w.alone.Add(1)
			} else {
				w.statements.Add(1)
			}
		}
	})
}

// endsOrBegins reports whether a query begins or ends a transaction.
func endsOrBegins(query string) bool {
	text := strings.ToLower(query)
	return strings.HasPrefix(text, "begin") || strings.HasPrefix(text, "commit") || strings.HasPrefix(text, "rollback")
}

// copyMessages passes messages on, and calls see with the type and the body of each.
// The first message of a client has no type.
func copyMessages(to io.Writer, from io.Reader, isClient bool, see func(kind byte, body []byte)) {
	in := bufio.NewReader(from)
	for first := isClient; ; first = false {
		head := make([]byte, 5)
		if first {
			head = head[:4]
		}
		if _, err := io.ReadFull(in, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[len(head)-4:])-4)
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		if !first {
			see(head[0], body)
		}
		if _, err := to.Write(append(head, body...)); err != nil {
			return
		}
	}
}
