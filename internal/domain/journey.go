package domain

import (
	"io"
	"slices"
	"time"
)

// JourneyID identifies a journey: 128 random bits in hexadecimal figures.
type JourneyID string

// MaxTries is the number of tries at the code, and again at the second proof (S3).
const MaxTries = 5

// Journey is the path of one browser to one account. Only the methods of this
// package change it; package rules checks that. Its JSON form is what the store
// keeps: zero values are left out because every page request reads it.
type Journey struct {
	ID      JourneyID
	Version int64 // counted up by the store at each write, to detect concurrent writers

	Purpose Purpose
	Profile string
	Lang    Lang
	Address Address // the requested address, in normal form

	// Second says that the address of a change of address becomes the second one.
	Second bool `json:",omitzero"`

	// Candidates are the people who have the address and may activate. If it is
	// empty, no code is ever right. It does not change after the code was proven,
	// so that the account's creation cannot make its own person ineligible.
	Candidates []PersonID
	Person     PersonID `json:",omitzero"` // the identified candidate

	Code        Code
	VerifyTries int
	Reference   string // quoted to the help desk, "7K3F-9Q2M"
	Client      string // network of the request; the help desk clears its limit
	// Desk is the operator who checked an identity card. It is set if the journey
	// began with a desk code instead of a code by mail.
	Desk string `json:",omitzero"`

	RequestedAt time.Time
	ProvenAt    time.Time `json:",omitzero"`
	VerifiedAt  time.Time `json:",omitzero"`
	AcceptedAt  time.Time `json:",omitzero"`
	Charter     string    `json:",omitzero"` // SHA-256 of the accepted text
	CharterName string    `json:",omitzero"` // version of the accepted text
	PasswordAt  time.Time `json:",omitzero"` // when a password, or the passkey, was chosen
	DoneAt      time.Time `json:",omitzero"`
	ParkedAt    time.Time `json:",omitzero"`
	EndedAt     time.Time `json:",omitzero"`
	// RefusedAt and Refused say that Keycloak refuses a value of the person: the
	// field, as in AccountRefused. The creation is tried again.
	RefusedAt time.Time `json:",omitzero"`
	Refused   string    `json:",omitzero"`
	RetryAt   time.Time `json:",omitzero"` // earliest useful time for a new journey after EndedAt
	Revoked   bool      `json:",omitzero"` // ended because the enrolment or an operator changed the person
	// Barred is why an account's password is not replaced, if ParkedAt is set in a
	// recovery. Overtaken says that a newer password was chosen in another journey.
	Barred    Bar  `json:",omitzero"`
	Overtaken bool `json:",omitzero"`

	// OffersPasskey and NeedsPasskey say that the profile offers a passkey before a
	// password, and that it offers no password. RelyingParty is the host that the
	// passkey will belong to; it is set when the student chose the passkey. MadeAt is
	// when the account existed without a credential.
	OffersPasskey bool      `json:",omitzero"`
	NeedsPasskey  bool      `json:",omitzero"`
	RelyingParty  string    `json:",omitzero"`
	MadeAt        time.Time `json:",omitzero"`

	Passed map[Step]time.Time `json:",omitzero"` // steps whose page was read, if reading is all they ask for

	SeenAt    time.Time // time of the last act
	ExpiresAt time.Time // absolute end
}

// Beginning holds what is known when a journey begins.
type Beginning struct {
	Purpose Purpose
	Profile string
	Lang    Lang
	Address Address
	Client  string // network of the request; empty if the journey begins with a desk code
	Second  bool   // of a change of address: it becomes the second one
}

// NewJourney returns a journey that begins at now and expires at expires. It
// returns an error only if random does.
func NewJourney(random io.Reader, b Beginning, now, expires time.Time) (Journey, error) {
	id, err := NewID(random)
	if err != nil {
		return Journey{}, err
	}
	reference, err := NewReference(random)
	if err != nil {
		return Journey{}, err
	}
	return Journey{
		ID: JourneyID(id), Purpose: b.Purpose, Profile: b.Profile, Lang: b.Lang, Address: b.Address, Second: b.Second, Client: b.Client,
		Reference: reference, RequestedAt: now, SeenAt: now, ExpiresAt: expires,
	}, nil
}

// Touch records an act at the given time. The idle limit counts from it.
func (j *Journey) Touch(at time.Time) { j.SeenAt = at }

