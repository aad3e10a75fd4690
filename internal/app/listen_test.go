package app

import (
	"errors"
	"net"
	"path/filepath"
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
