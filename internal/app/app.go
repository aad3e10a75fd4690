// Package app builds the portal from a configuration and runs it: [New] creates
// each adapter and hands it to the services, [App.Serve] answers requests and
// runs the background services until its context ends.
//
// The background services are the job runner, the realm's password policy and
// the queue of hashes before it (policy.go), the check of the realm
// (findings.go), the detection of a restored database (restored.go), the login
// events of the realm (logins.go), the scheduled imports (sources.go), the comparison of people
// with accounts that exist (matching.go), and the
// purge with the sealing of the audit trail (app.go).
//
// It is the only package that knows every adapter. Commands use it; nothing else
// in the product does.
package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"entree/internal/activation"
	"entree/internal/buildinfo"
	"entree/internal/campaign"
	"entree/internal/charter"
	"entree/internal/config"
	"entree/internal/directory"
	"entree/internal/domain"
	"entree/internal/helpdesk"
	"entree/internal/jobs"
	"entree/internal/mail"
	"entree/internal/mail/bounce"
	"entree/internal/outage"
	"entree/internal/registry/intake"
	"entree/internal/sms"
	"entree/internal/store"
	"entree/internal/tracing"
	"entree/internal/webhook"
	"entree/keycloak"
	"entree/portal"
	"entree/portal/web"
)

// App is the portal: its adapters, services and pages. Create it with [New].
type App struct {
	config  config.Config
	log     *slog.Logger
	store   *store.Store
	service *activation.Service
	desk    *helpdesk.Service
	runner  *jobs.Runner
	realm   *keycloak.Client // nil without Keycloak
	policy  *realmPolicy
	found   *findings // of the realm; nil without Keycloak
	// directory holds the findings of the directory of accounts; nil if Keycloak
	// keeps the accounts.
	directory *findings
	rules     *realmRules
	refused   *findings // people whom the realm would refuse
	metrics   *web.Metrics
	tracer    *tracing.Tracer // nil without traces.endpoint
	pages     *portal.Portal

	realmAccounts *keycloak.Accounts  // nil without Keycloak
	inDirectory   *directory.Store    // nil if Keycloak keeps the accounts
	federated     *keycloak.Federated // nil without a Keycloak above a directory
	accountOrders accountOrders

	webhooks    *webhook.Webhooks
	charters    *charter.Service
	campaigns   *campaign.Service
	mailer      *mail.Mailer
	telephone   *sms.Notifier // nil without SMS
	centre      *sms.Centre   // nil without SMPP
	bounceRules *bounce.Rules
	intake      *intake.Intake

	sources sourceErrors
	failing outage.Tracker // of repeated acts of this file and its neighbours
}

// graceful is the time that requests under way have at shutdown.
const graceful = 15 * time.Second

