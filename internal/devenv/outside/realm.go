package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"entree/internal/secret"
	"entree/keycloak"
)

// Realm is a realm of Keycloak's, seen by its administrator.
type Realm struct {
	URL, Name string
	Password  string // of admin

	mu      sync.Mutex
	token   string
	expires time.Time
	client  http.Client
}

// The client by which logins are tried.
const tester = "tester"

// NewRealm sets a realm up as the portal wants it, with a client for logins.
func NewRealm(ctx context.Context, address, name, adminPassword, baseURL, clientSecret string) (*Realm, error) {
	r := &Realm{URL: address, Name: name, Password: adminPassword, client: http.Client{Timeout: 20 * time.Second}}
	admin := keycloak.NewAdmin(address, name, "admin", secret.New(adminPassword))
	err := admin.Apply(ctx, keycloak.Wanted{
		DisplayName: name, PasswordPolicy: "length(16) and maxLength(256) and upperCase(1) and lowerCase(1) and digits(1)",
		Groups:       []string{"/etudiants", "/personnels"},
		Portal:       keycloak.Secret{ID: "entree-portal", Secret: secret.New(clientSecret)},
		ENT:          keycloak.Secret{ID: "entree-ent", Secret: secret.New("ent")},
		RedirectURIs: []string{baseURL + "/connexion/retour"}, LogoutURIs: []string{baseURL + "/"},
	}, nil)
	if err != nil {
		return nil, err
	}
	return r, r.call(ctx, http.MethodPost, "/clients", map[string]any{"clientId": tester, "publicClient": true, "directAccessGrantsEnabled": true}, nil)
}

// Remove removes the realm.
func (r *Realm) Remove(ctx context.Context) error {
	return r.call(ctx, http.MethodDelete, "", nil, nil)
}

// User is an account, as Keycloak holds it.
type User struct {
	ID, Username, Email string
	Enabled             bool
	Attributes          map[string][]string
}

// Attribute gives the one value of an attribute.
func (u User) Attribute(name string) string {
	if v := u.Attributes[name]; len(v) == 1 {
		return v[0]
	}
	return ""
}

// Users gives every account of the realm.
func (r *Realm) Users(ctx context.Context) ([]User, error) {
	const page = 200
	var all []User
	for {
		var some []User
		if err := r.call(ctx, http.MethodGet, fmt.Sprintf("/users?briefRepresentation=false&first=%d&max=%d", len(all), page), nil, &some); err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page {
			return all, nil
		}
	}
}

// LogsIn tells whether a password opens an account.
func (r *Realm) LogsIn(ctx context.Context, login, password string) (bool, error) {
	status, _, err := r.grant(ctx, r.Name, url.Values{"client_id": {tester}, "username": {login}, "password": {password}})
	if err != nil {
		return false, err
	}
	switch status {
	case http.StatusOK:
		return true, nil
	case http.StatusUnauthorized:
		return false, nil
	}
	return false, fmt.Errorf("log in: status %d", status)
}

func (r *Realm) grant(ctx context.Context, realm string, form url.Values) (int, string, error) {
	form.Set("grant_type", "password")
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+"/realms/"+realm+"/protocol/openid-connect/token", bytes.NewBufferString(form.Encode()))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := r.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	return response.StatusCode, answer.Token, json.NewDecoder(response.Body).Decode(&answer)
}

func (r *Realm) call(ctx context.Context, method, path string, body, result any) error {
	token, err := r.adminToken(ctx)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, r.URL+"/admin/realms/"+r.Name+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
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

// adminToken gives a token that still holds: the administrator's live a minute.
func (r *Realm) adminToken(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.expires) {
		return r.token, nil
	}
	status, token, err := r.grant(ctx, "master", url.Values{"client_id": {"admin-cli"}, "username": {"admin"}, "password": {r.Password}})
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("log in as the administrator: status %d, %w", status, err)
	}
	r.token, r.expires = token, time.Now().Add(30*time.Second)
	return token, nil
}

// Occupy makes an account that is somebody else's.
func (r *Realm) Occupy(ctx context.Context, login string) error {
	return r.call(ctx, http.MethodPost, "/users", map[string]any{
		"username": login, "email": login + "@example.net", "firstName": "Somebody", "lastName": "Else", "enabled": true,
	}, nil)
}

// Disable closes an account.
func (r *Realm) Disable(ctx context.Context, login string) error {
	var found []User
	if err := r.call(ctx, http.MethodGet, "/users?exact=true&username="+url.QueryEscape(login), nil, &found); err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%d accounts are called %s", len(found), login)
	}
	return r.call(ctx, http.MethodPut, "/users/"+found[0].ID, map[string]any{"enabled": false}, nil)
}
