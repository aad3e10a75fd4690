package portal

import (
	"context"
	"time"

	"entree/internal/activation"
	"entree/internal/secret"
)

// Service is the domain, as far as the pages need it. Every outcome that a
// visitor can read comes as an *activation.Refusal.
type Service interface {
	Request(ctx context.Context, r activation.Request) (activation.Journey, error)
	// EnterDesk begins a journey with a code that an operator gave.
	EnterDesk(ctx context.Context, typed string, lang activation.Lang, client string) (activation.Journey, error)
	// Journey gives a journey and its next step: activation.ErrNotFound when it
	// is gone, activation.ErrExpired when its idle or absolute limit is over.
	Journey(ctx context.Context, id activation.JourneyID) (activation.Journey, activation.Step, error)
	// Step tells where a journey stands.
	Step(j activation.Journey) activation.Step
	// What changes a journey takes it as it was read and leaves it as it is
	// stored then, after a refusal too.
	Extend(ctx context.Context, j *activation.Journey) error
	Resend(ctx context.Context, j *activation.Journey, lang activation.Lang, client string) error
	ResendAt(j activation.Journey) time.Time
	Prove(ctx context.Context, j *activation.Journey, typed, client string) error
	Verify(ctx context.Context, j *activation.Journey, a activation.Answers) error
	Asks(j activation.Journey) (birthDate, number bool)
	CharterFor(j activation.Journey, lang activation.Lang) (activation.Charter, error)
	Accept(ctx context.Context, j *activation.Journey, sha256 string, lang activation.Lang) error
	Guided(ctx context.Context, j *activation.Journey) error
	// Behind gives the person, once identified; from the password step on with
	// the login reserved.
	Behind(ctx context.Context, j activation.Journey) (activation.Person, error)
	Phrases(p activation.Person, n int) ([]activation.Phrase, error)
	Rules(j activation.Journey) activation.PasswordRules
	// Fragments gives what of a person's data a password may not hold, folded,
	// for the browser's tick.
	Fragments(p activation.Person) []string
	ChoosePassword(ctx context.Context, j *activation.Journey, password, confirmation secret.Text) error
	FirstLogin(ctx context.Context, login, accountID string) error
	// Reader gives the person who logged in, and whether they owe an acceptance
	// of the charter in force; activation.ErrNotFound where the portal made no
	// such account.
	Reader(ctx context.Context, login, accountID string) (p activation.Person, owes bool, err error)
	CharterOf(p activation.Person, lang activation.Lang) (activation.Charter, error)
	AcceptAgain(ctx context.Context, login, accountID, sha256 string, lang activation.Lang) error
}

// Texts gives charters that were published by their hashes, or
// activation.ErrNotFound.
type Texts interface {
	CharterText(ctx context.Context, sha256 string) (activation.Charter, error)
}
