package admin

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"entree/internal/domain"
	"entree/portal/web"
)

// done lists the acts of the routes below that were executed.
var (
	doneMu sync.Mutex
	done   []string
)

// TakeDone returns the acts that were executed since the last call.
func TakeDone() []string {
	doneMu.Lock()
	defer doneMu.Unlock()
	out := done
	done = nil
	return out
}

// FreshRoutes returns the routes that require a fresh login. It panics if one
// has no message for the page that asks for confirmation.
func FreshRoutes(a *Console) (out []string) {
	for _, r := range a.routes {
		if strings.HasPrefix(r.path, "/admin/essai") || !r.fresh {
			continue
		}
		for _, lang := range []domain.Lang{domain.French, domain.English} {
			if key := actKey(r.path); string(a.site.Sample(lang, "").T(key)) == key {
				panic(key + " has no words")
			}
		}
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// Route is a route of the console as the tests see it.
type Route struct {
	Roles  string // "admin helpdesk"
	StepUp string // "always", "confirmed" or "no"
	Fields []string
}

// Routes returns the routes that require a login, by method and path.
func Routes(a *Console) map[string]Route {
	out := map[string]Route{}
	for _, r := range a.routes {
		if strings.HasPrefix(r.path, "/admin/essai") {
			continue
		}
		one := Route{Roles: rolesText(r.roles), StepUp: "no"}
		switch {
		case r.preview:
			one.StepUp = "confirmed"
		case r.fresh:
			one.StepUp = "always"
		}
		for _, f := range r.fields {
			one.Fields = append(one.Fields, f.Name)
		}
		out[r.method+" "+r.path] = one
	}
	return out
}

// MountForTests mounts the console with additional routes for tests.
func MountForTests(a *Console, site *web.Site) error {
	act := func(v *visit, form web.Form) error {
		if form["motif"] == "" {
			return v.again("confirm", ConfirmPage{Act: "console.act.deconnexion", Action: v.FullPath()}, wrong("motif", "refused.code_wrong", "Count", 1))
		}
		if v.FullPath() == "/admin/essai/masse" && form["confirme"] == "" {
			return v.ask(ConfirmPage{Act: "console.act.deconnexion", Args: []any{"Count", len(form.All("id"))}}, form)
		}
		doneMu.Lock()
		done = append(done, v.FullPath()+" "+form["motif"]+" "+form["id"])
		doneMu.Unlock()
		if v.FullPath() == "/admin/essai/annuler" {
			return v.done(root, "wait.minutes", "Count", 3)
		}
		return v.doneUndo(root, "/admin/essai/annuler", "wait.minutes", "Count", 2)
	}
	fields := []web.Field{{Name: "motif", Max: 1000}, {Name: "confirme", Max: 3, Optional: true}, {Name: "id", Max: 20, Many: 3}}
	return a.mount(site, func() {
		a.table()
		a.get("/admin/essai", func(v *visit) error {
			if v.may(http.MethodPost, "/admin/essai/dangereux") {
				return v.show("confirm", ConfirmPage{Act: "console.act.deconnexion", Action: "/admin/essai/dangereux", Fields: []Hidden{{"motif", ""}, {"id", "1"}, {"id", "2"}}})
			}
			return v.show("confirm", ConfirmPage{Act: "console.act.deconnexion", Action: "/admin/essai/masse", Fields: []Hidden{{"motif", ""}, {"id", "1"}, {"id", "2"}}})
		}, everybody...)
		a.get("/admin/essai/lecture", a.overview, readers...)
		a.post("/admin/essai/dangereux", act, fields, admins...).stepUp()
		a.post("/admin/essai/masse", act, fields, helpers...)
		a.post("/admin/essai/annuler", func(v *visit, _ web.Form) error { return act(v, web.Form{"motif": "-"}) }, nil, helpers...)
		a.stream("/admin/essai/direct", func(v *visit) error {
			return v.live("overview", "content", time.Millisecond, func(context.Context) (any, error) {
				site.EndStreams()
				return OverviewPage{}, nil
			})
		}, everybody...)
	})
}
