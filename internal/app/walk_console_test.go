package app

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"pgregory.net/rapid"

	"entree/internal/audit"
	"entree/internal/domain"
	"entree/internal/sso/ssotest"
)

// Operators of each role, and users without a role, request every address of the
// console and send forms that they found there and forms that they did not, whole and
// spoiled. Afterwards the audit holds only acts that their role allows, and none of a
// form that no page made.
func TestWhatEachRoleMay_RandomWalkOverTheConsole(t *testing.T) {
	onEachDatabase(t, "100", func(t *testing.T, w *walk) {
		for i := range 6 {
			p := domain.Person{
				ID: domain.PersonID(fmt.Sprintf("p-%d", i)), Profile: "etudiant", Number: fmt.Sprint(22500000 + i), GivenName: "Zoé", FamilyName: "Martin",
				BirthDate: "2007-03-17", Email: domain.Address(fmt.Sprintf("zoe%d@example.net", i)), Readiness: domain.Ready, Cohort: "2026",
			}
			if err := w.app.store.Enrol(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			w.ids = append(w.ids, string(p.ID))
		}
		rapid.Check(t, func(rt *rapid.T) { w.operators(t, rt) })
		t.Logf("%d requests to %d of %d addresses, %d of them spoiled, %d files taken; acts by role: %v", w.asked, len(w.met), len(w.console), w.spoiled, w.uploads, w.acts)
	})
}

// Acts that only read, and logins, are in the audit trail as well.
func harmless(act string) bool {
	return strings.HasPrefix(act, "operator.") || strings.HasSuffix(act, "exported")
}

// helps lists what a help desk may do.
var helps = []string{"person.address_corrected", "person.sent_again", "person.unlocked", "person.held", "person.released", "person.recovery_unfrozen", "person.phone_removed", "person.desk_code", "person.desk_sheet"}

// mayDo reports whether the audit trail may contain an act by a role.
func mayDo(role, act string) bool {
	switch role {
	case "admin":
		return true
	case "helpdesk":
		return strings.HasPrefix(act, "operator.") || slices.Contains(helps, act)
	case "auditor":
		return harmless(act)
	}
	return strings.HasPrefix(act, "operator.")
}

// operator is a person at the console, with the forms that they saw.
type operator struct {
	wanderer
	role  string
	forms []attempt
	links []string
}

func (w *walk) operators(t *testing.T, rt *rapid.T) {
	role := rapid.SampledFrom([]string{"admin", "admin", "helpdesk", "auditor", "no role", "nobody"}).Draw(rt, "role")
	one, other := w.logIn(t, rt, role), w.logIn(t, rt, "admin")
	rt.Repeat(map[string]func(*rapid.T){
		"look":       func(rt *rapid.T) { w.openPage(rt, one) },
		"look again": func(rt *rapid.T) { w.openPage(rt, one) },
		"send":       func(rt *rapid.T) { w.sendForm(rt, one, other) },
		"send again": func(rt *rapid.T) { w.sendForm(rt, one, other) },
	})
}

// logIn returns an operator, logged in unless the role is empty.
func (w *walk) logIn(t *testing.T, rt *rapid.T, role string) *operator {
	o := &operator{wanderer: wanderer{walk: w, cookies: map[string]string{}}, role: role}
	if role == "nobody" {
		return o
	}
	w.provider.Set(func(p *ssotest.Provider) {
		p.Edit = func(claims map[string]any) {
			claims["sub"], claims["name"], claims["auth_time"] = role, "Ada", time.Now().Unix()
			if role != "no role" {
				claims["entreeRoles"] = []string{role}
			}
		}
	})
	a := &attempt{method: http.MethodGet, path: "/admin", own: true, cookies: o.cookies}
	to := w.send(rt, &o.wanderer, a).header.Get("Location")
	back := &attempt{method: http.MethodGet, path: "/admin/connexion/retour?" + w.provider.Login(t, to).Encode(), own: true, cookies: o.cookies}
	if got := w.send(rt, &o.wanderer, back); got.status != http.StatusSeeOther && role != "no role" {
		rt.Fatalf("the login of %s ends with %d", role, got.status)
	}
	for _, id := range w.ids {
		o.links = append(o.links, "/admin/personnes/"+id)
	}
	return o
}

// place fills the parts of an address that vary.
func (w *walk) place(t *rapid.T, path string) string {
	var out []string
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, ":") {
			part = rapid.SampledFrom(append(append([]string{"csv", "json"}, w.ids...), parts...)).Draw(t, "part")
		}
		out = append(out, part)
	}
	return strings.Join(out, "/")
}

// openPage opens a page: one of the table, or one that a page led to.
func (w *walk) openPage(t *rapid.T, o *operator) {
	route := rapid.SampledFrom(w.console).Draw(t, "route")
	method, path, _ := strings.Cut(route, " ")
	a := &attempt{method: method, path: w.place(t, path)}
	if method == http.MethodPost { // typed into the address bar
		a.method = http.MethodGet
	}
	if len(o.links) > 0 && rapid.Bool().Draw(t, "follow") {
		a.path = rapid.SampledFrom(o.links).Draw(t, "link")
	}
	w.operate(t, o, nil, route, a)
}

