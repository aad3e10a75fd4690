package domain

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"

	"entree/internal/audit"
	"entree/internal/secret"
)

// The kinds of jobs.
const (
	JobMail    = "mail"
	JobAccount = "account"
	JobCharter = "charter"
	// JobAddress writes the person's personal address into the account. It has no
	// payload: the job writes the address that is in use when it runs.
	JobAddress = "address"
	JobMark    = "mark" // writes the portal's mark into an adopted account
	// JobPassword replaces the password of an account. Its payload is a
	// PasswordChange.
	JobPassword = "password"
	JobPasskey  = "passkey" // adds a passkey to an account; its payload is a Passkey
)

// Job is one unit of work with an effect outside the database. It exists if and
// only if the transaction that ordered it was committed, and it runs at least
// once.
type Job struct {
	ID       string
	Kind     string
	Person   PersonID  // may be empty
	Journey  JourneyID // may be empty
	Payload  []byte    // sealed with the job's ID as its context; erased when the job ends
	Attempts int       // tries that have begun
	Created  time.Time
	RunAt    time.Time // earliest time of the next try
	Deadline time.Time // the job is given up after this time
	Lease    string    // the worker that holds the job while it runs
	// LeaseUntil is the end of the lease of a job that is leased when it is committed.
	LeaseUntil time.Time
}

// NewJob returns a job of a kind that is due at now. If payload is not nil it is
// sealed as JSON into the job; a payload with a method JobID gets the job's id
// first.
func NewJob(random io.Reader, keys secret.Keyring, kind string, payload any, now, deadline time.Time) (Job, error) {
	id, err := NewID(random)
	if err != nil {
		return Job{}, err
	}
	j := Job{ID: id, Kind: kind, Created: now, RunAt: now, Deadline: deadline}
	if payload == nil {
		return j, nil
	}
	if p, ok := payload.(interface{ JobID(string) }); ok {
		p.JobID(id)
	}
	plain, err := json.Marshal(payload)
	if err != nil {
		return Job{}, fmt.Errorf("%s job: %w", kind, err)
	}
	j.Payload, err = keys.Seal(secret.UseJob, id, plain)
	return j, err
}

// Open reads the payload of a sealed job. It returns a permanent error if the
// payload is malformed. A payload that no key opens is no permanent error: while
// the secret is rotated another instance may have the key, and a key that was
// removed too early can be restored.
func (j Job) Open(keys secret.Keyring, payload any) error {
	plain, err := keys.Open(secret.UseJob, j.ID, j.Payload)
	if err != nil {
		return fmt.Errorf("%s job: %w", j.Kind, err)
	}
	if err := json.Unmarshal(plain, payload); err != nil {
		return Permanent(fmt.Errorf("%s job: %w", j.Kind, err))
	}
	return nil
}

// EventKind is the name of an event, in the past tense.
type EventKind string

// Event is one entry of the history of a person or a journey, kept for the
// audit and the statistics. It never contains a secret; Details holds short
// words and numbers only.
type Event struct {
	At      time.Time // UTC
	Kind    EventKind
	Person  PersonID
	Journey JourneyID
	Details map[string]string
}

