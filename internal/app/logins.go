package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"entree/internal/domain"
	"entree/keycloak"
)

// loginsMark names the time up to which the realm's login events were read.
const loginsMark = "keycloak.logins"

// overlap is read again each time, because Keycloak stores an event a moment after
// the time in it. A login that is reported twice counts once.
const overlap = 30 * time.Second

// watchLogins records first logins that did not pass through the portal: the ENT
// may ask Keycloak itself, or a CAS server before it. Every instance reads the same
// events; recording one twice has no effect. Without Keycloak, the directory's last
// binds are read.
func (a *App) watchLogins(ctx context.Context) error {
	every, read, what, see := a.config.Keycloak.LoginsEvery, a.readEvents, "reading the realm's login events", "entree realm plan shows what the service account lacks"
	if a.realm == nil {
		every, what, see = a.config.Directory.LoginsEvery, "reading the last binds of the directory", "docs/directory.md, First logins"
		read = func(ctx context.Context) error { return a.readBinds(ctx, every) }
	}
	if every == 0 {
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := read(ctx)
		if err != nil {
			err = fmt.Errorf("%w; %s", err, see)
		}
		logOnce(ctx, a.log, &a.failing, what, err)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// readEvents reads the realm's events about logins and about factors.
func (a *App) readEvents(ctx context.Context) error {
	return errors.Join(a.readLogins(ctx), a.readFactors(ctx))
}

// factorsMark names the time up to which the realm's events about factors were read, and
// factorsSince is how far the first reading goes back: as long as a realm keeps events.
const (
	factorsMark  = "keycloak.factors"
	factorsSince = 180 * 24 * time.Hour
)

// readFactors reads which factors users added and removed since the mark, one page at a
// time. Recording an event twice has no effect.
func (a *App) readFactors(ctx context.Context) error {
	since, err := a.store.Mark(ctx, factorsMark)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = time.Now().Add(-factorsSince)
	}
	return a.realm.FactorEvents(ctx, since.Add(-overlap), func(page []keycloak.FactorEvent, until time.Time) error {
		if err := noteFactors(ctx, a.service, page); err != nil {
			return err
		}
		return a.store.Advance(ctx, factorsMark, until)
	})
}

// factorNotes is implemented by activation.Service.
type factorNotes interface {
	NoteFactor(ctx context.Context, accountID string, kind domain.FactorKind, at time.Time) error
	RereadFactors(ctx context.Context, accountID string) error
}

// noteFactors records the added factors of a page of events. Then it rereads each account
// with a removal once, since that calls Keycloak.
func noteFactors(ctx context.Context, to factorNotes, page []keycloak.FactorEvent) error {
	removed := map[string]bool{}
	for _, e := range page {
		if e.Removed {
			removed[e.AccountID] = true
		} else if err := to.NoteFactor(ctx, e.AccountID, e.Kind, e.At); err != nil {
			return err
		}
	}
	for _, account := range slices.Sorted(maps.Keys(removed)) {
		if err := to.RereadFactors(ctx, account); err != nil {
			return err
		}
	}
	return nil
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

// bindsPage is the number of people whose last binds are read at once.
const bindsPage = 500

// readBinds records the first logins of people whose entry was bound since their
// activation: the directory records binds only if it is configured to. Of several
// instances one reads in each interval.
func (a *App) readBinds(ctx context.Context, every time.Duration) error {
	if due, err := a.store.Due(ctx, "binds", time.Now(), every-time.Second); err != nil || !due {
		return err
	}
	for after := domain.PersonID(""); ; {
		people, err := a.store.PeopleBeforeLogin(ctx, after, bindsPage)
		if err != nil || len(people) == 0 {
			return err
		}
		after = people[len(people)-1].ID
		ids := make([]string, len(people))
		for i, p := range people {
			ids[i] = p.AccountID
		}
		binds, err := a.inDirectory.Binds(ctx, ids)
		if err != nil {
			return err
		}
		for _, p := range people {
			// The directory's time has whole seconds.
			if at := binds[p.AccountID]; at.IsZero() || at.Before(p.ActivatedAt.Truncate(time.Second)) {
				continue
			}
			if err := a.service.FirstLogin(ctx, "", p.AccountID); err != nil {
				return err
			}
		}
	}
}
