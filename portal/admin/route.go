package admin

import (
	"errors"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// Role is a role of operators, assigned in the realm.
type Role string

// Roles of the console.
const (
	Admin    Role = "admin"    // may do everything
	Helpdesk Role = "helpdesk" // reads and performs acts of the help desk; no imports, no exports
	// Registrar reads, and decides the claims of people who cannot reach their address.
	Registrar Role = "registrar"
	Auditor   Role = "auditor" // reads everything including the audit; changes nothing
)

// Sets of roles for the table of routes. An audit entry contains the first role
// of the set that the operator has.
var (
	admins     = []Role{Admin}
	helpers    = []Role{Admin, Helpdesk}
	readers    = []Role{Admin, Auditor}
	registrars = []Role{Admin, Registrar, Auditor}
	deciders   = []Role{Admin, Registrar}
	everybody  = []Role{Admin, Helpdesk, Registrar, Auditor}
)

// route is one address with the roles that may request it.
type route struct {
	method, path string
	roles        []Role
	fields       []web.Field
	fresh        bool // requires a login of the last five minutes
	preview      bool // the login is not required while the field "confirme" is empty
}

// stepUp makes a route require a login of the last five minutes. It is for acts
// that change an address, write to many people or cannot be undone, and for
// downloads of personal data.
func (r *route) stepUp() { r.fresh = true }

// stepUpConfirmed is stepUp for an act that first shows its effect: the login
// is required only when the form's field "confirme" is set.
func (r *route) stepUpConfirmed() { r.fresh, r.preview = true, true }

// get adds a page.
func (a *Console) get(path string, h func(*visit) error, roles ...Role) *route {
	r := a.add(http.MethodGet, path, roles)
	a.site.Get(path, func(c *gin.Context) error {
		v, err := a.enter(c, r)
		if err != nil {
			return err
		}
		if err := a.stay(v); err != nil {
			return err
		}
		return missing(h(v))
	})
	return r
}

// missing converts domain.ErrNotFound to the page "not found".
func missing(err error) error {
	if errors.Is(err, domain.ErrNotFound) {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found", Cause: err}
	}
	return err
}

// stream adds an event stream. An open stream does not extend the session,
// because an open tab is not activity. Pages of other origins cannot open one.
func (a *Console) stream(path string, h func(*visit) error, roles ...Role) {
	r := a.add(http.MethodGet, path, roles)
	a.site.GetOnly(path, func(c *gin.Context) error {
		if err := a.site.CheckSameOrigin(c, root, "console.back"); err != nil {
			return err
		}
		v, err := a.enter(c, r)
		if err != nil {
			return err
		}
		return missing(h(v))
	})
}

// download adds a file. A download writes an audit entry, so HEAD is refused. A
// request that was caused by another site, which includes the provider's
// redirect after a login, is answered with a page that links to the file (R19).
func (a *Console) download(path string, h func(*visit) error, roles ...Role) *route {
	r := a.add(http.MethodGet, path, roles)
	a.site.GetOnly(path, func(c *gin.Context) error {
		if err := a.site.CheckSameOrigin(c, c.Request.URL.RequestURI(), "console.download"); err != nil {
			return err
		}
		v, err := a.enter(c, r)
		if err != nil {
			return err
		}
		if err := a.stay(v); err != nil {
			return err
		}
		if r.fresh {
			if !v.isFresh() {
				return v.proveAgain(nil)
			}
			if err := v.spend(); err != nil {
				return err
			}
		}
		leave, err := a.site.Lasting(c, v.by.Subject) // the duration depends on the speed of the client
		if err != nil {
			return err
		}
		defer leave()
		return missing(h(v))
	})
	return r
}

// post adds a form that changes something.
func (a *Console) post(path string, h func(*visit, web.Form) error, fields []web.Field, roles ...Role) *route {
	r := a.add(http.MethodPost, path, roles)
	r.fields = fields
	a.site.Post(path, func(c *gin.Context) error {
		form, err := web.ReadForm(c, fields...)
		if err != nil {
			return err
		}
		v, err := a.enter(c, r)
		if err != nil {
			return err
		}
		if err := a.site.CheckToken(c, form, tokenAbout, backOf(c)); err != nil {
			return err
		}
		if err := a.stay(v); err != nil {
			return err
		}
		if r.fresh && (!r.preview || form["confirme"] != "") {
			if !v.isFresh() {
				return v.proveAgain(form)
			}
			if err := v.spend(); err != nil {
				return err
			}
		}
		return missing(h(v, form))
	})
	return r
}

// upload adds a form with one file of at most most bytes.
func (a *Console) upload(path string, most int64, h func(*visit, *multipart.Part) error, roles ...Role) *route {
	r := a.add(http.MethodPost, path, roles)
	a.site.Upload(path, most, func(c *gin.Context) error {
		v, err := a.enter(c, r)
		if err != nil {
			return err
		}
		leave, err := a.site.Lasting(c, v.by.Subject)
		if err != nil {
			return err
		}
		defer leave()
		form, file, err := web.ReadUpload(c, "fichier")
		if err != nil {
			return err
		}
		if err := a.site.CheckToken(c, form, tokenAbout, backOf(c)); err != nil {
			return err
		}
		if err := a.stay(v); err != nil {
			return err
		}
		return h(v, file)
	})
	return r
}

func (a *Console) add(method, path string, roles []Role) *route {
	r := &route{method: method, path: path, roles: roles}
	a.routes = append(a.routes, r)
	return r
}

// enter returns the visit of an operator who is logged in and has one of the
// route's roles. For an operator without such a role it returns an error page
// and writes an audit entry, because no page links to that address.
func (a *Console) enter(c *gin.Context, r *route) (*visit, error) {
	v, err := a.who(c)
	if err != nil {
		return nil, err
	}
	if v != nil {
		if err := a.recheck(v); errors.Is(err, errLoggedOut) {
			v = nil
		} else if err != nil {
			return nil, err
		}
	}
	if v == nil {
		if r.method == http.MethodPost {
			return nil, &web.Error{Status: http.StatusForbidden, Key: "console_ended", GoOn: root, Label: "console.login"}
		}
		return nil, a.toLogin(c, c.Request.URL.RequestURI(), false)
	}
	v.route = r
	i := slices.IndexFunc(r.roles, func(role Role) bool { return slices.Contains(v.roles, role) })
	if i < 0 {
		v.by.Role = string(v.roles[0])
		if err := a.Journal.Note(c.Request.Context(), v.entry("operator.refused", "", map[string]string{"address": c.Request.Method + " " + c.FullPath()})); err != nil {
			return nil, err
		}
		return nil, &web.Error{Status: http.StatusForbidden, Key: "console_role", GoOn: root, Label: "console.back"}
	}
	v.by.Role = string(r.roles[i])
	return v, nil
}

// may reports whether one of these roles may request an address.
func (a *Console) may(roles []Role, method, path string) bool {
	return slices.ContainsFunc(a.routes, func(r *route) bool {
		return r.method == method && r.path == path && slices.ContainsFunc(roles, func(role Role) bool { return slices.Contains(r.roles, role) })
	})
}

// posts returns the route of the form at an address.
func (a *Console) posts(path string) *route {
	for _, r := range a.routes {
		if r.method == http.MethodPost && r.path == path {
			return r
		}
	}
	return &route{}
}
