package domain

import (
	"context"
	"errors"
	"iter"
	"time"

	"entree/internal/secret"
)

// Errors of the store.
var (
	// ErrNotFound is returned if the journey or person does not exist.
	ErrNotFound = errors.New("activation: not found")
	// ErrConflict is returned if the state that a change requires is not the
	// stored one.
	ErrConflict = errors.New("activation: the stored state is another one")
	// ErrTaken is returned if none of the candidates of a name is free.
	ErrTaken = errors.New("activation: every candidate is taken")
	// ErrCharterReplaced is returned if the charter of an act is no longer in
	// force.
	ErrCharterReplaced = errors.New("activation: another charter is in force")
)

// Store keeps journeys and people. Every method is one transaction.
type Store interface {
	// Begin stores a new journey with its effects.
	Begin(ctx context.Context, j Journey, e Effects) error
	// Journey returns a journey, or ErrNotFound.
	Journey(ctx context.Context, id JourneyID) (Journey, error)
	// Update calls change with the stored journey, and commits the changed
	// journey with its effects in one transaction. change must do no I/O; if
	// another writer committed first, it runs again on the state that this
	// writer stored. If j was not read before, its id suffices. If change
	// returns an error for the current state, nothing is stored and the error is
	// returned unchanged.
	Update(ctx context.Context, j Journey, change func(*Journey) (Effects, error)) (Journey, error)

	// JourneysAt returns the journeys to an address that have not expired, in any
	// order.
	JourneysAt(ctx context.Context, address Address, now time.Time) ([]Journey, error)
	// PeopleAt returns the people of all profiles with this personal address.
	PeopleAt(ctx context.Context, address Address) ([]Person, error)
	// Person returns a person, or ErrNotFound.
	Person(ctx context.Context, id PersonID) (Person, error)
	// PersonByLogin returns the person with this identifier, or ErrNotFound.
	PersonByLogin(ctx context.Context, login string) (Person, error)
	// DeskCode returns the help desk code with one of these MACs, or
	// ErrNotFound. It does not check whether the code has expired.
	DeskCode(ctx context.Context, macs [][]byte) (DeskCode, error)
	// LongCode returns the long code with one of these MACs, or ErrNotFound. It
	// does not check whether the code has expired.
	LongCode(ctx context.Context, macs [][]byte) (LongCode, error)
	// PersonByAccount returns the person whose account has this id in Keycloak,
	// or ErrNotFound.
	PersonByAccount(ctx context.Context, accountID string) (Person, error)
	// KnowsEntries reports whether any account is known by its directory entry only (see
	// EntryID).
	KnowsEntries(ctx context.Context) (bool, error)
	// OtherJobs reports whether an older job of a job's kind and person has not ended,
	// and whether a worker runs another one, older or newer.
	OtherJobs(ctx context.Context, j Job) (older, runs bool, err error)
	// EventsSince returns the events of a person of one kind from a time on, oldest
	// first.
	EventsSince(ctx context.Context, person PersonID, kind EventKind, from time.Time) ([]Event, error)
	// RestoredAt returns when the store was last found to be filled from a backup, or
	// the zero time.
	RestoredAt(ctx context.Context) (time.Time, error)
	// PersonByAnyNumber returns the person of a profile whose number is the given one,
	// or the only person of the profile whose national number is, or ErrNotFound.
	PersonByAnyNumber(ctx context.Context, profile, number string) (Person, error)
	// KnownFactors returns the kinds of factors of a person's account, oldest first.
	KnownFactors(ctx context.Context, p PersonID) ([]KnownFactor, error)
	// HasFactorChange reports whether a FactorChange with this key was committed.
	HasFactorChange(ctx context.Context, key string) (bool, error)
	// FactorAdditions returns the times of the additions of a kind of factor among the
	// committed changes of a person from a time on, oldest first.
	FactorAdditions(ctx context.Context, p PersonID, kind FactorKind, from time.Time) ([]time.Time, error)
	// FactorRemoval returns a removal of second factors, or ErrNotFound.
	FactorRemoval(ctx context.Context, id string) (FactorRemoval, error)
	// Claim returns a claim, or ErrNotFound.
	Claim(ctx context.Context, id string) (Claim, error)
	// ContactChange returns a change of address, or ErrNotFound.
	ContactChange(ctx context.Context, id string) (ContactChange, error)
	// Apply commits effects without a journey.
	Apply(ctx context.Context, e Effects) error
	// Accepted reports whether a person accepted one of the texts with these
	// hashes.
	Accepted(ctx context.Context, id PersonID, sha256 ...string) (bool, error)
	// LastAcceptance returns a person's newest acceptance, or ErrNotFound.
	LastAcceptance(ctx context.Context, id PersonID) (Acceptance, error)

	// Reserve reserves the first free login and the first free university
	// address for a person for ever. Values that the person already has stay. It
	// returns ErrTaken, and reserves nothing, if none is free.
	Reserve(ctx context.Context, id PersonID, logins, addresses iter.Seq[string]) (login, address string, err error)
	// SeekFirst reports whether Keycloak must be searched for the person before an
	// account is created: the store was filled from a backup, and may have
	// forgotten logins that it assigned, or the realm has accounts of another
	// origin that were not compared with the person yet.
	SeekFirst(ctx context.Context, p Person) (bool, error)
}

