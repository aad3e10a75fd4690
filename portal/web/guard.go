package web

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// probes are asked for by machines that know this process by its own address
// rather than by the portal's; they show nothing that depends on the Host.
var probes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// limit refuses what no visitor of the portal sends: another site's forms, a
// foreign Host (links are made from the configuration alone, so such a request
// is lost or hostile), addresses and bodies beyond any use.
func (s *Site) limit(c *gin.Context) {
	if err := s.refuse(c); err != nil {
		s.fail(c, err)
		return
	}
	most, ok := s.uploads[c.FullPath()]
	if !ok {
		most = maxBody
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
	c.Next()
}

// crossOrigin looks at Sec-Fetch-Site and Origin; it has no exempt header and
// no trusted origin.
var crossOrigin = http.NewCrossOriginProtection()

func (s *Site) refuse(c *gin.Context) error {
	r := c.Request
	if !probes[r.URL.Path] && !sameHost(s.base, r.Host) {
		return &Error{Status: http.StatusMisdirectedRequest, Key: "host", GoOn: s.Base() + "/", Cause: errors.New("foreign Host")}
	}
	if len(r.RequestURI) > maxURL {
		return &Error{Status: http.StatusRequestURITooLong, Key: "too_large"}
	}
	if !isText(r.URL.Path) || strings.Contains(r.URL.RawQuery, "%") && !allText(r.URL.Query()) {
		return Malformed("the address is no text")
	}
	if err := crossOrigin.Check(r); err != nil {
		return &Error{Status: http.StatusForbidden, Key: "forbidden", Cause: err}
	}
	return nil
}

// isText tells whether a value is text that every database takes: UTF-8, and
// none of it NUL, which PostgreSQL refuses.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func allText(query url.Values) bool {
	for name, values := range query {
		if !isText(name) || !isText(strings.Join(values, "")) {
			return false
		}
	}
	return true
}

func sameHost(base *url.URL, host string) bool {
	u := url.URL{Scheme: base.Scheme, Host: host}
	return strings.EqualFold(base.Hostname(), u.Hostname()) && port(base) == port(&u)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// recover is the last resort: whatever panics becomes the generic page. A
// panic's value may hold anything, so only the runtime's own errors are logged
// as text; the stack, which holds addresses but no strings, shows the rest.
func (s *Site) recover(c *gin.Context) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(value)
		}
		text := "(withheld)"
		if err, ok := value.(runtime.Error); ok {
			text = err.Error()
		}
		s.Log(c).Error("panic", "value", text, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			s.fail(c, &Error{Status: http.StatusInternalServerError, Key: "internal", Cause: errors.New("panic")})
		}
	}()
	c.Next()
}

// ClientKey names the network of a visitor for the limits: one IPv4 address,
// or the /64 that an IPv6 customer gets (RFC 6177), whose addresses cost
// nothing to change.
func (s *Site) ClientKey(c *gin.Context) string {
	addr, err := netip.ParseAddr(c.ClientIP())
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // bits fit the family
	return prefix.String()
}
