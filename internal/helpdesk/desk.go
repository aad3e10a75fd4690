package helpdesk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"entree/internal/activation"
	"entree/internal/audit"
	"entree/internal/domain"
)

// Service performs the acts of the help desk's operators. It holds no state.
type Service struct{ Options }

// Options are the dependencies of a Desk.
type Options struct {
	*activation.Service
	People   People
	Claims   Claims
	Accounts Accounts
}

// People is the part of the store that the help desk needs beyond that of the
// activation.
type People interface {
	FindPeople(ctx context.Context, q Query) (Page, error)
	Cohorts(ctx context.Context) ([]string, error)
	// JourneysOf returns the journeys for a person or to one of the person's
	// addresses, newest first.
	JourneysOf(ctx context.Context, p domain.Person) ([]domain.Journey, error)
	Events(ctx context.Context, p domain.PersonID) ([]domain.Event, error)
	// ImportOf returns the import that created a person, or domain.ErrNotFound.
	ImportOf(ctx context.Context, p domain.PersonID) (domain.ImportRecord, error)
	// ContactChanges returns the changes of a person's address, oldest first.
	ContactChanges(ctx context.Context, p domain.PersonID) ([]domain.ContactChange, error)
	// FactorRemovals returns the removals of second factors for a person, oldest first.
	FactorRemovals(ctx context.Context, p domain.PersonID) ([]domain.FactorRemoval, error)
	// KnownFactors returns the kinds of factors of a person's account, oldest first.
	KnownFactors(ctx context.Context, p domain.PersonID) ([]domain.KnownFactor, error)
	// Acts returns the acts of operators on a person, oldest first.
	Acts(ctx context.Context, p domain.PersonID) ([]audit.Entry, error)
}

// Accounts is the part of Keycloak that is needed to resolve a conflict.
type Accounts interface {
	// Holding returns the accounts that have this login or this address.
	Holding(ctx context.Context, login, address string) ([]domain.Existing, error)
	// Adopt puts the mark, the attributes and the groups of a on the account
	// with this id. It never changes the account's login, names or password. It
	// is idempotent.
	Adopt(ctx context.Context, id string, a domain.Account) error
}

// New returns a Desk.
func New(o Options) *Service { return &Service{o} }

// SharedLimit is the state of a limit that visitors share.
type SharedLimit = activation.SharedLimit

// Names of the operators' acts in the audit.
const (
	ActCorrected = "person.address_corrected"
	ActSent      = "person.sent_again"
	ActUnlocked  = "person.unlocked"
	ActHeld      = "person.held"
	ActReleased  = "person.released"
	ActUnfrozen  = "person.recovery_unfrozen"
	ActPhone     = "person.phone_removed"
	ActDeskCode  = "person.desk_code"
	ActSheet     = "person.desk_sheet"
	ActAdopted   = "person.account_adopted"
	ActRenamed   = "person.renamed"
	ActAmended   = "person.value_corrected"
	ActLifted    = "limit.lifted"

	ActFactorAsked     = "person.factor_asked"
	ActFactorAgreed    = "person.factor_agreed"
	ActFactorCancelled = "person.factor_cancelled"

	ActClaimAgreed   = "claim.agreed" // the first of two acceptances
	ActClaimAccepted = "claim.accepted"
	ActClaimRefused  = "claim.refused"
)

// Seen identifies a person and the version of the person that the operator saw.
type Seen struct {
	Person  domain.PersonID
	Version string
}

// Version returns a string that changes with every change of a person.
func Version(p domain.Person) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", fmt.Sprintf("%+v", p)))
	return hex.EncodeToString(sum[:8])
}

// Reason is the reason of a refusal, one word that the pages translate.
type Reason string

// The reasons of refusals.
const (
	Changed        Reason = "changed" // the person changed since the operator's page was read
	NotNow         Reason = "not_now" // the person's state does not allow the act
	AddressEmpty   Reason = "address_empty"
	AddressSeveral Reason = "address_several"
	AddressSyntax  Reason = "address_syntax"
	AddressSame    Reason = "address_same"
	ValueEmpty     Reason = "value_empty"
	ValueBad       Reason = "value_bad"
	ValueSame      Reason = "value_same"
	ReasonMissing  Reason = "reason_missing"
	ReasonLong     Reason = "reason_long"
	TooMany        Reason = "too_many" // Retry says when the act is possible again
	NoSuchConflict Reason = "no_conflict"
	NothingLeft    Reason = "no_name" // all identifiers of the pattern are taken
	AccountsSilent Reason = "accounts_silent"
	SomebodysOwn   Reason = "somebodys_own" // the account belongs to another person of the registry
	SecondEyes     Reason = "second_eyes"   // the same operator agreed to the claim before
	NoFactor       Reason = "no_factor"     // the account has no second factor, or must not be changed
	CardUnseen     Reason = "card_unseen"   // the operator did not confirm that the identity card was seen
	NobodyThere    Reason = "nobody"        // no person of the cohort can use a code
	TooManySheets  Reason = "too_many_sheets"
	LifeBad        Reason = "life_bad"
	NotAdopted     Reason = "not_adopted" // Keycloak refused; the history of the person has the reason
)