// Limits counts acts across all instances.
type Limits interface {
	// TakeAll counts all acts, or none: it returns a *LimitError if one of them
	// is refused.
	TakeAll(ctx context.Context, acts []Act, now time.Time) (Taken, error)
	// Levels returns the level of each act's key. It counts nothing.
	Levels(ctx context.Context, acts []Act, now time.Time) ([]Level, error)
	// Keys returns up to most keys of a kind ("kind:…") whose limit refuses acts
	// after the given time. The key that refuses for the longest time comes first.
	Keys(ctx context.Context, kind string, after time.Time, most int) ([]string, error)
}

// Accounts is the part of a store of accounts (Keycloak, a directory) that an
// activation and a recovery need.
type Accounts interface {
	// Create creates the account in one call and returns its id. It may be
	// called again with the same ActivationID after any error: it then finds the
	// account with that mark, returns its id, and creates no second one. It
	// returns ErrForeignAccount if the login or the address belongs to another
	// account or, if Seek is set, if the person has an account under another
	// login. The error is marked Permanent if a retry cannot help.
	Create(ctx context.Context, a Account) (id string, err error)
	// Accepted writes a person's newest acceptance into the account's attributes
	// for relying parties, and changes nothing else. It is idempotent.
	Accepted(ctx context.Context, id string, a Acceptance) error
	// WriteAddress writes the personal address of a, as built by NewAccount, into the
	// account with this id, where the store of accounts has an attribute for it. It
	// changes nothing else, and is idempotent. It returns a permanent *AccountBarred,
	// without any change, if the account does not have the mark a.ActivationID.
	WriteAddress(ctx context.Context, id string, a Account) error
	// Standing reports whether the portal may replace the password of an account,
	// and whether the account has a second factor. It changes nothing. It never
	// returns BarFactor or BarFrozen, which the caller decides.
	Standing(ctx context.Context, a AccountRef) (Standing, error)
	// RemoveFactors deletes every credential of an account except the password, and
	// ends its sessions. It returns a permanent *AccountBarred, without any change, if
	// Standing would return a bar. It is idempotent.
	RemoveFactors(ctx context.Context, a AccountRef) error
	// SetPassword replaces the password of an account that Create made. It reads
	// the account first, and returns a permanent *AccountBarred, without any
	// change, if Standing would return a bar, or BarFactor if the account has a
	// second factor and otherProof is false. otherProof says that the student gave
	// a proof besides the personal mailbox.
	//
	// SetPassword leaves every other credential, attribute, group and role of the
	// account as it is, never enables an account, and removes only the demand to
	// choose a new password. Afterwards it ends the sessions of the account and
	// lifts a lock for wrong passwords. It is idempotent: after any error that is
	// not permanent the outcome is unknown, and the same call is made again.
	SetPassword(ctx context.Context, a AccountRef, c Credential, otherProof bool) error
}

