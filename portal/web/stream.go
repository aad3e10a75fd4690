package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	// streamLife limits one stream. The browser opens the next one by itself,
	// which checks the session again.
	streamLife = 10 * time.Minute
	// sendTime limits the time of one event: a client that does not read ends
	// its stream.
	sendTime = 20 * time.Second
	// silence is the longest time without a byte; proxies close silent
	// connections.
	silence = 10 * time.Second
)

// Events answers with server-sent events (HTML Living Standard, 9.2). owner is
// the operator whose streams are counted together. run gets a context that ends
// with the request, with the program, at until or after ten minutes, and a
// function that sends one event; an empty one only keeps the connection open.
func (s *Site) Events(c *gin.Context, owner string, until time.Time, run func(ctx context.Context, send func(data string) error) error) error {
	leave, err := s.Lasting(c, owner)
	if err != nil {
		return err
	}
	defer leave()
	control := http.NewResponseController(c.Writer)
	// Without this, the server's read timeout would end the request's context.
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
		s.Log(c).Info("events ended", "cause", err.Error())
	}
	return nil // the response has begun: an error page is not possible any more
}

// EndStreams ends every stream. A server that shuts down calls it, so that it
// does not wait for browsers that only listen.
func (s *Site) EndStreams() { s.endOnce.Do(func() { close(s.ended) }) }

// Live keeps one block of a page fresh: load reads the view's data at each
// interval, and the block is sent if its text has changed.
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
			b, err := s.draw(page, block, v)
			if err != nil {
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
