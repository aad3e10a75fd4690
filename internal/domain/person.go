package domain

// PersonID is the registry's own key of a person, stable over imports.
type PersonID string

// Lang is a language of the pages and mails.
type Lang string

// The languages there are; French is the default.
const (
	French  Lang = "fr"
	English Lang = "en"
)

// Readiness says whether the enrolment lets a person activate.
type Readiness string

// The states that a source can give. Only Ready lets a person pass.
const (
	Ready    Readiness = "ready"     // prêt à être activé
	NotReady Readiness = "not_ready" // the enrolment is not complete yet
	Held     Readiness = "held"      // stopped by an administrator
)

// AccountState says how far a person's account is. It only moves down this
// list, but that a parked one may be taken up again by an administrator.
type AccountState string

// The states of an account. Creating is the intent, written before Keycloak is
// asked for the first time.
const (
	NoAccount       AccountState = ""
	AccountCreating AccountState = "creating"
	AccountActive   AccountState = "active"
	AccountParked   AccountState = "parked" // a conflict that a human must judge
)

// AddressWrong tells whether the personal address is known to be wrong.
func (p Person) AddressWrong() bool { return p.WrongAddress != "" && p.WrongAddress == p.Email }

// HasAccount reports whether the person's account exists or is being created.
func (p Person) HasAccount() bool {
	return p.Account == AccountActive || p.Account == AccountCreating
}

// MayActivate tells whether a new journey may lead to an account.
func (p Person) MayActivate() bool {
	return p.Readiness == Ready && p.Account == NoAccount && p.Hold == "" && p.ErasedAt.IsZero()
}

// PersonState is where a person stands, in one word: what the enrolment says,
// what operators said, and what became of the account.
type PersonState string

// The states of a person, in the order of the way.
const (
	StateNotReady PersonState = "not_ready"
	StateHeld     PersonState = "held" // by the source or by an operator
	StateReady    PersonState = "ready"
	StateCreating PersonState = "creating"
	StateParked   PersonState = "parked"
	StateUnused   PersonState = "unused" // active, and never logged in
	StateActive   PersonState = "active"
)

// PersonStates lists them.
func PersonStates() []PersonState {
	return []PersonState{StateNotReady, StateHeld, StateReady, StateCreating, StateParked, StateUnused, StateActive}
}

// State gives a person's state. The store finds people by it, so its index
// says the same in SQL; a test holds the two together.
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
	case p.Hold != "" || p.Readiness == Held:
		return StateHeld
	case p.Readiness == Ready:
		return StateReady
	default:
		return StateNotReady
	}
}

// Profile is a kind of people with rules of their own: students, staff, ….
type Profile struct {
	Key     string          // "etudiant", in addresses and imports
	Names   map[Lang]string // "Étudiant", "Student"
	Proof   Proof           // asked for after the code
	Login   string          // pattern of the identifier, "o{number}"
	Address string          // pattern of the university address
	Groups  []string        // paths of Keycloak groups, "/etudiants"

	// Affiliation is the eduPersonPrimaryAffiliation: student, employee,
	// faculty, staff, affiliate, alum. Affiliations holds every value of
	// eduPersonAffiliation, "member" among them where it applies.
	Affiliation  string
	Affiliations []string
}

// Proof is what a profile asks for beside the code.
type Proof string

// The second proofs there are.
const (
	ProofNone      Proof = ""
	ProofBirthDate Proof = "birth_date"
	ProofNumber    Proof = "number"
)
