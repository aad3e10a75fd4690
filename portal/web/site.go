package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/loopback"
	"entree/internal/secret"
)

// Catalog holds the messages of the pages in all languages. T returns a message
// with its arguments, which are pairs of a name and a value. Match returns the
// supported language that fits a header Accept-Language best.
type Catalog interface {
	T(lang domain.Lang, key string, args ...any) template.HTML
	Match(acceptLanguage string) domain.Lang
}

// Config configures a site. BaseURL, Theme, Templates, PageNames, Static,
// Catalog, ErrorPage, Keys, Sessions, Log, Metrics, Now and Random must be set.
type Config struct {
	BaseURL        string   // public origin, "https://mon-compte.univ-orleans.fr"; http on loopback only
	TrustedProxies []string // addresses or networks of reverse proxies; none by default
	ProxyHeader    string   // header in which the proxies write the visitor's address; empty: X-Forwarded-For, else Forwarded
	FormTargets    []string // other origins that the answer to a form may redirect to
	Institution    Institution
	Theme          Theme
	Templates      fs.FS
	PageNames      []string
	Static         fs.FS
	Catalog        Catalog
	ErrorPage      ErrorPage
	Keys           secret.Keyring
	Sessions       SessionRows
	Log            *slog.Logger
	Metrics        *Metrics
	Checks         []Check
	OpsElsewhere   bool // health checks and metrics are served by Ops on a separate listener
	Now            func() time.Time
	Random         io.Reader
	Zone           *time.Location // time zone of the times on pages; nil: UTC
	AtOnce         int            // maximum number of requests processed at the same time; 0: no limit
	// Trace, if not nil, begins the span of a request. end is called after the answer.
	Trace func(context.Context) (inner context.Context, end func(method, route string, status int, reference string))
}

// URL returns the public address of a path.
func (s *Site) URL(path string) string { return s.base.JoinPath(path).String() }

// Site serves the pages. It is safe for concurrent use after all routes were
// added.
type Site struct {
	config      Config
	base        *url.URL
	engine      *gin.Engine
	pages       pages
	assets      *assets
	sessions    *Sessions
	institution Institution
	gets        map[string]bool           // route templates that answer GET with a page
	uploads     map[string]int64          // maximum size in bytes of an upload, by route template
	addFrame    func(*gin.Context, *View) // of a section; nil: nothing is added
	ready       *readiness
	crowd       *crowd
	lasting     *lasting
	largeBodies *atomic.Int64 // bodies above smallBody that are being read
	proxies     *proxies
	sections    map[string]*Site // by path prefix
	ended       chan struct{}    // closed when the program stops
	endOnce     *sync.Once
}

// maxURL and maxBody are limits in bytes, far above the size of the portal's
// own links and forms.
const (
	maxURL  = 4 << 10
	maxBody = 64 << 10
)

// New checks the configuration, reads templates and static files, and returns a
// site without pages.
func New(config Config) (*Site, error) {
	s := &Site{
		config: config, gets: map[string]bool{}, uploads: map[string]int64{}, sections: map[string]*Site{}, ended: make(chan struct{}), endOnce: &sync.Once{},
		crowd: &crowd{most: int64(config.AtOnce)}, lasting: &lasting{owners: map[string]int{}}, largeBodies: &atomic.Int64{},
	}
	var err error
	if s.proxies, err = newProxies(config); err != nil {
		return nil, err
	}
	checks := config.Checks
	if len(config.TrustedProxies) > 0 {
		checks = append(slices.Clip(checks), Check{Name: "proxies", Run: func(context.Context) error { return s.proxies.ready() }})
	}
	s.ready = &readiness{checks: checks, now: config.Now, log: config.Log}
	config.Metrics.watchParts(s.ready.parts)
	if s.base, err = parseBase(config.BaseURL); err != nil {
		return nil, err
	}
	theme, err := config.Theme.CSS()
	if err != nil {
		return nil, err
	}
	if s.assets, err = loadAssets(config.Static, map[string][]byte{"theme.css": theme}); err != nil {
		return nil, err
	}
	s.institution = config.Institution
	if to, ok := s.assets.address[s.institution.LogoURL]; ok {
		s.institution.LogoURL = to
	}
	if s.pages, err = s.loadPages(config.Templates, config.PageNames); err != nil {
		return nil, err
	}
	s.sessions = newSessions("entree", config, s.base.Scheme == "https")
	s.build()
	return s, nil
}

func (s *Site) build() {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false // notFound redirects, for more cases than slashes
	e.ForwardedByClientIP = false   // ClientKey reads the headers of proxies
	e.MaxMultipartMemory = 1        // no form is multipart, and ReadForm refuses multipart bodies
	e.Use(s.observe, s.recover, s.headers(), s.limit, s.language, s.takeBody, s.admit)
	e.NoRoute(s.notFound)
	e.NoMethod(func(c *gin.Context) {
		s.sectionOf(c).fail(c, &Error{Status: http.StatusMethodNotAllowed, Key: "method"})
	})
	s.engine = e
	both(e, "/static/*name", s.Handle(s.serveAsset))
	if !s.config.OpsElsewhere {
		s.ops(e, false)
	}
}

// Get adds a page. HEAD is answered as GET is; net/http omits the body.
func (s *Site) Get(path string, h func(*gin.Context) error) {
	s.gets[path] = true
	both(s.engine, path, s.Handle(h))
}

// GetOnly adds a route whose GET has an effect: it consumes a one-time value,
// writes an audit entry or opens a stream. HEAD is refused with 405.
func (s *Site) GetOnly(path string, h func(*gin.Context) error) { s.engine.GET(path, s.Handle(h)) }

// Post adds a route for a form.
func (s *Site) Post(path string, h func(*gin.Context) error) { s.engine.POST(path, s.Handle(h)) }

func both(e *gin.Engine, path string, h gin.HandlerFunc) {
	e.GET(path, h)
	e.HEAD(path, h)
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Routes returns all routes. Tests use it to check each of them.
func (s *Site) Routes() gin.RoutesInfo { return s.engine.Routes() }

// Base returns the public origin without a trailing slash.
func (s *Site) Base() string { return s.base.Scheme + "://" + s.base.Host }

func parseBase(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("base URL: %w", err)
	case u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("base URL %q: want scheme and host only", address)
	case u.Scheme == "https", u.Scheme == "http" && loopback.IsHost(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("base URL: https is needed beyond loopback, or session cookies would travel in the clear")
}
