package app

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// O6: connections that the kernel has accepted when the listener is closed are
// served, and later ones are refused.
func TestO6_AClosingListenerLosesNoConnection(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := drain(inner)
	const waiting = 20
	for range waiting { // complete for the client, and not yet accepted
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	for range waiting {
		conn, err := l.Accept()
		if err != nil {
			t.Fatalf("a waiting connection is lost: %v", err)
		}
		_ = conn.Close()
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Fatalf("the listener does not close: %v", err)
	}
	if conn, err := net.DialTimeout("tcp", inner.Addr().String(), time.Second); err == nil {
		_ = conn.Close()
		t.Error("a closed listener takes connections")
	}
}

// O6: while visitors connect without a pause, the connections that are made are served,
// however late the program comes to its listener.
func TestO6_AListenerThatClosesUnderLoadLosesNoConnection(t *testing.T) {
	const rounds = 10
	losses := 0
	for range rounds {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := drain(inner)
		var made, served atomic.Int64
		var visitors sync.WaitGroup
		for range 8 {
			visitors.Go(func() {
				for {
					conn, err := net.DialTimeout("tcp", inner.Addr().String(), 10*time.Second)
					if err != nil {
						return // refused
					}
					made.Add(1)
					if _, err := conn.Write([]byte("form")); err == nil {
						if answer, _ := io.ReadAll(conn); string(answer) == "done" {
							served.Add(1)
						}
					}
					_ = conn.Close()
				}
			})
		}
		for i := 0; ; i++ {
			if i == 200 {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * drainFor) // the program has no processor until the deadline is over
			}
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadFull(conn, make([]byte, len("form")))
			_, wrote := conn.Write([]byte("done"))
			if err := errors.Join(err, wrote, conn.Close()); err != nil {
				t.Fatal(err)
			}
		}
		visitors.Wait()
		if made.Load() != served.Load() {
			losses++
			t.Logf("%d connections were made, %d served", made.Load(), served.Load())
		}
	}
	// One close in a hundred meets a connection in its last microseconds.
	if losses > 3 {
		t.Errorf("connections were lost in %d of %d closes", losses, rounds)
	}
}

// O3: systemd learns that the portal answers.
func TestO3_SystemdIsNotified(t *testing.T) {
	at := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenPacket("unixgram", at)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := errors.Join(notifyReady(""), notifyReady(at)); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 64)
	n, _, err := socket.ReadFrom(said)
	if err != nil || string(said[:n]) != "READY=1" {
		t.Errorf("%v %q", err, said[:n])
	}
	if notifyReady(filepath.Join(t.TempDir(), "absent")) == nil {
		t.Error("an absent socket is no error")
	}
}
