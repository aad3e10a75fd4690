package portal

import (
	"context"
	"errors"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/admin"
	"entree/portal/web"
)

// SSO is the single sign-on: an *sso.RelyingParty or an *sso.CAS.
type SSO interface {
	AuthURL(ctx context.Context, hint, lang string) (string, sso.State, error)
	// FreshAuthURL begins a login for which the user must authenticate again.
	FreshAuthURL(ctx context.Context, hint, lang string) (string, sso.State, error)
	Exchange(ctx context.Context, s sso.State, query url.Values) (sso.Identity, error)
	LogoutURL(ctx context.Context, idToken secret.Text, back string) string
	Origin() string
}

// Options configures the portal. Fields without a comment must be set.
type Options struct {
	Service  Service
	Texts    Texts
	Accounts Accounts // nil: there is no page of the account
	Sessions web.SessionRows
	SSO      SSO            // nil: EntURL asks for the login itself
	Console  *admin.Console // nil: there is none, and /admin is not found
	// LogoutOrigin is a further origin that a logout redirects to, such as Keycloak's
	// behind a CAS server; empty means none.
	LogoutOrigin string
	Keys         secret.Keyring

	BaseURL        string   // public address without a path
	TrustedProxies []string // none by default
	ProxyHeader    string   // see web.Config
	Institution    web.Institution
	Theme          web.Theme
	Profiles       []domain.Profile // in the order of the welcome page
	ClaimRules     domain.ClaimRules
	Example        string // the published example of a password
	Links          map[domain.Lang][]NextLink
	EntURL         string // the university's own ENT; empty: the stand-in /ent
	// EndsSessions says that Accounts can end the sessions of an account.
	EndsSessions   bool
	InDirectory    bool          // accounts are in a directory, and so are their passwords
	ChangePassword string        // where a password is changed; empty: the page of a forgotten password
	Idle           time.Duration // a journey's idle limit, as the service holds it

	Templates fs.FS
	Static    fs.FS
	Catalog   web.Catalog

	Metrics      *web.Metrics // nil: without figures from the database
	Checks       []web.Check
	OpsElsewhere bool // serve (*Portal).Ops on a listener of its own
	AtOnce       int  // requests worked on at once; 0: any number
	// Trace, if not nil, begins the span of a request.
	Trace func(context.Context) (inner context.Context, end func(method, route string, status int, reference string))

	Zone   *time.Location // of the times in the console; nil: UTC
	Log    *slog.Logger   // a handler that writes times in UTC
	Now    func() time.Time
	Pause  func(context.Context, time.Duration) // waits, or until the context ends; nil: no answer is delayed
	Random io.Reader
}

// Portal serves the pages. It is an http.Handler.
type Portal struct {
	Options
	site     *web.Site
	flows    map[domain.Purpose][]flowPage
	charters drawnCharters
}

// New checks the options, draws each page once with sample data, and returns the
// portal. It returns an error if an option is wrong or a template fails.
func New(o Options) (*Portal, error) {
	if o.SSO == nil && o.EntURL == "" {
		return nil, errors.New("portal: neither a single sign-on nor an ENT address: students could not continue after the success page")
	}
	for name, address := range map[string]string{"ENT": o.EntURL, "change password": o.ChangePassword} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			return nil, errors.New("portal: " + name + " address: want https://…")
		}
	}
	if o.Metrics == nil {
		o.Metrics = web.NewMetrics(web.Build{}, web.Figures{})
	}
	p := &Portal{Options: o}
	p.flows = p.flowPages()
	if err := p.checkFlows(); err != nil {
		return nil, err
	}
	var targets []string
	if o.SSO != nil {
		targets = append(targets, o.SSO.Origin())
	}
	if o.LogoutOrigin != "" && !slices.Contains(targets, o.LogoutOrigin) {
		targets = append(targets, o.LogoutOrigin)
	}
	if o.Console != nil && !slices.Contains(targets, o.Console.Origin()) {
		targets = append(targets, o.Console.Origin())
	}
	var err error
	p.site, err = web.New(web.Config{
		BaseURL: o.BaseURL, TrustedProxies: o.TrustedProxies, ProxyHeader: o.ProxyHeader, FormTargets: targets,
		Institution: o.Institution, Theme: o.Theme,
		Templates: o.Templates, PageNames: slices.Sorted(maps.Keys(p.samples())), Static: o.Static, Catalog: o.Catalog, ErrorPage: errorPage,
		Keys: o.Keys, Sessions: o.Sessions, Log: o.Log,
		Metrics: o.Metrics, Checks: o.Checks, OpsElsewhere: o.OpsElsewhere, AtOnce: o.AtOnce, Trace: o.Trace,
		Now: o.Now, Random: o.Random, Zone: o.Zone,
	})
	if err != nil {
		return nil, err
	}
	p.routes()
	if o.Console != nil {
		if err := o.Console.Mount(p.site); err != nil {
			return nil, err
		}
	}
	return p, p.DrawSamples(func(string, []byte) error { return nil })
}

// Discover reads the configuration of the single sign-on in the background, so
// that the first login does not wait for it.
func (p *Portal) Discover() {
	if rp, ok := p.SSO.(*sso.RelyingParty); ok {
		rp.Discover()
	}
	if p.Console != nil {
		p.Console.SSO.Discover()
	}
}

// EndStreams ends the event streams, when the program stops.
func (p *Portal) EndStreams() { p.site.EndStreams() }

// ServeHTTP implements http.Handler.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.site.ServeHTTP(w, r) }

// Routes returns every route, for tests that visit all of them.
func (p *Portal) Routes() gin.RoutesInfo { return p.site.Routes() }

// Ops returns a handler with health and metrics only.
func (p *Portal) Ops() http.Handler { return p.site.Ops() }

// ErrorPage is drawn by templates/error.html: 403, 404, 429, 500, 503 and "your session has ended".
type ErrorPage struct {
	Status int
	Key    string // message keys error.<key>.title and error.<key>.text
	Wait   template.HTML
	GoOn   string // where the way goes on
	Label  string // message key of that link
}

func errorPage(e *web.Error, wait template.HTML) any {
	page := ErrorPage{Status: e.Status, Key: e.Key, Wait: wait, GoOn: e.GoOn, Label: e.Label}
	if page.GoOn == "" {
		page.GoOn = "/"
	}
	if page.Label == "" {
		page.Label = "error.home"
	}
	return page
}
