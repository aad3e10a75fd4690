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

// Limits for bodies, which are read before a request takes one of the places of
// crowd (R6). A client that sends a slow body holds only a connection and the
// bytes that it has sent, and no place that other visitors need.
const (
	bodyTime    = 15 * time.Second // for a whole body, uploads excepted
	smallBody   = 8 << 10          // larger than every student form, except one with a very long password
	largeBodies = 32               // bodies above smallBody that are read at the same time
)

// takeBody reads the request body into memory. Uploads are the exception: the
// handler reads them after it has checked the operator's session. The
// connection of an upload is closed afterwards, because net/http would
// otherwise read the rest of a refused body before it answers.
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
		// Without this reset, the deadline would end the request's context.
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
