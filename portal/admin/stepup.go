package admin

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"entree/portal/web"
)

// ConfirmPage is the data of templates/admin/confirm.html: it describes an act,
// with the number of people concerned, and asks for confirmation.
type ConfirmPage struct {
	Act    string // message key of the act, console.act.…
	Args   []any
	Action string // address of the form or of the download
	Fields []Hidden
	Back   string
	Danger bool
	Proved bool // the page is shown after a fresh login
	File   bool // Action is a download
}

// Says returns the words for the act.
func (p ConfirmPage) Says(v web.View) template.HTML { return v.T(p.Act, p.Args...) }

// Hidden is a hidden field with its value.
type Hidden struct{ Name, Value string }

// pending is a form or a download that waits for a fresh login.
type pending struct {
	Action string // path; for a download with its query
	Route  string
	File   bool
	Form   web.Form
	Back   string
}

// actKey returns the message key of a route: "/admin/personnes/:id/effacer" is
// console.act.personnes.effacer.
func actKey(path string) string {
	var words []string
	for part := range strings.SplitSeq(strings.TrimPrefix(path, root+"/"), "/") {
		if !strings.HasPrefix(part, ":") {
			words = append(words, strings.ReplaceAll(part, "-", "_"))
		}
	}
	return "console.act." + strings.Join(words, ".")
}

// proveAgain stores the request in the session and redirects the operator to
// the provider's login. form is nil for a download.
func (v *visit) proveAgain(form web.Form) error {
	delete(form, web.TokenField)
	p := pending{Action: v.Request.URL.EscapedPath(), Route: v.FullPath(), Form: form, Back: backOf(v.Context)}
	if v.Request.Method == http.MethodGet {
		p.Action, p.File = v.Request.URL.RequestURI(), true
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("store the act until it is confirmed: %w", err)
	}
	if err := v.console.site.KeepInSession(v.Context, map[string]string{keyPending: string(raw)}); err != nil {
		return err
	}
	return v.console.toLogin(v.Context, pathConfirm, true)
}

// confirm asks the operator to confirm the stored request, with the values that
// were submitted before the login.
func (a *Console) confirm(v *visit) error {
	session, err := a.site.Session(v.Context)
	if err != nil {
		return err
	}
	var p pending
	if err := json.Unmarshal([]byte(web.SessionValue(session, keyPending)), &p); err != nil {
		return web.SeeOther(root) // no request is stored
	}
	if p.File {
		if !v.may(http.MethodGet, p.Route) {
			return &web.Error{Status: http.StatusForbidden, Key: "console_role", GoOn: root, Label: "console.back"}
		}
		return v.show("confirm", ConfirmPage{Act: actKey(p.Route), Action: p.Action, Back: p.Back, Proved: true, File: true})
	}
	if !v.may(http.MethodPost, p.Route) {
		return &web.Error{Status: http.StatusForbidden, Key: "console_role", GoOn: root, Label: "console.back"}
	}
	return v.show("confirm", ConfirmPage{
		Act: actKey(p.Route), Action: p.Action, Fields: a.hidden(p.Route, p.Form), Back: p.Back, Danger: true, Proved: true,
	})
}

// hidden returns the fields of a route's form with the submitted values.
func (a *Console) hidden(path string, form web.Form) (out []Hidden) {
	for _, f := range a.posts(path).fields {
		values := []string{form[f.Name]}
		if f.Many > 0 {
			values = form.All(f.Name)
		}
		for _, value := range values {
			if value != "" || !f.Optional {
				out = append(out, Hidden{f.Name, value})
			}
		}
	}
	return out
}

// spend removes the stored request when it is executed.
func (v *visit) spend() error {
	session, err := v.console.site.Session(v.Context)
	if err != nil || web.SessionValue(session, keyPending) == "" {
		return err
	}
	return v.console.site.KeepInSession(v.Context, map[string]string{keyPending: ""})
}

// ask shows the effect of an act and the number of people concerned before it
// is done. The page submits the same form to the same address, with the field
// "confirme" set.
func (v *visit) ask(p ConfirmPage, form web.Form) error {
	form["confirme"] = "oui"
	p.Action, p.Fields = v.Request.URL.EscapedPath(), v.console.hidden(v.FullPath(), form)
	if p.Back == "" {
		p.Back = backOf(v.Context)
	}
	return v.show("confirm", p)
}

// backOf returns the address of the console's page that submitted a form, from
// the Referer. It returns the overview if the Referer is not a page of the
// console.
func backOf(c *gin.Context) string {
	u, err := url.Parse(c.Request.Referer())
	if err != nil || u.Host != c.Request.Host || u.Path != root && !strings.HasPrefix(u.Path, root+"/") {
		return root
	}
	return u.RequestURI()
}