// Entries is the part of a Keycloak above a directory that tells which entry stands
// behind an account.
type Entries interface {
	// Entry returns the entryUUID of the entry behind an account; empty if the account
	// is Keycloak's own. An id of no account is a permanent error.
	Entry(ctx context.Context, id string) (entryUUID string, err error)
}

// Passkeys is the part of a store of accounts that passkeys need.
type Passkeys interface {
	// RelyingParty returns the host that a new passkey belongs to (RP ID). It returns
	// an error if the store does not answer or accepts no passkeys.
	RelyingParty(ctx context.Context) (string, error)
	// AddPasskey adds a passkey to an account and changes nothing else. It returns a
	// permanent *AccountBarred for an account that the portal must not change. It is
	// idempotent, as SetPassword is.
	AddPasskey(ctx context.Context, a AccountRef, p Passkey) error
}

// Factors is the part of a store of accounts that lists and changes the factors of one
// account. Every method returns a permanent *AccountBarred for an account that the portal
// must not change.
type Factors interface {
	// Factors returns the credentials of an account.
	Factors(ctx context.Context, a AccountRef) (HeldFactors, error)
	// RenameFactor changes the name of a factor. It returns ErrNotFound if the account
	// does not have the factor.
	RenameFactor(ctx context.Context, a AccountRef, id, label string) error
	// RemoveFactor deletes one factor. It is idempotent, and never deletes the password.
	RemoveFactor(ctx context.Context, a AccountRef, id string) error
}

// Hasher hashes a password into a credential in the realm's format.
type Hasher interface {
	// Ready returns a refusal with ReasonBusy while no password can be hashed.
	Ready() error
	Hash(ctx context.Context, password secret.Text) (Credential, error)
}

// Breached looks passwords up in a list of leaked ones.
type Breached interface {
	Has(password secret.Text) (bool, error)
}

// Subscribers notifies relying parties of events.
type Subscribers interface {
	// Wants reports whether a relying party has subscribed to events of a kind.
	Wants(kind EventKind) bool
	// Notify returns the jobs that deliver an event about a person to every
	// subscribed relying party. It does no I/O; the jobs are committed together
	// with the event.
	Notify(v Event, p Person) ([]Job, error)
}

// Charters returns the charters in force. Every page reads them, so they may be
// a few seconds old; final decisions are guarded by [Effects.Charter].
type Charters interface {
	// InForce returns the charter that people of a profile accept now.
	InForce(profile string, lang Lang) (Charter, error)
	// Current returns the hashes of the texts in force for the profile, one per
	// language.
	Current(profile string) []string
	// Refresh reads the charters in force again.
	Refresh(ctx context.Context) error
}

// Runner runs jobs. A handler's effects are committed together with the end of
// the job.
type Runner interface {
	// Lease leases new jobs that are due to this runner, as far as it has free workers,
	// by setting the fields of the lease. The caller commits them and calls settle,
	// once. If they were committed, the leased jobs run at once, and the runner looks
	// for the others.
	Lease(jobs []Job) (settle func(committed bool))
	// Wake notifies the runner that jobs of these kinds were committed; without
	// kinds, that any were.
	Wake(kinds ...string)
	// RunNow runs one job at once and returns when the job has ended or ctx is
	// done. In the latter case the job continues.
	RunNow(ctx context.Context, jobID string) error
}

// Handler runs the jobs of one kind.
type Handler interface {
	// Run runs the job. Its effects are committed with the job's end. After an
	// error the job is retried, unless the error is marked Permanent.
	Run(ctx context.Context, j Job) (Effects, error)
	// Abandon returns the effects of giving a job up. cause is the last error.
	Abandon(ctx context.Context, j Job, cause error) (Effects, error)
}
