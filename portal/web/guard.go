package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// probes are requested by monitoring, which knows this process by its own
// address: their Host header is not checked, and no answer depends on it.
var probes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// limit refuses what no visitor of the portal sends: another site's forms, a
// foreign Host (links are built from the configuration alone, so such a request
// is lost or hostile), addresses and bodies beyond any use. The portal's own
// host name with a dot at its end is redirected.
func (s *Site) limit(c *gin.Context) {
	if host, dotted := withoutDot(c.Request.Host); dotted && sameHost(s.base, host) && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead) {
		c.Redirect(http.StatusMovedPermanently, s.Base()+c.Request.URL.RequestURI())
		c.Abort()
		return
	}
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

// withoutDot removes the dot of the DNS root from a Host header: a browser sends
// it as it was typed, and cookies of the two names are different ones.
func withoutDot(host string) (string, bool) {
	name, port, found := strings.Cut(host, ":")
	short, dotted := strings.CutSuffix(name, ".")
	if found {
		short += ":" + port
	}
	return short, dotted
}

// crossOrigin checks Sec-Fetch-Site and Origin of requests that may change
// something. It has no exempt path and no trusted origin.
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

// CheckSameOrigin refuses a GET that a page of another site, or of another
// origin of the same site, caused. It is for answers that export data or hold a
// connection: a link elsewhere must not make the visitor's browser ask for them.
// An address that was typed or bookmarked passes. goOn and label are the link on
// the page that refuses. Browsers without
// Sec-Fetch-Site are judged by Origin and Referer; a client that sends none of
// the three is not a browser that follows links.
func (s *Site) CheckSameOrigin(c *gin.Context, goOn, label string) error {
	h := c.Request.Header
	elsewhere := &Error{Status: http.StatusForbidden, Key: "elsewhere", GoOn: goOn, Label: label, Cause: errors.New("caused by another origin")}
	switch h.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return elsewhere
	}
	for _, name := range []string{"Origin", "Referer"} {
		if from := h.Get(name); from != "" {
			u, err := url.Parse(from)
			if err != nil || u.Scheme != s.base.Scheme || !sameHost(s.base, u.Host) {
				return elsewhere
			}
		}
	}
	return nil
}

// isText reports whether a value is text that every database takes: UTF-8
// without NUL, which PostgreSQL refuses.
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

// recover turns a panic into the generic error page. The value of a panic may
// hold personal data, so only the runtime's own errors are logged as text; the
// stack holds memory addresses but no strings.
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
