// Package realm is the one client of a Keycloak realm that benches and tests use.
// It calls Keycloak's administration and token endpoints by plain HTTP, as the
// administrator of the master realm, so that it shares no code with the product
// that it checks.
package realm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"entree/internal/secret"
)

// Tester is the public client that [Realm.LogsIn] uses. The realm must have it,
// with direct access grants; see [Realm.AddTester].
const Tester = "tester"

// Realm is one realm. It is safe for concurrent use. Name may be changed before
// the first call.
type Realm struct {
	URL, Name string

	user     string
	password secret.Text
	client   *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time
}

// New returns a client that authenticates as an administrator of the master
// realm. Its connections stay open between calls.
func New(address, name, user string, password secret.Text) *Realm {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return &Realm{URL: address, Name: name, user: user, password: password, client: &http.Client{Transport: t, Timeout: 90 * time.Second}}
}

// errWrong is the error of a login or password that Keycloak does not accept. Keycloak
// answers in the same way while it locks the account after too many wrong passwords.
var errWrong = errors.New("wrong login or password")

// grant requests a token by a user's password. It returns errWrong if Keycloak answers
// that the login or the password is wrong.
func (r *Realm) grant(ctx context.Context, realm, client, user, password string) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"password"}, "client_id": {client}, "username": {user}, "password": {password}}
	address := r.URL + "/realms/" + url.PathEscape(realm) + "/protocol/openid-connect/token"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := r.client.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
		Life  int    `json:"expires_in"`
		Error string `json:"error"`
		Cause string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", 0, fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	switch {
	case response.StatusCode == http.StatusOK:
		return answer.Token, time.Duration(answer.Life) * time.Second, nil
	case answer.Error == "invalid_grant" && answer.Cause == "Invalid user credentials":
		return "", 0, errWrong
	}
	return "", 0, fmt.Errorf("status %d: %s: %s", response.StatusCode, answer.Error, answer.Cause)
}

// bearer returns the administrator's token and renews it 15 seconds before it
// expires.
func (r *Realm) bearer(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.expires) {
		return r.token, nil
	}
	token, life, err := r.grant(ctx, "master", "admin-cli", r.user, r.password.Reveal())
	if err != nil {
		return "", fmt.Errorf("log in to Keycloak as %s: %w", r.user, err)
	}
	r.token, r.expires = token, time.Now().Add(life-15*time.Second)
	return token, nil
}

// Call sends one request below /admin/realms and returns the Location header of
// the response. A body that is not nil is sent as JSON; a result that is not nil is
// decoded from JSON. A status of 300 or more is an error.
func (r *Realm) Call(ctx context.Context, method, at string, body, result any) (location string, err error) {
	token, err := r.bearer(ctx)
	if err != nil {
		return "", err
	}
	var raw io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		raw = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, r.URL+"/admin/realms"+at, raw)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return "", fmt.Errorf("%s %s: %s: %.200s", method, at, response.Status, text)
	}
	if result != nil {
		err = json.Unmarshal(text, result)
	}
	return response.Header.Get("Location"), err
}

// At returns the path of a resource of the realm for [Realm.Call].
func (r *Realm) At(segments ...string) string {
	out := "/" + url.PathEscape(r.Name)
	for _, s := range segments {
		out += "/" + url.PathEscape(s)
	}
	return out
}

// AddTester creates the client of [Realm.LogsIn].
func (r *Realm) AddTester(ctx context.Context) error {
	_, err := r.Call(ctx, http.MethodPost, r.At("clients"), map[string]any{"clientId": Tester, "publicClient": true, "directAccessGrantsEnabled": true}, nil)
	return err
}

// Remove removes the realm.
func (r *Realm) Remove(ctx context.Context) error {
	_, err := r.Call(ctx, http.MethodDelete, r.At(), nil, nil)
	return err
}

// PasswordPolicy returns the realm's password policy as Keycloak writes it.
func (r *Realm) PasswordPolicy(ctx context.Context) (string, error) {
	var realm struct{ PasswordPolicy string }
	_, err := r.Call(ctx, http.MethodGet, r.At(), nil, &realm)
	return realm.PasswordPolicy, err
}

// User is an account as Keycloak stores it.
type User struct {
	ID, Username, Email string
	Enabled             bool
	Attributes          map[string][]string
}

// Attribute returns the value of an attribute that has exactly one value, and
// otherwise nothing.
func (u User) Attribute(name string) string {
	if v := u.Attributes[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// Create creates a user and returns its id.
func (r *Realm) Create(ctx context.Context, user map[string]any) (id string, err error) {
	location, err := r.Call(ctx, http.MethodPost, r.At("users"), user, nil)
	if err == nil && location == "" {
		err = errors.New("create a user: the response has no Location")
	}
	return path.Base(location), err
}

// Occupy creates a user that is none of the people of the portal.
func (r *Realm) Occupy(ctx context.Context, login string) error {
	_, err := r.Create(ctx, map[string]any{
		"username": login, "email": login + "@example.net", "firstName": "Somebody", "lastName": "Else", "enabled": true,
	})
	return err
}

// Count returns the number of users.
func (r *Realm) Count(ctx context.Context) (n int, err error) {
	_, err = r.Call(ctx, http.MethodGet, r.At("users", "count"), nil, &n)
	return n, err
}

// Users returns every user with all attributes.
func (r *Realm) Users(ctx context.Context) ([]User, error) {
	const page = 200
	var all []User
	for {
		var some []User
		if _, err := r.Call(ctx, http.MethodGet, fmt.Sprintf("%s?briefRepresentation=false&first=%d&max=%d", r.At("users"), len(all), page), nil, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page {
			return all, nil
		}
	}
}

// named returns the users with exactly this login.
func (r *Realm) named(ctx context.Context, login string) (found []User, err error) {
	_, err = r.Call(ctx, http.MethodGet, r.At("users")+"?exact=true&briefRepresentation=true&username="+url.QueryEscape(login), nil, &found)
	return found, err
}

// Has reports whether exactly one enabled user has a login.
func (r *Realm) Has(ctx context.Context, login string) (bool, error) {
	found, err := r.named(ctx, login)
	return len(found) == 1 && strings.EqualFold(found[0].Username, login) && found[0].Enabled, err
}

// Disable disables the one user with a login.
func (r *Realm) Disable(ctx context.Context, login string) error {
	found, err := r.named(ctx, login)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%d users have the login %s", len(found), login)
	}
	_, err = r.Call(ctx, http.MethodPut, r.At("users", found[0].ID), map[string]any{"enabled": false}, nil)
	return err
}

// LogsIn reports whether a password is that of a login. The realm must have the
// client [Tester].
func (r *Realm) LogsIn(ctx context.Context, login, password string) (bool, error) {
	switch _, _, err := r.grant(ctx, r.Name, Tester, login, password); {
	case errors.Is(err, errWrong):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("log in as %s: %w", login, err)
	}
	return true, nil
}
