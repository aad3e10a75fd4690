package domain

import (
	"context"
	"errors"
	"iter"
	"time"

	"entree/internal/secret"
)

// What the store can answer besides an error of its own.
var (
	// ErrNotFound says that there is no such journey or person.
	ErrNotFound = errors.New("activation: not found")
	// ErrConflict says that a guarded change found another state.
	ErrConflict = errors.New("activation: another state")
	// ErrTaken says that none of the candidates of a name is free.
	ErrTaken = errors.New("activation: every candidate is taken")
	// ErrCharterReplaced says that the charter an act rests on is no longer the
	// one in force.
	ErrCharterReplaced = errors.New("activation: another charter is in force")
)

// Store keeps journeys and people. Every method is one transaction.
type Store interface {
	// Begin stores a new journey with its effects.
	Begin(ctx context.Context, j Journey, e Effects) error
	// Journey gives a journey, or ErrNotFound.
	Journey(ctx context.Context, id JourneyID) (Journey, error)
	// Update lets change decide on a journey as it was read, and commits the
	// changed journey with its effects in one transaction. change does no I/O and
	// runs again where another writer came first, on what that one wrote. Of a
	// journey that was not read the id is enough. If change returns an error of
	// what is stored now, nothing is stored and the error is returned as it is.
	Update(ctx context.Context, j Journey, change func(*Journey) (Effects, error)) (Journey, error)

	// PeopleAt gives the people with this personal address, of every profile.
	PeopleAt(ctx context.Context, address Address) ([]Person, error)
	// Person gives a person, or ErrNotFound.
	Person(ctx context.Context, id PersonID) (Person, error)
	// PersonByLogin gives the person who has this identifier, or ErrNotFound.
	PersonByLogin(ctx context.Context, login string) (Person, error)
	// DeskCode gives the code of the desk with one of these MACs, or
	// ErrNotFound. Whether it is in its time is not looked at.
	DeskCode(ctx context.Context, macs [][]byte) (DeskCode, error)
	// PersonByAccount gives the person whose account has this id in Keycloak, or
	// ErrNotFound.
	PersonByAccount(ctx context.Context, accountID string) (Person, error)
	// Apply commits effects alone.
	Apply(ctx context.Context, e Effects) error
	// Accepted tells whether a person accepted one of the texts, by their hashes.
	Accepted(ctx context.Context, id PersonID, sha256 ...string) (bool, error)
	// LastAcceptance gives a person's newest acceptance, or ErrNotFound.
	LastAcceptance(ctx context.Context, id PersonID) (Acceptance, error)

	// Reserve gives a person the first free login and the first free university
	// address and keeps both for ever; what a person has already stays. ErrTaken,
	// and nothing given, where none is free.
	Reserve(ctx context.Context, id PersonID, logins, addresses iter.Seq[string]) (login, address string, err error)
	// Restored tells whether the store was filled from a backup: it may have
	// forgotten what it gave.
	Restored(ctx context.Context) (bool, error)
}

// Limits counts acts for all instances.
type Limits interface {
	// TakeAll counts all acts, or none: it returns a *LimitError if one of them
	// is refused.
	TakeAll(ctx context.Context, acts []Act, now time.Time) (Taken, error)
	// Levels returns the level of each act's key. It counts nothing.
	Levels(ctx context.Context, acts []Act, now time.Time) ([]Level, error)
}

// Accounts is Keycloak, as far as an activation needs it.
type Accounts interface {
	// Create makes the account in one call and gives its id. It may be called
	// again with the same ActivationID after any error: an account with that
	// mark is found again and its id returned, and no second one is made.
	// ErrForeignAccount where the login or the address is somebody else's, or,
	// if Seek is set, where the person has an account under another name;
	// an error marked Permanent where trying again cannot help.
	Create(ctx context.Context, a Account) (id string, err error)
	// Accepted writes the charter that was accepted last into an account, where
	// relying parties read it, and changes nothing else. It may be called again.
	Accepted(ctx context.Context, id string, a Acceptance) error
}

// Hasher turns a password into the credential that the realm would make of it.
type Hasher interface {
	Hash(ctx context.Context, password secret.Text) (Credential, error)
}

// Breached knows passwords that have leaked.
type Breached interface {
	Has(password secret.Text) (bool, error)
}

// Mailer writes and sends one mail. An error marked Permanent is a refusal;
// any other is tried again with the same Message.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// News brings what happened to relying parties.
type News interface {
	// Tell gives the jobs that bring an event about a person to everybody who
	// wants it, none where nobody does. It does no I/O; the jobs are committed
	// together with the event.
	Tell(v Event, p Person) ([]Job, error)
}

// Charters gives the charter in force. Every page asks, so the answer may be a
// few seconds old; what is decided for good is guarded by [Effects.Charter].
type Charters interface {
	// InForce gives the charter that people of a profile accept now.
	InForce(profile string, lang Lang) (Charter, error)
	// Current gives the hashes of the text in force for the profile, one for
	// each language.
	Current(profile string) []string
	// Refresh reads again what is in force.
	Refresh(ctx context.Context) error
}

// Runner works jobs off. A handler's effects are committed with the job's end.
type Runner interface {
	// Wake tells the runner that jobs of these kinds were committed; none: of
	// any kind.
	Wake(kinds ...string)
	// RunNow works one job off at once and returns when it has come to its end
	// or ctx is over; the work itself goes on.
	RunNow(ctx context.Context, jobID string) error
}

// Handler does the jobs of one kind.
type Handler interface {
	// Run does the job. Its effects are committed with the job's end; on an
	// error the job is tried again, unless it is marked Permanent.
	Run(ctx context.Context, j Job) (Effects, error)
	// Abandon says what becomes of a job that is given up, and why.
	Abandon(ctx context.Context, j Job, cause error) (Effects, error)
}
