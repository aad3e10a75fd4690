package web

import (
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/gin-gonic/gin"
)

const referenceKey = "reference"

var referenceAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// observe gives each request a correlation id and writes one line about it:
// the route's template rather than the address, a pseudonym rather than the
// client, nothing that was typed. The id is always made here; one that comes
// with the request could be anything.
func (s *Site) observe(c *gin.Context) {
	start := s.config.Now()
	// Gin reads the first line of this header alone, which is the visitor's own
	// where a proxy adds a line of its own (HAProxy does) instead of a value.
	if lines := c.Request.Header["X-Forwarded-For"]; len(lines) > 1 {
		c.Request.Header["X-Forwarded-For"] = []string{strings.Join(lines, ", ")}
	}
	id, err := newReference(s.config.Random)
	if err != nil {
		s.config.Log.Error("no randomness", "cause", err.Error())
	}
	c.Set(referenceKey, id)
	c.Header("X-Request-Id", id)
	c.Next()
	took := s.config.Now().Sub(start)
	route := c.FullPath()
	if route == "" {
		route = "none"
	}
	s.config.Metrics.request(route, c.Request.Method, c.Writer.Status(), took)
	if probes[route] {
		return
	}
	s.Log(c).Info("request",
		"method", method(c.Request.Method), "route", route, "status", c.Writer.Status(),
		"ms", float64(took.Microseconds())/1000, "client", s.config.Keys.Pseudonym(s.ClientKey(c)))
}

// newReference makes 60 random bits that can be read out over a telephone:
// "7K3F-9Q2M-0XVB".
func newReference(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reference: %w", err)
	}
	t := referenceAlphabet.EncodeToString(b[:])
	return t[0:4] + "-" + t[4:8] + "-" + t[8:12], nil
}

// Reference is the request's correlation id, on error pages and in each line
// of the log.
func Reference(c *gin.Context) string { return c.GetString(referenceKey) }

// Log is the logger of a request.
func (s *Site) Log(c *gin.Context) *slog.Logger { return s.config.Log.With("request", Reference(c)) }

// method bounds what a client can write into logs and figures.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}
