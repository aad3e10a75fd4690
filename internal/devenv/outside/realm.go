package outside

import (
	"context"

	"entree/internal/devenv/realm"
	"entree/internal/secret"
	"entree/keycloak"
)

// NewRealm creates a realm with the settings that the portal needs, and with a
// client for test logins.
func NewRealm(ctx context.Context, address, name, adminPassword, baseURL, clientSecret string) (*realm.Realm, error) {
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
	r := realm.New(address, name, "admin", secret.New(adminPassword))
	return r, r.AddTester(ctx)
}
