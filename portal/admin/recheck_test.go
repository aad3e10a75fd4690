package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entree/internal/sso/ssotest"
	"entree/portal/admin"
)

const backChannel = "/admin/deconnexion/fournisseur"

// out reports whether a request for the overview is redirected to the login. It
// does not log in.
func (b *browser) out() bool {
	p := b.do("GET", "/admin", nil)
	return p.status == http.StatusSeeOther && strings.Contains(p.header.Get("Location"), "/auth?")
}

// R10: an operator whose account was disabled is logged out within five
// minutes.
func TestR10_ADisabledOperatorIsOut(t *testing.T) {
	w := newWorld(t)
	b, other := w.operator("admin"), w.operator("helpdesk")
	b.get("/admin")
	other.get("/admin")
	w.provider.Set(func(p *ssotest.Provider) { p.Ended["s-admin"] = true })
	for range 5 { // continuous work does not postpone the check
		w.sleep(time.Minute)
		b.do("GET", "/admin", nil)
		other.get("/admin").want("/admin", 200)
	}
	if !b.out() {
		t.Error("the operator still works after five minutes")
	}
	if acts := w.journal.acts(); !slices.Contains(acts, "operator.ended") {
		t.Errorf("noted: %v", acts)
	}
}

// R10: an act of a disabled operator is refused and not done.
func TestR10_AnActOfADisabledOperatorIsNotDone(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	p := b.get("/admin/essai")
	w.provider.Set(func(p *ssotest.Provider) { p.Ended["s-admin"] = true })
	w.sleep(3 * time.Minute)
	form := url.Values{"jeton": {p.Find("[name=jeton]").First().AttrOr("value", "")}, "motif": {"x"}}
	if p := b.do("POST", "/admin/essai/dangereux", form); p.status != http.StatusForbidden || len(admin.TakeDone()) != 0 {
		t.Errorf("%d", p.status)
	}
}

// R10: a role that was withdrawn in the realm is lost in the console.
func TestR10_AWithdrawnRoleIsGone(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin", "auditor")
	b.get("/admin/audit").want("/admin/audit", 200)
	roles := []string{"helpdesk"}
	w.provider.Set(func(p *ssotest.Provider) { p.Renew = func(claims map[string]any) { claims["entreeRoles"] = roles } })
	w.sleep(3 * time.Minute)
	if p := b.do("GET", "/admin/audit", nil); p.status != http.StatusForbidden {
		t.Errorf("a page of a role that was withdrawn: %d", p.status)
	}
	if p := b.do("GET", "/admin", nil); p.status != http.StatusOK {
		t.Errorf("a page of the role that is left: %d", p.status)
	}
	roles = nil
	w.sleep(3 * time.Minute)
	if !b.out() {
		t.Error("an operator without a role works on")
	}
}

// R10: while the provider does not answer, operators may work without a check
// for up to five minutes. They are not logged out before.
func TestR10_AProviderThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	w.provider.Set(func(p *ssotest.Provider) { p.Down = true })
	w.sleep(3 * time.Minute)
	before := w.provider.Requests()
	for range 10 {
		b.get("/admin").want("/admin", 200)
	}
	if n := w.provider.Requests() - before; n < 1 || n > 2 { // one request with the credentials in the header, one with them in the body
		t.Errorf("the provider was asked %d times within a moment", n)
	}
	w.sleep(2 * time.Minute)
	if p := b.do("GET", "/admin", nil); p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" {
		t.Errorf("unchecked for five minutes: %d", p.status)
	}
	w.provider.Set(func(p *ssotest.Provider) { p.Down = false })
	w.sleep(20 * time.Second)
	b.get("/admin").want("/admin", 200)
	if b.logins != 1 {
		t.Errorf("%d logins", b.logins)
	}
}

// R10: concurrent requests use a refresh token only once.
func TestR10_RequestsAtTheSameTimeAskOnce(t *testing.T) {
	w := newWorld(t)
	b := w.operator("admin")
	b.get("/admin")
	for range 3 {
		w.sleep(3 * time.Minute)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if p := b.do("GET", "/admin", nil); p.status != http.StatusOK {
					t.Errorf("%d", p.status)
				}
			})
		}
		all.Wait()
	}
	if b.logins != 1 {
		t.Errorf("%d logins", b.logins)
	}
}