// The events of a student's activation.
const (
	EventRequested       EventKind = "activation.requested"
	EventCodeResent      EventKind = "code.resent"
	EventCodeProven      EventKind = "code.proven"
	EventCodeWrong       EventKind = "code.wrong"
	EventCodeExpired     EventKind = "code.expired"
	EventCodeBlocked     EventKind = "code.blocked"
	EventIdentified      EventKind = "identity.verified"
	EventIdentityWrong   EventKind = "identity.wrong"
	EventIdentityBlocked EventKind = "identity.blocked"
	EventCharterAccepted EventKind = "charter.accepted"
	EventPasswordChosen  EventKind = "password.chosen"
	EventAccountCreated  EventKind = "account.activated"
	EventAccountParked   EventKind = "account.parked"
	EventAccountRefused  EventKind = "account.refused" // by Keycloak; details: field, rule, class
	EventFirstLogin      EventKind = "account.first_login"
	EventPasskeyChosen   EventKind = "passkey.chosen"      // in place of a password
	EventPasskeyAdded    EventKind = "passkey.added"       // in the activation or after the first login
	EventPasskeyLater    EventKind = "passkey.later"       // the student declined for now
	EventPasskeyFailed   EventKind = "passkey.failed"      // the device could not register one
	EventCharterPending  EventKind = "charter.not_written" // accepted, but Keycloak could not be updated
	EventInvited         EventKind = "person.invited"
	EventMailSent        EventKind = "mail.sent"
	EventAddressWrong    EventKind = "address.wrong"
	EventSecondWrong     EventKind = "second.wrong"
	EventAddressCleared  EventKind = "address.cleared" // an operator removed the mark; details: status, rule, reason
	EventMailAbandoned   EventKind = "mail.abandoned"
	EventDeskProven      EventKind = "desk.proven"
	EventDeskWrong       EventKind = "desk.wrong"
	EventAccountAdopted  EventKind = "account.adopted"
	EventMarkNotWritten  EventKind = "account.mark_not_written" // the account was adopted, but Keycloak refused the mark
	EventMatchRejected   EventKind = "account.match_rejected"
	EventNewsAbandoned   EventKind = "news.abandoned"
	EventPersonChanged   EventKind = "person.changed" // by an import; details name the fields
	EventPersonGone      EventKind = "person.gone"    // missing in the source that imported them
)

// The events of a recovery. Those of the code and of the second proof are the same
// as of an activation.
const (
	EventRecoveryRequested EventKind = "recovery.requested"
	EventRecoveryChosen    EventKind = "recovery.password_chosen"
	EventPasswordReplaced  EventKind = "password.replaced"
	EventRecoveryRefused   EventKind = "recovery.refused"   // details: why, a Bar
	EventRecoveryOvertaken EventKind = "recovery.overtaken" // a newer password was chosen
	EventRecoveryAbandoned EventKind = "recovery.abandoned" // the store of accounts was away for too long
	EventRecoveryFrozen    EventKind = "recovery.frozen"    // by the student
)

// The events of a change of the personal address by the student.
const (
	EventContactRequested EventKind = "contact.requested"
	EventContactChanged   EventKind = "person.contact_changed"
	EventContactBack      EventKind = "person.contact_taken_back"
	EventContactPending   EventKind = "contact.not_written" // in use, but the account could not be updated
	EventSecondRequested  EventKind = "second.requested"
	EventSecondChanged    EventKind = "person.second_changed" // or removed
	EventPhoneRequested   EventKind = "phone.requested"
	EventPhoneChanged     EventKind = "person.phone_changed" // or removed
)

// PasswordChange is the payload of a JobPassword.
type PasswordChange struct {
	Credential Credential
	Lang       Lang
	OtherProof bool // the student gave a proof besides the personal mailbox
}

// Effects are the changes that an act orders besides the change of its journey.
// The store commits all of them with the journey, or none.
type Effects struct {
	// Charter, if set, must be in force at the commit. Otherwise everything is
	// refused with ErrCharterReplaced (I2).
	Charter *InForce
	Jobs    []Job
	Events  []Event
	// Tallies are events of attempts that cost nothing: of each journey, kind and
	// minute the first one is written, and the others are counted beside it.
	Tallies     []Event
	Acceptances []Acceptance
	People      []PersonChange
	Wrong       []WrongAddress
	Refused     []MailRefused
	Reached     []Reached     // stages that are not reached by an event
	Audit       []audit.Entry // the operator's act, appended to the chain
	Edits       []PersonEdit
	Matches     []MatchDecision
	Freeze      *Freeze
	Contact     *ContactChange // refused with ErrConflict unless Old is the address of a live account
	ContactBack *ContactBack
	Second      *SecondChange
	Phone       *PhoneChange // refused with ErrConflict unless Old is in use for a live account
	Claim       *Claim
	ClaimMove   *ClaimMove
	FactorAsk   *FactorRemoval // refused with ErrConflict if the person has an open one
	FactorMove  *FactorMove
	Factors     []FactorNews
	// FactorChanges are written before the jobs and events of these effects.
	FactorChanges []FactorChange
	Desk          *DeskCode // a new help desk code; it replaces an earlier one of the same person
	DeskSpent     *DeskSpent
	Long          *LongCode // sent in a mail
	LongSpent     *LongSpent
	// CodeOf, if set, is another journey whose code proved this one, as it was read
	// and changed. If it was changed since, everything is refused with ErrConflict
	// (S2).
	CodeOf *Journey
	// Spend, if set, must be within the limits. Otherwise everything is refused
	// with a *LimitError and nothing is counted.
	Spend  *Spend
	Forget []string // keys of limits that are reset
	// Reserve, if set, reserves a person's names. Everything is refused with ErrTaken
	// if no name is free.
	Reserve  *Reservation
	Sessions []SessionRow
	// End, if set, is written with the effects of a job's run. If its Mark returns
	// false, or if the effects are refused with ErrConflict, the job ends without them:
	// another run, or an operator, came first. If the journey was purged, the other
	// effects are written alone.
	End *JourneyEnd
}

