package domain

import "time"

// PersonID is the registry's own key of a person; imports do not change it.
type PersonID string

// Lang is a language of the pages and mails.
type Lang string

// The languages; French is the default.
const (
	French  Lang = "fr"
	English Lang = "en"
)

// Readiness is the state of a person in the source.
type Readiness string

// The readiness states. Only Ready allows activation.
const (
	Ready    Readiness = "ready"     // prêt à être activé
	NotReady Readiness = "not_ready" // the enrolment is not complete yet
	Held     Readiness = "held"      // blocked by an administrator
)

// AccountState is the state of a person's account. It only moves forward in
// this list, except that an administrator can resume a parked one.
type AccountState string

// The states of an account. AccountCreating is stored before the first request
// to Keycloak.
const (
	NoAccount       AccountState = ""
	AccountCreating AccountState = "creating"
	AccountActive   AccountState = "active"
	AccountParked   AccountState = "parked" // a conflict that an administrator must decide
)

// CalledBy returns the name in a greeting: the given name, or the only name of a
// person who has one.
func (p Person) CalledBy() string {
	if p.GivenName != "" {
		return p.GivenName
	}
	return p.FamilyName
}

// AddressWrong reports whether the current personal address is marked as wrong.
func (p Person) AddressWrong() bool { return p.WrongAddress != "" && p.WrongAddress == p.Email }

// SecondWrong reports whether the second personal address is marked as wrong. A person
// has one mark: that of the first address replaces that of the second.
func (p Person) SecondWrong() bool { return p.WrongAddress != "" && p.WrongAddress == p.Second() }

// ChoseAddress reports whether the personal address in use is one that the student
// or an operator set, not that of the source.
func (p Person) ChoseAddress() bool { return p.ChosenEmail != "" && p.ChosenEmail == p.Email }

// Choose puts an address in use that the student or an operator set. An import then
// keeps it, unless it is the address of the source.
func (p *Person) Choose(a Address) {
	if !p.ChoseAddress() {
		p.SourceEmail = p.Email
	}
	p.Email, p.ChosenEmail = a, a
	if a == p.SourceEmail {
		p.ChosenEmail, p.SourceEmail = "", ""
	}
}

// Second returns the second personal address, "" if there is none.
func (p Person) Second() Address {
	if p.SecondEmail == p.Email {
		return ""
	}
	return p.SecondEmail
}

// HasAddress reports whether an address is one of the person's personal addresses.
func (p Person) HasAddress(a Address) bool {
	return a != "" && (a == p.Email || a == p.SecondEmail)
}

// HasAccount reports whether the person's account exists or is being created.
func (p Person) HasAccount() bool {
	return p.Account == AccountActive || p.Account == AccountCreating
}

// ErasureDelay is the time in which an erasure can be taken back. The person cannot
// activate an account meanwhile.
const ErasureDelay = 24 * time.Hour

// MayActivate reports whether a new journey may lead to an account.
func (p Person) MayActivate() bool {
	return p.Readiness == Ready && p.Account == NoAccount && p.Hold == "" && p.Matching == "" && p.ErasedAt.IsZero() && p.EraseAt.IsZero()
}

// MayRecover reports whether a new journey may lead to a new password for the
// person's account.
func (p Person) MayRecover() bool {
	return p.HasLiveAccount() && p.RecoveryFrozenAt.IsZero()
}

// HasLiveAccount reports whether the person has an account that no operator and no
// erasure has stopped.
func (p Person) HasLiveAccount() bool {
	return p.Account == AccountActive && p.Hold == "" && p.ErasedAt.IsZero() && p.EraseAt.IsZero()
}

// May reports whether a new journey of a purpose may begin for the person.
func (p Person) May(purpose Purpose) bool {
	switch purpose {
	case PurposeRecover:
		return p.MayRecover()
	case PurposeAddress:
		return p.HasLiveAccount()
	case PurposeClaim:
		return p.ID == Claimant
	}
	return p.MayActivate()
}

// PersonState summarises a person's readiness, hold and account in one word.
type PersonState string

