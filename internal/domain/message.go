package domain

import "time"

// MessageKind names a mail.
type MessageKind string

// The mails there are.
const (
	MessageCode      MessageKind = "code"      // the six digits
	MessageNotReady  MessageKind = "not_ready" // known, but the enrolment is not complete
	MessageActive    MessageKind = "active"    // there is an account already
	MessageActivated MessageKind = "activated" // done: login, address, "it was not me"
	MessageCreating  MessageKind = "creating"  // the account is on its way already
	MessageParked    MessageKind = "parked"    // somebody will look at it
	// MessageAccepted is the receipt of somebody who accepted a new charter; the
	// first acceptance has its receipt in MessageActivated.
	MessageAccepted MessageKind = "accepted"
	// Of campaigns.
	MessageInvitation MessageKind = "invitation" // activate your account
	MessageReminder   MessageKind = "reminder"   // once more
	MessageCharter    MessageKind = "charter"    // agree with the new one
	// MessageOtherProfile says that the address is known, with another profile
	// than the one that was chosen.
	MessageOtherProfile   MessageKind = "other_profile"
	MessageBegin          MessageKind = "begin"           // how to begin, sent by the help desk
	MessageAddressChanged MessageKind = "address_changed" // to the old one
	MessageRenamed        MessageKind = "renamed"         // another identifier: choose the password again
	MessageAdopted        MessageKind = "adopted"         // the account of before goes on, with its password
	// MessageNobody is not sent: it is the job of an address that nobody has, so
	// that asking costs the same for every address (S14).
	MessageNobody MessageKind = "nobody"
)

// Message is one mail before it is written. It travels sealed.
type Message struct {
	ID        string // the job's id; becomes the Message-ID, the same at each retry
	Kind      MessageKind
	Lang      Lang
	To        Address // a stored address, never a typed one (S10)
	Profile   string  // key of the profile that was chosen
	GivenName string
	Code      string // six digits, for MessageCode
	Minutes   int    // how long the code is good
	ExpiresAt time.Time
	AskedAt   time.Time

	Login             string // for MessageActivated
	UniversityAddress string
	Reference         string // what to tell the help desk
	OtherProfile      string // key of the profile that the address belongs to

	Note string // a paragraph of the institution's own, for the mails of campaigns

	Charter Receipt // for MessageActivated and MessageAccepted
}

// JobID sets the message's id to the id of its job.
func (m *Message) JobID(id string) { m.ID = id }

// Receipt tells a person what they accepted.
type Receipt struct {
	Version string
	SHA256  string // by which the exact text can be read again
	At      time.Time
}
