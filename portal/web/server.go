package web

import (
	"log/slog"
	"net/http"
	"time"
)

// slowest is how long the header of a request, and its body, may take. A browser's
// header has 1,100 bytes and more: five minutes at 4 bytes per second. An unfinished request costs a connection and the bytes
// that came, no more than a connection that is kept open, so a short limit protects
// nothing (R6). The number of connections is limited in package app and by the proxy.
const slowest = 10 * time.Minute

// answerTime is how long writing an answer may take. The kernel takes a whole page at
// once and sends it at the client's speed, so a slow client does not need more.
const answerTime = time.Minute

// NewServer returns an HTTP server for the pages, with a timeout for each part
// of a request. Event streams and uploads replace these timeouts.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: slowest,
		ReadTimeout:       slowest + 30*time.Second, // takeBody sets the limits of a body
		WriteTimeout:      answerTime,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // other applications of the university add cookies of their own
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
