package keycloak_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"entree/internal/devenv/demotest"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/keycloak"
)

// form logs in on Keycloak's page as a browser without scripts does, and
// returns the query of the redirect that follows.
func (r *realm) form(address, login, password string) url.Values {
	r.t.Helper()
	cookies := map[string]string{} // sent over plain HTTP too, where a browser withholds Secure cookies
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(request *http.Request) *http.Response {
		for name, value := range cookies {
			request.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		response, err := client.Do(request)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, c := range response.Cookies() {
			cookies[c.Name] = c.Value
		}
		return response
	}
	get, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	response := ask(get)
	defer response.Body.Close()
	page, err := goquery.NewDocumentFromReader(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	post, err := http.NewRequest(http.MethodPost, page.Find("#kc-form-login").AttrOr("action", ""), strings.NewReader(url.Values{"username": {login}, "password": {password}}.Encode()))
	if err != nil {
		r.t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := ask(post)
	defer answer.Body.Close()
	back, err := answer.Location()
	if err != nil {
		r.t.Fatalf("the login led nowhere: %s", answer.Status)
	}
	return back.Query()
}

// R10: on a real Keycloak, the next check finds an operator who is disabled or
// has lost the role, and a sign-out there arrives as a logout token.
func TestR10_OnKeycloakADisabledOperatorIsOut(t *testing.T) {
	r := commonRealm(t)
	admin := r.as(t, demotest.Get(t).AdminPassword(t))
	login := "op-" + strings.ToLower(rand.Text()[:8])
	operator := keycloak.Operator{Login: login, Email: login + "@example.org", GivenName: "A", FamilyName: "B", Role: "helpdesk", Password: secret.New(strong)}
	if err := admin.AddOperator(t.Context(), "entree-console", operator); err != nil {
		t.Fatal(err)
	}
	var clients []struct {
		ID         string
		Attributes map[string]string
	}
	r.call(http.MethodGet, "/clients?clientId=entree-console", nil, &clients)
	if got := clients[0].Attributes["backchannel.logout.url"]; got != r.wanted.ConsoleURL+"/deconnexion/fournisseur" {
		t.Errorf("the plan registers the back-channel logout at %q", got)
	}
	arrived := make(chan string, 10)
	portal := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) { arrived <- request.PostFormValue("logout_token") }))
	defer portal.Close()
	clients[0].Attributes["backchannel.logout.url"] = portal.URL
	r.call(http.MethodPut, "/clients/"+clients[0].ID, map[string]any{"clientId": "entree-console", "attributes": clients[0].Attributes}, nil)

	rp, err := sso.New(sso.Config{
		Issuer: r.url + "/realms/" + r.name, ClientID: "entree-console", ClientSecret: r.wanted.Console.Secret,
		RedirectURL: r.wanted.ConsoleURL + "/connexion/retour", Scopes: []string{"profile"}, Now: time.Now, Random: rand.Reader,
	})
	if err != nil {
		t.Fatal(err)
	}
	enter := func() sso.Identity {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			to, state, err := rp.AuthURL(t.Context(), "", "fr")
			if errors.Is(err, sso.ErrUnavailable) && time.Now().Before(end) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			who, err := rp.Exchange(t.Context(), state, r.form(to, login, strong))
			if err != nil || who.SessionID == "" || who.Refresh.Empty() {
				t.Fatalf("%+v, %v", who, err)
			}
			return who
		}
	}
	renew := func(who sso.Identity) (sso.Identity, error) {
		for end := time.Now().Add(20 * time.Second); ; { // a busy machine can take longer than a page waits
			next, err := rp.Renew(t.Context(), who.Subject, who.Refresh)
			if errors.Is(err, sso.ErrUnavailable) && time.Now().Before(end) {
				continue
			}
			return next, err
		}
	}
	who := enter()
	next, err := renew(who)
	if err != nil || len(next.Roles) != 1 || next.Roles[0] != "helpdesk" || next.SessionID != who.SessionID {
		t.Fatalf("%+v, %v", next, err)
	}
	id := r.users(login)[0].ID
	r.call(http.MethodPost, "/users/"+id+"/logout", nil, nil)
	select {
	case raw := <-arrived:
		out, err := rp.Logout(t.Context(), raw)
		if err != nil || out.Subject != who.Subject && out.SessionID != who.SessionID {
			t.Errorf("%+v, %v", out, err)
		}
	case <-time.After(30 * time.Second):
		t.Error("no logout token arrived")
	}
	if _, err := renew(next); !errors.Is(err, sso.ErrEnded) {
		t.Errorf("after the sign-out: %v", err)
	}
	who = enter()
	path := "/users/" + id + "/role-mappings/clients/" + clients[0].ID
	var roles []map[string]any
	r.call(http.MethodGet, path, nil, &roles)
	r.call(http.MethodDelete, path, roles, nil)
	if who, err = renew(who); err != nil || len(who.Roles) != 0 {
		t.Errorf("without a role: %+v, %v", who, err)
	}
	r.call(http.MethodPut, "/users/"+id, map[string]any{"enabled": false}, nil)
	if _, err := renew(who); !errors.Is(err, sso.ErrEnded) {
		t.Errorf("disabled: %v", err)
	}
}
