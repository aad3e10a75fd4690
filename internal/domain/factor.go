package domain

import (
	"time"

	"entree/internal/audit"
)

// FactorDelay is the default time between the request to remove the second factors of
// an account and the removal.
const FactorDelay = 7 * 24 * time.Hour

// FactorRemoval is an operator's request to remove the lost second factors of a person's
// account. A second operator agrees to it, or it happens after a delay in which the
// notice's link stops it. A person has one open request at most.
type FactorRemoval struct {
	ID                 string
	Person             PersonID
	AskedBy, AskedByID string // operator, and the subject of the operator's login
	Reason             string
	AskedAt, DueAt     time.Time
	State              FactorState
	AgreedBy           string
	EndedAt            time.Time
}

// IsOpen reports whether the removal is still to come.
func (r FactorRemoval) IsOpen() bool { return r.State == FactorAsked || r.State == FactorAgreed }

// FactorState is the state of a removal.
type FactorState string

// The states. A removal moves forward in this list only.
const (
	FactorAsked     FactorState = "asked"
	FactorAgreed    FactorState = "agreed"    // by a second operator
	FactorStopped   FactorState = "stopped"   // by the notice's link
	FactorCancelled FactorState = "cancelled" // by an operator
	FactorRemoved   FactorState = "removed"
	FactorLeft      FactorState = "left" // the account must not be changed
)

// FactorMove changes the state of a removal. It is refused with ErrConflict unless the
// removal is in the state From, and a move to FactorAgreed also if By asked for it.
type FactorMove struct {
	ID       string
	From, To FactorState
	At       time.Time
	By       audit.Operator // of a move to FactorAgreed
}

// The events of a removal.
const (
	EventFactorAsked     EventKind = "factor.asked"
	EventFactorAgreed    EventKind = "factor.agreed"
	EventFactorStopped   EventKind = "factor.stopped"
	EventFactorCancelled EventKind = "factor.cancelled"
	EventFactorRemoved   EventKind = "factor.removed"
	EventFactorLeft      EventKind = "factor.left" // details: why, a Bar
)

// JobFactor removes the second factors of an account. Its payload is the removal's id.
const JobFactor = "factor"
