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

// Desk does what operators ask for. It holds no state.
type Desk struct{ Options }

// Options is what a desk is made of.
type Options struct {
	*activation.Service
	People   People
	Accounts Accounts
}

// People is the store, as far as a desk needs it beside the activation.
type People interface {
	FindPeople(ctx context.Context, q Query) (Page, error)
	Cohorts(ctx context.Context) ([]string, error)
	// JourneysOf gives the journeys for a person or to an address, newest first.
	JourneysOf(ctx context.Context, p domain.PersonID, a domain.Address) ([]domain.Journey, error)
	Events(ctx context.Context, p domain.PersonID) ([]domain.Event, error)
	// ImportOf gives the import that brought a person in, or
	// domain.ErrNotFound.
	ImportOf(ctx context.Context, p domain.PersonID) (domain.ImportRecord, error)
	// Acts gives what operators did to a person, oldest first.
	Acts(ctx context.Context, p domain.PersonID) ([]audit.Entry, error)
}

// Accounts is Keycloak, as far as a conflict needs it.
type Accounts interface {
	// Holding gives the accounts that have this login or this address.
	Holding(ctx context.Context, login, address string) ([]domain.Existing, error)
	// Adopt puts the mark, the attributes and the groups of a on the account
	// with this id. It never touches its login, names or password, and may be
	// called again.
	Adopt(ctx context.Context, id string, a domain.Account) error
}

// New gives a desk.
func New(o Options) *Desk { return &Desk{o} }

// What operators' acts are called in the audit.
const (
	ActCorrected = "person.address_corrected"
	ActSent      = "person.sent_again"
	ActUnlocked  = "person.unlocked"
	ActHeld      = "person.held"
	ActReleased  = "person.released"
	ActDeskCode  = "person.desk_code"
	ActAdopted   = "person.account_adopted"
	ActRenamed   = "person.renamed"
)

// Seen is whom an act is about, as the operator saw them.
type Seen struct {
	Person  domain.PersonID
	Version string
}

// Version names the state of a person: it is another one after any change.
func Version(p domain.Person) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", fmt.Sprintf("%+v", p)))
	return hex.EncodeToString(sum[:8])
}

// Reason says why an act was refused, in one word that the pages translate.
type Reason string

// The reasons there are.
const (
	Changed        Reason = "changed" // somebody was first: look again
	NotNow         Reason = "not_now" // it makes no sense in this state
	AddressEmpty   Reason = "address_empty"
	AddressSeveral Reason = "address_several"
	AddressSyntax  Reason = "address_syntax"
	AddressSame    Reason = "address_same"
	ReasonMissing  Reason = "reason_missing"
	ReasonLong     Reason = "reason_long"
	TooMany        Reason = "too_many" // Retry says when
	NoSuchConflict Reason = "no_conflict"
	NothingLeft    Reason = "no_name" // no identifier of the pattern is free
	AccountsSilent Reason = "accounts_silent"
	SomebodysOwn   Reason = "somebodys_own" // the account is another person's of the registry
)

// Limits of what operators ask for.
const (
	longestReason  = 300 // characters
	perPerson      = 5   // mails, per person and hour
	perOperator    = 300 // mails, per operator in ten minutes
	codesPerPerson = 6   // codes of the desk, per person and hour
)

// Refusal is an act that was not done, and did nothing.
type Refusal struct {
	Reason Reason
	Retry  time.Time
}

// Error is for logs; pages translate the reason.
func (r *Refusal) Error() string { return "refused: " + string(r.Reason) }

// Can is what makes sense for a person now; whether an operator's role allows
// it is another matter.
type Can struct{ Correct, Send, Unlock, Hold, Release, Code, Resolve bool }

// Offers tells what can be done.
func Offers(p domain.Person) Can {
	return Can{
		Correct: true, Send: p.MayActivate(), Unlock: p.MayActivate(), Code: p.MayActivate(),
		Hold: p.Hold == "" && p.Account == domain.NoAccount, Release: p.Hold != "", Resolve: p.Account == domain.AccountParked,
	}
}

// person gives somebody if they are as they were seen and the act makes sense.
func (d *Desk) person(ctx context.Context, seen Seen, sense func(Can) bool) (domain.Person, error) {
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

// commit writes an act. A guard that failed is somebody who was first.
func (d *Desk) commit(ctx context.Context, e domain.Effects) error {
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

// take counts acts against the operators' limits, all or none.
func (d *Desk) take(ctx context.Context, at time.Time, acts ...domain.Act) error {
	_, err := d.Limits.TakeAll(ctx, acts, at)
	var spent *domain.LimitError
	if errors.As(err, &spent) {
		return &Refusal{Reason: TooMany, Retry: spent.Retry}
	}
	return err
}

// takeMail counts one mail that an operator asks for (S13).
func (d *Desk) takeMail(ctx context.Context, e audit.Entry, p domain.PersonID) error {
	return d.take(ctx, e.At, domain.Act{Key: "desk-mail-operator:" + e.By.Subject, Rate: domain.Rate{Burst: perOperator, Per: 10 * time.Minute}},
		domain.Act{Key: "desk-mail:" + string(p), Rate: domain.Rate{Burst: perPerson, Per: time.Hour}})
}

// lang is the language that a person last used; French where they never came.
func lang(journeys []domain.Journey) domain.Lang {
	for _, j := range journeys {
		if j.Lang != "" {
			return j.Lang
		}
	}
	return domain.French
}
