//go:build unix

package app

import (
	"net"

	"golang.org/x/sys/unix"
)

// connectionWaits reports whether the kernel has a connection that Accept would return.
func connectionWaits(l *net.TCPListener) bool {
	raw, err := l.SyscallConn()
	if err != nil {
		return false
	}
	n := 0
	err = raw.Control(func(fd uintptr) {
		n, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0) // -1 with an error
	})
	return err == nil && n > 0
}