// New builds the portal. Keycloak, or the directory, need not answer: without it, students get as far
// as the last page. The caller must call Close.
func New(ctx context.Context, c config.Config, log *slog.Logger) (*App, error) {
	a := &App{config: c, log: log}
	ok := false
	defer func() {
		if !ok {
			a.Close()
		}
	}()
	var err error
	if err := prepareSchema(ctx, c, log); err != nil {
		return nil, err
	}
	if a.store, err = OpenStore(ctx, c); err != nil {
		return nil, err
	}
	if err := a.setUpTraces(ctx); err != nil {
		return nil, err
	}
	if !a.store.FindsParts() {
		log.Warn("the database has no trigram index: the console does not find parts of a number or address",
			"do", "install pg_trgm (postgresql-contrib), then run: CREATE EXTENSION pg_trgm; CREATE INDEX people_parts ON people USING gin (substr(search, strpos(search, '#')) gin_trgm_ops)")
	}
	if err := a.setUpCharters(ctx); err != nil {
		return nil, err
	}
	if c.HasKeycloak() {
		if a.realm, err = keycloak.NewClient(a.tracedKeycloak(keycloakConfig(c))); err != nil {
			return nil, err
		}
		a.found = &findings{what: "the realm", log: log, read: func(ctx context.Context) ([]keycloak.Finding, error) { return a.realm.CheckSelf(ctx, Wanted(c)) }}
		a.realmAccounts = a.realm.Accounts(c.Institution.Scope).WithNumbers(c.NumberAttributes())
		a.realmAccounts.Console = c.Console.ClientID
		a.realmAccounts.PasskeyHost = hostOf(c.Issuer())
	}
	build := buildinfo.Read()
	a.metrics = web.NewMetrics(web.Build{Version: build.Version, Commit: build.Commit}, web.Figures{Events: a.store.EventCounts, Jobs: a.jobFigures, Limits: a.limitFigures, Claims: a.claimFigures})
	a.policy = newRealmPolicy(a.realm, c, log, a.metrics.ObserveHash)
	a.rules = newRealmRules(a.realm, c, log)
	refused := &refusedPeople{rules: a.rules, people: a.store, now: time.Now}
	a.refused = &findings{what: "people", log: log, read: refused.read}
	if a.bounceRules, err = BounceRules(c.BounceRules()); err != nil {
		return nil, err
	}
	if a.mailer, err = mail.New(mailOptions(c, a.bounceRules)); err != nil {
		return nil, err
	}
	accounts, err := a.openAccounts()
	if err != nil {
		return nil, err
	}
	notifiers := domain.Notifiers{domain.ChannelMail: a.mailer}
	if err := a.setUpSMS(notifiers); err != nil {
		return nil, err
	}
	p := withFailpoints(ports{
		store: a.store, limits: a.store, accounts: accounts, hasher: a.policy, notifier: notifiers, queue: a.store, sessions: a.store, campaigns: a.store,
	})
	a.runner = jobs.New(a.tracedJobs(jobs.Options{Queue: p.queue, Clock: time.Now, Log: log, Workers: c.Limits.JobsAtOnce, Ended: a.metrics.JobEnded}))
	leaked, err := openBreached(c)
	if err != nil {
		return nil, err
	}
	a.webhooks = NewWebhooks(c)
	var passkeys domain.Passkeys
	var factors domain.Factors
	switch {
	case a.realmAccounts != nil && !c.InDirectory():
		passkeys, factors = a.realmAccounts, a.realmAccounts
	case a.realm != nil:
		factors = a.inDirectory
	}
	var entries domain.Entries
	if a.federated != nil {
		entries = a.federated
	}
	a.service, err = activation.New(activation.Options{
		Passkeys: passkeys, Factors: factors, Entries: entries, Origin: originOf(c.Portal.BaseURL), Institution: c.Institution.Name,
		Store: p.store, Limits: p.limits, Runner: a.runner, Accounts: p.accounts, Hasher: p.hasher, Notifier: p.notifier,
		Charters: a.charters.Cache, Subscribers: a.webhooks, Keys: c.Keys, Clock: time.Now, Random: rand.Reader,
		Profiles: c.Domain(), Policy: a.policy.Policy, Words: c.Password.Words, Breached: leaked,
		CodeLife: c.Compressed(c.Code.Life), ResendWait: c.Compressed(activation.ResendWait), Idle: c.Portal.SessionIdle, Absolute: c.Portal.SessionAbsolute, Wait: 4 * time.Second,
		Rates: c.Rates(), SMSPrefixes: c.SMS.Prefixes, ClaimRules: c.ClaimRules(), FactorDelay: time.Duration(c.Recovery.FactorDelay) * 24 * time.Hour, Avoid: a.rules.Avoid,
	})
	if err != nil {
		return nil, err
	}
	a.runner.Handle(domain.JobMail, a.service.MailJobs())
	a.runner.Handle(domain.JobAccount, a.service.AccountJobs())
	for queue, handler := range a.webhooks.Handlers() {
		a.runner.Handle(queue, handler)
	}
	a.desk = helpdesk.New(helpdesk.Options{Service: a.service, People: a.store, Claims: a.store, Accounts: accounts})
	a.runner.Handle(helpdesk.JobAdopt, a.desk.AdoptJobs())
	a.runner.Handle(domain.JobCharter, a.service.CharterJobs())
	a.accountOrders = accountOrders{newMatching(c, a.store, a.existingAccounts(), a.runner.Wake), make(chan accountOrder, 1)}
	a.runner.Handle(domain.JobMark, a.accountOrders.MarkJobs())
	a.runner.Handle(domain.JobAddress, a.service.AddressJobs())
	a.runner.Handle(domain.JobFactor, a.service.FactorJobs())
	a.runner.Handle(domain.JobClaim, a.service.ClaimJobs())
	a.runner.Handle(domain.JobPassword, a.service.PasswordJobs())
	a.runner.Handle(domain.JobPasskey, a.service.PasskeyJobs())
	a.runner.Handle(domain.JobDrop, a.service.DropJobs())
	a.runner.Handle(domain.JobFactorNews, a.service.FactorNewsJobs())
	if err := a.setUpCampaigns(ctx, p); err != nil {
		return nil, err
	}
	a.intake = intake.New(ctx, intake.Options{
		Folder: c.ImportFolder(), Store: a.store, Mapping: a.importMapping(), MaxGone: float64(c.Import.MaxGone) / 100, Log: log, Now: time.Now, Random: rand.Reader,
	})
	if a.pages, err = a.newPortal(p.sessions); err != nil {
		return nil, err
	}
	ok = true
	return a, nil
}

