package keycloak

import (
	"context"
	"fmt"
	"strings"
)

// RelyingParty is a client by which people log in to a service, with the code
// flow and PKCE. Its tokens hold the attributes of the scope.
type RelyingParty struct {
	Secret
	Name         string
	RedirectURIs []string
	LogoutURIs   []string
}

// planENT plans the client by which people log in to the ENT from the portal.
func (c *Client) planENT(ctx context.Context, w Wanted) ([]Change, error) {
	if w.ENT.Secret.Empty() {
		return nil, nil
	}
	return c.planRelyingParty(ctx, RelyingParty{w.ENT, "Mon ENT", w.RedirectURIs, w.LogoutURIs}, "people log in to the ENT through it")
}

func (c *Client) planRelyingParty(ctx context.Context, r RelyingParty, why string) ([]Change, error) {
	changes, err := c.planClient(ctx, r.Secret, "sso", r.Name, why, map[string]any{
		"standardFlowEnabled": true, "directAccessGrantsEnabled": false, "implicitFlowEnabled": false, "serviceAccountsEnabled": false,
		"redirectUris": r.RedirectURIs, "webOrigins": []string{},
		"attributes": map[string]any{"pkce.code.challenge.method": "S256", "post.logout.redirect.uris": strings.Join(r.LogoutURIs, "##")},
	})
	if err != nil {
		return nil, err
	}
	more, err := c.planDefaultScope(ctx, r.ID, scopeName, false)
	return append(changes, more...), err
}

// AddRelyingParty adds one more client to a realm that is set up, for example a
// CAS server, which is not part of the configuration.
func (c *Client) AddRelyingParty(ctx context.Context, r RelyingParty) error {
	changes, err := c.planRelyingParty(ctx, r, "people log in through it")
	if err != nil {
		return err
	}
	for _, change := range changes {
		if err := change.apply(ctx); err != nil {
			return fmt.Errorf("%s: %w", change.What, err)
		}
	}
	return nil
}
