package admin

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"entree/internal/audit"
	"entree/internal/campaign"
	"entree/internal/charter"
	"entree/internal/domain"
	"entree/internal/overview"
	"entree/internal/registry/intake"
	"entree/internal/sso"
	"entree/portal/web"
)

// Options holds the parts and settings of the console.
type Options struct {
	SSO       *sso.RelyingParty
	Journal   Journal
	Figures   Figures
	Record    Record
	Rights    Rights
	Realm     func() []string // findings about the realm, one line each; may be nil
	Desk      Desk
	Directory People
	Profiles  []domain.Profile
	Charters  *charter.Desk     // nil: without pages of charters
	Campaigns *campaign.Service // nil: without pages of campaigns
	Lists     Lists
	Letters   Letters
	Evidence  EvidenceKey
	// Markdown draws a charter as its reader sees it.
	Markdown  func(text string) (template.HTML, error)
	Intake    *intake.Intake // nil: without pages of imports
	Imports   Imports
	Templates fs.FS // the console's own: layout.html, partials.html and a file for each page
	Now       func() time.Time
	Zone      *time.Location // of the times that are typed; nil: UTC
}

// Figures reads the counts of the overview and the list of jobs.
type Figures interface {
	Overview(ctx context.Context, since time.Time) (overview.Overview, error)
	// Jobs returns the jobs that wait or were given up, oldest first; an empty
	// kind means every kind. It returns limit+1 jobs if there are more.
	Jobs(ctx context.Context, kind string, givenUp bool, skip, limit int) ([]overview.JobLine, error)
	// SendAgain takes a job up again that was given up and kept whole, with the
	// operator's entry. It returns domain.ErrNotFound if another operator did so before.
	SendAgain(ctx context.Context, id string, deadline time.Time, by ...audit.Entry) error
	// Refusals returns the counts of mails that providers refused whatever the
	// recipient, with a refusal not before since.
	Refusals(ctx context.Context, since time.Time) ([]overview.MailRefusals, error)
	// WrongMarks counts the addresses that are marked as wrong, by provider,
	// status and rule.
	WrongMarks(ctx context.Context) ([]overview.WrongMarks, error)
	// ClearWrong removes the marks of one provider, status and rule, and returns
	// their number.
	ClearWrong(ctx context.Context, m overview.WrongMarks, reason string, entry audit.Entry) (int, error)
	// Hurry makes waiting jobs due now and returns how many; domain.ErrNotFound if
	// there is none.
	Hurry(ctx context.Context, w overview.WaitingJobs, by ...audit.Entry) (int64, error)
}

// Journal records acts that change nothing else: a login, a page that
// was refused, an export. An act that changes something commits its entry with
// the change.
type Journal interface {
	Note(ctx context.Context, e audit.Entry) error
}

// Lists are read for pages, a screen at a time.
type Lists interface {
	Cohorts(ctx context.Context) ([]string, error)
	Recipients(ctx context.Context, id string, state campaign.RecipientState, skip, limit int) ([]campaign.Recipient, []domain.Person, error)
}

// Letters renders a mail without sending it.
type Letters interface {
	Preview(m domain.Message) (subject, text string, err error)
}

// EvidenceKey signs exported evidence in the name of an institution.
type EvidenceKey struct {
	Institution, Portal string
	Key                 ed25519.PrivateKey
}

// Record reads the audit.
type Record interface {
	Audit(ctx context.Context, q audit.Query, see func(audit.Link) error) error
	// AuditActs returns the number of entries by act.
	AuditActs(ctx context.Context) (map[string]int64, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// Rights serves the rights of a person over the data about them.
type Rights interface {
	// Dossier returns all data about a person, or domain.ErrNotFound.
	Dossier(ctx context.Context, id domain.PersonID) (overview.Dossier, error)
	// Erase removes the data that need not be kept, with its entry in the audit.
	// domain.ErrConflict where the account is being made, or it was erased
	// before.
	Erase(ctx context.Context, id domain.PersonID, e audit.Entry) error
}

// Console serves the pages of operators.
type Console struct {
	Options
	site   *web.Site
	routes []*route
	seen   overviewCache

	renewals      singleflight.Group        // by session
	recheckFailed atomic.Pointer[time.Time] // the last time that the provider did not answer
}

// New checks the options. The pages are there once the console is mounted.
func New(o Options) (*Console, error) {
	if o.SSO == nil || o.Journal == nil {
		return nil, errors.New("console: a single sign-on and a journal are needed")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Console{Options: o}, nil
}

// Origin returns the origin of the login's pages, for a content security policy.
func (a *Console) Origin() string { return a.SSO.Origin() }

// Mount adds the console to a site and draws each page once with sample data.
func (a *Console) Mount(site *web.Site) error { return a.mount(site, a.table) }

func (a *Console) mount(site *web.Site, table func()) error {
	var err error
	a.site, err = site.Section(web.Section{
		Path: root, Cookie: "entree-admin", Templates: a.Templates, PageNames: pageNames(), ErrorPage: errorPage, Dress: a.dress,
	})
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	table()
	return a.trySamples()
}