// The states of a person, in the order of the activation.
const (
	StateNotReady PersonState = "not_ready"
	StateHeld     PersonState = "held" // by the source or by an operator
	StateReady    PersonState = "ready"
	StateCreating PersonState = "creating"
	StateParked   PersonState = "parked"
	StateUnused   PersonState = "unused" // active, but never logged in
	StateActive   PersonState = "active"
)

// PersonStates returns all states.
func PersonStates() []PersonState {
	return []PersonState{StateNotReady, StateHeld, StateReady, StateCreating, StateParked, StateUnused, StateActive}
}

// State returns a person's state. The store's index computes the same in SQL; a
// test compares them.
func (p Person) State() PersonState {
	switch {
	case p.Account == AccountParked:
		return StateParked
	case p.Account == AccountCreating:
		return StateCreating
	case p.Account == AccountActive && p.FirstLoginAt.IsZero():
		return StateUnused
	case p.Account == AccountActive:
		return StateActive
	case p.Hold != "" || p.Readiness == Held || !p.EraseAt.IsZero():
		return StateHeld
	case p.Readiness == Ready:
		return StateReady
	default:
		return StateNotReady
	}
}

// Profile is a group of people with its own rules: students, staff, ….
type Profile struct {
	Key   string          // "etudiant", in URLs and imports
	Names map[Lang]string // "Étudiant", "Student"
	Proof Proof           // required after the code
	// RecoveryProof is the second proof that a recovery requires after the code.
	RecoveryProof Proof
	Login         string   // pattern of the identifier, "o{number}"
	Address       string   // pattern of the university address
	Groups        []string // paths of Keycloak groups, "/etudiants"

	// Affiliation is the eduPersonPrimaryAffiliation: student, employee,
	// faculty, staff, affiliate, alum. Affiliations holds every value of
	// eduPersonAffiliation, "member" among them where it applies.
	Affiliation  string
	Affiliations []string

	Credential Credentials // what its people log in with
	Factors    FactorRule  // whether its people have a second factor
	SMS        bool        // codes and notices go to telephones too
	// PasswordElsewhere says that Wi-Fi, workstations or other services ask for the
	// password, which a passkey does not replace there.
	PasswordElsewhere bool
}

// ProofFor returns the second proof that a journey of a purpose requires.
func (p Profile) ProofFor(purpose Purpose) Proof {
	switch purpose {
	case PurposeRecover:
		return p.RecoveryProof
	case PurposeAddress, PurposeClaim: // the login, or an operator, proves who the student is
		return ProofNone
	}
	return p.Proof
}

// Credentials is the choice of credentials that a profile offers.
type Credentials string

// The choices.
const (
	PasswordOnly      Credentials = "password"
	PasswordOrPasskey Credentials = "password_or_passkey" // a passkey is offered after the first login
	PasskeyOrPassword Credentials = "passkey_or_password" // a passkey is offered before the password is chosen
	PasskeyOnly       Credentials = "passkey"             // no password is chosen in the activation
)

// PasskeyFirst reports whether the activation offers a passkey before a password.
func (c Credentials) PasskeyFirst() bool { return c == PasskeyOrPassword || c == PasskeyOnly }

// PasskeyAfterLogin reports whether a passkey is offered after the first login, to a
// student without a passkey.
func (c Credentials) PasskeyAfterLogin() bool {
	return c == PasswordOrPasskey || c == PasskeyOrPassword
}

// Passkeys reports whether the realm has to accept passkeys.
func (c Credentials) Passkeys() bool { return c != "" && c != PasswordOnly }

// FactorRule says whether the people of a profile are asked to add a second factor after
// the first login.
type FactorRule string

// The rules.
const (
	FactorsNone     FactorRule = "none"     // nothing is asked
	FactorsOffered  FactorRule = "offered"  // offered once; the student may decline
	FactorsRequired FactorRule = "required" // no login to the portal succeeds without one
)

// Asks reports whether people are asked to add a second factor.
func (r FactorRule) Asks() bool { return r == FactorsOffered || r == FactorsRequired }

// Proof is the second proof that a profile requires besides the code.
type Proof string

// The second proofs.
const (
	ProofNone      Proof = ""
	ProofBirthDate Proof = "birth_date"
	ProofNumber    Proof = "number"
)
