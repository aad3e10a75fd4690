package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"entree/internal/app"
	"entree/internal/config"
	"entree/internal/devenv/localkeycloak"
	"entree/internal/devenv/localldap"
	"entree/internal/secret"
	"entree/keycloak"
)

// demoDirectory is the directory in demo.json.
type demoDirectory struct {
	URL    string `json:"url"`
	People string `json:"people"` // DN of the branch
}

// startDirectory starts a directory, or returns nil if Keycloak keeps the demo's
// accounts.
func (o Options) startDirectory(ctx context.Context, out io.Writer) (*localldap.Server, error) {
	switch o.Accounts {
	case "", config.StoreKeycloak:
		return nil, nil
	case config.StoreDirectory:
	default:
		return nil, fmt.Errorf("--accounts %s: want keycloak or directory", o.Accounts)
	}
	raw, err := os.ReadFile(filepath.Join(o.Dir, "directory-secret"))
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "Starting the directory …")
	return localldap.Start(ctx, localldap.Options{
		Dir: filepath.Join(o.Dir, "directory"), Modules: []string{"argon2"}, Secret: secret.New(strings.TrimSpace(string(raw))),
	})
}

// Federate makes the directory known to the demo's realm, as an administrator of
// Keycloak would.
func Federate(ctx context.Context, c config.Config, kc *localkeycloak.Server, ldap *localldap.Server) error {
	admin := keycloak.NewAdmin(kc.URL(), c.Keycloak.Realm, kc.AdminUser(), kc.AdminPassword())
	return admin.AddFederation(ctx, keycloak.Federation{
		Directory: *app.Wanted(c).Directory, Name: "annuaire", URL: ldap.URL, BindDN: localldap.Keycloak, Password: ldap.Password,
		Extra: map[string]string{"entreeProfile": "departmentNumber"},
	})
}