// maxEarlier is the number of replaced codes that a journey remembers: those of all mails
// that an address gets in a day, because a mail server may deliver them late and at once.
const maxEarlier = 9

// IssueCode replaces the code by one with the given MAC and records who may
// prove it and the language of its mail. Tries are not given back (S4).
func (j *Journey) IssueCode(mac []byte, candidates []PersonID, lang Lang, at, expires time.Time) {
	j.Lang = lang
	if j.Code.MAC != nil {
		j.Code.Earlier = append(j.Code.Earlier, j.Code.MAC)
		j.Code.Earlier = j.Code.Earlier[max(0, len(j.Code.Earlier)-maxEarlier):]
	}
	j.Code.MAC, j.Code.SentAt, j.Code.ExpiresAt, j.Code.SpentAt, j.Code.Phone = mac, at, expires, time.Time{}, ""
	j.Code.Sent++
	j.Candidates = candidates
}

// IssueCodeTo is IssueCode for a code that is sent to a telephone. candidates are the
// people who have that number.
func (j *Journey) IssueCodeTo(phone Phone, mac []byte, candidates []PersonID, lang Lang, at, expires time.Time) {
	j.IssueCode(mac, candidates, lang, at, expires)
	j.Code.Phone = phone
}

// KeepCode records that another code was asked for and none can be sent that way. The
// code in force stays, with the times of a new one: the page must look as if one had
// been sent.
func (j *Journey) KeepCode(at, expires time.Time) {
	j.Code.SentAt, j.Code.ExpiresAt = at, expires
	j.Code.Sent++
}

// TakeCode copies the code that was issued to next, a copy of this journey, and
// its language. It returns false and changes nothing if this journey has got a
// code of its own since the copy was made.
func (j *Journey) TakeCode(next Journey) bool {
	if j.Code.Sent >= next.Code.Sent {
		return false
	}
	tries := j.Code.Tries
	j.Code, j.Candidates, j.Lang = next.Code, next.Candidates, next.Lang
	j.Code.Tries = tries
	return true
}

// CountCodeTry counts one comparison of a code and returns the tries so far.
func (j *Journey) CountCodeTry() int {
	j.Code.Tries++
	return j.Code.Tries
}

// CountVerifyTry counts one answer to the second proof and returns the tries so far.
func (j *Journey) CountVerifyTry() int {
	j.VerifyTries++
	return j.VerifyTries
}

// Prove records that the code was right and spends it. candidates are the
// people whom the journey may still be for.
func (j *Journey) Prove(at time.Time, candidates []PersonID) {
	j.Code.MAC, j.Code.Earlier, j.ProvenAt, j.Candidates = nil, nil, at, candidates
}

// ProveAtDesk records that an operator checked the person's identity card.
func (j *Journey) ProveAtDesk(at time.Time, operator string, person PersonID) {
	j.Prove(at, []PersonID{person})
	j.Desk = operator
}

// Identify records which candidate the student is.
func (j *Journey) Identify(at time.Time, person PersonID) { j.Person, j.VerifiedAt = person, at }

// Accept records that the student accepted a charter, and its language.
func (j *Journey) Accept(at time.Time, c Charter, lang Lang) {
	j.AcceptedAt, j.Charter, j.CharterName, j.Lang = at, c.SHA256, c.Version, lang
}

// ChoosePassword records that the account's creation was ordered. The student
// does not have to act any more, so the journey gets a new absolute end.
func (j *Journey) ChoosePassword(at, expires time.Time) { j.PasswordAt, j.ExpiresAt = at, expires }

// OfferPasskey records that the student is offered a passkey before a password, or
// in place of one if only is set.
func (j *Journey) OfferPasskey(only bool) { j.OffersPasskey, j.NeedsPasskey = true, only }

// ChoosePasskey records that the creation of an account without a password was
// ordered, and the host that its passkey will belong to.
func (j *Journey) ChoosePasskey(at, expires time.Time, relyingParty string) {
	j.ChoosePassword(at, expires)
	j.RelyingParty = relyingParty
}

// Make records that the account exists without a credential: the student has to
// register the passkey, or to choose a password. It returns false and changes nothing
// if the journey was made, completed or parked before.
func (j *Journey) Make(at time.Time) bool {
	if !j.MadeAt.IsZero() || !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() {
		return false
	}
	j.MadeAt, j.PasswordAt, j.SeenAt = at, time.Time{}, at
	return true
}

