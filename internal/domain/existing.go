package domain

import "time"

// Existing is an account that already exists in Keycloak. An operator compares
// it with the enrolment before they decide a conflict.
type Existing struct {
	ID         string
	Login      string
	Address    string
	GivenName  string
	FamilyName string
	Enabled    bool
	CreatedAt  time.Time
	// LastLogin is the last login that Keycloak remembers; zero if it remembers
	// none or does not report it.
	LastLogin  time.Time
	Attributes map[string][]string
	Federated  bool   // the account comes from a directory behind Keycloak
	Mark       string // id of the activation, if the portal created or adopted the account
}