// sendForm sends a form that the operator saw, with some fields changed, or invented
// fields to any address.
func (w *walk) sendForm(t *rapid.T, o, other *operator) {
	var a attempt
	route := ""
	if len(o.forms) > 0 && rapid.IntRange(0, 3).Draw(t, "seen") > 0 {
		a = rapid.SampledFrom(o.forms).Draw(t, "form")
		takes := func(a attempt) bool { return a.file != "" }
		if i := slices.IndexFunc(o.forms, takes); i >= 0 && rapid.IntRange(0, 3).Draw(t, "a file") == 0 {
			a = o.forms[i] // there is one among many
		}
		a.form = maps.Clone(a.form)
	} else {
		route = rapid.SampledFrom(w.console).Draw(t, "route")
		_, path, _ := strings.Cut(route, " ")
		a = attempt{method: http.MethodPost, path: w.place(t, path), invented: true, form: url.Values{
			"jeton": {o.token}, "motif": {"x"}, "adresse": {"new@example.net"}, "vu": {"x"}, "confirme": {"oui"}, "compte": {"x"}, "piece": {"carte"}, "nom": {"x"}, "id": {"p-1"},
		}}
	}
	if a.file != "" {
		a.content = rapid.SampledFrom(uploads).Draw(t, "file")
	}
	for _, name := range slices.Sorted(maps.Keys(a.form)) {
		if name != "jeton" && rapid.IntRange(0, 4).Draw(t, "change") == 0 {
			a.form.Set(name, rapid.SampledFrom([]string{"", "x", "oui", "p-2", "0", "2026-09-01", "new@example.net", "é\u202e", "<b>", strings.Repeat("a", 400)}).Draw(t, name))
		}
	}
	w.operate(t, o, other, route, &a)
}

// uploads are files for the import, good and bad.
var uploads = []string{
	"Matricule;Prénom;Nom;Mail;Né le\n22500001;Zoé;Martin;zoe1@example.net;2007-03-17\n22599999;Noé;Petit;noe@example.net;2007-01-02\n",
	"Matricule;Prénom;Nom;Mail\n", "Matricule\n1;2;3\n\x00", "", "PK\x03\x04", "\ufeffa\tb\n\"", "\xe9\xe8;\n" + strings.Repeat("a;", 3000),
}

func (w *walk) operate(t *rapid.T, o, other *operator, route string, a *attempt) {
	a.cookies, a.own = o.cookies, true
	if other != nil && rapid.IntRange(0, 2).Draw(t, "spoil") == 0 {
		a.spoiled = rapid.SampledFrom(slices.Sorted(maps.Keys(spoils))).Draw(t, "how")
		a.void = spoils[a.spoiled](t, a, &other.wanderer)
		if a.spoiled == "the cookies are another's" && o.role == "nobody" {
			a.void = true // the token fits no session
		}
		w.spoiled++
	}
	a.void = a.void || a.method != http.MethodPost
	w.asked++
	if strings.HasPrefix(route, a.method+" ") {
		w.met[route]++
	}
	before, err := w.app.store.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.leaves = strings.Contains(a.path, "direct") // a stream goes on until its reader goes
	got := w.send(t, &o.wanderer, a)
	var acts []string
	err = w.app.store.Audit(t.Context(), audit.Query{Limit: 20}, func(l audit.Link) error {
		if l.Seq > before.Seq {
			acts = append(acts, l.Act)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range acts {
		switch {
		case a.own && !mayDo(o.role, act):
			t.Fatalf("%s as %s: %d, and the record holds %s", a, o.role, got.status, act)
		case a.void && !harmless(act):
			t.Fatalf("%s as %s: %d, and %s came of it", a, o.role, got.status, act)
		case !harmless(act):
			w.acts[o.role+" "+act]++
		}
	}
	w.judge(t, &o.wanderer, nil, a, "", got)
	if to := got.header.Get("Location"); a.own && strings.HasPrefix(to, "/admin/imports/") {
		o.links = append(o.links, to)
		w.uploads++
	}
	if !a.own || got.status != http.StatusOK {
		return
	}
	got.Find("a[href^='/admin']").Each(func(_ int, s *goquery.Selection) {
		if href := s.AttrOr("href", ""); len(o.links) < 200 {
			o.links = append(o.links, href)
		}
	})
	got.Find("form[method=post]").Each(func(_ int, f *goquery.Selection) {
		form, file := url.Values{}, f.Find("input[type=file]").AttrOr("name", "")
		f.Find("input, textarea, select").Each(func(_ int, in *goquery.Selection) {
			if name := in.AttrOr("name", ""); name != "" && in.AttrOr("type", "") != "file" {
				form.Set(name, in.AttrOr("value", in.Find("option[value]").Last().AttrOr("value", in.Text())))
			}
		})
		if action := f.AttrOr("action", ""); strings.HasPrefix(action, "/admin") && len(form) > 0 && len(o.forms) < 200 {
			o.forms = append(o.forms, attempt{method: http.MethodPost, path: action, form: form, file: file})
		}
	})
}
