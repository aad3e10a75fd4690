package sso_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entree/internal/secret"
	"entree/internal/sso"
	"entree/internal/sso/castest"
)

func startCAS(t *testing.T) (*castest.Server, *sso.CAS, *clock) {
	t.Helper()
	c := &clock{at: time.Now()}
	server := castest.New(t)
	return server, newCAS(t, server.URL+"/", c), c
}

func newCAS(t *testing.T, prefix string, c *clock) *sso.CAS {
	t.Helper()
	cas, err := sso.NewCAS(sso.CASConfig{URL: prefix, ServiceURL: back, Now: c.now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return cas
}

func TestCAS_Contract(t *testing.T) {
	server := castest.New(t)
	castest.Contract(t, server.URL, back, server, castest.Login, map[string]string{"eduPersonAffiliation": "member, student", "displayName": "Jeanne Martin"})
}

func TestCAS_Login(t *testing.T) {
	server, cas, _ := startCAS(t)
	to, state, err := cas.AuthURL(t.Context(), "o22502142", "fr")
	if err != nil {
		t.Fatal(err)
	}
	q := mustQuery(t, to)
	if got, want := q.Get("service"), back+"?state="+state.State; got != want || q.Get("locale") != "fr" || len(state.State) < 40 {
		t.Errorf("service %q, want %q; %v", got, want, q)
	}
	who, err := cas.Exchange(t.Context(), state, server.Login(t, to))
	if err != nil {
		t.Fatal(err)
	}
	want := sso.Identity{
		Subject: castest.Login, Login: castest.Login, Name: "Jeanne Martin", Account: "f3b1",
		Claims: []sso.Claim{{Name: "eduPersonAffiliation", Value: "member, student"}, {Name: "displayName", Value: "Jeanne Martin"}, {Name: "sub", Value: "f3b1"}},
	}
	if diff := cmp.Diff(want, who, cmp.Comparer(func(a, b secret.Text) bool { return a.Reveal() == b.Reveal() })); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if to := cas.LogoutURL(t.Context(), secret.Text{}, "https://mon-compte.exemple.fr/"); to != server.URL+"/logout?service=https%3A%2F%2Fmon-compte.exemple.fr%2F" {
		t.Errorf("logout at %s", to)
	}
	if cas.Origin() != strings.TrimSuffix(server.URL, "/cas") {
		t.Errorf("origin %s", cas.Origin())
	}
}

// A response that does not belong to a login of this browser is refused before
// the server is asked.
func TestS33_CAS_AnswersToNoLoginHere(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(url.Values, *sso.State, *clock)
		want   error
	}{
		"wrong state":        {func(q url.Values, _ *sso.State, _ *clock) { q.Set("state", "x") }, sso.ErrState},
		"no state":           {func(q url.Values, _ *sso.State, _ *clock) { q.Del("state") }, sso.ErrState},
		"state twice":        {func(q url.Values, s *sso.State, _ *clock) { q.Add("state", s.State) }, sso.ErrState},
		"no login begun":     {func(q url.Values, s *sso.State, _ *clock) { *s = sso.State{}; q.Set("state", "") }, sso.ErrState},
		"too slow":           {func(_ url.Values, _ *sso.State, c *clock) { c.at = c.at.Add(sso.StateLife) }, sso.ErrState},
		"from the future":    {func(_ url.Values, _ *sso.State, c *clock) { c.at = c.at.Add(-time.Second) }, sso.ErrState},
		"without a ticket":   {func(q url.Values, _ *sso.State, _ *clock) { q.Del("ticket") }, sso.ErrDenied},
		"an empty ticket":    {func(q url.Values, _ *sso.State, _ *clock) { q.Set("ticket", "") }, sso.ErrToken},
		"two tickets":        {func(q url.Values, _ *sso.State, _ *clock) { q.Add("ticket", "ST-2") }, sso.ErrToken},
		"a proxy's ticket":   {func(q url.Values, _ *sso.State, _ *clock) { q.Set("ticket", "PT-1-abc") }, sso.ErrToken},
		"a ticket of a book": {func(q url.Values, _ *sso.State, _ *clock) { q.Set("ticket", "ST-"+strings.Repeat("a", 254)) }, sso.ErrToken},
		"a ticket with more": {func(q url.Values, _ *sso.State, _ *clock) { q.Set("ticket", "ST-1&pgtUrl=https://evil.example") }, sso.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			server, cas, c := startCAS(t)
			to, state, err := cas.AuthURL(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			q := server.Login(t, to)
			tt.change(q, &state, c)
			if _, err := cas.Exchange(t.Context(), state, q); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if server.Requests() != 0 {
				t.Error("the server was asked")
			}
		})
	}
}

// Each fault of a server's response is refused with the error that selects the
// right page.
func TestS33_CAS_AnswersThatDoNotHold(t *testing.T) {
	const user = "<cas:user>o22502142</cas:user>"
	success := func(inner string) string {
		return castest.Response("<cas:authenticationSuccess>" + inner + "</cas:authenticationSuccess>")
	}
	failure := func(code string) string {
		return castest.Response(`<cas:authenticationFailure code="` + code + `">x</cas:authenticationFailure>`)
	}
	for name, tt := range map[string]struct {
		answer string
		want   error
	}{
		"a page":                      {"<!DOCTYPE html>\n<html><head><title>CAS</title></head><body><p>Hello<br></body></html>", sso.ErrUnavailable},
		"a page that is whole":        {"<html><body>CAS</body></html>", sso.ErrUnavailable},
		"nothing":                     {"", sso.ErrUnavailable},
		"JSON":                        {`{"serviceResponse":{}}`, sso.ErrUnavailable},
		"the answer of protocol 1":    {"yes\no22502142\n", sso.ErrUnavailable},
		"half of it":                  {success(user)[:100], sso.ErrUnavailable},
		"two answers":                 {success(user) + success(user), sso.ErrToken},
		"an answer and more":          {success(user) + "o1", sso.ErrUnavailable},
		"the namespace of somebody":   {strings.ReplaceAll(success(user), "www.yale.edu", "evil.example"), sso.ErrUnavailable},
		"no namespace":                {strings.ReplaceAll(success(user), "cas:", ""), sso.ErrUnavailable},
		"somebody's element":          {success(user + `<x:user xmlns:x="https://evil.example">o1</x:user>`), sso.ErrToken},
		"success and failure":         {castest.Response("<cas:authenticationSuccess>" + user + `</cas:authenticationSuccess><cas:authenticationFailure code="INVALID_TICKET"/>`), sso.ErrToken},
		"two successes":               {castest.Response(strings.Repeat("<cas:authenticationSuccess>"+user+"</cas:authenticationSuccess>", 2)), sso.ErrToken},
		"no outcome":                  {castest.Response(""), sso.ErrToken},
		"another outcome":             {castest.Response("<cas:proxySuccess><cas:proxyTicket>PT-1</cas:proxyTicket></cas:proxySuccess>"), sso.ErrToken},
		"two users":                   {success(user + "<cas:user>o1</cas:user>"), sso.ErrToken},
		"no user":                     {success(""), sso.ErrToken},
		"an empty user":               {success("<cas:user> </cas:user>"), sso.ErrToken},
		"a user in a user":            {success("<cas:user>o1<cas:user>o2</cas:user></cas:user>"), sso.ErrToken},
		"a user cut by a comment":     {success("<cas:user>o22502142<!-- -->0</cas:user>"), sso.ErrToken},
		"by a proxy":                  {success(user + "<cas:proxies><cas:proxy>https://evil.example</cas:proxy></cas:proxies>"), sso.ErrToken},
		"attributes twice":            {success(user + "<cas:attributes/><cas:attributes/>"), sso.ErrToken},
		"an attribute with elements":  {success(user + "<cas:attributes><cas:a><cas:b/></cas:a></cas:attributes>"), sso.ErrToken},
		"too deep":                    {success(user + "<cas:attributes>" + strings.Repeat("<cas:a>", 5) + strings.Repeat("</cas:a>", 5) + "</cas:attributes>"), sso.ErrToken},
		"an entity":                   {success("<cas:user>&who;</cas:user>"), sso.ErrUnavailable},
		"an entity of a file":         {`<!DOCTYPE r [<!ENTITY who SYSTEM "file:///etc/passwd">]>` + success("<cas:user>&who;</cas:user>"), sso.ErrToken},
		"an entity of entities":       {`<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>` + success("<cas:user>&b;</cas:user>"), sso.ErrToken},
		"an instruction":              {`<?xml-stylesheet href="https://evil.example"?>` + success(user), sso.ErrToken},
		"another character set":       {`<?xml version="1.0" encoding="UTF-7"?>` + success(user), sso.ErrUnavailable},
		"huge":                        {success(user + "<cas:attributes>" + strings.Repeat("<cas:a>0123456789</cas:a>", 20_000) + "</cas:attributes>"), sso.ErrToken},
		"a ticket that is not good":   {failure("INVALID_TICKET"), sso.ErrToken},
		"a service that is not known": {failure("INVALID_SERVICE"), sso.ErrToken},
		"a server in trouble":         {failure("INTERNAL_ERROR"), sso.ErrUnavailable},
		"a code of its own":           {failure("GO_AWAY"), sso.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			server, cas, _ := startCAS(t)
			server.Set(func(s *castest.Server) {
				s.Answer = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.answer) }
			})
			to, state, err := cas.AuthURL(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			who, err := cas.Exchange(t.Context(), state, server.Login(t, to))
			if !errors.Is(err, tt.want) || who.Login != "" {
				t.Errorf("%v (%+v), want %v", err, who, tt.want)
			}
		})
	}
}

