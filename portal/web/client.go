package web

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"entree/internal/loopback"

	"github.com/gin-gonic/gin"
)

// Values of Config.ProxyHeader.
const (
	HeaderXForwardedFor = "x-forwarded-for"
	HeaderForwarded     = "forwarded"
)

// faultShown is how long /readyz reports a header that could not be parsed,
// counted from the last such request.
const faultShown = time.Hour

// proxies finds the visitor's address behind the trusted reverse proxies. It is
// safe for concurrent use.
type proxies struct {
	trusted []netip.Prefix
	header  string // the only header that is read; empty: X-Forwarded-For, else Forwarded
	log     *slog.Logger
	now     func() time.Time

	mu       sync.Mutex
	reported map[string]bool // log lines that were written, by their key
	fault    string
	faultAt  time.Time
}

func newProxies(c Config) (*proxies, error) {
	p := &proxies{header: c.ProxyHeader, log: c.Log, now: c.Now, reported: map[string]bool{}}
	switch p.header {
	case "", HeaderXForwardedFor, HeaderForwarded:
	default:
		return nil, fmt.Errorf("proxy header %q: want %s, %s or nothing", p.header, HeaderXForwardedFor, HeaderForwarded)
	}
	for _, text := range c.TrustedProxies {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("trusted proxies: %q is neither an address nor a network", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
		}
		p.trusted = append(p.trusted, prefix)
	}
	return p, nil
}

func (p *proxies) trusts(a netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// client returns the address of the visitor: the first address from the right
// that does not belong to a trusted proxy. The search ends at an entry that
// cannot be parsed, because the entries to its left may come from the visitor.
// The zero Addr means that the address of the connection is unknown.
func (p *proxies) client(r *http.Request) netip.Addr {
	client, ok := parseNode(r.RemoteAddr)
	if !ok {
		return netip.Addr{}
	}
	if !p.trusts(client) {
		if (client.IsLoopback() || client.IsPrivate()) && r.Header.Get("X-Forwarded-For")+r.Header.Get("Forwarded") != "" {
			p.logOnce("untrusted", "a request from an address that is not in portal.trusted_proxies names a visitor", "from", client.String())
		}
		return client
	}
	name, nodes, ok := p.nodes(r.Header)
	if !ok {
		p.unreadable(name, client, strings.Join(r.Header.Values(name), ", "))
		return client
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		next, ok := parseNode(nodes[i])
		if !ok {
			p.unreadable(name, client, nodes[i])
			return client
		}
		if client = next; !p.trusts(client) {
			break
		}
	}
	return client
}

// nodes returns the entries of the header that names the visitor, with the
// nearest proxy's entry last. All lines of the header are joined: HAProxy adds
// a separate line. ok is false if the header does not parse.
func (p *proxies) nodes(h http.Header) (name string, nodes []string, ok bool) {
	if xff := h.Values("X-Forwarded-For"); p.header != HeaderForwarded && (len(xff) > 0 || p.header != "") {
		if len(h.Values("Forwarded")) > 0 && p.header == "" {
			p.logOnce("both", "a trusted proxy passed X-Forwarded-For and Forwarded: portal.proxy_header should name the one that it writes")
		}
		for node := range strings.SplitSeq(strings.Join(xff, ","), ",") {
			if node = strings.TrimSpace(node); node != "" { // an empty list element is ignored (RFC 9110 §5.6.1)
				nodes = append(nodes, node)
			}
		}
		return "X-Forwarded-For", nodes, true
	}
	nodes, ok = parseForwarded(strings.Join(h.Values("Forwarded"), ","))
	return "Forwarded", nodes, ok
}

// unreadable reports an entry that could not be parsed: once in the log, and in
// /readyz for an hour after the last one. The log contains only the shape of
// the entry, with each digit written as 9 and each letter as a.
func (p *proxies) unreadable(header string, proxy netip.Addr, entry string) {
	p.mu.Lock()
	p.fault, p.faultAt = fmt.Sprintf("%s from %s holds an entry that is not an address", header, proxy), p.now()
	p.mu.Unlock()
	shape := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return '9'
		case r > '~' || r < ' ':
			return '?'
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
			return 'a'
		}
		return r
	}, entry[:min(len(entry), 80)])
	p.logOnce("unreadable", "the header that names the visitor cannot be parsed: visitors behind this proxy count as one network", "header", header, "proxy", proxy.String(), "shape", shape)
}

func (p *proxies) logOnce(key, message string, args ...any) {
	p.mu.Lock()
	before := p.reported[key]
	p.reported[key] = true
	p.mu.Unlock()
	if !before {
		p.log.Warn(message, args...)
	}
}

