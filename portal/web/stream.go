package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// streamLife is the maximum duration of a stream. The browser then
	// reconnects by itself, and the session is checked again.
	streamLife = 10 * time.Minute
	// sendTime is the timeout for one event. It ends the stream of a client
	// that does not read.
	sendTime = 20 * time.Second
	// silence is the longest time without a byte, because proxies close idle
	// connections.
	silence = 10 * time.Second
)

// Events answers with server-sent events (HTML Living Standard §9.2). owner is
// the operator by whom open streams are counted. run receives a context that is
// cancelled when the request ends, when the program stops, at until, or after
// ten minutes, and a function that sends one event. An empty event only keeps
// the connection open.
func (s *Site) Events(c *gin.Context, owner string, until time.Time, run func(ctx context.Context, send func(data string) error) error) error {
	leave, err := s.Lasting(c, owner)
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(c.Writer)
	// Without this reset, the server's read timeout would end the request's
	// context.
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("events: %w", err)
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), min(streamLife, until.Sub(s.config.Now())))
	defer cancel()
	go func() {
		select {
		case <-s.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	c.Header("Content-Type", "text/event-stream; charset=utf-8")
	c.Header("X-Accel-Buffering", "no") // nginx would buffer events
	c.Status(http.StatusOK)
	c.Writer.WriteHeaderNow()
	send := func(data string) error {
		if err := control.SetWriteDeadline(time.Now().Add(sendTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("events: %w", err)
		}
		var b strings.Builder
		for line := range strings.Lines(data) {
			b.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
		}
		b.WriteString("\n")
		if _, err := c.Writer.WriteString(b.String()); err != nil {
			return err
		}
		return control.Flush()
	}
	if err := run(ctx, send); err != nil && ctx.Err() == nil {
		s.Log(c).Info("the event stream was interrupted", "cause", err.Error())
	}
	return nil // the response has begun: an error page is no longer possible
}

// EndStreams ends all streams. It is called at shutdown, which would otherwise
// wait for browsers with open streams.
func (s *Site) EndStreams() { s.endOnce.Do(func() { close(s.ended) }) }

// Live keeps one block of a page up to date: it calls load at each interval and
// sends the block if its text has changed. The other parameters and the error
// are those of Events.
func (s *Site) Live(c *gin.Context, owner, page, block string, every time.Duration, until time.Time, load func(context.Context) (View, error)) error {
	return s.Events(c, owner, until, func(ctx context.Context, send func(string) error) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last, sent := "", time.Now()
		for {
			v, err := load(ctx)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := s.draw(&b, page, block, v); err != nil {
				return err
			}
			if text := b.String(); text != last {
				if err := send(text); err != nil {
					return err
				}
				last, sent = text, time.Now()
			} else if time.Since(sent) >= silence {
				if err := send(""); err != nil {
					return err
				}
				sent = time.Now()
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}
