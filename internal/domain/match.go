package domain

import "time"

// MatchClass says how surely an account of the realm belongs to a person.
type MatchClass string

// The classes of matches.
const (
	MatchCertain       MatchClass = "certain"       // adopted in bulk
	MatchLikely        MatchClass = "likely"        // an operator confirms or rejects it
	MatchContradictory MatchClass = "contradictory" // two people or two accounts, or values that exclude each other
)

// MatchClasses returns all classes, the most certain first.
func MatchClasses() []MatchClass {
	return []MatchClass{MatchCertain, MatchLikely, MatchContradictory}
}

// Evidence is one reason for or against a match, as a word that pages translate.
type Evidence string

// The reasons for a match.
const (
	EvidenceMark     Evidence = "mark"               // the portal's mark of the person's activation
	EvidenceNumber   Evidence = "number"             // the same number
	EvidenceLogin    Evidence = "login"              // the person's login
	EvidenceAddress  Evidence = "university_address" // the person's university address
	EvidencePersonal Evidence = "personal_address"   // the person's personal address
	EvidenceNames    Evidence = "names_birth_date"   // the same birth date, and names that agree
)

// The reasons against a match, or for a decision by an operator.
const (
	AgainstNumber   Evidence = "number_differs"
	AgainstNames    Evidence = "names_differ"
	AgainstBirth    Evidence = "birth_date_differs"
	AgainstDisabled Evidence = "disabled"    // the account admits no login
	AgainstOwned    Evidence = "owned"       // the account belongs to another person of the registry
	AgainstLogin    Evidence = "login_taken" // the account's login is reserved for another person
)

// MatchState is the state of a match.
type MatchState string

// The states of a match. A match that was adopted is no longer stored: the
// person has the account.
const (
	MatchOpen     MatchState = "open"
	MatchRejected MatchState = "rejected" // no later pass asks again
)

// Match is an account of the realm that may belong to a person who has none in
// the registry.
type Match struct {
	Person   PersonID
	Account  string // id of the account
	Login    string // of the account
	Address  string // of the account
	Class    MatchClass
	Evidence []Evidence
	State    MatchState
}

// MatchDecision closes a match. An adoption removes all matches of the person; a
// refused one stays open as contradictory.
type MatchDecision struct {
	Person  PersonID
	Account string
	Adopted bool
	Against Evidence // not empty: the match stays open, with this reason
}

// MatchAccount is one account in the index of a pass. Doc is the caller's own
// description of it, which the store does not read.
type MatchAccount struct {
	ID    string
	Entry string // see Existing.Entry
	Doc   []byte
	Keys  []string // values by which the account is found
}

// MatchKeyNumber begins the keys that hold a number.
const MatchKeyNumber = "number:"

// MatchPassState is the state of a pass.
type MatchPassState string

// The states of a pass.
const (
	PassRunning MatchPassState = "running"
	PassDone    MatchPassState = "done"
	PassFailed  MatchPassState = "failed"
)

// MatchPass is one comparison of all accounts of the realm with all people who
// have none.
type MatchPass struct {
	ID    string
	By    string // name of the operator; empty: the schedule
	Begun time.Time
	Seen  time.Time // of the last progress; a running pass without any for MatchPassDead is dead
	Ended time.Time
	State MatchPassState
	Error string

	Expected int // accounts in the realm
	Accounts int // accounts read
	People   int // people without an account who were compared

	Own           int // accounts that belong to a person of the registry already
	Certain       int // people, by class of their matches
	Likely        int
	Contradictory int
	NoAccount     int // people without any open match
	NoPerson      int // accounts without any open match and without a person
}

// MatchPassDead is the time after which a running pass without progress is dead.
const MatchPassDead = 2 * time.Minute

// IsRunning reports whether the pass still runs at a time.
func (p MatchPass) IsRunning(at time.Time) bool {
	return p.State == PassRunning && at.Before(p.Seen.Add(MatchPassDead))
}