// Unmake returns a journey whose passkey could not be stored to the registration. It
// returns false and changes nothing for any other journey.
func (j *Journey) Unmake() bool {
	if j.MadeAt.IsZero() || j.PasswordAt.IsZero() || !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() {
		return false
	}
	j.PasswordAt = time.Time{}
	return true
}

// For records whose journey it is, before anything is proven: the person is logged
// in.
func (j *Journey) For(person PersonID) { j.Person = person }

// Complete records that the account exists, or that the address was changed. It returns false and changes nothing
// if the journey was completed or parked before.
func (j *Journey) Complete(at time.Time) bool {
	if !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() {
		return false
	}
	j.DoneAt, j.SeenAt = at, at
	return true
}

// Refuse records that Keycloak refuses a value of the person. It returns false
// and changes nothing if the same refusal is recorded, or if the journey was
// completed or parked before.
func (j *Journey) Refuse(at time.Time, field string) bool {
	if !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() || !j.RefusedAt.IsZero() && j.Refused == field {
		return false
	}
	j.RefusedAt, j.Refused = at, field
	return true
}

// Park stops the journey until an operator decides. It returns false and changes
// nothing if the journey was completed or parked before.
func (j *Journey) Park(at time.Time) bool {
	if !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() {
		return false
	}
	j.ParkedAt, j.SeenAt = at, at
	return true
}

// Bar parks a recovery whose account the portal must not change. It returns false
// and changes nothing if the journey was completed or parked before.
func (j *Journey) Bar(at time.Time, bar Bar) bool {
	if !j.Park(at) {
		return false
	}
	j.Barred = bar
	return true
}

// Overtake ends a recovery whose password was not set, because another journey of
// the person chose a newer one. It returns false and changes nothing if the journey
// was completed, parked or ended before.
func (j *Journey) Overtake(at time.Time) bool {
	if !j.DoneAt.IsZero() || !j.ParkedAt.IsZero() || !j.EndedAt.IsZero() {
		return false
	}
	j.PasswordAt, j.Overtaken = time.Time{}, true
	j.End(at, time.Time{})
	return true
}

// Reopen returns a parked journey that has not expired to the choice of a
// password. It returns false and changes nothing for any other journey.
func (j *Journey) Reopen(at time.Time) bool {
	if j.ParkedAt.IsZero() || !at.Before(j.ExpiresAt) {
		return false
	}
	j.ParkedAt, j.PasswordAt = time.Time{}, time.Time{}
	return true
}

// End closes the journey after its last try. retry is when another journey can
// do what this one could not; zero: at once.
func (j *Journey) End(at, retry time.Time) { j.EndedAt, j.RetryAt = at, retry }

// Revoke ends the journey if it is for the person alone, its code was proven and
// no password was chosen, and reports whether it did. The student reads that the
// enrolment has changed. A journey whose code was not proven may be a stranger's,
// to whom its end would show that the address is known (S14): it ends by Withdraw
// when the right code is typed. A change of address was begun by the person, and ends
// at once.
func (j *Journey) Revoke(person PersonID, at time.Time) bool {
	if j.ProvenAt.IsZero() && j.Purpose != PurposeAddress || !j.IsOnlyFor(person) || !j.PasswordAt.IsZero() || !j.DoneAt.IsZero() || !j.EndedAt.IsZero() {
		return false
	}
	j.Withdraw(at)
	return true
}

// Withdraw ends the journey because the enrolment has changed. Its code is spent.
func (j *Journey) Withdraw(at time.Time) {
	j.Code.MAC, j.Revoked = nil, true
	j.End(at, time.Time{})
}

// IsIdentified reports whether the journey's person is known.
func (j *Journey) IsIdentified() bool { return j.Person != "" && !j.VerifiedAt.IsZero() }

// MayBeFor reports whether the journey is the person's or may still become it.
func (j *Journey) MayBeFor(person PersonID) bool {
	return j.Person == person || j.Person == "" && slices.Contains(j.Candidates, person)
}

// IsOnlyFor reports whether the journey is the person's or can become no other's.
func (j *Journey) IsOnlyFor(person PersonID) bool {
	return j.Person == person || j.Person == "" && slices.Equal(j.Candidates, []PersonID{person})
}
