package web

import (
	"maps"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// headers sets the headers of every answer. form-action includes the origins to
// which the answer to a form redirects, because Chromium applies form-action to
// redirects too.
func (s *Site) headers() gin.HandlerFunc {
	fixed := map[string]string{
		"Content-Security-Policy": strings.Join([]string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
			"connect-src 'self'", "manifest-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
			strings.Join(append([]string{"form-action 'self'"}, s.config.FormTargets...), " "),
		}, "; "),
		"X-Content-Type-Options": "nosniff",
		// no-referrer would make browsers send "Origin: null" with the portal's
		// own forms, and a browser without Sec-Fetch-Site would then be
		// refused.
		"Referrer-Policy":              "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		// Static files replace this value. All other answers may contain
		// personal data.
		"Cache-Control": "no-store",
	}
	if s.base.Scheme == "https" {
		fixed["Strict-Transport-Security"] = "max-age=63072000"
	}
	lists := map[string][]string{} // shared by all answers: Set and Add do not change a list of one value
	for name, value := range fixed {
		lists[http.CanonicalHeaderKey(name)] = []string{value}
	}
	return func(c *gin.Context) {
		maps.Copy(c.Writer.Header(), lists)
		c.Next()
	}
}
