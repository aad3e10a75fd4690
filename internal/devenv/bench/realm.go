package bench

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

// Realm is a realm of Keycloak's, as its administrator sees it, by plain HTTP:
// nothing of the portal's own stands between the peers and their cost.
type Realm struct {
	URL, Name string
	// Login gets a token: address of the endpoint and form.
	Login func() (string, url.Values)

	client *http.Client
	mu     sync.Mutex
	token  string
	until  time.Time
}

// NewRealm gives a realm, by a login of the master realm's administrator.
func NewRealm(address, name, user string, password secret.Text) *Realm {
	return &Realm{URL: address, Name: name, client: kept(), Login: func() (string, url.Values) {
		return address + "/realms/master/protocol/openid-connect/token",
			url.Values{"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {user}, "password": {password.Reveal()}}
	}}
}

// NewServiceRealm gives a realm, by a service account of its own.
func NewServiceRealm(address, name, client string, password secret.Text) *Realm {
	return &Realm{URL: address, Name: name, client: kept(), Login: func() (string, url.Values) {
		return address + "/realms/" + url.PathEscape(name) + "/protocol/openid-connect/token",
			url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {password.Reveal()}}
	}}
}

// kept is a client whose connections stay open, as every sensible caller's do.
func kept() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: t, Timeout: patience}
}

func (r *Realm) bearer(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.until) {
		return r.token, nil
	}
	address, values := r.Login()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := r.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var got struct {
		Token string `json:"access_token"`
		Life  int    `json:"expires_in"`
	}
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil || got.Token == "" {
		return "", fmt.Errorf("log in to Keycloak: %s", response.Status)
	}
	r.token, r.until = got.Token, time.Now().Add(time.Duration(got.Life)*time.Second-15*time.Second)
	return r.token, nil
}

// call sends one request below /admin/realms and gives the answer's Location.
func (r *Realm) call(ctx context.Context, method, at string, body, result any) (string, error) {
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
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return "", fmt.Errorf("%s %s: %s: %.200s", method, at, response.Status, said)
	}
	if result != nil {
		err = json.Unmarshal(said, result)
	}
	return response.Header.Get("Location"), err
}

func (r *Realm) at(segments ...string) string {
	out := "/" + url.PathEscape(r.Name)
	for _, s := range segments {
		out += "/" + url.PathEscape(s)
	}
	return out
}

// create makes a user and gives the id.
func (r *Realm) create(ctx context.Context, user map[string]any) (string, error) {
	location, err := r.call(ctx, http.MethodPost, r.at("users"), user, nil)
	if err == nil && location == "" {
		err = errors.New("a user without a Location")
	}
	return path.Base(location), err
}

// Count tells how many users there are.
func (r *Realm) Count(ctx context.Context) (n int, err error) {
	_, err = r.call(ctx, http.MethodGet, r.at("users", "count"), nil, &n)
	return n, err
}

// Has tells whether exactly one account that may log in has a login.
func (r *Realm) Has(ctx context.Context, login string) (bool, error) {
	var found []struct {
		Username string
		Enabled  bool
	}
	_, err := r.call(ctx, http.MethodGet, r.at("users")+"?exact=true&briefRepresentation=true&username="+url.QueryEscape(login), nil, &found)
	return len(found) == 1 && strings.EqualFold(found[0].Username, login) && found[0].Enabled, err
}

// policy is the realm's own for passwords.
func (r *Realm) policy(ctx context.Context) (string, error) {
	var realm struct{ PasswordPolicy string }
	_, err := r.call(ctx, http.MethodGet, r.at(), nil, &realm)
	return realm.PasswordPolicy, err
}
