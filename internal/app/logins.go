package app

import (
	"context"
	"errors"
	"time"

	"entree/keycloak"
)

// The mark of how far the realm's login events were read.
const loginsMark = "keycloak.logins"

// overlap is read again each time: an event is written down a moment after the
// time that it carries. A login that is reported twice counts once.
const overlap = 30 * time.Second

// watchLogins sees the first logins of people whose ENT asks Keycloak, or the
// CAS server before it, without the portal. Every instance does so; what each
// finds is the same.
func (a *App) watchLogins(ctx context.Context) error {
	every := a.config.Keycloak.LoginsEvery
	if every == 0 {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := false
	for {
		err := a.readLogins(ctx)
		switch {
		case err == nil:
			told = false
		case ctx.Err() == nil && !told: // once, until it goes well again
			told = true
			a.log.Warn("read the realm's login events", "error", err, "mend", "entree realm plan shows what the service account lacks")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readLogins reads on from the mark, a page at a time.
func (a *App) readLogins(ctx context.Context) error {
	since, err := a.store.Mark(ctx, loginsMark)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = time.Now().Add(-24 * time.Hour)
	}
	return a.realm.Logins(ctx, since.Add(-overlap), func(page []keycloak.Login) error {
		for _, l := range page {
			if err := a.service.FirstLogin(ctx, "", l.AccountID); err != nil && !errors.Is(err, context.Canceled) {
				return err
			}
		}
		return a.store.Advance(ctx, loginsMark, page[len(page)-1].At)
	})
}
