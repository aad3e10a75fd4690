package domain

import (
	"strings"
	"time"
)

// Existing is an account that already exists in Keycloak. An operator compares
// it with the enrolment before they decide a conflict.
type Existing struct {
	ID         string
	Entry      string // UUID of the entry behind the account, if Keycloak reports it
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

// entryPrefix begins the id of EntryID. No id of Keycloak begins with it.
const entryPrefix = "entry:"

// EntryID returns the id of an account whose id in Keycloak is not known yet: it names
// the account's entry in the directory, by entryUUID.
func EntryID(uuid string) string { return entryPrefix + uuid }

// EntryOf returns the entryUUID in an id of EntryID. ok is false for any other id.
func EntryOf(id string) (uuid string, ok bool) { return strings.CutPrefix(id, entryPrefix) }
