package app

import (
	"context"
	"time"

	"entree/internal/domain"
)

// witnessMark names the time in the database that is compared with the time in
// Keycloak, or in the directory without a Keycloak.
const witnessMark = "keycloak.witness"

const (
	compareEvery  = 10 * time.Minute
	compareAgain  = 30 * time.Second // if no answer came
	compareWithin = 3 * time.Second  // the start waits for the first comparison
)

// watchAge detects a database that was restored from a backup or emptied: it is
// older than the time that the portal left outside of it. From then on every person
// is looked up among the accounts before an account is created (I1, ADR 0029). compared is
// whether the comparison at the start succeeded.
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
	var outside witness = a.inDirectory
	if a.realm != nil {
		outside = a.realm
	}
	restored, err := compareAges(ctx, outside, a.store, time.Now())
	logOnce(ctx, a.log, &a.failing, "comparing the database's age with the time that is kept beside the accounts", err)
	if restored {
		a.log.Warn("the database is older than the accounts: each person is looked up among them before an account is created",
			"mend", "docs/operations.md, Backup; every portal has a client of its own")
	}
	return err == nil
}

// witness stores a time outside of the database.
type witness interface {
	Witness(ctx context.Context) (time.Time, error)
	SetWitness(ctx context.Context, at time.Time) error
}

type restoreStore interface {
	Mark(ctx context.Context, name string) (time.Time, error)
	Advance(ctx context.Context, name string, to time.Time) error
	MarkRestored(ctx context.Context) error
}

// compareAges reads the witness first and writes now into the database and then
// into the witness. The witness is therefore never ahead of the database, also if
// the process ends in between or other instances do the same, unless the database
// was restored.
func compareAges(ctx context.Context, outside witness, store restoreStore, now time.Time) (restored bool, err error) {
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
	if now.Before(seen) { // the clock was set back
		now = seen
	}
	if err := store.Advance(ctx, witnessMark, now); err != nil {
		return restored, err
	}
	return restored, outside.SetWitness(ctx, now)
}
