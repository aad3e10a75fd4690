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

// Options configures a console. SSO, Journal, Figures, Record, Rights, Desk,
// Directory, Templates and Now must be set. Charters also needs Evidence and
// Markdown, Matching also needs Matches, Campaigns also needs Lists and Letters, and Intake also needs
// Imports.
type Options struct {
	SSO       *sso.RelyingParty
	Journal   AuditLog
	Figures   Figures
	Record    AuditReader
	Rights    Rights
	Realm     func() []string // returns findings about the realm, one line each; may be nil
	Desk      HelpDesk
	Directory People
	Profiles  []domain.Profile
	// ClaimRules say whether a claim needs a second operator and an identity card.
	ClaimRules domain.ClaimRules
	Matching   Matching // nil: no pages of existing accounts
	Matches    Matches
	Charters   *charter.Service  // nil: no pages of charters
	Campaigns  *campaign.Service // nil: no pages of campaigns
	Lists      Lists
	Letters    MailPreviewer
	Evidence   EvidenceKey
	// Markdown renders the text of a charter as HTML, as the student sees it.
	Markdown  func(text string) (template.HTML, error)
	Intake    *intake.Intake // nil: no pages of imports
	Imports   Imports
	Templates fs.FS // templates of the console: layout.html, partials.html and one file per page
	Now       func() time.Time
	Zone      *time.Location // time zone of submitted times; nil: UTC
}

// Figures reads the counts of the overview and the list of jobs, and performs
// the acts on them.
type Figures interface {
	Overview(ctx context.Context, since time.Time) (overview.Overview, error)
	// Jobs returns the jobs that wait or were given up, oldest first. An empty
	// kind selects every kind. Jobs returns limit+1 jobs if there are more.
	Jobs(ctx context.Context, kind string, givenUp bool, skip, limit int) ([]overview.JobLine, error)
	// SendAgain schedules a job again that was given up and whose content was
	// kept, and writes the operator's audit entry. It returns
	// domain.ErrNotFound if another operator did so before.
	SendAgain(ctx context.Context, id string, deadline time.Time, by ...audit.Entry) error
	// FactorCounts returns the figures of passkeys and second factors by profile and
	// cohort.
	FactorCounts(ctx context.Context) ([]overview.FactorCount, error)
	// WithoutFactor calls see with the people who have neither.
	WithoutFactor(ctx context.Context, q overview.WithoutQuery, see func(overview.Without) error) error
	// Refusals returns the counts of mails that providers refused for reasons
	// other than the recipient, if the last refusal is not before since.
	Refusals(ctx context.Context, since time.Time) ([]overview.MailRefusals, error)
	// WrongMarks returns the counts of addresses that are marked as wrong, by
	// provider, status and rule.
	WrongMarks(ctx context.Context) ([]overview.WrongMarks, error)
	// ClearWrong removes the marks of one provider, status and rule, and
	// returns their number.
	ClearWrong(ctx context.Context, m overview.WrongMarks, reason string, entry audit.Entry) (int, error)
	// Hurry makes waiting jobs due now and returns their number, or
	// domain.ErrNotFound if there is none.
	Hurry(ctx context.Context, w overview.WaitingJobs, by ...audit.Entry) (int64, error)
}

// AuditLog records acts that change nothing else: a login, a refused page, an
// export. An act that changes data commits its entry in the same transaction.
type AuditLog interface {
	Note(ctx context.Context, e audit.Entry) error
}

// Lists reads the data of long lists, one page at a time.
type Lists interface {
	Cohorts(ctx context.Context) ([]string, error)
	Recipients(ctx context.Context, id string, state campaign.RecipientState, skip, limit int) ([]campaign.Recipient, []domain.Person, error)
}

// MailPreviewer renders a mail without sending it.
type MailPreviewer interface {
	Preview(m domain.Message) (subject, text string, err error)
}

// EvidenceKey signs exported evidence for an institution. All fields must be
// set.
type EvidenceKey struct {
	Institution, Portal string
	Key                 ed25519.PrivateKey
}

// AuditReader reads the audit.
type AuditReader interface {
	Audit(ctx context.Context, q audit.Query, see func(audit.Link) error) error
	// AuditActs returns the number of entries by act.
	AuditActs(ctx context.Context) (map[string]int64, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// Rights serves a person's rights to access and erasure of their data.
type Rights interface {
	// Dossier returns all data about a person, or domain.ErrNotFound.
	Dossier(ctx context.Context, id domain.PersonID) (overview.Dossier, error)
	// OrderErasure closes the person at once. The data that need not be kept are
	// removed after domain.ErasureDelay, unless TakeBackErasure is called before. Both
	// write the audit entry and return domain.ErrConflict if the person is not in
	// the state for it.
	OrderErasure(ctx context.Context, id domain.PersonID, e audit.Entry) error
	TakeBackErasure(ctx context.Context, id domain.PersonID, e audit.Entry) error
}

// Console serves the pages of operators. It is safe for concurrent use after
// Mount.
type Console struct {
	Options
	site   *web.Site
	routes []*route
	seen   overviewCache

	renewals      singleflight.Group        // calls of Renew in progress, by session id
	recheckFailed atomic.Pointer[time.Time] // time of the last check to which the provider did not answer
}

// New checks the options. Mount adds the pages.
func New(o Options) (*Console, error) {
	if o.SSO == nil || o.Journal == nil {
		return nil, errors.New("console: a single sign-on and a journal are needed")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Console{Options: o}, nil
}

// Origin returns the origin of the login pages, for the content security
// policy.
func (a *Console) Origin() string { return a.SSO.Origin() }

// Mount adds the console to a site.
func (a *Console) Mount(site *web.Site) error { return a.mount(site, a.table) }

func (a *Console) mount(site *web.Site, table func()) error {
	var err error
	a.site, err = site.Section(web.Section{
		Path: root, Cookie: "entree-admin", Templates: a.Templates, PageNames: pageNames(), ErrorPage: errorPage, AddFrame: a.addFrame,
	})
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	table()
	return nil
}
