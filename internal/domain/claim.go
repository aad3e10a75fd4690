package domain

import "time"

// ObjectionTime is how long the old address can object to an accepted claim before the
// new one is in use.
const ObjectionTime = 72 * time.Hour

// Claim is the request of a person who cannot reach the personal address of the
// registry: "that address is wrong" or "I no longer have that mailbox". The new
// address is proven by a code before an operator sees the claim.
type Claim struct {
	ID      string
	Journey JourneyID
	Person  PersonID // whose number was typed; empty: no person has it
	Profile string
	// Number, names and birth date as typed, cleaned.
	Number, GivenName, FamilyName, BirthDate string
	Address                                  Address // the new one
	Lang                                     Lang
	Client                                   string // network of the request
	AskedAt, ProvenAt                        time.Time
	State                                    ClaimState
	DecidedAt                                time.Time
	Operator, Reason                         string
	OpensAt                                  time.Time // of an accepted claim: when the new address is in use
}

// ClaimState is the state of a claim.
type ClaimState string

// The states. A claim moves forward in this list only.
const (
	ClaimUnproven ClaimState = "unproven" // the code was not typed yet; no operator sees it
	ClaimWaiting  ClaimState = "waiting"
	ClaimAccepted ClaimState = "accepted" // until OpensAt the old address can object
	ClaimRefused  ClaimState = "refused"
	ClaimObjected ClaimState = "objected" // by the old address
	ClaimDone     ClaimState = "done"     // the new address is in use
)

// ClaimStates returns the states that operators see.
func ClaimStates() []ClaimState {
	return []ClaimState{ClaimWaiting, ClaimAccepted, ClaimObjected, ClaimDone, ClaimRefused}
}

// ClaimMove changes the state of a claim. It is refused with ErrConflict unless the
// claim is in the state From. A move out of ClaimUnproven names the journey instead of
// the id.
type ClaimMove struct {
	ID       string
	Journey  JourneyID
	From, To ClaimState
	At       time.Time
	Operator string // ignored if empty, as the next two
	Reason   string
	OpensAt  time.Time
}

// Claimant is the candidate of a journey of PurposeClaim. The code of such a journey
// proves a mailbox and no person, so it is the same for every claim.
const Claimant PersonID = "claimant"

// The events of a claim.
const (
	EventClaimFiled    EventKind = "claim.filed"
	EventClaimAccepted EventKind = "claim.accepted"
	EventClaimRefused  EventKind = "claim.refused"
	EventClaimObjected EventKind = "claim.objected"
)

// JobClaim puts the new address of an accepted claim in use. Its payload is the
// claim's id.
const JobClaim = "claim"
