package activation

import (
	"time"

	"entree/audit"
)

// The kinds of jobs.
const (
	JobMail    = "mail"
	JobAccount = "account"
)

// Job is one piece of work for the world outside. It exists exactly if the
// transaction that asked for it was committed, and it is done at least once.
type Job struct {
	ID       string
	Kind     string
	Person   PersonID  // may be empty
	Journey  JourneyID // may be empty
	Payload  []byte    // sealed with the job's ID as its context; erased at the end
	Attempts int       // tries begun so far
	Created  time.Time
	RunAt    time.Time // not before
	Deadline time.Time // given up after this
	Lease    string    // who holds it, while it is worked on
}

// EventKind names what happened, in the past tense.
type EventKind string

// Event is one line of the story of a person or a journey, kept for the audit
// and the figures. It never holds a secret; Details holds short words and
// numbers only.
type Event struct {
	At      time.Time // UTC
	Kind    EventKind
	Person  PersonID
	Journey JourneyID
	Details map[string]string
}

// The events of a student's way.
const (
	EventRequested       EventKind = "activation.requested"
	EventCodeResent      EventKind = "code.resent"
	EventCodeProven      EventKind = "code.proven"
	EventCodeWrong       EventKind = "code.wrong"
	EventCodeExpired     EventKind = "code.expired"
	EventCodeBlocked     EventKind = "code.blocked"
	EventIdentified      EventKind = "identity.verified"
	EventIdentityWrong   EventKind = "identity.wrong"
	EventCharterAccepted EventKind = "charter.accepted"
	EventPasswordChosen  EventKind = "password.chosen"
	EventAccountCreated  EventKind = "account.activated"
	EventAccountParked   EventKind = "account.parked"
	EventFirstLogin      EventKind = "account.first_login"
	EventMailSent        EventKind = "mail.sent"
	EventMailAbandoned   EventKind = "mail.abandoned"
	EventDeskProven      EventKind = "desk.proven"
	EventDeskWrong       EventKind = "desk.wrong"
	EventAccountAdopted  EventKind = "account.adopted"
	EventNewsAbandoned   EventKind = "news.abandoned"
	EventPersonChanged   EventKind = "person.changed" // by an import; details name the fields
	EventPersonGone      EventKind = "person.gone"    // from the source that brought them
)

// Effects is what an act wants besides the change of its journey. The store
// commits all of it with the journey, or none.
type Effects struct {
	Jobs        []Job
	Events      []Event
	Acceptances []Acceptance
	People      []PersonChange
	Audit       []audit.Entry // what an operator did, chained to what was done before
	Edits       []PersonEdit
	Desk        *DeskCode // given out; an earlier one of its person is worth nothing
	DeskSpent   *DeskSpent
	Forget      []string // keys of limits
}

// PersonChange moves a person's account. From guards it: the store refuses
// the whole transaction with ErrConflict unless the person's account is in one
// of those states, so that two journeys of one person cannot both win.
type PersonChange struct {
	Person       PersonID
	From         []AccountState
	To           AccountState
	ActivationID string // set where not empty
	AccountID    string // set where not empty
	ActivatedAt  time.Time
	FirstLoginAt time.Time // refused with ErrConflict where one was recorded before
}
