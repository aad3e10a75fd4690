// Package loopback recognizes the hosts of this machine, to which connections
// may be unencrypted.
package loopback

import (
	"net/netip"
	"strings"
)

// IsHost reports whether a host name or an IP address, without a port, is this
// machine's loopback. It does not ask the DNS. A name is compared in any
// capitals, with or without the dot at its end, an address with or without
// brackets.
func IsHost(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && ip.Unmap().IsLoopback()
}
