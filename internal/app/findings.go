package app

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"entree/internal/outage"
	"entree/keycloak"
)

// findings holds the settings of the realm, or of the directory of accounts, that
// were missing or dangerous at the last check with the portal's own rights. `entree
// realm check` finds more, because it reads the realm as an administrator.
type findings struct {
	what string // "the realm", in the log
	read func(ctx context.Context) ([]keycloak.Finding, error)
	log  *slog.Logger

	failing outage.Tracker

	mu    sync.Mutex
	found []keycloak.Finding
	told  map[string]bool // findings that are in the log already
}

// findingsEvery is the interval between two checks; findingsSoon is the interval
// while there are findings or Keycloak does not answer.
const (
	findingsEvery = 15 * time.Minute
	findingsSoon  = time.Minute
)

// Findings returns the findings of the last check; none before the first one, and
// none if r is nil.
func (r *findings) Findings() []keycloak.Finding {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

// look checks once. If no answer comes, the earlier findings remain.
func (r *findings) look(ctx context.Context) error {
	found, err := r.read(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = found
	told := map[string]bool{}
	for _, f := range found {
		if told[f.String()] = true; !r.told[f.String()] {
			r.log.Warn("a setting must be changed", "of", r.what, "what", f.What, "why", f.Why, "do", f.Do)
		}
	}
	r.told = told
	return nil
}

// watch checks at the start and then at intervals until ctx ends.
func (r *findings) watch(ctx context.Context) error {
	for {
		wait := findingsEvery
		err := r.look(ctx)
		logOnce(ctx, r.log, &r.failing, "checking "+r.what, err)
		if err != nil || len(r.Findings()) > 0 {
			wait = findingsSoon
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// lines returns the findings for the console.
func (a *App) lines() []string {
	found := slices.Concat(a.found.Findings(), a.refused.Findings(), a.directory.Findings())
	return findingsError(found).Lines()
}

// ready is the check for /readyz.
func (r *findings) ready(context.Context) error {
	if found := r.Findings(); len(found) > 0 {
		return findingsError(found)
	}
	return nil
}

// findingsError is an error of one or more findings.
type findingsError []keycloak.Finding

func (f findingsError) Error() string {
	text := f[0].String()
	if len(f) > 1 {
		text += " (and more)"
	}
	return text
}

// Lines returns one line per finding.
func (f findingsError) Lines() []string {
	out := make([]string, len(f))
	for i, finding := range f {
		out[i] = finding.String()
	}
	return out
}

// logOnce logs the first failure of a repeated act and its next success. what
// names the act.
func logOnce(ctx context.Context, log *slog.Logger, t *outage.Tracker, what string, err error) {
	if err == nil {
		if lasted, failures := t.Succeeded(what, time.Now()); failures > 0 {
			log.Info(what+" succeeds again", "failures", failures, "after", lasted.Round(time.Second).String())
		}
		return
	}
	if ctx.Err() == nil && t.Failed(what, time.Now(), 24*time.Hour) {
		log.Warn(what+" failed and is retried; further failures are not logged until it succeeds", "error", err)
	}
}
