package domain

import "time"

// Existing is an account that Keycloak has already, as an operator compares it
// with the enrolment before anything is decided.
type Existing struct {
	ID         string
	Login      string
	Address    string
	GivenName  string
	FamilyName string
	Enabled    bool
	CreatedAt  time.Time
	// LastLogin is the last one that Keycloak still remembers; zero where it
	// remembers none or does not tell.
	LastLogin  time.Time
	Attributes map[string][]string
	Mark       string // the activation's id, where the portal made or adopted it
}
