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

// Check asks one part that the portal stands on. Essential parts make it
// unready. Keycloak is none of them: while it is down the portal still takes
// activations and keeps the accounts for later, so taking it out of service
// would turn a delay into a failure.
type Check struct {
	Name      string
	Essential bool
	// Run gives an error where the part fails. One that has Lines() []string
	// says to operators, and to nobody else, what is wrong.
	Run func(context.Context) error
}

const (
	checkLimit = 2 * time.Second // for one part
	checkLife  = 2 * time.Second // an answer is given again for so long, so that asking often costs nothing
)

// readiness remembers the last answer.
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
	// Findings are one line each, by part. Where the public can ask they are
	// left out: a danger is nobody else's business.
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

// ops serves the pages for operators; alone says that nobody else can ask.
func (s *Site) ops(e *gin.Engine, alone bool) {
	both(e, "/healthz", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "alive"}) })
	both(e, "/readyz", func(c *gin.Context) {
		// Not the request's own context: the answer is kept for others.
		status, rep := s.ready.ask(context.WithoutCancel(c.Request.Context()))
		if !alone {
			rep.Findings = nil
		}
		c.JSON(status, rep)
	})
	both(e, "/metrics", gin.WrapH(s.config.Metrics.handler()))
}

// Ops serves /healthz, /readyz and /metrics alone, for a listener of its own.
func (s *Site) Ops() http.Handler {
	e := gin.New()
	e.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, _ any) { c.AbortWithStatus(http.StatusInternalServerError) }))
	s.ops(e, true)
	return e
}
