package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/keycloak"
)

// loginsMark names the time up to which the realm's login events were read.
const loginsMark = "keycloak.logins"

// overlap is read again each time, because Keycloak stores an event a moment after
// the time in it. A login that is reported twice counts once.
const overlap = 30 * time.Second

// watchLogins records first logins that did not pass through the portal: the ENT
// may ask Keycloak itself, or a CAS server before it. Every instance reads the same
// events; recording one twice has no effect.
func (a *App) watchLogins(ctx context.Context) error {
	every := a.config.Keycloak.LoginsEvery
	if a.realm == nil || every == 0 {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := a.readLogins(ctx)
		if err != nil {
			err = fmt.Errorf("%w; entree realm plan shows what the service account lacks", err)
		}
		logOnce(ctx, a.log, &a.failing, "reading the realm's login events", err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readLogins reads the events since the mark, one page at a time.
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
