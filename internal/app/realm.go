package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"entree/internal/config"
	"entree/internal/domain"
	"entree/keycloak"
)

// Wanted returns the settings of the realm that a configuration needs.
func Wanted(c config.Config) keycloak.Wanted {
	base := strings.TrimRight(c.Portal.BaseURL, "/")
	w := keycloak.Wanted{
		DisplayName: c.Institution.Name, Scope: c.Institution.Scope,
		PasswordPolicy: fmt.Sprintf("length(%d) and maxLength(%d) and upperCase(%d) and lowerCase(%d) and digits(%d) and notUsername and notEmail",
			c.Password.Length, c.Password.MaxLength, c.Password.Upper, c.Password.Lower, c.Password.Digits),
		Waived: c.Keycloak.WaivePolicy, LoginTheme: c.Keycloak.LoginTheme,
		Portal:       keycloak.Secret{ID: c.Keycloak.ClientID, Secret: c.Keycloak.ClientSecret},
		ENT:          keycloak.Secret{ID: c.SSO.ClientID, Secret: c.SSO.ClientSecret},
		RedirectURIs: []string{base + "/connexion/retour"},
		LogoutURIs:   []string{base + "/"},
		Console:      keycloak.Secret{ID: c.Console.ClientID, Secret: c.Console.ClientSecret}, ConsoleURL: base + "/admin",
	}
	if c.InDirectory() {
		d := c.Directory
		w.Directory = &keycloak.Directory{Base: d.Base, Login: d.Login, Address: d.Address, ObjectClasses: d.ObjectClasses, Attributes: slices.Sorted(maps.Keys(d.Attributes))}
	}
	if c.Password.Special > 0 {
		w.PasswordPolicy += fmt.Sprintf(" and specialChars(%d)", c.Password.Special)
	}
	for _, p := range c.Profiles {
		if domain.Credentials(p.Credential).Passkeys() {
			w.Passkeys = &keycloak.Passkeys{Institution: c.Institution.Name, Host: c.SSO.PasskeyHost}
		}
		if rule := domain.FactorRule(p.Factors); rule.Asks() {
			if w.Factors == nil {
				w.Factors = &keycloak.SecondFactors{}
			}
			w.Factors.Required = w.Factors.Required || rule == domain.FactorsRequired
		}
		for _, g := range p.Groups {
			if !slices.Contains(w.Groups, g) {
				w.Groups = append(w.Groups, g)
			}
		}
	}
	return w
}
