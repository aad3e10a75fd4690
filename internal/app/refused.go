package app

import (
	"context"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/keycloak"
)

// refusedPeople counts the people who may activate and whom the realm would refuse.
// An import judges its people when it reads them; the realm's rules may have
// changed since, or the portal may be new to the realm.
type refusedPeople struct {
	rules  *realmRules
	people PeopleSource
	now    func() time.Time

	digest string // of the rules at the last count
	at     time.Time
	found  []keycloak.Finding
}

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
	broken, _, err := r.rules.refusals(ctx, r.people, domain.Person.MayActivate)
	if err != nil {
		return nil, err
	}
	r.found = nil
	for _, b := range broken {
		r.found = append(r.found, keycloak.Finding{
			What: fmt.Sprintf("%d people cannot get an account", b.people),
			Why:  fmt.Sprintf("the realm refuses the value of %s (%s)", b.field, b.rule),
			Do:   "correct it in the enrolment, or change the realm's user profile; entree import --dry-run names the lines",
		})
	}
	r.digest, r.at = rules.Digest, r.now()
	return r.found, nil
}

// watchRefused counts the people whom the realm would refuse, once its rules are
// known, and again when they change. Without Keycloak there is no realm.
func (a *App) watchRefused(ctx context.Context) error {
	if a.realm == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-a.rules.known:
	}
	return a.refused.watch(ctx)
}
