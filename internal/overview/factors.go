package overview

import (
	"time"

	"entree/internal/domain"
)

// FactorCount is the number of active accounts of a profile and cohort, by what they have
// beside the password.
type FactorCount struct {
	Profile, Cohort string
	Accounts        int64
	Passkeys        int64
	Seconds         int64 // with a second factor
	Declined        int64 // to whom one was offered, and who declined
	Without         int64 // with neither
}

// WithoutQuery selects people whose account has neither a passkey nor a second factor.
type WithoutQuery struct {
	Profile, Cohort string    // empty: all
	Before          time.Time // activated before; zero: at any time
	Skip, Limit     int       // no limit: 0
}

// Without is a person whose account has neither a passkey nor a second factor.
type Without struct {
	ID                                     domain.PersonID
	Profile, Number, GivenName, FamilyName string
	Cohort, Login                          string
	ActivatedAt, FirstLoginAt              time.Time
	DeclinedAt                             time.Time // zero: none was declined
}
