package keycloak_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entree/internal/accountstest"
	"entree/internal/devenv/demotest"
	"entree/internal/domain"
	"entree/internal/secret"
	"entree/keycloak"
)

func TestMain(m *testing.M) { os.Exit(demotest.Run(m)) }

// realm is a realm for tests on the demo's Keycloak, beside the demo's own
// realm.
type realm struct {
	t      *testing.T
	url    string
	name   string
	login  func() string // returns an administrator's token, which is valid for a minute
	admin  string
	wanted keycloak.Wanted
}

const portalSecret = "a+secret/with%signs:in it"

// newRealm returns a realm for one test, set up for the portal.
func newRealm(t *testing.T) *realm {
	t.Helper()
	r := unplannedRealm(t)
	r.setUp()
	return r
}

var common struct {
	once sync.Once
	name string
}

// commonRealm returns one realm for all tests that only create accounts of
// their own: to set up a realm takes Keycloak seconds. The realm ends with the
// demo.
func commonRealm(t *testing.T) *realm {
	t.Helper()
	common.once.Do(func() {
		r := realmCalled(t, "test-common-"+strings.ToLower(rand.Text()[:10]))
		r.setUp()
		common.name = r.name
	})
	if common.name == "" {
		t.Fatal("the common realm could not be set up")
	}
	return realmCalled(t, common.name)
}

func (r *realm) setUp() {
	r.t.Helper()
	if err := r.as(r.t, demotest.Get(r.t).AdminPassword(r.t)).Apply(r.t.Context(), r.wanted, nil); err != nil {
		r.t.Fatalf("set the realm up: %v", err)
	}
}

// unplannedRealm returns a realm for one test that does not exist yet.
func unplannedRealm(t *testing.T) *realm {
	t.Helper()
	r := realmCalled(t, "test-"+strings.ToLower(rand.Text()[:10]))
	t.Cleanup(func() { _ = r.try(http.MethodDelete, "/"+r.name, nil, nil) }) // the realm may not exist
	return r
}

func realmCalled(t *testing.T, name string) *realm {
	t.Helper()
	demo := demotest.Get(t)
	r := &realm{t: t, url: demo.Keycloak, name: name}
	password := demo.AdminPassword(t)
	r.login = func() string {
		return r.token("master", url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {password}})
	}
	r.admin = r.login()
	r.wanted = keycloak.Wanted{
		DisplayName: "Test", PasswordPolicy: "length(16) and maxLength(256) and upperCase(1) and digits(1) and notUsername", Groups: []string{"/etudiants"},
		Portal: keycloak.Secret{ID: "entree-portal", Secret: secret.New(portalSecret)}, ENT: keycloak.Secret{ID: "entree-ent", Secret: secret.New("ent")},
		RedirectURIs: []string{"http://127.0.0.1/back"}, LogoutURIs: []string{"http://127.0.0.1/"},
		Console: keycloak.Secret{ID: "entree-console", Secret: secret.New("console")}, ConsoleURL: "http://127.0.0.1/admin",
	}
	return r
}

func (r *realm) as(t *testing.T, password string) *keycloak.Client {
	t.Helper()
	return keycloak.NewAdmin(r.url, r.name, "admin", secret.New(password))
}

type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

// token requests a token and returns it, or "" if the request is refused.
func (r *realm) token(realm string, form url.Values) string {
	r.t.Helper()
	response, err := http.PostForm(r.url+"/realms/"+realm+"/protocol/openid-connect/token", form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		r.t.Fatal(err)
	}
	return answer.Token
}

// call sends a request to the admin API of the realm as the administrator.
func (r *realm) call(method, path string, body, result any) {
	r.t.Helper()
	if err := r.try(method, "/"+r.name+path, body, result); err != nil {
		r.t.Fatal(err)
	}
}

func (r *realm) try(method, path string, body, result any) error {
	return r.send(method, path, body, result, false)
}

