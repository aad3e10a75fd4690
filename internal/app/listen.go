package app

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// drainFor is the time for which a listener that is being closed still accepts
// connections: handshakes that had begun end within it.
const drainFor = 50 * time.Millisecond

// draining is a listener that, when it is closed, first accepts all connections that
// wait in the kernel. One that comes in the microseconds between the last look and the
// close is reset: about one in a hundred closes under full load.
type draining struct {
	*net.TCPListener
	mu      sync.Mutex
	closing bool // Close was called
	late    bool // drainFor is over
}

// drain returns l as a listener that loses no connection when it is closed. Other
// listeners than those of TCP are returned as they are.
func drain(l net.Listener) net.Listener {
	if tcp, ok := l.(*net.TCPListener); ok {
		return &draining{TCPListener: tcp}
	}
	return l
}

// Accept returns net.ErrClosed when the listener is closed and no connection waits. One
// goroutine calls it.
func (d *draining) Accept() (net.Conn, error) {
	if !d.late {
		conn, err := d.TCPListener.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return conn, err
		}
		d.late = true
	}
	if !connectionWaits(d.TCPListener) {
		return nil, errors.Join(net.ErrClosed, d.TCPListener.Close())
	}
	// After its deadline, Accept ends before it looks for a connection.
	if err := d.SetDeadline(time.Now().Add(drainFor)); err != nil {
		return nil, err
	}
	return d.TCPListener.Accept()
}

// Close begins to close. It returns at once; Accept closes the socket.
func (d *draining) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closing {
		return nil
	}
	d.closing = true
	return d.SetDeadline(time.Now().Add(drainFor))
}

// notifyReady reports to systemd, for Type=notify, that the portal answers. It does
// nothing without NOTIFY_SOCKET.
func notifyReady(socket string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unixgram", socket)
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte("READY=1"))
	return errors.Join(err, conn.Close())
}
