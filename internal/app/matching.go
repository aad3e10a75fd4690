package app

import (
	"context"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"time"

	"entree/internal/audit"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/matching"
	"entree/internal/outcome"
	"entree/internal/store"
	"entree/keycloak"
)

// existing are the accounts that people are compared with.
type existing interface {
	matching.Source
	matching.Accounts
}

// existingAccounts returns the accounts of the realm, or of the directory without a
// Keycloak.
func (a *App) existingAccounts() existing {
	if a.realm == nil {
		return a.inDirectory
	}
	return a.realmAccounts
}

// newCommandMatching returns the comparison of people with the accounts of the realm, or of
// the directory without a Keycloak, for commands: a running portal does the jobs that it
// orders.
func newCommandMatching(c config.Config, s *store.Store) (*matching.Service, error) {
	none := func(...string) {}
	if !c.HasKeycloak() {
		return newMatching(c, s, newDirectory(c, nil), none), nil
	}
	client, err := keycloak.NewClient(keycloakConfig(c))
	if err != nil {
		return nil, err
	}
	return newMatching(c, s, client.Accounts(c.Institution.Scope), none), nil
}

// notImportedYet returns a warning if the realm knows fewer users than the directory below
// it has entries: people are compared with the realm's users, and Keycloak knows an
// entry only after a login or a synchronisation. Without such a directory it returns "".
func notImportedYet(ctx context.Context, c config.Config) (string, error) {
	if !c.InDirectory() || !c.HasKeycloak() {
		return "", nil
	}
	client, err := keycloak.NewClient(keycloakConfig(c))
	if err != nil {
		return "", err
	}
	return notImported(ctx, client.Accounts(c.Institution.Scope), newDirectory(c, nil))
}

func notImported(ctx context.Context, realm, directory matching.Source) (string, error) {
	users, err := realm.Count(ctx)
	if err != nil {
		return "", err
	}
	entries, err := directory.Count(ctx)
	if err != nil {
		return "the entries of the directory cannot be counted, so it is not known whether the realm knows all of them: " + err.Error(), nil
	}
	if users >= entries {
		return "", nil
	}
	return fmt.Sprintf("the directory has %d entries, and the realm knows %d users: synchronise the federation first (Keycloak: User federation, Sync all users), or people who have an entry are not recognised; see docs/introduce.md", entries, users), nil
}

func newMatching(c config.Config, s *store.Store, accounts existing, wake func(...string)) *matching.Service {
	newJob := func(kind string, payload any, now, deadline time.Time) (domain.Job, error) {
		return domain.NewJob(rand.Reader, c.Keys, kind, payload, now, deadline)
	}
	return matching.New(matching.Options{
		Store: s, Sources: []matching.Source{accounts}, Accounts: accounts,
		Rules: matching.Rules{Numbers: c.NumberAttributes(), Certain: c.CertainEvidence()},
		Mark:  c.Matching.Mark, Domains: c.AddressDomains(), Clock: time.Now, Random: rand.Reader, NewJob: newJob, Wake: wake,
		OpenJob: func(j domain.Job, into any) error { return j.Open(c.Keys, into) },
		Mail: func(m domain.Message, p domain.PersonID) (domain.Job, error) {
			now := domain.Instant(time.Now())
			m.AskedAt = now
			job, err := newJob(domain.JobMail, &m, now, now.Add(4*24*time.Hour))
			job.Person = p
			return job, err
		},
	})
}

// accountOrders are the comparisons that operators ask for in the console.
type accountOrders struct {
	*matching.Service
	orders chan accountOrder
}

type accountOrder struct {
	entry audit.Entry
	adopt bool
}

// Order asks for a comparison, which runs in the background. An order that is given
// while another waits has no effect.
func (o accountOrders) Order(e audit.Entry, adopt bool) {
	select {
	case o.orders <- accountOrder{e, adopt}:
	default:
	}
}

const (
	othersEvery  = time.Hour        // interval between two counts of the accounts
	passLook     = time.Minute      // interval at which it is decided whether a pass is due
	passAgain    = 5 * time.Minute  // after a pass that failed
	afterImports = 15 * time.Minute // least time between two passes because of new people
)

