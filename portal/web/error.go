package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
)

// Error ends a request with an error page. The visitor reads the message of Key,
// a key under "error."; the log holds Cause, which is never shown.
type Error struct {
	Status int
	Key    string
	Cause  error
	Retry  time.Time // when a new attempt can succeed; zero: not known
	GoOn   string    // address of the link on the page; empty: the welcome page
	Label  string    // message key of that link
}

// Error returns the text for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Key
	}
	return e.Key + ": " + e.Cause.Error()
}

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// SeeOther ends a request with a redirect (303) to an address: a reload repeats
// the page and never the act.
type SeeOther string

// Error lets a handler return a SeeOther.
func (s SeeOther) Error() string { return "see " + string(s) }

// Malformed returns the error for a request that no form of the portal sends.
func Malformed(format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Key: "malformed", Cause: fmt.Errorf(format, args...)}
}

// asError returns the error page of an error.
func asError(err error) *Error {
	var e *Error
	var refusal *domain.Refusal
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, domain.ErrNotFound), errors.Is(err, activation.ErrExpired):
		return &Error{Status: http.StatusGone, Key: "ended", Cause: err, GoOn: "/activation", Label: "error.restart"}
	case errors.As(err, &refusal) && refusal.Reason == domain.ReasonBusy:
		return &Error{Status: http.StatusServiceUnavailable, Key: "busy", Cause: err, Retry: refusal.Retry}
	case errors.As(err, &refusal) && !refusal.Retry.IsZero():
		return &Error{Status: http.StatusTooManyRequests, Key: "too_many", Cause: err, Retry: refusal.Retry}
	case errors.As(err, &tooLarge):
		return &Error{Status: http.StatusRequestEntityTooLarge, Key: "too_large", Cause: err}
	}
	return &Error{Status: http.StatusInternalServerError, Key: "internal", Cause: err}
}

// Handle adapts a handler that returns its failure: the answer is written
// either by the handler or here, never by both.
func (s *Site) Handle(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.fail(c, err)
		}
	}
}

// ErrorPage returns the data of an error page. The package of the pages sets it
// as Config.ErrorPage, so that this data is declared beside that of other pages.
type ErrorPage func(e *Error, wait template.HTML) any

func (s *Site) fail(c *gin.Context, err error) {
	c.Abort()
	var to SeeOther
	if errors.As(err, &to) {
		c.Redirect(http.StatusSeeOther, string(to))
		return
	}
	if c.Request.Context().Err() != nil && errors.Is(err, context.Canceled) {
		c.Status(statusClientGone)
		return
	}
	e := asError(err)
	level := slog.LevelInfo
	if e.Status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	s.Log(c).Log(c.Request.Context(), level, "request failed", "key", e.Key, "status", e.Status, "cause", errText(e.Cause))
	v := s.View(c, "error."+e.Key+".title")
	v.Reference = Reference(c)
	s.RetryAfter(c, e.Retry)
	if err := s.Render(c, e.Status, "error", v.With(s.config.ErrorPage(e, s.Wait(v, e.Retry)))); err != nil {
		s.Log(c).Error("error page failed", "cause", err.Error())
		c.Data(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("500 · "+v.Reference+"\n"))
	}
}

// statusClientGone marks, in logs and metrics, a request whose client left before
// the response. It is never sent.
const statusClientGone = 499

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// RetryAfter sets the header Retry-After (RFC 9110, 10.2.3).
func (s *Site) RetryAfter(c *gin.Context, at time.Time) {
	if !at.IsZero() {
		seconds := math.Ceil(at.Sub(s.config.Now()).Seconds())
		c.Header("Retry-After", strconv.Itoa(max(1, int(seconds))))
	}
}

// Wait returns the time until at in words: "dans 4 minutes". It is empty if at is
// zero.
func (s *Site) Wait(v View, at time.Time) template.HTML {
	if at.IsZero() {
		return ""
	}
	d := max(at.Sub(s.config.Now()), time.Second)
	unit, n := "seconds", math.Ceil(d.Seconds())
	switch {
	case d > 90*time.Minute:
		unit, n = "hours", math.Ceil(d.Hours())
	case d > 90*time.Second:
		unit, n = "minutes", math.Ceil(d.Minutes())
	}
	return v.T("wait."+unit, "Count", int(n))
}