// Limits of the operators' acts.
const (
	longestReason  = 300 // characters
	perPerson      = 5   // mails, per person and hour
	perOperator    = 300 // mails, per operator in ten minutes
	codesPerPerson = 6   // codes of the help desk, per person and hour
)

// Refusal is the error of an act that was refused and changed nothing.
type Refusal struct {
	Reason Reason
	Retry  time.Time
}

// Error returns a text for logs; pages translate the reason.
func (r *Refusal) Error() string { return "refused: " + string(r.Reason) }

// Can lists the acts that a person's state allows. The operator's role is
// checked elsewhere.
type Can struct{ Correct, Send, Unlock, Hold, Release, Unfreeze, Code, Resolve, Amend, Factor, Phone bool }

// Offers returns the acts that the state of p allows.
func Offers(p domain.Person) Can {
	return Can{
		Correct: true, Send: p.MayActivate(), Unlock: p.MayActivate() || p.MayRecover(), Code: p.MayActivate() || p.MayRecover(),
		Hold: p.Hold == "" && p.Account == domain.NoAccount, Release: p.Hold != "", Resolve: p.Account == domain.AccountParked, Amend: p.Account == domain.AccountCreating && p.EraseAt.IsZero(),
		Unfreeze: !p.RecoveryFrozenAt.IsZero() && p.ErasedAt.IsZero(), Factor: p.MayRecover(),
		Phone: p.Mobile() != "" && p.ErasedAt.IsZero() && p.EraseAt.IsZero(),
	}
}

// person returns the person if it did not change since it was seen and its
// state allows the act. Otherwise it returns a Refusal.
func (d *Service) person(ctx context.Context, seen Seen, sense func(Can) bool) (domain.Person, error) {
	p, err := d.Store.Person(ctx, seen.Person)
	switch {
	case err != nil:
		return p, err
	case Version(p) != seen.Version:
		return p, &Refusal{Reason: Changed}
	case !sense(Offers(p)):
		return p, &Refusal{Reason: NotNow}
	}
	return p, nil
}

// commit writes the effects of an act. ErrConflict means a concurrent change;
// the caller gets Refusal{Reason: Changed}.
func (d *Service) commit(ctx context.Context, e domain.Effects) error {
	err := d.Store.Apply(ctx, e)
	if errors.Is(err, domain.ErrConflict) {
		return &Refusal{Reason: Changed}
	}
	if err == nil {
		d.Runner.Wake()
	}
	return err
}

func done(e audit.Entry, act string, p domain.Person, what map[string]string) []audit.Entry {
	e.Act, e.Whom, e.What = act, string(p.ID), what
	return []audit.Entry{e}
}

func reason(text string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		return "", &Refusal{Reason: ReasonMissing}
	case utf8.RuneCountInString(text) > longestReason:
		return "", &Refusal{Reason: ReasonLong}
	}
	return text, nil
}

// take counts acts against the operators' limits, all of them or none.
func (d *Service) take(ctx context.Context, at time.Time, acts ...domain.Act) error {
	_, err := d.Limits.TakeAll(ctx, acts, at)
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return &Refusal{Reason: TooMany, Retry: spent.Retry}
	}
	return err
}

// takeMail counts one mail that an operator requests (S13).
func (d *Service) takeMail(ctx context.Context, e audit.Entry, p domain.PersonID) error {
	return d.take(ctx, e.At, domain.Act{Key: "desk-mail-operator:" + e.By.Subject, Rate: domain.Rate{Burst: perOperator, Per: 10 * time.Minute}},
		domain.Act{Key: "desk-mail:" + string(p), Rate: domain.Rate{Burst: perPerson, Per: time.Hour}})
}

// lang returns the language of the newest journey, or French if there is none.
func lang(journeys []domain.Journey) domain.Lang {
	for _, j := range journeys {
		if j.Lang != "" {
			return j.Lang
		}
	}
	return domain.French
}
