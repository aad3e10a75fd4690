// Package audit records the acts of operators: operator, act, person concerned,
// time and network.
//
// Each entry is chained to the preceding one by its hash, so that an entry
// cannot be changed, removed, inserted or moved without breaking every later
// hash:
//
//	entry 1 ──hash──▶ entry 2 ──hash──▶ entry 3 ──hash──▶ the head
//	  │                 │                 │
//	digest            digest            digest      over salt and details
//	  │                 │                 │
//	details           details           (erased)    may go with a person
//
// Students' events are too many to chain one by one. They are sealed in blocks:
// an entry [ActSealed] records the range of the block and its hash.
//
// Each entry and the head carry a MAC under the portal's secret. A writer to the
// database who lacks the secret cannot add or change an entry unseen, but can put
// an older copy of the whole database back. Only a hash that was noted elsewhere
// shows that: the program logs the head at each seal, and [Verifier] compares.
package audit

import "time"

// Acts that concern the audit itself.
const (
	ActSealed         = "events.sealed"           // a block of events was sealed; details: from, to, count, sha256
	ActCut            = "audit.cut"               // entries up to "through" were deleted; details: through, hash
	ActEraseOrdered   = "person.erase_ordered"    // a person's data will be erased; details: reason, at
	ActEraseTakenBack = "person.erase_taken_back" // they will not
	ActErased         = "person.erased"           // a person was erased; earlier entries about the person may have lost their details
	ActBroken         = "audit.broken"            // the end of the record had no valid MAC when the portal appended to it
)

// Operator is the user who performed an act, as the single sign-on knew them at
// that time.
type Operator struct {
	Subject string // the provider's id of the user; stays when the name changes
	Name    string
	Role    string // the role that allowed the act
}

// System is the operator of acts that the portal performs by itself.
var System = Operator{Subject: "entree", Name: "Entrée", Role: "system"}

// Entry is one act. Details are short words and numbers. Personal data, which
// may have to be erased, belongs into the details and nowhere else.
type Entry struct {
	At   time.Time // UTC, microsecond precision
	By   Operator
	Act  string            // "person.held", in the past tense
	Whom string            // id of the person concerned; empty: none
	What map[string]string // details
	From string            // the operator's network
}

// Query filters the entries. An empty field does not restrict the result.
type Query struct {
	Operator     string // part of the name, or the exact subject
	Act          string // an act, or a prefix that ends with a dot: "person."
	Whom         string
	Since, Until time.Time // Since is inclusive, Until exclusive
	ByPeople     bool      // excludes the acts of System
	OldestFirst  bool
	Skip, Limit  int // 0: no limit
}
