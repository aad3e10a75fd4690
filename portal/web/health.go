package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/outage"
)

// Check is a readiness check of one part that the portal depends on. The portal
// is unready if an essential part fails. Keycloak is not essential: while it is
// down, the portal still accepts activations and creates the accounts later.
// Taking the portal out of service would turn this delay into a failure.
type Check struct {
	Name      string
	Essential bool
	// Run returns an error if the part fails. If the error has the method
	// Lines() []string, its lines are shown, on the listener for operators
	// only.
	Run func(context.Context) error
}

const (
	checkLimit = 2 * time.Second // timeout of one check
	checkLife  = 2 * time.Second // time for which a result is reused, so that frequent requests cost nothing
)

// readiness runs the checks and caches the last result. It is safe for
// concurrent use.
type readiness struct {
	checks []Check
	now    func() time.Time
	log    *slog.Logger

	failing outage.Tracker // by part

	mu     sync.Mutex
	at     time.Time
	status int
	report report
}

type report struct {
	Status string            `json:"status"` // ready, degraded, unready
	Parts  map[string]string `json:"parts"`  // ok, failing; causes are written to the log only
	// Findings holds lines of explanation by part. It is omitted on the public
	// listener, because a finding may describe a weakness.
	Findings map[string][]string `json:"findings,omitempty"`
}

func (r *readiness) ask(ctx context.Context) (int, report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.at.IsZero() || now.Sub(r.at) >= checkLife || now.Before(r.at) {
		r.status, r.report = r.run(ctx)
		r.at = now
	}
	return r.status, r.report
}

// parts returns whether each part passed its last check, and checks them if the
// last result is too old.
func (r *readiness) parts(ctx context.Context) map[string]bool {
	_, rep := r.ask(ctx)
	out := map[string]bool{}
	for name, state := range rep.Parts {
		out[name] = state == "ok"
	}
	return out
}

func (r *readiness) run(ctx context.Context) (int, report) {
	errs := make([]error, len(r.checks))
	var wg sync.WaitGroup
	for i, check := range r.checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkLimit)
			defer cancel()
			errs[i] = check.Run(ctx)
		})
	}
	wg.Wait()
	status, rep := http.StatusOK, report{Status: "ready", Parts: map[string]string{}, Findings: map[string][]string{}}
	for i, check := range r.checks {
		rep.Parts[check.Name] = "ok"
		if errs[i] == nil {
			if lasted, failures := r.failing.Succeeded(check.Name, r.now()); failures > 0 {
				r.log.Info("check succeeds again", "part", check.Name, "after", lasted.Round(time.Second).String())
			}
			continue
		}
		if r.failing.Failed(check.Name, r.now(), 24*time.Hour) {
			r.log.Warn("check failed", "part", check.Name, "cause", errs[i].Error())
		}
		rep.Parts[check.Name] = "failing"
		var told interface{ Lines() []string }
		if errors.As(errs[i], &told) {
			rep.Findings[check.Name] = told.Lines()
		}
		switch {
		case check.Essential:
			status, rep.Status = http.StatusServiceUnavailable, "unready"
		case rep.Status == "ready":
			rep.Status = "degraded"
		}
	}
	return status, rep
}

// ops adds the routes for monitoring. onOwnListener is false if they are served
// together with the pages: then findings are omitted, and /metrics answers only
// requests from this machine (R14).
func (s *Site) ops(e *gin.Engine, onOwnListener bool) {
	both(e, "/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "alive"}) })
	both(e, "/readyz", func(c *gin.Context) {
		// The request's context is not used: its cancellation must not end a
		// check whose result is cached for other requests.
		status, rep := s.ready.ask(context.WithoutCancel(c.Request.Context()))
		if !onOwnListener {
			rep.Findings = nil
		}
		c.JSON(status, rep)
	})
	metrics := gin.WrapH(s.config.Metrics.handler())
	both(e, "/metrics", func(c *gin.Context) {
		if !onOwnListener && !isLocal(c.Request) {
			s.fail(c, &Error{Status: http.StatusNotFound, Key: "not_found"})
			return
		}
		metrics(c)
	})
}

// Ops returns a handler that serves only /healthz, /readyz and /metrics. It is
// for a separate listener.
func (s *Site) Ops() http.Handler {
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	s.ops(e, true)
	return e
}
