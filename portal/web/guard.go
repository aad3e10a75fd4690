package web

import (
	"errors"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
)

// probes are the paths that monitoring systems request, often by the address of
// this process. Their Host header is not checked, and their answers do not
// depend on it.
var probes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// limit refuses requests that no visitor of the portal sends: forms of another
// site, a foreign Host, and URLs and bodies that are far too long. Links are
// built from the configuration alone, so a request with a foreign Host is
// misrouted or hostile. A Host that is the portal's own name with a final dot
// is redirected. limit also sets the maximum size of the body.
func (s *Site) limit(c *gin.Context) {
	if host, dotted := withoutDot(c.Request.Host); dotted && sameHost(s.base, host) && (c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead) {
		to := url.URL{Path: c.Request.URL.Path, RawQuery: c.Request.URL.RawQuery} // not RequestURI, which may be "@evil.example"
		c.Redirect(http.StatusMovedPermanently, s.Base()+"/"+strings.TrimLeft(to.String(), "./"))
		c.Abort()
		return
	}
	if err := s.refuse(c); err != nil {
		s.sectionOf(c).fail(c, err)
		return
	}
	most, ok := s.uploads[c.FullPath()]
	if !ok {
		most = maxBody
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, most)
	c.Next()
}

// withoutDot removes the final dot of the DNS root from a Host header and
// reports whether there was one. Browsers send the dot if the visitor typed it,
// and keep separate cookies for the two names.
func withoutDot(host string) (string, bool) {
	name, port, found := strings.Cut(host, ":")
	short, dotted := strings.CutSuffix(name, ".")
	if found {
		short += ":" + port
	}
	return short, dotted
}

// crossOrigin checks the headers Sec-Fetch-Site and Origin of requests with
// unsafe methods. It has no exempt path and no trusted origin.
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

// CheckSameOrigin returns a 403 error for a GET that was caused by a page of
// another site or of another origin. It protects answers that export data or
// hold a connection open: a link on another site must not make the browser
// request them. A typed or bookmarked address passes. goOn and label are the
// address and the text of the link on the error page. For browsers that do not
// send Sec-Fetch-Site, Origin and Referer are checked; a client that sends none
// of the three is not a browser that follows links.
func (s *Site) CheckSameOrigin(c *gin.Context, goOn, label string) error {
	h := c.Request.Header
	elsewhere := &Error{Status: http.StatusForbidden, Key: "elsewhere", GoOn: goOn, Label: label, Cause: errors.New("the request comes from another origin")}
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

// isText reports whether s can be stored in every database: valid UTF-8 without
// NUL, which PostgreSQL refuses.
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

// recover answers a panic with the generic error page. The value of a panic may
// contain personal data, so only errors of the Go runtime are logged as text.
// The stack contains memory addresses but no strings.
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
