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
//
// A telephone at the edge of its network sends a form at some bytes per second, or
// stops for half a minute and goes on. The limits are wide enough for it: they bound
// how long an unfinished body is kept, not how many are.
const (
	bodyPause   = time.Minute      // between two pieces of a body
	bodyTime    = slowest          // for the first smallBody bytes of a body, uploads excepted
	restTime    = 15 * time.Second // for the bytes beyond them
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
	moving := &movingBody{body: c.Request.Body, control: control, ends: time.Now().Add(bodyTime)}
	body, err := io.ReadAll(io.LimitReader(moving, smallBody))
	if err == nil && len(body) == smallBody {
		if s.largeBodies.Add(1) > largeBodies {
			err = &Error{Status: http.StatusServiceUnavailable, Key: "busy", Cause: errors.New("too many large bodies"), Retry: s.config.Now().Add(comeBack)}
		} else {
			var rest []byte
			moving.ends = time.Now().Add(restTime)
			rest, err = io.ReadAll(moving)
			body = append(body, rest...)
		}
		s.largeBodies.Add(-1)
	}
	// net/http counted the time for the answer from the end of the header.
	if err := ignoreUnsupported(control.SetWriteDeadline(time.Now().Add(answerTime))); err != nil {
		return nil, err
	}
	var network net.Error
	switch {
	case err == nil:
		// Without this reset, the deadline would end the request's context.
		return body, ignoreUnsupported(control.SetReadDeadline(time.Time{}))
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return nil, &Error{Status: http.StatusRequestTimeout, Key: "slow", Cause: errors.New("body not sent in time")}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, Malformed("body ends early")
	}
	return nil, err
}

// movingBody reads a body that may be slow but must not stop for longer than
// bodyPause, nor go on after ends.
type movingBody struct {
	body    io.Reader
	control *http.ResponseController
	ends    time.Time
}

// Read implements io.Reader.
func (m *movingBody) Read(p []byte) (int, error) {
	until := time.Now().Add(bodyPause)
	if m.ends.Before(until) {
		until = m.ends
	}
	if err := ignoreUnsupported(m.control.SetReadDeadline(until)); err != nil {
		return 0, err
	}
	return m.body.Read(p)
}

// ignoreUnsupported drops the error of a connection without deadlines, as tests have.
func ignoreUnsupported(err error) error {
	if err == nil || errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return fmt.Errorf("body: %w", err)
}
