package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"entree/keycloak"
)

// realmFindings holds what the service account finds missing or dangerous in
// the realm, as last looked at. `entree realm check` sees more, as an
// administrator.
type realmFindings struct {
	realm *keycloak.Client
	want  keycloak.Wanted
	log   *slog.Logger

	mu    sync.Mutex
	found []keycloak.Finding
	told  map[string]bool // lines that stand in the log already
}

// findingsEvery is how often the realm is looked at; findingsSoon how often
// while something is wrong or Keycloak does not answer.
const (
	findingsEvery = 15 * time.Minute
	findingsSoon  = time.Minute
)

// Findings gives what was found last; nothing before the first look.
func (r *realmFindings) Findings() []keycloak.Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

// look asks the realm. Where it does not answer, what was found stands.
func (r *realmFindings) look(ctx context.Context) error {
	found, err := r.realm.CheckSelf(ctx, r.want)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = found
	told := map[string]bool{}
	for _, f := range found {
		if told[f.String()] = true; !r.told[f.String()] {
			r.log.Warn("the realm", "what", f.What, "why", f.Why, "do", f.Do)
		}
	}
	r.told = told
	return nil
}

// watch looks at the start and from time to time.
func (r *realmFindings) watch(ctx context.Context) error {
	for {
		wait := findingsEvery
		err := r.look(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Error("look at the realm", "error", err)
		}
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

// lines is what the console shows.
func (r *realmFindings) lines() []string { return findingsError(r.Findings()).Lines() }

// ready is the part of /readyz.
func (r *realmFindings) ready(context.Context) error {
	if found := r.Findings(); len(found) > 0 {
		return findingsError(found)
	}
	return nil
}

// findingsError lists findings, one line each.
type findingsError []keycloak.Finding

func (f findingsError) Error() string {
	text := f[0].String()
	if len(f) > 1 {
		text += " (and more)"
	}
	return text
}

// Lines is what /readyz shows to operators.
func (f findingsError) Lines() []string {
	out := make([]string, len(f))
	for i, finding := range f {
		out[i] = finding.String()
	}
	return out
}