// Reservation reserves the first free login and the first free university address of
// the candidates for a person for ever. Names that the person already has stay.
type Reservation struct {
	Person            PersonID
	Logins, Addresses iter.Seq[string]
}

// SessionRow is a row of the table of sessions. If Old is not empty, it replaces the
// row with that id, and everything is refused with ErrNotFound if there is none.
type SessionRow struct {
	Old, ID string
	Data    []byte
	Expires time.Time
	Journey JourneyID // read together with the session; empty: none
}

// JourneyEnd changes a journey by the outcome of a job. Mark must do no I/O, and may
// be called again.
type JourneyEnd struct {
	Journey JourneyID
	Mark    func(*Journey) bool
}

// WrongAddress marks a personal address as wrong, for every person who has it.
// The mark counts only while the person keeps that address.
type WrongAddress struct {
	Address  Address
	Why      string // the mail server's status, "5.1.1" (RFC 3463)
	Rule     string // id of the bounce rule that decided
	Provider string // the mail provider, or the domain of the address
	At       time.Time
}

// MailRefused is one mail that a provider refused for a reason that is not about
// the recipient: spam, policy, a block list. Only an administrator can act on it.
type MailRefused struct {
	Mail             string // id of the job that sent the mail, which is counted once
	Provider, Reason string
	Words            string // of the refusing server, without addresses
	At               time.Time
}

// InForce is a text that must be in force for a profile.
type InForce struct{ Profile, SHA256 string }

// PersonChange changes the state of a person's account. From guards it: the
// store refuses the whole transaction with ErrConflict unless the account is in
// one of these states, so that two journeys of one person cannot both succeed.
type PersonChange struct {
	Person       PersonID
	From         []AccountState
	To           AccountState
	ActivationID string // ignored if empty
	AccountID    string // ignored if empty
	ActivatedAt  time.Time
	FirstLoginAt time.Time // refused with ErrConflict if a first login is already recorded
	// MayActivate additionally requires that the person may activate, and, if
	// Address is not empty, that it is still the person's address.
	MayActivate bool
	Address     Address
	// PasswordJob, if not empty, becomes the person's newest password job. The
	// person must be allowed to recover the account, and Address, if not empty, must
	// still be the person's address.
	PasswordJob string
}

// Freeze stops the recovery of a person's account and ends the recoveries under way
// in which no password was chosen.
type Freeze struct {
	Person PersonID
	At     time.Time
}

// PersonEdit is an operator's change of a person. Before guards it: the store
// refuses the whole transaction with ErrConflict unless every field of the
// person equals Before, and with ErrTaken if the identifier or the address of
// After belongs to another person.
type PersonEdit struct {
	Before, After Person
	// Ends, if set, ends the person's open journeys: a student who proved
	// another mailbox, or was held, must begin again.
	Ends time.Time
}

// DeskSpent consumes a help desk code in one statement. The code must exist and
// be within its time (S2, S5); otherwise the whole transaction is refused with
// ErrConflict.
type DeskSpent struct {
	MAC []byte
	At  time.Time
}
