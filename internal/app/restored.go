package app

import (
	"context"
	"time"

	"entree/internal/domain"
)

// The mark of the time that is left with Keycloak.
const witnessMark = "keycloak.witness"

const (
	compareEvery  = 10 * time.Minute
	compareAgain  = 30 * time.Second // where Keycloak did not answer
	compareWithin = 3 * time.Second  // the start waits for it
)

// watchAge finds out whether the database is older than what Keycloak has seen:
// somebody restored it, by whatever means, or emptied it. From then on people
// are sought in Keycloak before an account is made (I1, ADR 0029). compared tells
// whether the start found out.
func (a *App) watchAge(ctx context.Context, compared bool) error {
	for {
		wait := compareEvery
		if !compared {
			wait = compareAgain
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
			compared = a.compareAges(ctx)
		}
	}
}

func (a *App) compareAges(ctx context.Context) (compared bool) {
	ctx, cancel := context.WithTimeout(ctx, compareWithin)
	defer cancel()
	restored, err := compareAges(ctx, a.realm, a.store, time.Now())
	if err != nil {
		a.log.Warn("compare the database's age with Keycloak's witness", "error", err)
	}
	if restored {
		a.log.Warn("the database is older than what Keycloak has seen: people are sought there before an account is made",
			"mend", "docs/operations.md, Backup; every portal has a client of its own")
	}
	return err == nil
}

// witness is outside of the database.
type witness interface {
	Witness(ctx context.Context) (time.Time, error)
	SetWitness(ctx context.Context, at time.Time) error
}

type marks interface {
	Mark(ctx context.Context, name string) (time.Time, error)
	Advance(ctx context.Context, name string, to time.Time) error
	MarkRestored(ctx context.Context) error
}

// compareAges leaves now in the database and then with the witness, so the
// witness is never ahead, whatever stops between the two and whoever else does
// the same: unless the database went back. It is read first for that.
func compareAges(ctx context.Context, outside witness, store marks, now time.Time) (restored bool, err error) {
	seen, err := outside.Witness(ctx)
	if err != nil {
		return false, err
	}
	known, err := store.Mark(ctx, witnessMark)
	if err != nil {
		return false, err
	}
	if restored = seen.After(known); restored {
		if err := store.MarkRestored(ctx); err != nil {
			return true, err
		}
	}
	now = domain.Instant(now)
	if now.Before(seen) { // a clock that was put back
		now = seen
	}
	if err := store.Advance(ctx, witnessMark, now); err != nil {
		return restored, err
	}
	return restored, outside.SetWitness(ctx, now)
}