// watchAccounts recognises a realm, or a directory, with accounts that the portal did not create, and
// compares them with the people of the registry: at once, then at intervals, and
// after imports. Of several instances one does it.
func (a *App) watchAccounts(ctx context.Context) error {
	var counted time.Time
	for {
		if now := time.Now(); now.Sub(counted) >= othersEvery {
			if err := a.recogniseOthers(ctx); err == nil {
				counted = now
			} else if ctx.Err() == nil {
				a.log.Warn("count the accounts", "error", err)
			}
		}
		if err := a.passIfDue(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("compare people with the accounts", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(passLook):
		case o := <-a.accountOrders.orders:
			if err := a.compareAccounts(ctx, o.entry, o.adopt); err != nil && ctx.Err() == nil {
				a.log.Error("compare people with the accounts", "error", err)
			}
		}
	}
}

// recogniseOthers marks the store if there are more accounts than the portal created.
func (a *App) recogniseOthers(ctx context.Context) error {
	found, _, _, err := a.store.Others(ctx)
	if err != nil || !found.IsZero() {
		return err
	}
	own, err := a.store.OwnAccounts(ctx)
	if err != nil {
		return err
	}
	there, err := a.existingAccounts().Count(ctx)
	if err != nil {
		return err
	}
	if a.realm != nil && a.inDirectory != nil {
		entries, err := a.inDirectory.Count(ctx)
		logOnce(ctx, a.log, &a.failing, "counting the entries of the directory", err)
		if err == nil && entries > own && there < entries {
			a.log.Warn("the realm knows fewer users than the directory has entries: synchronise the federation, so that people who have an entry are recognised",
				"users", there, "entries", entries, "see", "docs/introduce.md")
		}
	}
	if there <= own {
		return nil
	}
	a.log.Info("there are accounts that the portal did not create", "accounts", there, "own", own, "see", "docs/introduce.md")
	return a.store.MarkOthers(ctx)
}

// passIfDue runs a pass if one is due, and adopts the certain matches if the
// configuration says so.
func (a *App) passIfDue(ctx context.Context, now time.Time) error {
	every := a.config.Matching.Every
	found, matched, unmatched, err := a.store.Others(ctx)
	if err != nil || found.IsZero() || every == 0 {
		return err
	}
	age := now.Sub(matched)
	if !matched.IsZero() && age < every && (!unmatched || age < afterImports) {
		return nil
	}
	if due, err := a.store.Due(ctx, "matching", now, passAgain); err != nil || !due {
		return err
	}
	return a.compareAccounts(ctx, audit.Entry{At: domain.Instant(now), By: audit.System}, a.config.Matching.Adopt == "certain")
}

// compareAccounts runs a pass, unless one runs already, and adopts the certain
// matches if adopt is set.
func (a *App) compareAccounts(ctx context.Context, by audit.Entry, adopt bool) error {
	p, err := a.accountOrders.Pass(ctx, by.By, matching.Told{})
	if errors.Is(err, domain.ErrConflict) {
		return nil // a command or another instance runs one
	}
	if err != nil {
		return err
	}
	a.log.Info("people were compared with the accounts", "accounts", p.Accounts, "people", p.People, "certain", p.Certain, "likely", p.Likely,
		"contradictory", p.Contradictory, "seconds", p.Ended.Sub(p.Begun).Seconds())
	if !adopt || p.Certain == 0 {
		return nil
	}
	done, err := a.accountOrders.AdoptCertain(ctx, by, nil)
	a.log.Info("accounts were adopted", "adopted", done.Adopted, "refused", done.Refused, "changed", done.Changed)
	return err
}

// CompareAccounts compares people with the accounts of the realm, for a command. If
// adopt is set, it adopts the certain matches. If unowned is not empty, it writes the
// accounts without a person to this CSV file.
func CompareAccounts(ctx context.Context, c config.Config, s *store.Store, adopt bool, unowned string, status outcome.Status) (outcome.Comparison, error) {
	service, err := newCommandMatching(c, s)
	if err != nil {
		return outcome.Comparison{}, err
	}
	warning, err := notImportedYet(ctx, c)
	if err != nil {
		return outcome.Comparison{}, fmt.Errorf("nothing was changed: %w", err)
	}
	if warning != "" {
		status.Warn(warning)
	}
	last := time.Time{}
	told := matching.Told{Progress: func(p domain.MatchPass) {
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			status.Show("%d of about %d accounts read, %d people compared", p.Accounts, p.Expected, p.People)
		}
	}}
	closeList := func() error { return nil }
	if unowned != "" {
		if told.Unowned, closeList, err = unownedList(unowned); err != nil {
			return outcome.Comparison{}, err
		}
	}
	by := audit.Operator{Subject: "command", Name: "entree accounts", Role: "system"}
	pass, err := service.Pass(ctx, by, told)
	status.Show("")
	err = errors.Join(err, closeList())
	if errors.Is(err, domain.ErrConflict) {
		return outcome.Comparison{}, errors.New("another comparison runs, of a command or of serve: wait until it has ended")
	}
	if err != nil {
		return outcome.Comparison{}, fmt.Errorf("nothing was changed: %w", err)
	}
	found := outcome.Comparison{Pass: pass, EachOpen: func(limit int, see func(domain.Match, domain.Person) error) error {
		return service.EachOpen(ctx, limit, see)
	}}
	if !adopt {
		return found, nil
	}
	done, err := service.AdoptCertain(ctx, audit.Entry{At: domain.Instant(time.Now()), By: by}, func(d matching.Adopted) {
		status.Show("%d adopted", d.Adopted)
	})
	status.Show("")
	if err != nil {
		return outcome.Comparison{}, fmt.Errorf("after %d adoptions: %w", done.Adopted, err)
	}
	found.Adopted = &done
	return found, nil
}

// unownedList creates a CSV file of accounts. add writes an account; end closes the
// file.
func unownedList(name string) (add func(id, login string) error, end func() error, err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	w := csv.NewWriter(f)
	if err := w.Write([]string{"id", "login"}); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	add = func(id, login string) error { return w.Write([]string{id, login}) }
	end = func() error {
		w.Flush()
		return errors.Join(w.Error(), f.Close())
	}
	return add, end, nil
}
