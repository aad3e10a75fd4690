package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entree/internal/domain"
	"entree/keycloak"
)

// loginsMark names the time up to which the realm's login events were read.
const loginsMark = "keycloak.logins"

// overlap is read again each time, because Keycloak stores an event a moment after
// the time in it. A login that is reported twice counts once.
const overlap = 30 * time.Second

// overlapFor is the age of a mark up to which the overlap is read: no event is stored so
// late, and the last events of a quiet realm are not read again for ever.
const overlapFor = time.Hour

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
	return errors.Join(a.readLogins(ctx), factorReader{a.realm.FactorEvents, a.store, a.service.NoteFactors, time.Now}.read(ctx))
}

// factorsMark names the time up to which the realm's events about factors were read, and
// factorsSince is how far the first reading goes back: as long as a realm keeps events.
// toldMark names the time from which their changes are told to people: toldSince before
// the first reading. Older ones are known only.
const (
	factorsMark  = "keycloak.factors"
	factorsSince = 180 * 24 * time.Hour
	toldMark     = "keycloak.factors_told"
	toldSince    = time.Hour
)

// factorReader reads which factors users added and removed, one page at a time. Recording
// an event twice has no effect.
type factorReader struct {
	events func(ctx context.Context, since time.Time, see func([]domain.FactorEvent, time.Time) error) error
	marks  interface {
		Mark(ctx context.Context, name string) (time.Time, error)
		Advance(ctx context.Context, name string, to time.Time) error
	}
	note  func(ctx context.Context, page []domain.FactorEvent, tellAfter time.Time) error
	clock func() time.Time
}

func (r factorReader) read(ctx context.Context) error {
	now := r.clock()
	told, err := r.marks.Mark(ctx, toldMark)
	if err != nil {
		return err
	}
	if told.IsZero() {
		if err := r.marks.Advance(ctx, toldMark, now.Add(-toldSince)); err != nil {
			return err
		}
		if told, err = r.marks.Mark(ctx, toldMark); err != nil { // another instance may have been first
			return err
		}
	}
	since, err := r.marks.Mark(ctx, factorsMark)
	switch {
	case err != nil:
		return err
	case since.IsZero():
		since = now.Add(-factorsSince)
	case now.Sub(since) < overlapFor:
		since = since.Add(-overlap)
	default:
		since = since.Add(time.Millisecond)
	}
	return r.events(ctx, since, func(page []domain.FactorEvent, until time.Time) error {
		if err := r.note(ctx, page, told); err != nil {
			return err
		}
		return r.marks.Advance(ctx, factorsMark, until)
	})
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
