package web

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns an HTTP server for the pages, with a timeout for each part
// of a request. Event streams and uploads replace these timeouts.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second, // the last page may wait for Keycloak
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