func TestCAS_AServerThatDoesNotAnswerAsOne(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"500": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"404": http.NotFound,
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/cas/p3/serviceValidate?"+r.URL.RawQuery+"&again", http.StatusFound)
		},
		"hung up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			server, cas, _ := startCAS(t)
			server.Set(func(s *castest.Server) { s.Answer = answer })
			to, state, err := cas.AuthURL(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			q := server.Login(t, to)
			_, err = cas.Exchange(t.Context(), state, q)
			if !errors.Is(err, sso.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			// I4: the ticket may still be valid.
			if strings.Contains(fmt.Sprint(err), q.Get("ticket")) {
				t.Errorf("the error tells the ticket: %v", err)
			}
			if server.Requests() != 1 {
				t.Errorf("%d requests", server.Requests())
			}
		})
	}
}

// A server that does not answer is given up after ten seconds, on the fake
// clock of synctest.
func TestCAS_AServerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		cas, err := sso.NewCAS(sso.CASConfig{
			URL: "https://cas.exemple.fr/cas", ServiceURL: back, Now: time.Now, Random: rand.Reader, HTTPClient: &http.Client{Transport: hangs},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, state, err := cas.AuthURL(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err = cas.Exchange(t.Context(), state, url.Values{"state": {state.State}, "ticket": {"ST-1"}})
		if took := time.Since(begun); !errors.Is(err, sso.ErrUnavailable) || took > 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCAS_Configuration(t *testing.T) {
	for _, prefix := range []string{"", "cas.exemple.fr", "ldap://cas.exemple.fr", "https://cas.exemple.fr/cas?x=1", "https:///cas"} {
		if _, err := sso.NewCAS(sso.CASConfig{URL: prefix, ServiceURL: back}); err == nil {
			t.Errorf("%q is taken", prefix)
		}
	}
	if _, err := sso.NewCAS(sso.CASConfig{URL: "https://cas.exemple.fr/cas"}); err == nil {
		t.Error("no service is taken")
	}
}
