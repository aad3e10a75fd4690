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

// streamLife bounds one stream. The browser comes again by itself, and with it
// the question whether its session is still good.
const streamLife = 10 * time.Minute

// Events answers with server-sent events (HTML Living Standard, 9.2). tell gets
// a context that ends with the visitor, with the program, at until or after ten
// minutes, and a function that sends one event. The page has shown the same before,
// without a script: a stream only keeps it fresh.
func (s *Site) Events(c *gin.Context, until time.Time, tell func(ctx context.Context, send func(data string) error) error) error {
	control := http.NewResponseController(c.Writer)
	if err := control.SetWriteDeadline(time.Now().Add(streamLife + time.Minute)); err != nil && !errors.Is(err, http.ErrNotSupported) {
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
	c.Header("X-Accel-Buffering", "no") // nginx would keep events back
	c.Status(http.StatusOK)
	c.Writer.WriteHeaderNow()
	send := func(data string) error {
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
	err := tell(ctx, send)
	if err != nil && ctx.Err() == nil {
		s.Log(c).Error("events ended", "cause", err.Error())
	}
	return nil // the answer has begun: there is no error page any more
}

// EndStreams ends every stream, so that a program that stops does not wait for
// browsers that only listen.
func (s *Site) EndStreams() { s.endOnce.Do(func() { close(s.ended) }) }

// Live keeps one block of a page fresh: every so often load reads the view's
// data, and the block is sent where it reads differently than before.
func (s *Site) Live(c *gin.Context, page, block string, every time.Duration, until time.Time, load func(context.Context) (View, error)) error {
	return s.Events(c, until, func(ctx context.Context, send func(string) error) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		last := ""
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
				last = text
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
}
