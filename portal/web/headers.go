package web

import (
	"strings"

	"github.com/gin-gonic/gin"
)

// headers sets the headers of every response. form-action lists the origins of
// redirects after a form as well, because Chromium applies it to redirects.
func (s *Site) headers() gin.HandlerFunc {
	fixed := map[string]string{
		"Content-Security-Policy": strings.Join([]string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
			"connect-src 'self'", "manifest-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
			strings.Join(append([]string{"form-action 'self'"}, s.config.FormTargets...), " "),
		}, "; "),
		"X-Content-Type-Options": "nosniff",
		// Not no-referrer: it sets the Origin of the portal's own forms to null, for
		// which a browser without Sec-Fetch-Site would be refused.
		"Referrer-Policy":              "same-origin",
		"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		// Static files replace this; other responses may hold personal data.
		"Cache-Control": "no-store",
	}
	if s.base.Scheme == "https" {
		fixed["Strict-Transport-Security"] = "max-age=63072000"
	}
	return func(c *gin.Context) {
		h := c.Writer.Header()
		for name, value := range fixed {
			h.Set(name, value)
		}
		c.Next()
	}
}
