package domain

import (
	"fmt"
	"time"

	"entree/internal/password"
)

// Reason says why an act was refused, in one word that the pages translate.
type Reason string

// The reasons there are. A refusal loses nothing and spends nothing, but for
// the try that a wrong code or a wrong proof costs.
const (
	ReasonProfileMissing  Reason = "profile_missing"
	ReasonAddressEmpty    Reason = "address_empty"
	ReasonAddressSeveral  Reason = "address_several"
	ReasonAddressSyntax   Reason = "address_syntax"
	ReasonTooManyRequests Reason = "too_many_requests" // Retry says when
	ReasonMailsSpent      Reason = "mails_spent"       // the address has had its mails of the day; Retry says when
	ReasonResendTooSoon   Reason = "resend_too_soon"   // Retry says when
	ReasonCodeFormat      Reason = "code_format"       // costs no try
	ReasonCodeWrong       Reason = "code_wrong"        // TriesLeft
	ReasonCodeEarlier     Reason = "code_earlier"      // costs no try: a newer code was sent
	ReasonCodeExpired     Reason = "code_expired"      // costs no try; a new one can be asked for
	ReasonCodeBlocked     Reason = "code_blocked"      // six digits are not compared now
	ReasonProofMissing    Reason = "proof_missing"     // costs no try
	ReasonProofWrong      Reason = "proof_wrong"       // TriesLeft
	ReasonProofBlocked    Reason = "proof_blocked"     // the person's wrong proofs are spent; Retry says when
	ReasonProofStopped    Reason = "proof_stopped"     // the same, and only the help desk clears them
	ReasonTriesSpent      Reason = "tries_spent"       // this journey is over
	ReasonCharterUnticked Reason = "charter_unticked"
	ReasonCharterChanged  Reason = "charter_changed" // read the new one
	ReasonPasswordRules   Reason = "password_rules"  // Findings
	ReasonPasswordConfirm Reason = "password_confirm"
	ReasonElsewhere       Reason = "elsewhere"   // this person's account was begun in another browser
	ReasonStep            Reason = "step"        // not the step this journey is at: show that one
	ReasonDeskFormat      Reason = "desk_format" // costs no try
	ReasonDeskWrong       Reason = "desk_wrong"  // never given, spent or too old: which one is not told
	ReasonBusy            Reason = "busy"        // beyond capacity: Retry says when
)

// Finding is one rule that a password breaks.
type Finding = password.Finding

// Refusal is the answer to an act that cannot be done as asked. It is an
// outcome of the act and was committed with it.
type Refusal struct {
	Reason    Reason
	TriesLeft int
	Retry     time.Time
	Findings  []Finding
}

// Error is for logs; pages translate the reason.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s", r.Reason) }
