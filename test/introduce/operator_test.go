package introduce

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/devenv/scripted"
)

// operator uses the console, and logs in whenever Keycloak asks for it.
type operator struct {
	*scripted.Browser
	t               *testing.T
	login, password string
}

func newOperator(t *testing.T, login, password string) *operator {
	return &operator{scripted.NewBrowser(nil, time.Minute), t, login, password}
}

const authenticate = "/login-actions/authenticate"

// open opens a page of the console.
func (o *operator) open(address string) {
	o.t.Helper()
	o.must(o.Get(o.t.Context(), address))
	if o.Form(authenticate) != nil {
		o.must(o.Submit(o.t.Context(), authenticate, map[string]string{"username": o.login, "password": o.password}))
	}
	o.ok()
}

func (o *operator) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *operator) ok() {
	o.t.Helper()
	if o.Status != http.StatusOK || o.At.Path == "/admin/connexion/retour" {
		o.t.Fatalf("%s: %s", o.Where(), o.Errors())
	}
}

// press fills in a form and presses the button that leads to action. If field is not
// empty, it is the form whose hidden field holds the value.
func (o *operator) press(action, field, value string, typed map[string]string) {
	o.t.Helper()
	form := o.Doc.Find("form").FilterFunction(func(_ int, f *goquery.Selection) bool {
		leads := f.AttrOr("action", "") == action || f.Find(`button[formaction="`+action+`"]`).Length() > 0
		return leads && (field == "" || f.Find(`input[name="`+field+`"]`).AttrOr("value", "") == value)
	}).First()
	if form.Length() == 0 {
		o.t.Fatalf("%s has no form for %s and %q: %.600s", o.Where(), action, value, o.Text("main"))
	}
	values := url.Values{}
	form.Find("input[name]").Each(func(_ int, i *goquery.Selection) { values.Set(i.AttrOr("name", ""), i.AttrOr("value", "")) })
	for name, text := range typed {
		values.Set(name, text)
	}
	to, err := o.At.Parse(action)
	o.must(err)
	response, err := o.Send(o.t.Context(), http.MethodPost, to.String(), values)
	o.must(err)
	o.must(o.Show(o.t.Context(), response))
	if o.Form(authenticate) != nil { // the act needs a fresh login, and is confirmed after it
		o.must(o.Submit(o.t.Context(), authenticate, map[string]string{"password": o.password}))
		o.must(o.Submit(o.t.Context(), action, nil))
	}
	o.ok()
}