func (r *realm) send(method, path string, body, result any, renewed bool) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, r.url+"/admin/realms"+path, strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := bearer(r.admin).RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusUnauthorized && !renewed {
		r.admin = r.login()
		return r.send(method, path, body, result, true)
	}
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", method, path, response.Status, said)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(said, result)
}

// createRealm creates the realm with the given settings, without the portal.
func (r *realm) createRealm(settings map[string]any) {
	r.t.Helper()
	settings["realm"], settings["enabled"] = r.name, true
	if err := r.try(http.MethodPost, "", settings, nil); err != nil {
		r.t.Fatal(err)
	}
}

// accounts returns the adapter with the portal's service account, at an
// address.
func (r *realm) accounts(address string, timeout time.Duration) *keycloak.Accounts {
	r.t.Helper()
	c, err := keycloak.NewClient(keycloak.Config{URL: address, Realm: r.name, ClientID: "entree-portal", ClientSecret: secret.New(portalSecret), Timeout: timeout})
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Accounts("example.org")
}

// canLogIn reports whether Keycloak accepts a password.
func (r *realm) canLogIn(login, password string) bool {
	r.t.Helper()
	r.enableGrant()
	return r.token(r.name, url.Values{"grant_type": {"password"}, "client_id": {"tester"}, "username": {login}, "password": {password}}) != ""
}

var grants sync.Map

// enableGrant creates a client that accepts passwords, for tests only.
func (r *realm) enableGrant() {
	if _, there := grants.LoadOrStore(r.name, true); !there {
		r.call(http.MethodPost, "/clients", map[string]any{"clientId": "tester", "publicClient": true, "directAccessGrantsEnabled": true}, nil)
	}
}

type user struct {
	ID, Username, Email, FirstName, LastName string
	Enabled, EmailVerified                   bool
	Attributes                               map[string][]string
}

func (r *realm) users(login string) []user {
	r.t.Helper()
	var out []user
	r.call(http.MethodGet, "/users?exact=true&briefRepresentation=false&username="+url.QueryEscape(login), nil, &out)
	return out
}

func (r *realm) subject(a *keycloak.Accounts) accountstest.Subject {
	return accountstest.Subject{
		Accounts: a,
		Occupy: func(t *testing.T, login, email string) {
			r.call(http.MethodPost, "/users", map[string]any{
				"username": login, "email": email, "firstName": "Somebody", "lastName": "Else", "enabled": true,
				"credentials": []map[string]any{{"type": "password", "value": theirs, "temporary": false}},
			}, nil)
		},
		Untouched: func(t *testing.T, login string) {
			found := r.users(login)
			if len(found) != 1 || found[0].FirstName != "Somebody" || len(found[0].Attributes) != 0 {
				t.Errorf("the account is %+v", found)
			}
			if !r.canLogIn(login, theirs) {
				t.Error("its password was changed")
			}
		},
		Attributes: func(_ *testing.T, login string) (string, string, string) {
			found := r.users(login)
			if len(found) != 1 {
				return "", "", ""
			}
			return strings.Join(found[0].Attributes["entreeCharterVersion"], ","), strings.Join(found[0].Attributes["supannEtuId"], ","), strings.Join(found[0].Attributes["supannMailPerso"], ",")
		},
		Count: func(t *testing.T, login string) int { return len(r.users(login)) },
	}
}

const (
	theirs = "SomebodysOwnPassword1"
	strong = "LesGirafesDansentSous3Parapluies"
)

func TestContract(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	accountstest.Run(t, r.subject(accounts))
	accountstest.RunConflicts(t, r.subject(accounts), accounts)
}

// An adopted account keeps its password and the attributes that others wrote.
func TestS42_AnAdoptedAccountKeepsItsPassword(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	a := accountstest.New()
	r.subject(accounts).Occupy(t, a.Login, a.UniversityAddress)
	before := r.users(a.Login)[0]
	if err := accounts.Adopt(t.Context(), before.ID, a); err != nil {
		t.Fatal(err)
	}
	now := r.users(a.Login)[0]
	if !r.canLogIn(a.Login, theirs) || now.Username != before.Username || now.Email != before.Email || now.FirstName != "Somebody" || !now.Enabled {
		t.Errorf("it is %+v", now)
	}
	if got := now.Attributes["supannEtuId"]; len(got) != 1 || got[0] != a.Number {
		t.Errorf("attributes %v", now.Attributes)
	}
	var groups []struct{ Path string }
	r.call(http.MethodGet, "/users/"+before.ID+"/groups", nil, &groups)
	if len(groups) != 1 || groups[0].Path != "/etudiants" {
		t.Errorf("groups %v", groups)
	}
}

