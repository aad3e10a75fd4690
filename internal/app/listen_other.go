//go:build !unix

package app

import "net"

// connectionWaits returns false: systems other than Unix cannot be asked.
func connectionWaits(*net.TCPListener) bool { return false }
