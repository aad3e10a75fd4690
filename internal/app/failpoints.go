//go:build failpoint

package app

import (
	"context"
	"iter"
	"strings"
	"time"

	"entree/internal/campaign"
	"entree/internal/domain"
	"entree/internal/failpoint"
	"entree/internal/jobs"
	"entree/internal/secret"
	"entree/portal/web"
)

// withFailpoints adds a failpoint before and after every call of a port. A point of
// the store is named after the event that its transaction writes:
//
//	code.proven.before-commit    decided, not written
//	code.proven.after-commit     written, not answered
func withFailpoints(p ports) ports {
	return ports{
		failingStore{p.store}, failingLimits{p.limits}, failingAccounts{p.accounts}, failingHasher{p.hasher},
		failingMailer{p.notifier}, failingQueue{p.queue}, failingSessions{p.sessions}, failingCampaigns{p.campaigns},
	}
}

// withHits calls f between the two points of a name.
func withHits(name string, f func() error) error {
	failpoint.Hit(name + ".before")
	err := f()
	failpoint.Hit(name + ".after")
	return err
}

// eventName returns the kind of the first event of the effects, or otherwise if there is none.
func eventName(e domain.Effects, otherwise string) string {
	if len(e.Events) == 0 {
		return otherwise
	}
	name := string(e.Events[0].Kind)
	if kind := e.Events[0].Details["mail"]; kind != "" {
		name += "." + kind
	}
	return name
}

type failingStore struct{ domain.Store }

func (s failingStore) Begin(ctx context.Context, j domain.Journey, e domain.Effects) error {
	failpoint.Hit(eventName(e, "begin") + ".before-commit")
	err := s.Store.Begin(ctx, j, e)
	failpoint.Hit(eventName(e, "begin") + ".after-commit")
	return err
}

func (s failingStore) Update(ctx context.Context, j domain.Journey, change func(*domain.Journey) (domain.Effects, error)) (domain.Journey, error) {
	name := "act"
	out, err := s.Store.Update(ctx, j, func(j *domain.Journey) (domain.Effects, error) {
		e, err := change(j)
		if err == nil {
			name = eventName(e, "act")
			failpoint.Hit(name + ".before-commit")
		}
		return e, err
	})
	failpoint.Hit(name + ".after-commit")
	return out, err
}

func (s failingStore) Apply(ctx context.Context, e domain.Effects) error {
	return withHits(eventName(e, "apply"), func() error { return s.Store.Apply(ctx, e) })
}

func (s failingStore) Reserve(ctx context.Context, id domain.PersonID, logins, addresses iter.Seq[string]) (login, address string, err error) {
	return login, address, withHits("reserve", func() error { login, address, err = s.Store.Reserve(ctx, id, logins, addresses); return err })
}

type failingLimits struct{ domain.Limits }

func (l failingLimits) TakeAll(ctx context.Context, acts []domain.Act, now time.Time) (taken domain.Taken, err error) {
	name, _, _ := strings.Cut(acts[0].Key, ":")
	return taken, withHits("limit."+name, func() error { taken, err = l.Limits.TakeAll(ctx, acts, now); return err })
}

type failingAccounts struct{ domain.Accounts }

func (a failingAccounts) Create(ctx context.Context, account domain.Account) (id string, err error) {
	return id, withHits("account.create", func() error { id, err = a.Accounts.Create(ctx, account); return err })
}

func (a failingAccounts) SetPassword(ctx context.Context, ref domain.AccountRef, c domain.Credential, otherProof bool) error {
	return withHits("account.password", func() error { return a.Accounts.SetPassword(ctx, ref, c, otherProof) })
}

type failingHasher struct{ domain.Hasher }

func (h failingHasher) Hash(ctx context.Context, password secret.Text) (c domain.Credential, err error) {
	return c, withHits("hash", func() error { c, err = h.Hasher.Hash(ctx, password); return err })
}

type failingMailer struct{ domain.Notifier }

func (m failingMailer) Send(ctx context.Context, message domain.Message) error {
	return withHits("mail.send."+string(message.Kind), func() error { return m.Notifier.Send(ctx, message) })
}

type failingQueue struct{ jobs.Queue }

func (q failingQueue) Lease(ctx context.Context, kind, holder string, n int, until time.Time) ([]domain.Job, error) {
	leased, err := q.Queue.Lease(ctx, kind, holder, n, until)
	if len(leased) > 0 {
		failpoint.Hit("lease." + kind + ".after")
	}
	return leased, err
}

func (q failingQueue) LeaseOne(ctx context.Context, id, holder string, until time.Time) (j domain.Job, err error) {
	return j, withHits("lease-one", func() error { j, err = q.Queue.LeaseOne(ctx, id, holder, until); return err })
}

func (q failingQueue) Finish(ctx context.Context, j domain.Job, e domain.Effects) (written bool, err error) {
	return written, withHits("finish."+eventName(e, j.Kind), func() error { written, err = q.Queue.Finish(ctx, j, e); return err })
}

func (q failingQueue) Retry(ctx context.Context, j domain.Job, at time.Time, reason string) error {
	return withHits("retry."+j.Kind, func() error { return q.Queue.Retry(ctx, j, at, reason) })
}

func (q failingQueue) GiveUp(ctx context.Context, j domain.Job, reason string, keep bool, e domain.Effects) error {
	return withHits("give-up."+eventName(e, j.Kind), func() error { return q.Queue.GiveUp(ctx, j, reason, keep, e) })
}

type failingSessions struct{ web.SessionRows }

func (s failingSessions) SaveSession(ctx context.Context, r domain.SessionRow) error {
	return withHits("session.save", func() error { return s.SessionRows.SaveSession(ctx, r) })
}

func (s failingSessions) RenewSession(ctx context.Context, r domain.SessionRow) error {
	return withHits("session.renew", func() error { return s.SessionRows.RenewSession(ctx, r) })
}

type failingCampaigns struct{ campaign.Store }

func (c failingCampaigns) SaveCampaign(ctx context.Context, one campaign.Campaign, mails []campaign.Recipient, e domain.Effects) error {
	return withHits("campaign.saved", func() error { return c.Store.SaveCampaign(ctx, one, mails, e) })
}

func (c failingCampaigns) Settle(ctx context.Context, r campaign.Recipient, from []campaign.RecipientState, e domain.Effects) error {
	return withHits("campaign.settled", func() error { return c.Store.Settle(ctx, r, from, e) })
}
