package domain

import (
	"fmt"
	"time"

	"entree/internal/password"
)

// Reason is the reason of a refusal, one word that the pages translate.
type Reason string

// The reasons. A refusal discards no input and costs nothing, except the try
// that a wrong code or a wrong proof costs.
const (
	ReasonProfileMissing  Reason = "profile_missing"
	ReasonAddressEmpty    Reason = "address_empty"
	ReasonAddressSeveral  Reason = "address_several"
	ReasonAddressSyntax   Reason = "address_syntax"
	ReasonPhoneSyntax     Reason = "phone_syntax"    // not a telephone number
	ReasonPhoneNoMobile   Reason = "phone_no_mobile" // a number that cannot receive an SMS
	ReasonPhonePrefix     Reason = "phone_prefix"    // a country to which no SMS are sent
	ReasonPhoneSame       Reason = "phone_same"      // the number in use
	ReasonAddressSame     Reason = "address_same"    // the new address is the one in use
	ReasonAddressInside   Reason = "address_inside"  // the new address is behind the account's own password
	ReasonChangesSpent    Reason = "changes_spent"   // the changes of address of the day; Retry is set
	ReasonClaimNumber     Reason = "claim_number"
	ReasonClaimGivenName  Reason = "claim_given_name"
	ReasonClaimFamilyName Reason = "claim_family_name"
	ReasonClaimBirth      Reason = "claim_birth"
	ReasonTooManyRequests Reason = "too_many_requests" // Retry is set
	ReasonSMSSpent        Reason = "sms_spent"         // the codes by SMS of the day are spent at the address; Retry is set
	ReasonMailsSpent      Reason = "mails_spent"       // the address has received its mails of the day; Retry is set
	ReasonResendTooSoon   Reason = "resend_too_soon"   // Retry is set
	ReasonCodeFormat      Reason = "code_format"       // costs no try
	ReasonCodeWrong       Reason = "code_wrong"        // TriesLeft is set
	ReasonCodeEarlier     Reason = "code_earlier"      // costs no try: a newer code was sent
	ReasonCodeUsed        Reason = "code_used"         // costs no try: the code proved another journey
	ReasonCodeExpired     Reason = "code_expired"      // costs no try; a new code can be requested
	ReasonCodeBlocked     Reason = "code_blocked"      // codes of this address are not compared now
	ReasonProofMissing    Reason = "proof_missing"     // costs no try
	ReasonProofWrong      Reason = "proof_wrong"       // TriesLeft is set
	ReasonProofBlocked    Reason = "proof_blocked"     // the person's wrong proofs are used up; Retry is set
	ReasonProofStopped    Reason = "proof_stopped"     // the same, but only the help desk can reset them
	ReasonTriesSpent      Reason = "tries_spent"       // the journey has ended
	ReasonCharterUnticked Reason = "charter_unticked"
	ReasonCharterChanged  Reason = "charter_changed" // the new charter must be read
	ReasonPasswordRules   Reason = "password_rules"  // Findings is set
	ReasonPasswordConfirm Reason = "password_confirm"
	ReasonPasswordBusy    Reason = "password_busy"   // this journey had several passwords hashed; Retry says when
	ReasonPasskeyFailed   Reason = "passkey_failed"  // what the device sent is no passkey for this account
	ReasonPasskeyAway     Reason = "passkey_away"    // the store of accounts does not answer, or accepts no passkeys
	ReasonFactorOnly      Reason = "factor_only"     // the account has no other way to log in
	ReasonFactorRequired  Reason = "factor_required" // the profile requires a second factor, and this is the last one
	ReasonFactorFrozen    Reason = "factor_frozen"   // a notice's link stopped all changes
	ReasonFactorBarred    Reason = "factor_barred"   // the portal must not change the account
	ReasonFactorLabel     Reason = "factor_label"    // the name is empty, too long or holds control characters
	ReasonFactorTaken     Reason = "factor_taken"    // another factor of the account has the name
	ReasonElsewhere       Reason = "elsewhere"       // this person's account was begun in another browser
	ReasonStep            Reason = "step"            // the journey is at another step: show that step
	ReasonDeskFormat      Reason = "desk_format"     // costs no try
	ReasonDeskWrong       Reason = "desk_wrong"      // never given, spent or too old: which one is not told
	ReasonLongFormat      Reason = "long_format"     // costs no try
	ReasonLongWrong       Reason = "long_wrong"      // never sent, spent or expired: which one is not told
	ReasonBusy            Reason = "busy"            // beyond capacity: Retry says when
)

// Finding is one rule that a password breaks.
type Finding = password.Finding

// Refusal is the outcome of an act that cannot be done as requested. It was
// committed with the act.
type Refusal struct {
	Reason    Reason
	TriesLeft int
	Retry     time.Time
	Findings  []Finding
}

// Error returns a text for logs; pages translate the reason.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s", r.Reason) }
