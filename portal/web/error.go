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

// Error ends a request with an error page. Key is a message key under "error."
// and selects the text for the visitor. Cause is written to the log and never
// shown.
type Error struct {
	Status int
	Key    string
	Cause  error
	Retry  time.Time // when the visitor can try again; zero: unknown
	GoOn   string    // address of the link to the next page; empty: the welcome page
	Label  string    // message key of the text of that link
}

// Error returns the key and the cause, for logs.
func (e *Error) Error() string {
	if e.Cause == nil {
		return e.Key
	}
	return e.Key + ": " + e.Cause.Error()
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Cause }

// SeeOther is a redirect with status 303 to an address of the site. Handlers
// return it as an error after a POST, so that a reload requests the page and
// does not repeat the act.
type SeeOther string

// Error makes SeeOther an error, so that a handler can return it.
func (s SeeOther) Error() string { return "see " + string(s) }

// Malformed returns a 400 error for a request that no form of the portal sends.
func Malformed(format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Key: "malformed", Cause: fmt.Errorf(format, args...)}
}

// asError converts an error to an error page. It is the only place where an
// error is assigned a status and a message. An unknown error becomes status
// 500.
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

// Handle adapts a handler that returns an error. A handler that returns an
// error must not have written an answer: Handle writes the error page.
func (s *Site) Handle(h func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(c); err != nil {
			s.fail(c, err)
		}
	}
}

// ErrorPage returns the data of the template "error" for an error. wait is the
// time until a retry in words, or empty. The package of the pages provides it
// as Config.ErrorPage, so that package web does not depend on the data types of
// pages.
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

// statusClientGone is the status, in logs and metrics, of a request whose
// client closed the connection before the answer. It is never sent.
const statusClientGone = 499

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// RetryAfter sets the header Retry-After to the seconds until at, at least 1
// (RFC 9110 §10.2.3). It does nothing if at is zero.
func (s *Site) RetryAfter(c *gin.Context, at time.Time) {
	if !at.IsZero() {
		seconds := math.Ceil(at.Sub(s.config.Now()).Seconds())
		c.Header("Retry-After", strconv.Itoa(max(1, int(seconds))))
	}
}

// Wait returns the time until at in words, "dans 4 minutes". It returns an
// empty string if at is zero.
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
