package portal

import (
	"context"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

// Service is the domain, as far as the pages need it. Every outcome that a
// visitor can read comes as an *domain.Refusal.
type Service interface {
	Request(ctx context.Context, r activation.Request) (domain.Journey, error)
	// EnterDesk begins a journey with a code that an operator gave.
	EnterDesk(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error)
	// Journey gives a journey and its next step: domain.ErrNotFound when it
	// is gone, activation.ErrExpired when its idle or absolute limit is over.
	Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, domain.Step, error)
	// Step tells where a journey stands.
	Step(j domain.Journey) domain.Step
	// What changes a journey takes it as it was read and leaves it as it is
	// stored then, after a refusal too.
	Extend(ctx context.Context, j *domain.Journey) error
	Resend(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error
	ResendAt(j domain.Journey) time.Time
	Prove(ctx context.Context, j *domain.Journey, typed, client string) error
	Verify(ctx context.Context, j *domain.Journey, a activation.Answers) error
	Asks(j domain.Journey) (birthDate, number bool)
	// ProofsLeft returns how many wrong second proofs the journey can still bear.
	ProofsLeft(ctx context.Context, j domain.Journey) (int, error)
	CharterFor(j domain.Journey, lang domain.Lang) (domain.Charter, error)
	Accept(ctx context.Context, j *domain.Journey, sha256 string, lang domain.Lang) error
	// Pass records that the page of a step was read that asks for nothing else.
	Pass(ctx context.Context, j *domain.Journey, step domain.Step) error
	// Behind gives the person, once identified; from the password step on with
	// the login reserved.
	Behind(ctx context.Context, j domain.Journey) (domain.Person, error)
	Phrases(p domain.Person, n int) ([]activation.Phrase, error)
	Rules(j domain.Journey) activation.PasswordRules
	// Fragments gives what of a person's data a password may not hold, folded,
	// for the browser's tick.
	Fragments(p domain.Person) []string
	ChoosePassword(ctx context.Context, j *domain.Journey, password, confirmation secret.Text) error
	FirstLogin(ctx context.Context, login, accountID string) error
	// Reader gives the person who logged in, and whether they owe an acceptance
	// of the charter in force; domain.ErrNotFound where the portal made no
	// such account.
	Reader(ctx context.Context, login, accountID string) (p domain.Person, owes bool, err error)
	CharterOf(p domain.Person, lang domain.Lang) (domain.Charter, error)
	AcceptAgain(ctx context.Context, login, accountID, sha256 string, lang domain.Lang) error
}

// Texts gives charters that were published by their hashes, or
// domain.ErrNotFound.
type Texts interface {
	CharterText(ctx context.Context, sha256 string) (domain.Charter, error)
}
