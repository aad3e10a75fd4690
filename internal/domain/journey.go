package domain

import "time"

// JourneyID is opaque, 128 bits from crypto/rand.
type JourneyID string

// Purpose says what a journey is for. Recovery will be a second one, on the
// same pages.
type Purpose string

// PurposeActivate is the first visit.
const PurposeActivate Purpose = "activate"

// Step is where a journey stands: the page that its person has to see next.
type Step string

// The steps in their order.
const (
	StepCode     Step = "code"     // type the six digits
	StepVerify   Step = "verify"   // which one are you
	StepCharter  Step = "charter"  // read and accept
	StepGuide    Step = "guide"    // how to choose a password
	StepPassword Step = "password" // choose it
	StepWaiting  Step = "waiting"  // the account is on its way
	StepDone     Step = "done"     // the account is there
	StepParked   Step = "parked"   // a human has to look at it
	StepEnded    Step = "ended"    // too many tries: begin again, or ask
)

// MaxTries is how many tries a person has, at the code and at the second proof (S3).
const MaxTries = 5

// Journey is one browser's way to one account, as it is stored; what has not
// happened is left out there, since every page reads it.
type Journey struct {
	ID      JourneyID
	Version int64 // the store's guard against two writers

	Purpose Purpose
	Profile string
	Lang    Lang
	Address Address // as asked for, normalised

	// Candidates are the people whom the address belongs to and who may
	// activate. Empty: nobody, and no code will fit. Frozen once the code is
	// proven, so that the activation itself cannot lose its own eligibility.
	Candidates []PersonID
	Person     PersonID `json:",omitzero"` // the one of them that it is

	Code        Code
	VerifyTries int
	Reference   string // what a person tells the help desk, "7K3F-9Q2M"
	Client      string // the network that asked, so that a help desk can clear its limit
	// Desk is the operator who saw an identity card, where a code of the desk
	// took the mailbox's place.
	Desk string `json:",omitzero"`

	RequestedAt time.Time
	ProvenAt    time.Time `json:",omitzero"`
	VerifiedAt  time.Time `json:",omitzero"`
	AcceptedAt  time.Time `json:",omitzero"`
	Charter     string    `json:",omitzero"` // SHA-256 of the accepted text
	CharterName string    `json:",omitzero"` // its version
	GuidedAt    time.Time `json:",omitzero"`
	PasswordAt  time.Time `json:",omitzero"`
	DoneAt      time.Time `json:",omitzero"`
	ParkedAt    time.Time `json:",omitzero"`
	EndedAt     time.Time `json:",omitzero"`
	RetryAt     time.Time `json:",omitzero"` // when a journey that ended may be begun again with hope

	SeenAt    time.Time // last act
	ExpiresAt time.Time // absolute
}

// Next gives the step that comes next, from the stored journey alone and the
// charter that is in force for it. A charter replaced midway sends the journey
// back to it, as long as no password was chosen (I2).
func (j Journey) Next(inForce func(sha256 string) bool) Step {
	switch {
	case !j.ParkedAt.IsZero():
		return StepParked
	case !j.DoneAt.IsZero():
		return StepDone
	case !j.PasswordAt.IsZero():
		return StepWaiting
	case !j.EndedAt.IsZero():
		return StepEnded
	case j.ProvenAt.IsZero():
		return StepCode
	case j.Person == "" || j.VerifiedAt.IsZero():
		return StepVerify
	case j.AcceptedAt.IsZero() || !inForce(j.Charter):
		return StepCharter
	case j.GuidedAt.IsZero():
		return StepGuide
	default:
		return StepPassword
	}
}
