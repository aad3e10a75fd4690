package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entree/internal/domain"
	"entree/internal/sso/ssotest"
	"entree/portal"
)

// fakeAccounts is the account of one person.
type fakeAccounts struct {
	events  []domain.Event
	changes []domain.ContactChange
	ended   []string
	fail    error
}

func (f *fakeAccounts) Events(context.Context, domain.PersonID) ([]domain.Event, error) {
	return f.events, nil
}

func (f *fakeAccounts) Evidence(context.Context, domain.PersonID) ([]domain.Acceptance, []domain.Charter, error) {
	return []domain.Acceptance{{Version: "2026-09", SHA256: strings.Repeat("a", 64)}}, []domain.Charter{{Title: "Charte"}}, nil
}

func (f *fakeAccounts) Export(_ context.Context, p domain.PersonID, _ time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{"person": p})
}

func (f *fakeAccounts) EndSessions(_ context.Context, p domain.Person) error {
	if f.fail == nil {
		f.ended = append(f.ended, p.Login)
	}
	return f.fail
}

// withAccount returns a portal with a single sign-on, an ENT of its own and the page
// of the account.
func withAccount(t *testing.T, change ...func(*portal.Options)) (*world, *ssotest.Provider, *fakeAccounts) {
	t.Helper()
	accounts := &fakeAccounts{events: []domain.Event{{Kind: domain.EventAccountCreated}, {Kind: domain.EventCodeWrong}, {Kind: domain.EventFirstLogin}}}
	w, provider := withSSO(t, append([]func(*portal.Options){func(o *portal.Options) {
		o.EntURL, o.Accounts, o.EndsSessions = "https://ent.exemple.fr/", accounts, true
	}}, change...)...)
	provider.Edit = func(claims map[string]any) { claims["auth_time"] = w.now().Unix() }
	return w, provider, accounts
}

// toAccount opens the page of the account, by a login that the page asks for.
func (b *browser) toAccount(t *testing.T, provider *ssotest.Provider) *page {
	t.Helper()
	p := b.do("GET", "/compte", nil)
	if to := p.header.Get("Location"); p.status != http.StatusSeeOther || to != "/connexion?compte" {
		t.Fatalf("/compte: %d to %q", p.status, to)
	}
	to := b.do("GET", "/connexion?compte", nil).header.Get("Location")
	if u, err := url.Parse(to); err != nil || u.Query().Get("max_age") != "0" || u.Query().Get("prompt") != "login" {
		t.Fatalf("the login is not a fresh one: %q", to)
	}
	return b.follow(b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil)).want("/compte", 200)
}

func TestTheAccountIsShownAfterAFreshLoginAndForNoLonger(t *testing.T) {
	w, provider, accounts := withAccount(t)
	b := w.browser(t)
	p := b.toAccount(t, provider).shows(".login", "o22502142").shows(".charters", "2026-09").shows(".story", "account.story.account.first_login")
	if strings.Contains(p.Find(".story").Text(), "code.wrong") {
		t.Error("the page tells what a stranger typed")
	}
	file := b.do("GET", "/compte/donnees", nil)
	if file.status != 200 || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") || file.header.Get("Cache-Control") != "no-store" || !strings.Contains(file.body, "jeanne") {
		t.Errorf("the export: %d, %v", file.status, file.header)
	}
	form := p.fill("/compte/sessions")
	w.sleep(15 * time.Minute)
	for _, path := range []string{"/compte", "/compte/donnees"} {
		if p := b.do("GET", path, nil); p.status != http.StatusSeeOther || p.header.Get("Location") != "/connexion?compte" {
			t.Errorf("%s after a quarter of an hour: %d", path, p.status)
		}
	}
	if p := b.do("POST", "/compte/sessions", &form); p.header.Get("Location") != "/connexion?compte" || len(accounts.ended) != 0 {
		t.Errorf("an old form: %d, ended %v", p.status, accounts.ended)
	}
}

// A provider that answers out of a session, although the password was asked for, does
// not open the page.
func TestTheAccountNeedsThePassword(t *testing.T) {
	w, provider, _ := withAccount(t)
	provider.Edit = func(claims map[string]any) { claims["auth_time"] = w.now().Add(-time.Hour).Unix() }
	b := w.browser(t)
	to := b.do("GET", "/connexion?compte", nil).header.Get("Location")
	if p := b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil); p.status != http.StatusBadGateway {
		t.Errorf("%d to %q", p.status, p.header.Get("Location"))
	}
	b.do("GET", "/compte", nil).want("/compte", http.StatusSeeOther)
}

// Without Keycloak the sessions are those of a CAS server, which the portal cannot end.
func TestTheAccountOffersNoEndOfSessionsThatItCannotEnd(t *testing.T) {
	w, provider, accounts := withAccount(t, func(o *portal.Options) { o.EndsSessions = false })
	b := w.browser(t)
	p := b.toAccount(t, provider)
	if n := p.Find("form[action='/compte/sessions']").Length(); n != 0 {
		t.Errorf("%d forms", n)
	}
	if p := b.do("POST", "/compte/sessions", &url.Values{"jeton": {"x"}}); p.status < 400 || len(accounts.ended) != 0 {
		t.Errorf("%d, ended %v", p.status, accounts.ended)
	}
}

