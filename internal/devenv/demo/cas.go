package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"entree/internal/config"
	"entree/internal/devenv/child"
	"entree/internal/devenv/localcas"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/secret"
	"entree/keycloak"
)

// casPort returns the port of the demo's CAS server, or 0 without CAS.
func (o Options) casPort() (int, error) {
	switch {
	case o.SSO == "oidc":
		return 0, nil
	case o.SSO != "cas":
		return 0, fmt.Errorf("--sso %s: want oidc or cas", o.SSO)
	case o.CASPort != 0:
		return o.CASPort, nil
	}
	return child.FreePort()
}

// startCAS starts a CAS server that hands logins on to the demo's Keycloak.
func startCAS(ctx context.Context, dir string, port int, c config.Config, kc *localkeycloak.Server, getenv func(string) string, out io.Writer) (*localcas.Server, error) {
	const id = "entree-cas"
	raw, err := os.ReadFile(filepath.Join(dir, "cas-secret"))
	if err != nil {
		return nil, err
	}
	own := secret.New(strings.TrimSpace(string(raw)))
	admin := keycloak.NewAdmin(kc.URL(), c.Keycloak.Realm, kc.AdminUser(), kc.AdminPassword())
	err = admin.AddRelyingParty(ctx, keycloak.RelyingParty{
		Secret: keycloak.Secret{ID: id, Secret: own}, Name: "CAS",
		RedirectURIs: []string{localcas.At(port) + "/*"}, LogoutURIs: []string{localcas.At(port) + "/*"},
	})
	if err != nil {
		return nil, fmt.Errorf("make CAS known to Keycloak: %w", err)
	}
	fmt.Fprintln(out, "Starting CAS …")
	return localcas.Start(ctx, localcas.Options{
		Dir: filepath.Join(dir, "cas"), Port: port, Out: out, Getenv: getenv,
		Services: map[string]string{"ent": c.Portal.BaseURL + "/"},
		Keycloak: kc.URL(), Realm: c.Keycloak.Realm, ClientID: id, Secret: own,
	})
}
