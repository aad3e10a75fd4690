package admin_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"entree/internal/campaign"
	"entree/internal/charter"
	"entree/internal/registry/intake"
	"entree/portal/admin"
)

// consoleRoutes lists every route of the console: its method and path, the roles
// that may request it, when it requires a login of the last five minutes (no,
// always, or confirmed: after the page that shows the effect), and what it does.
// A route that is added to the console is added here, with a decision.
const consoleRoutes = `
GET  /admin/connexion                          | open                   | no        | login
GET  /admin/connexion/retour                   | open                   | no        | login
POST /admin/deconnexion/fournisseur            | open                   | no        | logout by a signed token
GET  /admin                                    | admin helpdesk registrar auditor | no        | reads
GET  /admin/en-direct                          | admin helpdesk registrar auditor | no        | reads
GET  /admin/travaux                            | admin helpdesk registrar auditor | no        | reads
POST /admin/travaux/renvoyer                   | admin                  | no        | helps
POST /admin/travaux/reessayer                  | admin                  | no        | helps
GET  /admin/limites                            | admin helpdesk registrar auditor | no        | reads
POST /admin/limites/lever                      | admin                  | no        | helps
GET  /admin/retours                            | admin helpdesk registrar auditor | no        | reads
POST /admin/retours/lever                      | admin                  | no        | helps
GET  /admin/fiches                             | admin helpdesk         | no        | reads
POST /admin/fiches                             | admin helpdesk         | always    | issues a code
GET  /admin/facteurs                           | admin helpdesk registrar auditor | no        | reads
GET  /admin/facteurs/export                    | admin auditor          | always    | exports
GET  /admin/adresses                           | admin registrar auditor | no       | reads
GET  /admin/adresses/export                    | admin registrar        | always    | exports
POST /admin/adresses/:id/accepter              | admin registrar        | always    | changes an address
POST /admin/adresses/:id/refuser               | admin registrar        | no        | helps
POST /admin/adresses/lot                       | admin registrar        | always    | changes addresses
GET  /admin/audit                              | admin auditor          | no        | reads
GET  /admin/audit/export/:format               | admin auditor          | always    | exports
GET  /admin/confirmer                          | admin helpdesk registrar auditor | no        | reads
GET  /admin/personnes                          | admin helpdesk registrar auditor | no        | reads
GET  /admin/personnes/:id                      | admin helpdesk registrar auditor | no        | reads
GET  /admin/personnes/:id/donnees              | admin auditor          | always    | exports
GET  /admin/personnes/:id/effacer              | admin                  | no        | reads
POST /admin/personnes/:id/effacer              | admin                  | always    | erases
POST /admin/personnes/:id/effacer/annuler      | admin                  | no        | helps
POST /admin/personnes/lot                      | admin helpdesk         | confirmed | writes to many
POST /admin/personnes/:id/adresse              | admin helpdesk         | always    | changes an address
POST /admin/personnes/:id/renvoyer             | admin helpdesk         | no        | helps
POST /admin/personnes/:id/reessayer            | admin                  | no        | helps
POST /admin/personnes/:id/corriger             | admin                  | always    | corrects a refused value
POST /admin/personnes/:id/debloquer            | admin helpdesk         | no        | helps
POST /admin/personnes/:id/retenir              | admin helpdesk         | no        | helps
POST /admin/personnes/:id/liberer              | admin helpdesk         | no        | helps
POST /admin/personnes/:id/degeler              | admin helpdesk         | always    | allows new passwords
POST /admin/personnes/:id/telephone            | admin helpdesk         | always    | removes a telephone
POST /admin/personnes/:id/facteur              | admin helpdesk         | always    | asks to remove second factors
POST /admin/personnes/:id/facteur/accorder     | admin helpdesk         | always    | removes second factors
POST /admin/personnes/:id/facteur/annuler      | admin helpdesk         | no        | helps
POST /admin/personnes/:id/guichet              | admin helpdesk         | always    | issues a code
POST /admin/personnes/:id/adopter              | admin                  | always    | gives an account
POST /admin/personnes/:id/renommer             | admin                  | always    | gives an account
GET  /admin/personnes/:id/charte               | admin helpdesk registrar auditor | no        | reads
GET  /admin/personnes/:id/charte/preuve        | admin auditor          | always    | exports
GET  /admin/imports                            | admin auditor          | no        | reads
POST /admin/imports                            | admin                  | no        | keeps a file, changes nothing
GET  /admin/imports/:id                        | admin auditor          | no        | reads
GET  /admin/imports/:id/direct                 | admin auditor          | no        | reads
GET  /admin/imports/:id/liste/:kind            | admin                  | always    | exports
POST /admin/imports/:id/essayer                | admin                  | no        | keeps a file, changes nothing
POST /admin/imports/:id/feuilles               | admin                  | no        | keeps a file, changes nothing
POST /admin/imports/:id/importer               | admin                  | always    | changes addresses
POST /admin/imports/:id/importer-malgre-tout   | admin                  | always    | changes addresses
POST /admin/imports/:id/jeter                  | admin                  | no        | keeps a file, changes nothing
POST /admin/deconnexion                        | admin helpdesk registrar auditor | no        | logout
GET  /admin/chartes                            | admin helpdesk registrar auditor | no        | reads
POST /admin/chartes/nouveau                    | admin                  | no        | drafts
GET  /admin/chartes/version/:id                | admin helpdesk registrar auditor | no        | reads
GET  /admin/chartes/version/:id/accords        | admin helpdesk registrar auditor | no        | reads
POST /admin/chartes/version/:id/retirer        | admin                  | no        | stops
GET  /admin/chartes/projet/:id                 | admin                  | no        | reads
POST /admin/chartes/projet/:id                 | admin                  | no        | drafts
POST /admin/chartes/projet/:id/supprimer       | admin                  | no        | drafts
GET  /admin/chartes/projet/:id/apercu          | admin helpdesk registrar auditor | no        | reads
GET  /admin/chartes/projet/:id/publier         | admin                  | no        | reads
POST /admin/chartes/projet/:id/publier         | admin                  | always    | publishes
GET  /admin/campagnes                          | admin helpdesk registrar auditor | no        | reads
GET  /admin/campagnes/nouvelle                 | admin                  | no        | reads
POST /admin/campagnes/nouvelle                 | admin                  | confirmed | writes to many
GET  /admin/campagnes/suivi/:id                | admin helpdesk registrar auditor | no        | reads
GET  /admin/campagnes/suivi/:id/direct         | admin helpdesk registrar auditor | no        | reads
POST /admin/campagnes/suivi/:id/suspendre      | admin                  | no        | stops
POST /admin/campagnes/suivi/:id/reprendre      | admin                  | always    | writes to many
POST /admin/campagnes/suivi/:id/arreter        | admin                  | no        | stops
`

