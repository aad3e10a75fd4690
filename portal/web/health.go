package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Check is the check of one part that the portal depends on. A failing essential
// part makes the portal unready. Keycloak is not essential: while it is down the
// portal still takes activations and creates the accounts later, so that taking
// the portal out of service would turn a delay into a failure.
type Check struct {
	Name      string
	Essential bool
	// Run returns an error if the part fails. The lines of an error with the
	// method Lines() []string are shown on the listener for operators only.
	Run func(context.Context) error
}

const (
	checkLimit = 2 * time.Second // for one part
	checkLife  = 2 * time.Second // a result is returned again for this long, so that frequent requests cost nothing
)

// readiness runs the checks and keeps the last result.
type readiness struct {
	checks []Check
	now    func() time.Time
	log    *slog.Logger

	mu     sync.Mutex
	at     time.Time
	status int
	report report
}

type report struct {
	Status string            `json:"status"` // ready, degraded, unready
	Parts  map[string]string `json:"parts"`  // ok, failing; causes are in the log
	// Findings are one line each, by part. They are left out on the public
	// listener: they may describe a weakness.
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
			continue
		}
		r.log.Warn("check failed", "part", check.Name, "cause", errs[i].Error())
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

// ops adds the addresses for monitoring. onOwnListener is false if they are
// served beside the pages: then findings are left out, and /metrics answers
// requests from this machine only (R14).
func (s *Site) ops(e *gin.Engine, onOwnListener bool) {
	both(e, "/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "alive"}) })
	both(e, "/readyz", func(c *gin.Context) {
		// Not the request's own context: the result is kept for other requests.
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

// Ops returns a handler of /healthz, /readyz and /metrics alone, for a listener
// of its own.
func (s *Site) Ops() http.Handler {
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	s.ops(e, true)
	return e
}