// ready returns an error if an entry could not be parsed within the last hour
// (faultShown). /readyz runs it as a check.
func (p *proxies) ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != "" && p.now().Sub(p.faultAt) < faultShown {
		return proxyFault(p.fault)
	}
	return nil
}

// proxyFault is the error of ready. It has the method Lines, so that the text
// is shown on the listener for operators.
type proxyFault string

func (f proxyFault) Error() string   { return string(f) }
func (f proxyFault) Lines() []string { return []string{string(f)} }

// parseNode parses an address as proxies write it: 192.0.2.1, 192.0.2.1:5000,
// 2001:db8::1, [2001:db8::1], [2001:db8::1]:5000, each with a zone or without. Addresses
// that no visitor has, such as 0.0.0.0, are refused.
// The port may be an obfuscated one (RFC 7239, 6.2). The zone is dropped.
func parseNode(s string) (netip.Addr, bool) {
	host, port := strings.Trim(s, " \t\"'"), ""
	if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		var rest string
		var closed, hasPort bool
		if host, rest, closed = strings.Cut(inner, "]"); !closed {
			return netip.Addr{}, false
		}
		if port, hasPort = strings.CutPrefix(rest, ":"); rest != "" && !hasPort {
			return netip.Addr{}, false
		}
	} else if i := strings.LastIndexByte(host, ':'); strings.Count(host, ":") == 1 || i > strings.LastIndexByte(host, '.') && strings.Contains(host, ".") {
		host, port = host[:i], host[i+1:] // also ::ffff:192.0.2.1:5000, as Node.js joins it
	}
	if strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(port, "_") {
		return netip.Addr{}, false
	}
	host, _, _ = strings.Cut(host, "%")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.IsUnspecified() || addr.IsMulticast() {
		return netip.Addr{}, false
	}
	if v4, ok := fromNAT64(addr); ok {
		return v4, true
	}
	return addr.Unmap(), true
}

// nat64 is the well-known prefix of translators (RFC 6052 §2.1). All visitors behind one
// share its /64; the last four bytes are a visitor's own IPv4 address.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func fromNAT64(addr netip.Addr) (v4 netip.Addr, ok bool) {
	if !nat64.Contains(addr) {
		return v4, false
	}
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// parseForwarded returns the "for" parameter of each element of a Forwarded
// header (RFC 7239, 4), unquoted. An element without one is returned as the
// empty string, so that it cannot be skipped. ok is false if the header does
// not parse.
func parseForwarded(s string) (nodes []string, ok bool) {
	for _, element := range splitQuoted(s, ',') {
		if strings.TrimSpace(element) == "" {
			continue
		}
		node, found := "", false
		for _, pair := range splitQuoted(element, ';') {
			if strings.TrimSpace(pair) == "" {
				continue
			}
			name, value, hasValue := strings.Cut(pair, "=")
			if !hasValue {
				return nil, false
			}
			if !strings.EqualFold(strings.TrimSpace(name), "for") {
				continue
			}
			if found {
				return nil, false
			}
			if node, found = unquote(strings.TrimSpace(value)); !found {
				return nil, false
			}
		}
		nodes = append(nodes, node)
	}
	return nodes, true
}

// splitQuoted splits s at a separator outside of quoted strings.
func splitQuoted(s string, separator byte) (parts []string) {
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:])
}

// unquote returns the value of a token or of a quoted string (RFC 9110, 5.6.4).
func unquote(s string) (string, bool) {
	inner, quoted := strings.CutPrefix(s, `"`)
	if !quoted {
		return s, !strings.Contains(s, `"`)
	}
	var b strings.Builder
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return b.String(), i == len(inner)-1
		case '\\':
			if i++; i == len(inner) {
				return "", false
			}
		}
		b.WriteByte(inner[i])
	}
	return "", false
}

// ClientKey returns the network of the visitor, by which rate limits count: one
// IPv4 address, or an IPv6 /64. A /64 is the smallest network that a customer
// receives (RFC 6177), and changing the address within it costs nothing.
func (s *Site) ClientKey(c *gin.Context) string {
	addr := s.proxies.client(c.Request)
	if !addr.IsValid() {
		return "unknown"
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // 32 and 64 are valid for their address family
	return prefix.String()
}

// forwardingHeaders are the headers that reverse proxies add to a request.
var forwardingHeaders = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "Via"}

// isLocal reports whether a request comes from this machine without a reverse
// proxy: its peer and its Host are loopback addresses and it has no header of a
// proxy.
func isLocal(r *http.Request) bool {
	for _, name := range forwardingHeaders {
		if r.Header.Values(name) != nil {
			return false
		}
	}
	peer, ok := parseNode(r.RemoteAddr)
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return ok && peer.IsLoopback() && loopback.IsHost(host)
}
