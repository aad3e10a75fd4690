package admin

import (
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// Frame is the data of templates/admin/layout.html.
type Frame struct {
	Operator string // name of the operator; empty: not logged in
	Role     Role   // the strongest of the operator's roles
	Rail     []RailItem
	Other    domain.Lang // language that the language switch leads to
	Switch   string      // address of the language switch
	Search   bool        // the operator may search for people; the page has no search field of its own
	Focus    bool        // the search field has the focus when the page opens
	Undo     string      // address that undoes the last act; empty: the act cannot be undone
}

// RailItem is one entry of the menu.
type RailItem struct {
	Path, Key string
	Current   bool
}

// addFrame adds the frame to a view.
func (a *Console) addFrame(c *gin.Context, view *web.View) {
	f := Frame{Other: domain.English}
	if view.Lang == domain.English {
		f.Other = domain.French
	}
	query := c.Request.URL.Query()
	query.Set("lang", string(f.Other))
	f.Switch = view.Path + "?" + query.Encode()
	if view.Path == "/" { // the answer to a POST, or an unknown address
		f.Switch = root + "?lang=" + string(f.Other)
	}
	if v, err := a.who(c); err == nil && v != nil {
		f.Operator, f.Role = v.by.Name, v.roles[0]
		at := c.Request.URL.Path
		f.Search = a.may(v.roles, http.MethodGet, pathPeople) && at != pathPeople
		// The cursor begins in the search field on the lists and on a person's page: an
		// operator on the telephone types the next name at once. The other pages begin
		// with their own form.
		f.Focus = c.Request.Method == http.MethodGet && path.Dir(at) == pathPeople
		for _, item := range rail {
			if a.may(v.roles, http.MethodGet, item.path) {
				f.Focus = f.Focus || c.Request.Method == http.MethodGet && at == item.path
				f.Rail = append(f.Rail, RailItem{item.path, item.key, at == item.path || item.path != root && strings.HasPrefix(at, item.path+"/")})
			}
		}
		if token, err := a.site.Token(c, tokenAbout); err == nil {
			view.Token = token
		}
	}
	view.Frame = f
}

// ErrorPage is the data of templates/admin/error.html.
type ErrorPage struct {
	Status int
	Key    string // message keys error.<key>.title and error.<key>.text
	Wait   template.HTML
	GoOn   string
	Label  string // message key of the text of the link to GoOn
}

func errorPage(e *web.Error, wait template.HTML) any {
	page := ErrorPage{Status: e.Status, Key: e.Key, Wait: wait, GoOn: e.GoOn, Label: e.Label}
	if page.GoOn == "" {
		page.GoOn = root
	}
	if page.Label == "" {
		page.Label = "console.back"
	}
	return page
}
