package domain

import (
	"time"

	"entree/internal/audit"
)

// ObjectionTime is the default of ClaimRules.Objection.
const ObjectionTime = 72 * time.Hour

// ClaimRules are the institution's rules for claims.
type ClaimRules struct {
	// Eyes is the number of operators who must accept a claim, 1 or 2. The second one
	// is another person than the first.
	Eyes int
	// Objection is how long the old address can object to an accepted claim before the
	// new one is in use. Zero means ObjectionTime.
	Objection time.Duration
	// Card says how the claimant shows an identity card, and CardURL is a page of the
	// institution that receives it. If both are empty, no card is asked for.
	Card    map[Lang]string
	CardURL string
	// CardRequired says that a claim is accepted only after an operator saw the card.
	CardRequired bool
}

// AsksCard reports whether claimants are asked for an identity card.
func (r ClaimRules) AsksCard() bool { return r.Card[French] != "" || r.CardURL != "" }

// ObjectionTime returns how long the old address can object.
func (r ClaimRules) ObjectionTime() time.Duration {
	if r.Objection == 0 {
		return ObjectionTime
	}
	return r.Objection
}

// Claim is the request of a person who cannot reach the personal address of the
// registry: "that address is wrong" or "I no longer have that mailbox". The new
// address is proven by a code before an operator sees the claim.
type Claim struct {
	ID      string
	Journey JourneyID
	Person  PersonID // whose number was typed; empty: no person has it
	Profile string
	// Number, names and birth date as typed, cleaned. Number may be the national one.
	Number, GivenName, FamilyName, BirthDate string
	Address                                  Address // the new one
	Lang                                     Lang
	Client                                   string // network of the request
	AskedAt, ProvenAt                        time.Time
	State                                    ClaimState
	DecidedAt                                time.Time // the last decision of an operator
	// Operator decided first, and OperatorID is the subject of that operator's login.
	// Second decided after ClaimAgreed.
	Operator, OperatorID, Reason string
	Second, SecondReason         string
	CardSeen                     bool      // an operator saw the identity card
	Old                          Address   // of a claim in effect: the address that was replaced; empty: there was none
	OpensAt                      time.Time // when the new address is in use; of an objected claim: when the old address objected
}

// ClaimState is the state of a claim.
type ClaimState string

// The states. A claim moves forward in this list only.
const (
	ClaimUnproven ClaimState = "unproven" // the code was not typed yet; no operator sees it
	ClaimWaiting  ClaimState = "waiting"
	ClaimAgreed   ClaimState = "agreed"   // one operator accepted, and a second one must
	ClaimAccepted ClaimState = "accepted" // until OpensAt the old address can object
	ClaimRefused  ClaimState = "refused"
	ClaimObjected ClaimState = "objected" // by the old address
	ClaimDone     ClaimState = "done"     // the new address is in use
)

// ClaimStates returns the states that operators see.
func ClaimStates() []ClaimState {
	return []ClaimState{ClaimWaiting, ClaimAgreed, ClaimAccepted, ClaimObjected, ClaimDone, ClaimRefused}
}

// ClaimDecision is an operator's decision about a claim.
type ClaimDecision struct {
	By       audit.Operator
	Reason   string
	CardSeen bool // the operator saw an identity card
}

// ClaimMove changes the state of a claim. It is refused with ErrConflict unless the
// claim is in the state From. A move out of ClaimUnproven names the journey instead of
// the id. A move from ClaimAgreed to ClaimAccepted is also refused if By agreed to the
// claim before.
type ClaimMove struct {
	ID       string
	Journey  JourneyID
	From, To ClaimState
	At       time.Time
	By       audit.Operator // of a decision
	Reason   string
	CardSeen bool
	OpensAt  time.Time
	Old      Address // of a move to ClaimDone
}

// Claimant is the candidate of a journey of PurposeClaim. The code of such a journey
// proves a mailbox and no person, so it is the same for every claim.
const Claimant PersonID = "claimant"

// The events of a claim.
const (
	EventClaimFiled    EventKind = "claim.filed"
	EventClaimAgreed   EventKind = "claim.agreed"
	EventClaimAccepted EventKind = "claim.accepted"
	EventClaimRefused  EventKind = "claim.refused"
	EventClaimObjected EventKind = "claim.objected"
)

// JobClaim puts the new address of an accepted claim in use. Its payload is the
// claim's id.
const JobClaim = "claim"