// R10: the provider can end one session of an operator, or all of them.
func TestR10_TheProviderLogsAnOperatorOut(t *testing.T) {
	w := newWorld(t)
	post := func(token string) *page {
		return w.operator("x").do("POST", backChannel, url.Values{"logout_token": {token}})
	}
	login := func(sid string) *browser {
		b := w.operator("admin")
		b.claims["sid"] = sid
		b.get("/admin").want("/admin", 200)
		return b
	}
	one, two := login("one"), login("two")
	w.sleep(time.Second)
	if p := post(w.provider.LogoutToken("s-admin", "one", nil)); p.status != http.StatusOK || p.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", p.status, p.header)
	}
	if !one.out() || two.out() {
		t.Errorf("of the session one: out %v; of the other: out %v", one.out(), two.out())
	}
	all := w.provider.LogoutToken("s-admin", "", nil)
	if p := post(all); p.status != http.StatusOK || !two.out() {
		t.Errorf("all sessions: %d", p.status)
	}
	// A later login is valid, and the same logout token does not end it.
	w.sleep(time.Second)
	three := login("three")
	if p := post(all); p.status != http.StatusBadRequest || three.out() {
		t.Errorf("a token that was used before: %d", p.status)
	}
	for name, token := range map[string]string{
		"for another client": w.provider.LogoutToken("s-admin", "", func(c map[string]any) { c["aud"] = "entree-ent" + "-2" }),
		"with a nonce":       w.provider.LogoutToken("s-admin", "", func(c map[string]any) { c["nonce"] = "x" }),
		"of another subject": "",
		"no token":           "a.b.c",
	} {
		if p := post(token); p.status != http.StatusBadRequest || three.out() {
			t.Errorf("%s: %d", name, p.status)
		}
	}
	if p := w.operator("x").do("POST", backChannel, url.Values{}); p.status != http.StatusBadRequest {
		t.Errorf("nothing: %d", p.status)
	}
	if p := w.operator("x").do("GET", backChannel, nil); p.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", p.status)
	}
	other := w.operator("helpdesk")
	other.get("/admin")
	w.sleep(time.Second)
	if p := post(w.provider.LogoutToken("s-admin", "", nil)); p.status != http.StatusOK || !three.out() || other.out() {
		t.Errorf("another operator: %d, out %v", p.status, other.out())
	}
	if acts := w.journal.acts(); !slices.Contains(acts, "system operator.logged_out") {
		t.Errorf("noted: %v", acts)
	}
}

// R10: acts that change addresses or write to many people, and downloads of
// personal data, require a login of the last five minutes. Each such route has
// a message for the page that asks for confirmation.
func TestR10_WhatNeedsAFreshLogin(t *testing.T) {
	w := newWorld(t)
	found := admin.FreshRoutes(w.console)
	for _, want := range []string{
		"GET /admin/audit/export/:format", "GET /admin/personnes/:id/donnees", "POST /admin/personnes/:id/adresse", "POST /admin/personnes/lot",
		"POST /admin/personnes/:id/guichet", "POST /admin/fiches", "POST /admin/personnes/:id/effacer", "POST /admin/personnes/:id/adopter", "POST /admin/personnes/:id/renommer",
	} {
		if !slices.Contains(found, want) {
			t.Errorf("%s asks for no fresh login", want)
		}
	}
}

// R10: a download waits for the fresh login as an act does.
func TestR10_ADownloadWantsAFreshLogin(t *testing.T) {
	w := newWorld(t)
	b := w.operator("auditor")
	b.get("/admin/audit")
	w.sleep(6 * time.Minute)
	w.journal.acts()
	p := b.get("/admin/audit/export/csv?acte=person.held").want("/admin/confirmer", 200)
	if acts := w.journal.acts(); slices.Contains(acts, "auditor audit.exported") || b.logins != 2 {
		t.Fatalf("%d logins; noted %v", b.logins, acts)
	}
	to := p.Find("a[download]").AttrOr("href", "")
	if to != "/admin/audit/export/csv?acte=person.held" {
		t.Fatalf("the page leads to %q", to)
	}
	if p := b.do("GET", to, nil); p.status != http.StatusOK || !strings.Contains(p.header.Get("Content-Disposition"), ".csv") {
		t.Errorf("%d %v", p.status, p.header)
	}
	w.sleep(4 * time.Minute)
	if p := b.do("GET", to, nil); p.status != http.StatusOK {
		t.Errorf("a second one within five minutes: %d", p.status)
	}
	b.get("/admin/confirmer").want("/admin", 200) // no request is stored any more
}

// R9: an audit entry contains the subject, and the entry of each login contains
// the login name. A changed display name does not make an operator appear as
// another one.
func TestR9_TheAuditKnowsOperatorsBySubjectAndLogin(t *testing.T) {
	w := newWorld(t)
	b := w.operator("helpdesk")
	b.claims["name"], b.claims["preferred_username"] = "Ada Admin", "b.helper"
	b.get("/admin")
	for _, e := range w.journal.entries() {
		if e.Act == "operator.login" && (e.By.Subject != "s-helpdesk" || e.What["login"] != "b.helper") {
			t.Errorf("noted %+v", e)
		}
	}
}
