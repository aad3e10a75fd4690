package domain

import (
	"errors"
	"time"

	"entree/internal/clean"
)

// AttributeProfile is the user attribute that holds the key of the profile. A
// number is unique within a profile.
const AttributeProfile = "entreeProfile"

// AttributeAddress is the user attribute that holds the personal address.
const AttributeAddress = "supannMailPerso"

// Credential is a password in the form in which Keycloak stores it, hashed with
// the realm's algorithm and parameters. It is kept only in a sealed job.
type Credential struct {
	Data   string // Keycloak's credentialData, JSON: algorithm and parameters
	Secret string // Keycloak's secretData, JSON: hash and salt
}

// Account is everything that the creation of an account in Keycloak sends, in one
// request. [NewAccount] builds it.
type Account struct {
	ActivationID      string // the mark by which the portal recognises the account
	Login             string
	UniversityAddress string
	GivenName         string
	FamilyName        string
	Profile           string
	Number            string
	Affiliation       string
	Affiliations      []string
	Groups            []string
	Lang              Lang
	CharterVersion    string
	CharterSHA256     string
	CharterAcceptedAt time.Time
	Credential        Credential // none for an account that gets a passkey

	// Attributes holds the values of the person's fields that have an attribute,
	// by its name.
	Attributes map[string]string
	// Fields holds the values of the person's fields of the account, by the field's
	// name (see Field.OfAccount).
	Fields map[string]string

	// Seek makes Create look for an account of the person by number first. It is
	// set after a restored backup, which may lack the record of an account (I1).
	Seek bool `json:"-"`
}

// NewAccount returns the account of a person, without a credential. The person's
// ActivationID is the account's mark. j is the journey in which the person
// accepted the charter; nil, or a journey without an acceptance, leaves the
// charter out.
func NewAccount(p Person, profile Profile, lang Lang, j *Journey) Account {
	a := Account{
		ActivationID: p.ActivationID, Login: p.Login, UniversityAddress: p.UniversityAddress,
		GivenName: p.GivenName, FamilyName: p.FamilyName, Profile: p.Profile, Number: p.Number,
		Affiliation: profile.Affiliation, Affiliations: profile.Affiliations, Groups: profile.Groups,
		Lang: lang, Attributes: map[string]string{}, Fields: map[string]string{},
	}
	for _, f := range fields {
		if f.OfAccount() {
			a.Fields[f.Name] = f.Text(&p)
		}
		if f.Attribute != "" {
			a.Attributes[f.Attribute] = f.Text(&p)
		}
	}
	if j != nil && !j.AcceptedAt.IsZero() {
		a.CharterVersion, a.CharterSHA256, a.CharterAcceptedAt = j.CharterName, j.Charter, j.AcceptedAt
	}
	return a
}

// ErrForeignAccount means that Keycloak holds an account with the same login or
// address that the portal did not create for this activation. The portal never
// changes such an account.
var ErrForeignAccount = errors.New("account: the login or address belongs to an account of another origin")

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

// ProviderRefused is the error of a mail that the recipient's provider refuses
// for a reason that is not about the recipient: spam, policy, a block list.
type ProviderRefused struct {
	Provider string // the mail provider, or the domain of the address
	Reason   string
	Words    string // of the server, without addresses
}

func (e *ProviderRefused) Error() string {
	return "the provider " + e.Provider + " refuses the mail: " + e.Reason
}

// permanent marks an error that a retry cannot resolve.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent marks err as one that a retry cannot resolve. Any other error of an
// adapter is treated as temporary and its outcome as unknown.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// later is an error after which the job is tried again after a time that the error
// sets, instead of the usual backoff.
type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// Later marks an error that remains until the person's data or the realm is changed.
// The job is tried again after the given time, or when an operator asks for it.
func Later(err error, after time.Duration) error { return later{err, after} }

// RetryAfter returns the time that Later set.
func RetryAfter(err error) (after time.Duration, ok bool) {
	var l later
	ok = errors.As(err, &l)
	return l.after, ok
}

// SameLogin reports whether two spellings mean one identifier: in other capitals or
// forms of letters, with spaces around it.
func SameLogin(a, b string) bool {
	cleanA, errA := clean.Login(a)
	cleanB, errB := clean.Login(b)
	return errA == nil && errB == nil && cleanA == cleanB
}
