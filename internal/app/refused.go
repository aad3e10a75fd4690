package app

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/keycloak"
)

// refusedPeople counts the people without an account whom the realm would refuse.
// An import judges its people when it reads them; the realm's rules may have
// changed since, or the portal may be new to the realm.
type refusedPeople struct {
	rules *realmRules
	// page returns up to limit people without an account, by id after the given one.
	page func(ctx context.Context, after domain.PersonID, limit int) ([]domain.Person, error)
	now  func() time.Time

	digest string // of the rules at the last count
	at     time.Time
	found  []keycloak.Finding
}

// refusedPage is the number of people read at once.
const refusedPage = 1000

// refusedEvery is the interval between two counts while the rules stay the same
// and people are refused: a later import may have corrected them.
const refusedEvery = time.Hour

// read returns one finding for each rule that people break. It counts again if
// the rules have changed.
func (r *refusedPeople) read(ctx context.Context) ([]keycloak.Finding, error) {
	rules := r.rules.now.Load()
	if rules == nil || rules.Digest == r.digest && (len(r.found) == 0 || r.now().Sub(r.at) < refusedEvery) {
		return r.found, nil
	}
	counts := map[domain.BrokenRule]int{}
	for after := domain.PersonID(""); ; {
		people, err := r.page(ctx, after, refusedPage)
		if err != nil {
			return nil, err
		}
		for _, p := range people {
			after = p.ID
			if !p.MayActivate() {
				continue
			}
			for _, b := range r.rules.Person(p) {
				if !b.Warn {
					counts[domain.BrokenRule{Field: b.Field, Rule: b.Rule}]++
					break // one for each person
				}
			}
		}
		if len(people) < refusedPage {
			break
		}
	}
	r.found = nil
	for _, b := range slices.SortedFunc(maps.Keys(counts), func(a, b domain.BrokenRule) int {
		return counts[b] - counts[a]
	}) {
		r.found = append(r.found, keycloak.Finding{
			What: fmt.Sprintf("%d people cannot get an account", counts[b]),
			Why:  fmt.Sprintf("the realm refuses the value of %s (%s)", b.Field, b.Rule),
			Do:   "correct it in the enrolment, or change the realm's user profile; entree import --dry-run names the lines",
		})
	}
	r.digest, r.at = rules.Digest, r.now()
	return r.found, nil
}

// watchRefused counts the people whom the realm would refuse, once its rules are
// known, and again when they change.
func (a *App) watchRefused(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.rules.known:
	}
	return a.refused.watch(ctx)
}
