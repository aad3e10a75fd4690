package web

import (
	"encoding/base32"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	referenceKey = "reference"
	beganKey     = "began"
)

var referenceAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// observe assigns a correlation id to each request and logs one line after the
// answer. The line contains the route template instead of the address and a
// pseudonym instead of the client address, and no submitted value. An id in the
// request is ignored, because the client could choose it.
func (s *Site) observe(c *gin.Context) {
	start := s.config.Now()
	c.Set(beganKey, start)
	id, err := newReference(s.config.Random)
	if err != nil {
		s.config.Log.Error("the random source of the system failed", "cause", err.Error())
	}
	c.Set(referenceKey, id)
	c.Header("X-Request-Id", id)
	end := s.trace(c)
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
	end(method(c.Request.Method), route, c.Writer.Status(), id)
	s.config.Log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", slog.String("request", id),
		slog.String("method", method(c.Request.Method)), slog.String("route", route), slog.Int("status", c.Writer.Status()),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("client", s.config.Keys.Pseudonym(s.ClientKey(c))))
}

// Began returns the time at which a request came.
func Began(c *gin.Context) time.Time { return c.GetTime(beganKey) }

// trace begins the span of a request, if requests are traced. The span of a probe
// is never ended, so that it is not sent.
func (s *Site) trace(c *gin.Context) (end func(method, route string, status int, reference string)) {
	if s.config.Trace == nil {
		return func(string, string, int, string) {}
	}
	ctx, end := s.config.Trace(c.Request.Context())
	c.Request = c.Request.WithContext(ctx)
	return end
}

// newReference returns 60 random bits as a text that can be read out over a
// telephone: "7K3F-9Q2M-0XVB".
func newReference(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("reference: %w", err)
	}
	t := referenceAlphabet.EncodeToString(b[:])
	return t[0:4] + "-" + t[4:8] + "-" + t[8:12], nil
}

// Reference returns the correlation id of the request. Error pages and all log
// lines of the request contain it.
func Reference(c *gin.Context) string { return c.GetString(referenceKey) }

// Log returns a logger that adds the correlation id of the request.
func (s *Site) Log(c *gin.Context) *slog.Logger { return s.config.Log.With("request", Reference(c)) }

// method returns an HTTP method for logs and metrics. It replaces an unknown
// method by "other", so that a client cannot create label values.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}
