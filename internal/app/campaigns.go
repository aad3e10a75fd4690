package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"slices"
	"time"

	"entree/internal/campaign"
	"entree/internal/config"
	"entree/internal/domain"
	"entree/internal/mail"
	"entree/internal/mail/bounce"
)

// setUpCampaigns registers the jobs of campaigns, and the bounce reader if the
// configuration names a mailbox.
func (a *App) setUpCampaigns(ctx context.Context, p ports) error {
	c := a.config
	a.campaigns = &campaign.Service{Store: p.campaigns, Notifier: p.notifier, Runner: a.runner, Charters: a.charters.Cache, Profiles: c.Domain(), Clock: time.Now, Random: rand.Reader}
	a.runner.Handle(campaign.JobTick, a.campaigns.Ticks())
	a.runner.Handle(campaign.JobMail, a.campaigns.Mails())
	var box bounce.Box
	switch c.Bounces.Kind {
	case "folder":
		box = bounce.Folder{Dir: c.BounceFolder()}
	case "imap":
		box = newIMAP(c)
	default:
		return nil
	}
	reader := &bounce.Reader{
		Box: box, Rules: a.bounceRules, Every: c.Bounces.Every, Clock: time.Now, Log: a.log,
		Ours: func(messageID string, to domain.Address) (string, bool) { return mail.Ours(c.Keys, messageID, to) },
		Tell: func(ctx context.Context, b bounce.Bounce) error {
			return a.campaigns.Bounced(ctx, campaign.Bounce{
				Job: b.ID, Address: b.Address, Status: b.Status, Rule: b.Rule, Provider: b.Provider, Wrong: b.Outcome == bounce.Wrong,
				Refusal: slices.Contains(bounce.Refusals, b.Reason), Reason: string(b.Reason), Words: b.Words, At: time.Now().UTC(),
			})
		},
	}
	a.runner.Handle(bounce.JobKind, reader)
	return a.store.EnsureJob(ctx, reader.FirstJob())
}

// newIMAP returns the configured mailbox for bounces.
func newIMAP(c config.Config) bounce.IMAP {
	b := c.Bounces
	box := bounce.IMAP{Host: b.Host, Port: b.Port, TLS: b.TLS, User: b.User, Password: b.Password, Mailbox: b.Mailbox}
	if c.Roots() != nil {
		box.TLSRoots = &tls.Config{ServerName: b.Host, RootCAs: c.Roots(), MinVersion: tls.VersionTLS12}
	}
	return box
}
