package domain

import (
	"maps"
	"time"
)

// Purpose names what a journey is for.
type Purpose string

// The purposes.
const (
	PurposeActivate Purpose = "activate" // a new account
	PurposeRecover  Purpose = "recover"  // a new password for an account whose password was forgotten
	PurposeClaim    Purpose = "claim"    // a new address for a person who cannot reach the one of the registry
	PurposeAddress  Purpose = "address"  // another personal address, asked for behind a login
)

// Step names the page that the student has to see next.
type Step string

// The steps at which the student has to do something.
const (
	StepCode     Step = "code"     // type the six digits
	StepVerify   Step = "verify"   // give the second proof
	StepCharter  Step = "charter"  // read and accept the charter
	StepOffer    Step = "offer"    // choose between a passkey and a password
	StepGuide    Step = "guide"    // read how to choose a password
	StepPassword Step = "password" // choose the password
	StepPasskey  Step = "passkey"  // register the passkey of an account that has no credential yet
)

// The outcomes: steps at which the student has nothing to do.
const (
	StepWaiting Step = "waiting" // the account is being created, or its password replaced
	StepDone    Step = "done"    // the account exists, or has the new password
	StepParked  Step = "parked"  // an operator has to decide
	StepEnded   Step = "ended"   // all tries are spent
)

// Outcomes lists the steps at which a journey of any flow may end or wait.
func Outcomes() []Step { return []Step{StepWaiting, StepDone, StepParked, StepEnded} }

// Flow lists the steps that lead to a purpose. A page is added to a flow by one
// line here and one line in the portal's table of the flow's pages.
type Flow struct {
	Purpose Purpose
	Steps   []FlowStep // in the order in which they are asked for
}

// FlowStep is one step and the condition that it is done. inForce reports whether
// a charter with this hash is in force for the journey.
type FlowStep struct {
	Step Step
	Done func(j *Journey, inForce func(sha256 string) bool) bool
}

// activate leads to a new account.
var activate = Flow{PurposeActivate, []FlowStep{
	{StepCode, func(j *Journey, _ func(string) bool) bool { return !j.ProvenAt.IsZero() }},
	{StepVerify, func(j *Journey, _ func(string) bool) bool { return j.IsIdentified() }},
	{StepCharter, func(j *Journey, inForce func(string) bool) bool { return !j.AcceptedAt.IsZero() && inForce(j.Charter) }},
	{StepOffer, func(j *Journey, _ func(string) bool) bool { return !j.OffersPasskey || !j.Passed[StepOffer].IsZero() }},
	{StepGuide, passed(StepGuide)},
	{StepPassword, func(j *Journey, _ func(string) bool) bool { return !j.PasswordAt.IsZero() }},
}}

// recovery leads to a new password. The charter is not asked for again: its renewal
// is a page of its own, behind a login.
var recovery = Flow{PurposeRecover, []FlowStep{
	{StepCode, func(j *Journey, _ func(string) bool) bool { return !j.ProvenAt.IsZero() }},
	{StepVerify, func(j *Journey, _ func(string) bool) bool { return j.IsIdentified() }},
	{StepGuide, passed(StepGuide)},
	{StepPassword, func(j *Journey, _ func(string) bool) bool { return !j.PasswordAt.IsZero() }},
}}

// changeOfAddress leads to another personal address. The person is known from the
// login, and the code proves the new mailbox. A right code completes the journey.
var changeOfAddress = Flow{PurposeAddress, []FlowStep{
	{StepCode, func(j *Journey, _ func(string) bool) bool { return !j.ProvenAt.IsZero() }},
}}

// claim leads to a claim in the queue of the operators. The code proves the new
// mailbox and nothing else. A right code completes the journey.
var claim = Flow{PurposeClaim, changeOfAddress.Steps}

// Flows returns every flow.
func Flows() []Flow { return []Flow{activate, recovery, changeOfAddress, claim} }

// passed returns the condition of a page that only has to be read.
func passed(step Step) func(*Journey, func(string) bool) bool {
	return func(j *Journey, _ func(string) bool) bool { return !j.Passed[step].IsZero() }
}

// Pass records that the student read the page of a step that asks for nothing
// else.
func (j *Journey) Pass(step Step, at time.Time) {
	// The map is shared with the copies of the journey, so it is not written to.
	next := map[Step]time.Time{step: at}
	maps.Copy(next, j.Passed)
	j.Passed = next
}

// Next returns the step that comes next, from the stored journey alone. A charter
// that was replaced sends the journey back to StepCharter, unless a password was
// chosen (I2). A journey of an unknown purpose has ended.
func (j Journey) Next(inForce func(sha256 string) bool) Step {
	switch {
	case !j.ParkedAt.IsZero():
		return StepParked
	case !j.DoneAt.IsZero():
		return StepDone
	case !j.PasswordAt.IsZero():
		return StepWaiting
	case !j.EndedAt.IsZero():
		return StepEnded
	case !j.MadeAt.IsZero():
		return StepPasskey
	}
	for _, f := range Flows() {
		if f.Purpose == j.Purpose {
			return f.next(&j, inForce)
		}
	}
	return StepEnded
}

func (f Flow) next(j *Journey, inForce func(sha256 string) bool) Step {
	for _, s := range f.Steps {
		if !s.Done(j, inForce) {
			return s.Step
		}
	}
	return StepWaiting
}