func TestTheAccountEndsItsSessionsEverywhere(t *testing.T) {
	w, provider, accounts := withAccount(t)
	b := w.browser(t)
	p := b.toAccount(t, provider)
	accounts.fail = errors.New("no answer")
	if p := b.submit(p, "/compte/sessions"); p.status != http.StatusServiceUnavailable {
		t.Errorf("without an answer: %d", p.status)
	}
	accounts.fail = nil
	forged := url.Values{"jeton": {"x"}}
	if p := b.do("POST", "/compte/sessions", &forged); p.status < 400 || len(accounts.ended) != 0 {
		t.Errorf("a forged form: %d", p.status)
	}
	b.submit(p, "/compte/sessions").want("/", 200)
	if len(accounts.ended) != 1 || accounts.ended[0] != "o22502142" {
		t.Errorf("ended: %v", accounts.ended)
	}
	if p := b.do("GET", "/compte", nil); p.header.Get("Location") != "/connexion?compte" {
		t.Errorf("this browser is still logged in: %d", p.status)
	}
}

// Keycloak's pages change the ways to log in; each outcome is told once.
func TestTheAccountLeadsToKeycloaksPages(t *testing.T) {
	for status, says := range map[string]string{"success": "account.outcome.success", "cancelled": "account.outcome.cancelled", "error": "account.outcome.error"} {
		w, provider, _ := withAccount(t)
		b := w.browser(t)
		link := b.toAccount(t, provider).Find(".changes a").First().AttrOr("href", "")
		to := b.do("GET", link, nil).header.Get("Location")
		if u, err := url.Parse(to); err != nil || u.Query().Get("kc_action") != "UPDATE_PASSWORD" {
			t.Fatalf("%s leads to %q", link, to)
		}
		q := provider.Login(t, to)
		q.Set("kc_action_status", status)
		b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil)).want("/compte", 200).shows(".notice", says)
		if n := b.get("/compte").Find(".notice").Length(); n != 0 {
			t.Error("the outcome is told twice")
		}
	}
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	b.toAccount(t, provider)
	q := provider.Login(t, b.do("GET", "/connexion?changer=codes-de-secours", nil).header.Get("Location"))
	q.Set("error", "invalid_request")
	b.follow(b.do("GET", "/connexion/retour?"+q.Encode(), nil)).want("/compte", 200).shows(".notice", "account.outcome.error")
	if to := b.do("GET", "/connexion?changer=delete_account", nil).header.Get("Location"); strings.Contains(to, "kc_action") {
		t.Errorf("an action that the page does not have: %q", to)
	}
}

// A password that Keycloak does not keep is changed elsewhere, and only what the
// profile offers is offered.
func TestTheAccountOffersWhatCanBeChanged(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*portal.Options)
		first  string
		all    int
	}{
		"Keycloak":     {func(*portal.Options) {}, "/connexion?changer=mot-de-passe", 2},
		"passkeys":     {withPasskeys, "/connexion?changer=mot-de-passe", 3},
		"a directory":  {func(o *portal.Options) { o.InDirectory = true }, "/mot-de-passe-oublie", 2},
		"a page apart": {func(o *portal.Options) { o.ChangePassword = "https://mdp.exemple.fr/" }, "https://mdp.exemple.fr/", 2},
	} {
		w, provider, _ := withAccount(t, tt.change)
		links := w.browser(t).toAccount(t, provider).Find(".changes a")
		if to := links.First().AttrOr("href", ""); to != tt.first || links.Length() != tt.all {
			t.Errorf("%s: %d changes, the first at %q", name, links.Length(), to)
		}
	}
}

// The account of a user that the portal did not make has no page.
func TestTheAccountOfAnotherOriginHasNoPage(t *testing.T) {
	w, provider, _ := withAccount(t)
	provider.Edit = func(claims map[string]any) {
		claims["preferred_username"], claims["auth_time"] = "admin", w.now().Unix()
	}
	b := w.browser(t)
	to := b.do("GET", "/connexion?compte", nil).header.Get("Location")
	b.follow(b.do("GET", "/connexion/retour?"+provider.Login(t, to).Encode(), nil)).want("/compte", http.StatusNotFound)
}

// A CAS server must refuse the ticket of an existing session: both requests say renew.
func TestTheAccountNeedsThePassword_CAS(t *testing.T) {
	w, server := withCAS(t, func(o *portal.Options) { o.Accounts = &fakeAccounts{} })
	b := w.browser(t)
	to := b.do("GET", "/connexion", nil).header.Get("Location")
	b.do("GET", "/connexion/retour?"+server.Login(t, to).Encode(), nil)
	if p := b.do("GET", "/compte", nil); p.header.Get("Location") != "/connexion?compte" {
		t.Fatalf("a login without renew opens the page: %d", p.status)
	}
	to = b.do("GET", "/connexion?compte", nil).header.Get("Location")
	if u, err := url.Parse(to); err != nil || u.Query().Get("renew") != "true" {
		t.Fatalf("the login is not a fresh one: %q", to)
	}
	p := b.follow(b.do("GET", "/connexion/retour?"+server.Login(t, to).Encode(), nil)).want("/compte", 200)
	if !server.Renewed() {
		t.Error("the ticket was validated without renew")
	}
	if links := p.Find(".changes a"); links.Length() != 1 || links.AttrOr("href", "") != "/mot-de-passe-oublie" {
		t.Errorf("a CAS server offers %d changes", links.Length())
	}
}

// A login page that was open for too long leads to the page of the account all the
// same.
func TestV6_AnExpiredLoginLeadsBackToTheAccount(t *testing.T) {
	w, provider, _ := withAccount(t)
	b := w.browser(t)
	q := provider.Login(t, b.do("GET", "/connexion?compte", nil).header.Get("Location"))
	q.Del("code")
	q.Set("error", "temporarily_unavailable")
	q.Set("error_description", "authentication_expired")
	if p := b.comeBack(q); p.header.Get("Location") != "/connexion?compte" {
		t.Errorf("%d to %q", p.status, p.header.Get("Location"))
	}
}
