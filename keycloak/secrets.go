package keycloak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// clientSecrets finds clients whose configured secret is not the realm's. It
// redeems a code that does not exist: Keycloak authenticates the client first
// and answers 401 to a wrong secret, 400 "invalid_grant" to a right one.
func (c *Client) clientSecrets(ctx context.Context, w Wanted, _ map[string]any) ([]Finding, error) {
	var found []Finding
	for _, client := range []struct {
		Secret
		key, redirect string
	}{{w.ENT, "sso", first(w.RedirectURIs)}, {w.Console, "console", w.ConsoleURL + "/connexion/retour"}} {
		if client.Secret.Secret.Empty() || client.ID == "" {
			continue
		}
		ok, err := c.knowsSecret(ctx, client.Secret, client.redirect)
		if err != nil {
			return nil, err
		}
		if !ok {
			found = append(found, Finding{"the realm refuses the secret of the client " + client.ID, "logins through it fail after the password was typed",
				fmt.Sprintf("copy its secret (Clients → %s → Credentials) to %s.client_secret, or run `entree realm apply`", client.ID, client.key)})
		}
	}
	return found, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func (c *Client) knowsSecret(ctx context.Context, client Secret, redirect string) (bool, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"none"}, "redirect_uri": {redirect}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, tokenURL(c.config.URL, c.config.Realm), strings.NewReader(form.Encode()))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(client.ID), url.QueryEscape(client.Secret.Reveal()))
	response, err := c.login.plain.Do(request)
	if err != nil {
		return false, &Error{Cause: err}
	}
	defer response.Body.Close()
	var body struct{ Error string }
	_ = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&body) // a proxy answers in HTML: the status says enough
	switch {
	case response.StatusCode == http.StatusUnauthorized, body.Error == "invalid_client", body.Error == "unauthorized_client":
		return false, nil
	case response.StatusCode >= 500, response.StatusCode == http.StatusNotFound:
		return false, &Error{Status: response.StatusCode, Code: body.Error}
	}
	return true, nil
}