// mildly are the effects that need no fresh login.
const mildly = "login|logout|logout by a signed token|reads|helps|keeps a file, changes nothing|drafts|stops"

// whole returns a console with all of its routes.
func whole(t *testing.T) *world {
	return newWorld(t, func(o *admin.Options) {
		o.Charters, o.Campaigns, o.Intake = &charter.Service{}, &campaign.Service{}, &intake.Intake{}
	})
}

// R10, S27: every route of the console is open to the listed roles only, and
// every act that changes an address, writes to many, issues a code or takes data out
// requires a fresh login.
func TestR10_EveryRouteOfTheConsoleIsListed(t *testing.T) {
	w := whole(t)
	guarded, served := admin.Routes(w.console), map[string]bool{}
	for _, r := range w.site.Routes() {
		if strings.HasPrefix(r.Path, "/admin") && !strings.HasPrefix(r.Path, "/admin/essai") && r.Method != http.MethodHead {
			served[r.Method+" "+r.Path] = true
		}
	}
	for line := range strings.Lines(strings.TrimSpace(consoleRoutes)) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name, roles, stepUp, effect := strings.Join(strings.Fields(cells[0]), " "), cells[1], cells[2], cells[3]
		if !served[name] {
			t.Errorf("%s is listed and not served", name)
		}
		delete(served, name)
		got, isGuarded := guarded[name]
		if roles == "open" {
			if isGuarded {
				t.Errorf("%s is listed as open and asks for %s", name, got.Roles)
			}
			continue
		}
		if !isGuarded || got.Roles != roles || got.StepUp != stepUp {
			t.Errorf("%s: roles %q, step-up %q; listed: %q, %q", name, got.Roles, got.StepUp, roles, stepUp)
		}
		isMild := false
		for mild := range strings.SplitSeq(mildly, "|") {
			isMild = isMild || mild == effect
		}
		if isMild != (stepUp == "no") {
			t.Errorf("%s: step-up %q for an act that %s", name, stepUp, effect)
		}
		if effect == "reads" && !strings.HasPrefix(name, "GET ") {
			t.Errorf("%s is said to read", name)
		}
	}
	for name := range served {
		t.Errorf("%s is not listed: decide who may request it and whether it needs a fresh login", name)
	}
}

// Every form of the console is refused without a login, without its token, and from
// another site, before its handler runs: the handlers here would panic.
func TestS30_EveryFormOfTheConsoleIsGuarded(t *testing.T) {
	w := whole(t)
	b := w.operator("admin")
	b.get("/admin")
	forms := 0
	for name, route := range admin.Routes(w.console) {
		method, path, _ := strings.Cut(name, " ")
		path = strings.NewReplacer(":id", "x", ":kind", "x", ":format", "csv").Replace(path)
		send := func(cookies bool, site string) int {
			form := url.Values{"jeton": {"AAAA"}}
			for _, f := range route.Fields {
				form.Set(f, "1")
			}
			r := httptest.NewRequest(method, base+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", site)
			if cookies {
				for _, c := range b.jar.Cookies(r.URL) {
					r.AddCookie(c)
				}
			}
			rec := httptest.NewRecorder()
			w.site.ServeHTTP(rec, r)
			return rec.Code
		}
		if method == http.MethodGet {
			if code := send(false, "same-origin"); code != http.StatusSeeOther {
				t.Errorf("%s without a login: %d", name, code)
			}
			continue
		}
		forms++
		if code := send(false, "same-origin"); code != http.StatusForbidden {
			t.Errorf("%s without a login: %d", name, code)
		}
		for _, site := range []string{"cross-site", "same-site"} {
			if code := send(true, site); code != http.StatusForbidden {
				t.Errorf("%s from %s: %d", name, site, code)
			}
		}
		want := http.StatusConflict
		if name == "POST /admin/imports" { // this form has a file
			want = http.StatusUnsupportedMediaType
		}
		if code := send(true, "same-origin"); code != want {
			t.Errorf("%s with the token of another page: %d", name, code)
		}
	}
	if forms < 25 {
		t.Errorf("%d forms were tried", forms)
	}
}
