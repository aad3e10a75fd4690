package domain

import "time"

// MessageKind is the kind of a mail.
type MessageKind string

// The kinds of mails.
const (
	MessageCode      MessageKind = "code"      // the six digits
	MessageNotReady  MessageKind = "not_ready" // the person is known, but the enrolment is not complete
	MessageActive    MessageKind = "active"    // the account already exists
	MessageActivated MessageKind = "activated" // the account was created: login, address, "it was not me"
	// MessageUnfinished says that the account exists and that neither a passkey nor a
	// password was chosen. It is not sent if the student finished meanwhile.
	MessageUnfinished MessageKind = "unfinished"
	MessageCreating   MessageKind = "creating" // the account is being created
	MessageParked     MessageKind = "parked"   // an administrator will look at the case
	// MessageRefused says that Keycloak refuses a value of the person; Field names it.
	MessageRefused MessageKind = "refused"
	// MessageAccepted is the receipt for a new charter; the receipt for the
	// first acceptance is in MessageActivated.
	MessageAccepted MessageKind = "accepted"
	// Mails of campaigns.
	MessageInvitation MessageKind = "invitation" // activate your account
	MessageReminder   MessageKind = "reminder"   // reminder of the invitation
	MessageCharter    MessageKind = "charter"    // request to accept the new charter
	// MessageSecondFactor asks the owner of an account to add a second factor.
	MessageSecondFactor MessageKind = "second_factor"
	// MessageOtherProfile says that the address is known under another profile
	// than the chosen one.
	MessageOtherProfile   MessageKind = "other_profile"
	MessageBegin          MessageKind = "begin"           // how to begin, sent by the help desk
	MessageAddressChanged MessageKind = "address_changed" // sent to the old address
	MessageRenamed        MessageKind = "renamed"         // the identifier changed: the password must be chosen again
	MessageAdopted        MessageKind = "adopted"         // the existing account is kept, with its password
	// Mails of a recovery.
	MessageRecover    MessageKind = "recover"    // the six digits, and the identifier
	MessageBarred     MessageKind = "barred"     // the password is changed by the help desk only
	MessageReplaced   MessageKind = "replaced"   // the password was changed: login, "it was not me"
	MessageNoAccount  MessageKind = "no_account" // there is no account yet: activate it first
	MessageUnreplaced MessageKind = "unreplaced" // the password could not be changed: begin again
	// Mails of a change of address.
	MessageContactCode    MessageKind = "contact_code"    // the six digits, to the new address
	MessageContactChanged MessageKind = "contact_changed" // to the old address, which can take it back
	MessageContactNew     MessageKind = "contact_new"     // to the new address
	MessageContactBack    MessageKind = "contact_back"    // to both, after it was taken back
	MessageSecondChanged  MessageKind = "second_changed"  // to every contact but the new one
	MessagePhoneChanged   MessageKind = "phone_changed"   // to each mailbox, and to the telephone that was in use
	// Mails of a claim. Its code is in a MessageContactCode.
	MessageClaimFiled   MessageKind = "claim_filed"   // to the new address, after its code
	MessageClaimNotice  MessageKind = "claim_notice"  // to the old address, which can object
	MessageClaimOpen    MessageKind = "claim_open"    // to the new address, which is in use
	MessageClaimRefused MessageKind = "claim_refused" // to the new address
	// Mails of a removal of second factors, to every address of the person.
	MessageFactorAsked   MessageKind = "factor_asked" // with the link that stops it
	MessageFactorRemoved MessageKind = "factor_removed"
	// MessageFactorNotice says that the student added or removed one factor. It goes to
	// every address of the person.
	MessageFactorNotice MessageKind = "factor_notice"
	// MessageNobody is not sent. It is the mail job for an unknown address, so
	// that a request costs the same for every address (S14).
	MessageNobody MessageKind = "nobody"
)

// IsCampaign reports whether mails of this kind are bulk mails of a campaign.
func (k MessageKind) IsCampaign() bool {
	return k == MessageInvitation || k == MessageReminder || k == MessageCharter || k == MessageSecondFactor
}

// Message is the content of one mail before it is formatted. Jobs store it
// sealed.
type Message struct {
	ID      string // id of the job, used in the Message-ID: the same at each retry
	Kind    MessageKind
	Lang    Lang
	Channel Channel `json:",omitzero"` // empty: ChannelMail
	// To is the value of a stored contact, never a typed one (S10). The one exception
	// is MessageContactCode, which a logged-in student or a claimant asks for.
	To        Address
	Profile   string // key of the chosen profile
	GivenName string
	Code      string // six digits, for MessageCode
	Long      string // long code, for MessageCode and MessageBegin; empty: none
	Minutes   int    // lifetime of the code in minutes
	ExpiresAt time.Time
	AskedAt   time.Time
	Purpose   Purpose `json:",omitzero"` // of the request that the mail answers

	Login             string // for MessageActivated
	UniversityAddress string
	Reference         string // reference for the help desk
	Field             string // for MessageRefused: one of the Field constants
	Passkey           bool   `json:",omitzero"` // for MessageActivated: a passkey was registered in place of a password
	// Freeze is the path of the page that stops recoveries, for MessageReplaced,
	// MessagePhoneChanged, MessageSecondChanged, MessageFactorRemoved and
	// MessageFactorNotice.
	Freeze       string
	TakeBack     string  // for MessageContactChanged: path of the page that takes the change back
	Recovers     bool    `json:",omitzero"` // for MessageClaimOpen: the person has an account
	ByDesk       bool    `json:",omitzero"` // for MessagePhoneChanged: an operator removed the number
	Address      Address `json:",omitzero"` // for MessageContactNew and MessageContactBack: the address in use
	OtherProfile string  // key of the profile that the address belongs to

	Note string // a paragraph by the institution, for mails of campaigns and MessageClaimFiled

	Factor FactorKind `json:",omitzero"` // for MessageFactorNotice
	Added  bool       `json:",omitzero"` // for MessageFactorNotice: added, not removed

	Charter Receipt // for MessageActivated and MessageAccepted
}

// HasCode reports whether the mail carries the six digits.
func (m Message) HasCode() bool {
	return m.Kind == MessageCode || m.Kind == MessageRecover || m.Kind == MessageContactCode
}

// JobID sets the message's id to the id of its job.
func (m *Message) JobID(id string) { m.ID = id }

// Receipt describes an accepted charter to the person.
type Receipt struct {
	Version string
	SHA256  string // hash under which the exact text can be read
	At      time.Time
}
