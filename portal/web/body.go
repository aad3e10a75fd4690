package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"
)

// Limits of the bodies that are read before a request takes a place (R6). A
// sender of a slow body holds a connection and the bytes that it sent, and
// nothing that other visitors need.
const (
	bodyTime    = 15 * time.Second // for a whole body that is not an upload
	smallBody   = 8 << 10          // every form of a student fits, but for very long passwords
	largeBodies = 32               // bodies beyond smallBody that are read at once
)

// takeBody reads the body of a request, but for uploads, into memory. An upload
// is read by its handler once the operator is known; its connection is closed
// afterwards, because net/http would otherwise wait for the rest of a refused
// body before it answers.
func (s *Site) takeBody(c *gin.Context) {
	if _, upload := s.uploads[c.FullPath()]; upload && c.Request.Method == http.MethodPost {
		c.Header("Connection", "close")
		c.Next()
		return
	}
	if c.Request.ContentLength == 0 {
		c.Next()
		return
	}
	body, err := s.readBody(c)
	if err != nil {
		c.Header("Connection", "close")
		s.sectionOf(c).fail(c, err)
		return
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	c.Next()
}

func (s *Site) readBody(c *gin.Context) ([]byte, error) {
	control := http.NewResponseController(c.Writer)
	if err := control.SetReadDeadline(time.Now().Add(bodyTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("body: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(c.Request.Body, smallBody))
	if err == nil && len(body) == smallBody {
		if s.largeBodies.Add(1) > largeBodies {
			err = &Error{Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("too many large bodies"), Retry: s.config.Now().Add(comeBack)}
		} else {
			var rest []byte
			rest, err = io.ReadAll(c.Request.Body)
			body = append(body, rest...)
		}
		s.largeBodies.Add(-1)
	}
	var network net.Error
	switch {
	case err == nil:
		// Without this, the deadline would end the request's context.
		if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return nil, fmt.Errorf("body: %w", err)
		}
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return nil, &Error{Status: http.StatusRequestTimeout, Key: "slow", Cause: errors.New("body not sent in time")}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, Malformed("body ends early")
	}
	return nil, err
}