// The portal hashes and Keycloak checks, with each algorithm that a realm may use.
func TestS41_TheHashedPasswordLogsIn(t *testing.T) {
	r := commonRealm(t)
	accounts := r.accounts(r.url, 0)
	for _, algorithm := range []struct {
		name       string
		iterations int
	}{{"argon2", 0}, {"argon2", 3}, {"pbkdf2-sha512", 0}, {"pbkdf2-sha256", 10_000}, {"pbkdf2", 10_000}} {
		t.Run(fmt.Sprint(algorithm.name, algorithm.iterations), func(t *testing.T) {
			hasher, err := keycloak.NewHasher(algorithm.name, algorithm.iterations, 1, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			// V5: the bytes that were typed log in, in NFC and in NFD.
			a := accountstest.New()
			for _, typed := range []string{strong + " é", strong + " e\u0301"} {
				a = accountstest.New()
				if a.Credential, err = hasher.Hash(t.Context(), secret.New(typed)); err != nil {
					t.Fatal(err)
				}
				if _, err := accounts.Create(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				if !r.canLogIn(a.Login, typed) {
					t.Errorf("V5: %q does not log in", typed)
				}
			}
			if r.canLogIn(a.Login, strong) {
				t.Error("another password logs in")
			}
		})
	}
}

func TestTheAccountCarriesWhatRelyingPartiesRead(t *testing.T) {
	r := commonRealm(t)
	a := accountstest.New()
	id, err := r.accounts(r.url, 0).Create(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	found := r.users(a.Login)
	if len(found) != 1 {
		t.Fatalf("%d users", len(found))
	}
	u := found[0]
	if u.ID != id || u.Email != a.UniversityAddress || u.FirstName != a.GivenName || u.LastName != a.FamilyName || !u.Enabled || !u.EmailVerified {
		t.Errorf("the user is %+v", u)
	}
	for name, want := range map[string]string{
		"supannEtuId": a.Number, "eduPersonPrimaryAffiliation": "student", "eduPersonAffiliation": "member,student",
		"eduPersonPrincipalName": a.Login + "@example.org", "supannMailPerso": "jp@example.net", "supannOIDCDateDeNaissance": "2007-03-17",
		"entreeProfile": "etudiant", "entreeCharterVersion": "2026-09", "entreeCharterSHA256": a.CharterSHA256,
		"entreeCharterAcceptedAt": "2026-09-01T08:00:00Z", "entreeActivationId": a.ActivationID, "locale": "fr", "supannEmpId": "",
	} {
		got := slices.Clone(u.Attributes[name])
		slices.Sort(got)
		if strings.Join(got, ",") != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var groups []struct{ Path string }
	r.call(http.MethodGet, "/users/"+id+"/groups", nil, &groups)
	if len(groups) != 1 || groups[0].Path != "/etudiants" {
		t.Errorf("the groups are %v", groups)
	}
}

func TestS45_TheServiceAccountHasTheLeastRoles(t *testing.T) {
	r := commonRealm(t)
	token := r.token(r.name, url.Values{"grant_type": {"client_credentials"}, "client_id": {"entree-portal"}, "client_secret": {portalSecret}})
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "", 200},
		{http.MethodGet, "/users?max=1", 200},
		{http.MethodGet, "/clients", 200}, // the client roles of an account, before its password is replaced
		{http.MethodGet, "/events", 200},  // first logins
		{http.MethodDelete, "/events", 403},
		{http.MethodGet, "/admin-events", 200}, // allowed by the same role
		{http.MethodPut, "/events/config", 403},
		{http.MethodGet, "/identity-provider/instances", 403},
		{http.MethodPut, "", 403},
		{http.MethodPost, "/clients", 403},
		{http.MethodPost, "/roles", 403},
	} {
		request, err := http.NewRequest(c.method, r.url+"/admin/realms/"+r.name+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := bearer(token).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, response.StatusCode, c.want)
		}
	}
}

// between starts a proxy between the adapter and the real Keycloak. It calls
// spoil for each creation, after Keycloak has answered.
func between(t *testing.T, r *realm, before func(http.ResponseWriter, *http.Request) bool, spoil func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	creates := func(q *http.Request) bool {
		return q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/users")
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = target.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // the connection drops
		ModifyResponse: func(q *http.Response) error {
			if spoil != nil && creates(q.Request) {
				return spoil(q)
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if before != nil && creates(q) && before(w, q) {
			return
		}
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// once returns a function that calls f on its first call only.
func once(f func()) func() bool {
	var done atomic.Bool
	return func() bool {
		if done.Swap(true) {
			return false
		}
		f()
		return true
	}
}

// After each of these faults Keycloak holds exactly one account, and the
// adapter finds it at once or at the next attempt.
func TestS42_ALostAnswerNeverMakesASecondAccount(t *testing.T) {
	r := commonRealm(t)
	answer := func(status int, body string, drop ...string) func(*http.Response) error {
		return func(q *http.Response) error {
			for _, name := range drop {
				q.Header.Del(name)
			}
			q.StatusCode, q.Body, q.ContentLength = status, io.NopCloser(strings.NewReader(body)), int64(len(body))
			q.Header.Del("Content-Length")
			return nil
		}
	}
	for name, spoil := range map[string]func(*http.Response) error{
		"connection reset after commit":      func(*http.Response) error { return errors.New("reset") },
		"500 after having created":           answer(500, `{"error":"unknown_error"}`, "Location"),
		"S46 201 without a Location":         answer(201, "", "Location"),
		"S46 200 with garbage":               answer(200, "<html>welcome</html>", "Location"),
		"S44 201 with a Location of another": func(q *http.Response) error { q.Header.Set("Location", "http://x/users/../../clients"); return nil },
		"502 from a proxy in HTML":           answer(502, "<html>bad gateway</html>", "Location"),
	} {
		t.Run(name, func(t *testing.T) {
			a := accountstest.New()
			id, err := r.accounts(between(t, r, nil, spoil), 0).Create(t.Context(), a)
			if err != nil {
				t.Fatalf("the account is there, yet: %v", err)
			}
			if found := r.users(a.Login); len(found) != 1 || found[0].ID != id {
				t.Errorf("the id is %s, Keycloak has %+v", id, found)
			}
		})
	}
}

// Ids come from answers. A value that could name another resource is not an id.
func TestS44_AnIdIsAnIdOrNothing(t *testing.T) {
	r := commonRealm(t)
	for _, location := range []string{"http://x/users/../../clients", "http://x/users/", "http://x/users/%2e%2e", "garbage", "http://x/users/0000"} {
		a := accountstest.New()
		id, err := r.accounts(between(t, r, nil, func(q *http.Response) error { q.Header.Set("Location", location); return nil }), 0).Create(t.Context(), a)
		if found := r.users(a.Login); err != nil || len(found) != 1 || found[0].ID != id {
			t.Errorf("%s: id %q, %v", location, id, err)
		}
	}
}

func TestS46_AGarbageSuccessIsNoSuccess(t *testing.T) {
	r := commonRealm(t)
	a := accountstest.New()
	address := between(t, r, func(w http.ResponseWriter, _ *http.Request) bool {
		_, _ = io.WriteString(w, "<html>it works!</html>") // a captive portal, a wrong upstream
		return true
	}, nil)
	if id, err := r.accounts(address, 0).Create(t.Context(), a); err == nil || domain.IsPermanent(err) {
		t.Errorf("nothing was made, yet %q, %v", id, err)
	}
}

func TestS43_NoAnswerWithinTheLimitIsAnUnknownOutcome(t *testing.T) {
	r := commonRealm(t)
	a := accountstest.New()
	var slow atomic.Bool
	slow.Store(true)
	address := between(t, r, nil, func(*http.Response) error {
		if slow.Load() {
			time.Sleep(3 * time.Second)
		}
		return nil
	})
	id, err := r.accounts(address, 1500*time.Millisecond).Create(t.Context(), a)
	if err != nil || id == "" {
		t.Errorf("Keycloak had made it, the look-up finds %q, %v", id, err)
	}
	if n := len(r.users(a.Login)); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestS42_ARefusalIsPassingOrPermanent(t *testing.T) {
	r := commonRealm(t)
	for _, status := range []int{400, 403, 404, 429, 500, 503} {
		a := accountstest.New()
		address := between(t, r, func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"errorMessage":"no"}`, status)
			return true
		}, nil)
		_, err := r.accounts(address, 0).Create(t.Context(), a)
		if err == nil || domain.IsPermanent(err) {
			t.Errorf("%d: %v, permanent %v", status, err, domain.IsPermanent(err))
		}
		if len(r.users(a.Login)) != 0 {
			t.Errorf("%d: an account was made", status)
		}
		if _, err := r.accounts(r.url, 0).Create(t.Context(), a); err != nil {
			t.Errorf("%d, and then without it: %v", status, err)
		}
	}
}

func TestS42_A401OnceIsTriedAgainWithANewToken(t *testing.T) {
	r := commonRealm(t)
	var answer http.ResponseWriter
	refuse := once(func() { answer.WriteHeader(http.StatusUnauthorized) })
	address := between(t, r, func(w http.ResponseWriter, _ *http.Request) bool { answer = w; return refuse() }, nil)
	a := accountstest.New()
	if id, err := r.accounts(address, 0).Create(t.Context(), a); err != nil || id == "" {
		t.Errorf("%q, %v", id, err)
	}
}

func TestS43_KeycloakAwayIsPassing(t *testing.T) {
	r := commonRealm(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err := r.accounts(gone.URL, time.Second).Create(t.Context(), accountstest.New())
	if err == nil || domain.IsPermanent(err) {
		t.Errorf("%v, permanent %v", err, domain.IsPermanent(err))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.accounts(r.url, 0).Create(ctx, accountstest.New()); err == nil || domain.IsPermanent(err) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestI4_NoErrorShowsTheCredentialOrTheSecret(t *testing.T) {
	r := commonRealm(t)
	a := accountstest.New()
	a.UniversityAddress = "not an address"
	_, err := r.accounts(r.url, 0).Create(t.Context(), a)
	if err == nil || !domain.IsPermanent(err) {
		t.Errorf("%v, permanent %v", err, domain.IsPermanent(err))
	}
	wrong, clientErr := keycloak.NewClient(keycloak.Config{URL: r.url, Realm: r.name, ClientID: "entree-portal", ClientSecret: secret.New("wrong-secret-here")})
	if clientErr != nil {
		t.Fatal(clientErr)
	}
	_, loginErr := wrong.Accounts("").Create(t.Context(), accountstest.New())
	if loginErr == nil || domain.IsPermanent(loginErr) {
		t.Errorf("a wrong secret: %v", loginErr)
	}
	for _, e := range []error{err, loginErr} {
		for _, leak := range []string{"AAAAAAAA", "wrong-secret-here", portalSecret, "Bearer"} {
			if strings.Contains(fmt.Sprintf("%v %+v", e, e), leak) {
				t.Errorf("%q shows in %v", leak, e)
			}
		}
	}
}

func TestS25_ThePolicyIsReadFromTheRealm(t *testing.T) {
	r := commonRealm(t)
	p, err := r.accounts(r.url, 0).ReadPolicy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Rules.Length != 16 || p.Rules.Upper != 1 || p.Rules.Digits != 1 || len(p.Unjudgeable) != 0 {
		t.Errorf("read %+v", p)
	}
}
