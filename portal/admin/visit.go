package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/portal/web"
)

// tokenAbout binds form tokens to the console.
const tokenAbout = "console"

// flashCookie is the name of the sealed cookie with the message for the next
// page.
const flashCookie = "flash"

// visit is one request of an operator who is logged in.
type visit struct {
	*gin.Context
	console *Console
	route   *route
	by      audit.Operator
	roles   []Role
	proved  time.Time // when the provider last asked for the password
	ends    time.Time // absolute end of the session
	checked time.Time // when the provider last confirmed account and roles
}

func (v *visit) isFresh() bool {
	age := v.console.Now().Sub(v.proved)
	return age < freshness && age > -time.Minute // the provider's clock may be up to a minute ahead
}

// entry returns an audit entry for an act of this operator.
func (v *visit) entry(act, whom string, what map[string]string) audit.Entry {
	return audit.Entry{
		At: domain.Instant(v.console.Now()), By: v.by, Act: act, Whom: whom, What: what, From: v.console.site.ClientKey(v.Context),
	}
}

// may reports whether the operator may request an address of the table. Pages
// use it to show no button that would be refused.
func (v *visit) may(method, path string) bool { return v.console.may(v.roles, method, path) }

// show renders a page. The message key of its title is console.PAGE.title.
func (v *visit) show(page string, data any) error {
	return v.console.site.Render(v.Context, http.StatusOK, page, v.view(page).With(data))
}

// again renders the page of a refused act with status 422. data contains the
// submitted values; each fault is shown at its field.
func (v *visit) again(page string, data any, faults ...fault) error {
	view := v.view(page)
	for _, f := range faults {
		view.Errors = append(view.Errors, web.FieldError{Field: f.field, Message: view.T(f.key, f.args...)})
	}
	return v.console.site.Render(v.Context, http.StatusUnprocessableEntity, page, view.With(data))
}

// fault is an error of a field: the id of the field and the message key.
type fault struct {
	field, key string
	args       []any
}

func wrong(field, key string, args ...any) fault { return fault{field, key, args} }

// view returns the view of a page. It shows the message of the last act once.
func (v *visit) view(page string) web.View {
	view := v.console.site.View(v.Context, "console."+page+".title")
	var said flash
	if v.console.site.TakeSealed(v.Context, flashCookie, &said) {
		for i, arg := range said.Args {
			if n, is := arg.(float64); is {
				said.Args[i] = int(n) // JSON decodes numbers as float64, and plural forms need an int
			}
		}
		view.Notice = view.T(said.Key, said.Args...)
		frame := view.Frame.(Frame)
		frame.Undo = said.Undo
		view.Frame = frame
	}
	return view
}

// flash is the message that the page after an act shows. Undo is the address
// that a button next to it posts to, or empty if the act cannot be undone.
type flash struct {
	Key  string
	Args []any
	Undo string
}

// done ends a successful act: it redirects to an address, which shows the
// message key.
func (v *visit) done(to, key string, args ...any) error {
	return v.doneUndo(to, "", key, args...)
}

// doneUndo is done with a button that undoes the act by a POST to undo. The
// route undo must accept a form without fields.
func (v *visit) doneUndo(to, undo, key string, args ...any) error {
	if err := v.console.site.PutSealed(v.Context, flashCookie, flash{key, args, undo}, time.Minute); err != nil {
		return err
	}
	return web.SeeOther(to)
}

// note writes an audit entry for an act that changes nothing else.
func (v *visit) note(act, whom string, what map[string]string) error {
	return v.console.Journal.Note(v.Request.Context(), v.entry(act, whom, what))
}

// live updates a block of a page by server-sent events and calls load at each
// interval. In the template, an element whose content is the block has the
// address of the stream in its attribute data-live.
func (v *visit) live(page, block string, every time.Duration, load func(context.Context) (any, error)) error {
	view := v.console.site.View(v.Context, "console."+page+".title")
	until := v.checked.Add(recheckLimit) // the next stream checks the account again
	if v.ends.Before(until) {
		until = v.ends
	}
	return v.console.site.Live(v.Context, v.by.Subject, page, block, every, until, func(ctx context.Context) (web.View, error) {
		data, err := load(ctx)
		view.Now = v.console.Now()
		return view.With(data), err
	})
}
