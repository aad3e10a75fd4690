package web

import (
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"

	"github.com/gin-gonic/gin"
)

const referenceKey = "reference"

var referenceAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// observe gives each request a correlation id and logs one line about it: the
// template of the route instead of the address, a pseudonym instead of the
// client, nothing that was typed. An id that comes with the request is not used:
// the client chose it.
func (s *Site) observe(c *gin.Context) {
	start := s.config.Now()
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

// newReference returns 60 random bits that can be read out over a telephone:
// "7K3F-9Q2M-0XVB".
func newReference(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reference: %w", err)
	}
	t := referenceAlphabet.EncodeToString(b[:])
	return t[0:4] + "-" + t[4:8] + "-" + t[8:12], nil
}

// Reference returns the correlation id of the request, which error pages and
// each line of the log hold.
func Reference(c *gin.Context) string { return c.GetString(referenceKey) }

// Log returns the logger of a request.
func (s *Site) Log(c *gin.Context) *slog.Logger { return s.config.Log.With("request", Reference(c)) }

// method bounds what a client can write into logs and metrics.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}
