package domain

import (
	"errors"
	"time"
)

// Credential is a password as Keycloak keeps it: hashed with the realm's own
// algorithm and parameters. It rests nowhere but in a sealed job.
type Credential struct {
	Data   string // Keycloak's credentialData, JSON: algorithm and parameters
	Secret string // Keycloak's secretData, JSON: hash and salt
}

// Account is what is made in Keycloak, whole, in one call.
type Account struct {
	ActivationID      string // the mark by which the portal knows its own work
	Login             string
	UniversityAddress string
	PersonalAddress   string
	GivenName         string
	FamilyName        string
	BirthDate         string
	Profile           string
	Number            string
	Affiliation       string
	Affiliations      []string
	Groups            []string
	Lang              Lang
	CharterVersion    string
	CharterSHA256     string
	CharterAcceptedAt time.Time
	Credential        Credential

	// Seek asks for the person first, by number: the portal may have forgotten an
	// account of theirs under another name, since its store was restored (I1).
	Seek bool `json:"-"`
}

// ErrForeignAccount says that Keycloak holds an account with the same login or
// address that the portal did not make for this activation. It is never
// touched.
var ErrForeignAccount = errors.New("account: exists and is somebody else's")

// AddressRefused is the error of a mail whose recipient's address does not
// exist, according to the mail server.
type AddressRefused struct {
	Status   string // "5.1.1" (RFC 3463)
	Rule     string // id of the bounce rule that decided
	Provider string // the mail provider, or the domain of the address
}

func (e *AddressRefused) Error() string {
	return "the mail server refuses the address: status " + e.Status + ", rule " + e.Rule
}

// permanent marks an error that trying again cannot mend.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as one that trying again cannot mend. Any other error of
// an adapter is taken as passing, its outcome as unknown.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent tells whether err was marked by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
