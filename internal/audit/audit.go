// Package audit is the record of what operators did: who, what, to whom, when,
// from where.
//
// Each entry is chained to the one before by its hash, so that none can be
// changed, removed, put in or moved without breaking every hash after it:
//
//	entry 1 ──hash──▶ entry 2 ──hash──▶ entry 3 ──hash──▶ the head
//	  │                 │                 │
//	digest            digest            digest      over salt and details
//	  │                 │                 │
//	details           details           (erased)    may go with a person
//
// A student's own events are too many to chain one by one. They are sealed in
// blocks: an entry [ActSealed] names the block and its hash.
//
// Whoever may write to the database can write a whole new chain. What they
// cannot change is a hash that was noted elsewhere: the program logs the head
// at each seal, and [Verifier] compares.
package audit

import "time"

// Acts of the record itself.
const (
	ActSealed = "events.sealed" // a block of events; from, to, count, sha256
	ActCut    = "audit.cut"     // entries up to through were cut off; through, hash
	ActErased = "person.erased" // the details of earlier entries about a person may be gone
)

// Operator is who did it, as the single sign-on knew them at that time.
type Operator struct {
	Subject string // the provider's own key; stays when a name changes
	Name    string
	Role    string // the role by which they might
}

// System does what no person asked for.
var System = Operator{Subject: "entree", Name: "Entrée", Role: "system"}

// Entry is one act. Details are short words and numbers; what may have to be
// erased with a person belongs there and nowhere else.
type Entry struct {
	At   time.Time // UTC, kept in microseconds
	By   Operator
	Act  string            // "person.held", in the past tense
	Whom string            // a person's id; empty: nobody in particular
	What map[string]string // details
	From string            // the operator's network
}

// Query narrows the record. Empty fields narrow nothing.
type Query struct {
	Operator     string // part of the name, or the subject
	Act          string // the act, or its beginning with a dot at the end: "person."
	Whom         string
	Since, Until time.Time // from, and before
	ByPeople     bool      // leaves out what the program did by itself
	OldestFirst  bool
	Skip, Limit  int // 0: no limit
}