// Serve answers requests on the listener and runs the background services until ctx
// ends. It then waits up to 15 seconds for the requests under way.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	a.pages.Discover()
	compared := a.compareAges(ctx) // before the first job runs
	if a.config.Portal.OpsListen != "" {
		ops, err := net.Listen("tcp", a.config.Portal.OpsListen)
		if err != nil {
			return fmt.Errorf("portal.ops_listen: %w", err)
		}
		group.Go(func() error { return a.answer(ctx, ops, a.pages.Ops()) })
	}
	group.Go(func() error { return a.runner.Run(ctx) })
	group.Go(func() error { return a.policy.watch(ctx) })
	if a.found != nil {
		group.Go(func() error { return a.found.watch(ctx) })
	}
	if a.directory != nil {
		group.Go(func() error { return a.directory.watch(ctx) })
	}
	group.Go(func() error { return a.rules.watch(ctx) })
	group.Go(func() error { return a.watchRefused(ctx) })
	group.Go(func() error { return a.watchLogins(ctx) })
	group.Go(func() error { return a.watchAge(ctx, compared) })
	group.Go(func() error { return a.purgePeriodically(ctx) })
	group.Go(func() error { return a.readSources(ctx) })
	group.Go(func() error { return a.watchAccounts(ctx) })
	group.Go(func() error { return a.charters.Cache.Watch(ctx, a.log) })
	group.Go(func() error { return a.answer(ctx, listener, a.pages) })
	if err := notifyReady(os.Getenv("NOTIFY_SOCKET")); err != nil {
		a.log.Warn("notify systemd", "error", err)
	}
	if a.config.UploadsMayBeElsewhere() {
		a.log.Info("several instances must share the folder of uploaded files, or use the console on one of them", "import.folder", a.config.ImportFolder())
	}
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// connections limits open connections, and with them file descriptors and memory.
// Most are idle connections that a browser keeps for its next page.
const connections = 8192

// answer serves one listener until ctx ends and its requests are done.
func (a *App) answer(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := web.NewServer(handler, a.log)
	server.RegisterOnShutdown(a.pages.EndStreams) // nothing waits for browsers that only listen
	// The listener is closed first and the server is shut down when Serve has
	// returned, so that no connection is accepted after the shutdown counted them.
	// LimitListener must not be closed before: it drops the connections that it still accepts.
	closing := drain(listener)
	stop := context.AfterFunc(ctx, func() { _ = closing.Close() }) // sets a deadline
	defer stop()
	err := server.Serve(netutil.LimitListener(closing, connections))
	if ctx.Err() == nil {
		return err
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	if err := server.Shutdown(limit); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	a.log.Warn("requests that did not end in time were cut off at the stop", "after", graceful.String())
	return server.Close()
}

// purgePeriodically purges expired data and seals the audit trail every ten minutes (S48).
func (a *App) purgePeriodically(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := a.store.Purge(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("expired data could not be deleted", "error", err)
		}
		if err := a.intake.Purge(); err != nil {
			a.log.Error("uploaded files could not be deleted", "error", err)
		}
		if err := a.sealRecord(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.log.Error("the audit could not be sealed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// settled is the age at which an event is sealed: by then every transaction of its
// time has ended, also the long ones of an import.
const settled = 15 * time.Minute

// sealRecord seals the events that are not sealed yet and removes entries older than
// audit.keep_months. It logs the head of the chain, so that a copy of the hash exists
// outside of the database.
func (a *App) sealRecord(ctx context.Context, now time.Time) error {
	sealed, err := a.store.SealEvents(ctx, now.Add(-settled))
	if err != nil {
		return err
	}
	cut, err := a.store.CutAudit(ctx, now.AddDate(0, -a.config.Audit.KeepMonths, 0))
	if err != nil || sealed == 0 && cut == 0 {
		return err
	}
	head, err := a.store.AuditHead(ctx)
	if err == nil {
		a.log.Info("audit sealed", "events", sealed, "cut", cut, "noted", fmt.Sprintf("%d:%s", head.Seq, head.Hash))
	}
	return err
}

// Config returns the configuration that the portal was built with.
func (a *App) Config() config.Config { return a.config }

// Store returns the portal's database.
func (a *App) Store() *store.Store { return a.store }

// Service returns the activation service.
func (a *App) Service() *activation.Service { return a.service }

// ReadPolicy reads the realm's password policy now instead of at the next tick
// of [App.Serve].
func (a *App) ReadPolicy(ctx context.Context) error { return a.policy.read(ctx) }

// Close releases the database and the import folder. It must not be called
// while Serve runs.
func (a *App) Close() {
	if a.intake != nil {
		a.intake.Close()
	}
	a.closeTraces()
	if a.centre != nil {
		if err := a.centre.Close(); err != nil {
			a.log.Warn("the SMSC did not answer the unbind", "error", err)
		}
	}
	if a.store != nil {
		if err := a.store.Close(); err != nil {
			a.log.Error("close the database", "error", err)
		}
	}
}
