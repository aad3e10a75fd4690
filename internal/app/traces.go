package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"entree/internal/buildinfo"
	"entree/internal/jobs"
	"entree/internal/tracing"
	"entree/keycloak"
	"entree/portal"
)

// traceFailuresEvery is the time between two log lines about a collector that takes
// no spans.
const traceFailuresEvery = time.Hour

// setUpTraces starts the tracer if traces.endpoint is set.
func (a *App) setUpTraces(ctx context.Context) (err error) {
	t := a.config.Traces
	if t.Endpoint == "" {
		return nil
	}
	var mu sync.Mutex
	var logged time.Time
	a.tracer, err = tracing.New(ctx, tracing.Options{
		Endpoint: t.Endpoint, Share: float64(t.Share) / 100, Version: buildinfo.Read().Version, Roots: a.config.Roots(),
		Failed: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			if now := time.Now(); now.Sub(logged) > traceFailuresEvery {
				logged = now
				a.log.Warn("traces could not be sent; further failures are not logged for an hour", "error", err)
			}
		},
	})
	return err
}

// The traced functions return their argument with the hook of the tracer, or
// unchanged if there is none.

func (a *App) tracedJobs(o jobs.Options) jobs.Options {
	if a.tracer != nil {
		o.Trace = a.tracer.Job
	}
	return o
}

func (a *App) tracedPages(o portal.Options) portal.Options {
	if a.tracer != nil {
		o.Trace = a.tracer.Request
	}
	return o
}

func (a *App) tracedKeycloak(c keycloak.Config) keycloak.Config {
	if a.tracer != nil {
		c.Wrap = func(next http.RoundTripper) http.RoundTripper { return a.tracer.Transport("keycloak", next) }
	}
	return c
}

func (a *App) closeTraces() {
	if a.tracer == nil {
		return
	}
	if err := a.tracer.Close(); err != nil {
		a.log.Warn("the last traces could not be sent", "error", err)
	}
}
