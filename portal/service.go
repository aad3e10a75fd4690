package portal

import (
	"context"
	"time"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/internal/secret"
)

// Service is the part of activation.Service that the pages call. An outcome with
// words for the visitor is a *domain.Refusal.
type Service interface {
	Request(ctx context.Context, r activation.Request) (domain.Journey, error)
	// MayFreeze returns an error that wraps domain.ErrNotFound for a token that is not
	// one of a notice; Freeze stops the recovery of the notice's account.
	MayFreeze(token string) error
	Freeze(ctx context.Context, token string) error
	// ChangeAddress begins a journey to another personal address.
	ChangeAddress(ctx context.Context, c activation.ChangeOfAddress) (domain.Journey, error)
	// NoticedChange returns the change that the token of a notice is about, and whether
	// it can be taken back. It returns an error that wraps domain.ErrNotFound for any
	// other token. TakeBack takes it back and returns it as stored afterwards.
	NoticedChange(ctx context.Context, token string) (change domain.ContactChange, open bool, err error)
	TakeBack(ctx context.Context, token string, lang domain.Lang) (domain.ContactChange, error)
	// AskClaim begins a journey that files a claim to another address.
	AskClaim(ctx context.Context, r activation.ClaimRequest) (domain.Journey, error)
	// NoticedFactor and StopFactor are MayFreeze and Freeze of a removal of second
	// factors.
	NoticedFactor(ctx context.Context, token string) (domain.FactorRemoval, error)
	StopFactor(ctx context.Context, token string) (domain.FactorRemoval, error)
	// NoticedClaim and Object are NoticedChange and TakeBack of an accepted claim.
	NoticedClaim(ctx context.Context, token string) (claim domain.Claim, open bool, err error)
	Object(ctx context.Context, token string) (domain.Claim, error)
	// EnterDesk begins a journey with a desk code.
	EnterDesk(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error)
	// EnterLong begins a journey with the long code of a mail.
	EnterLong(ctx context.Context, typed string, lang domain.Lang, client string) (domain.Journey, error)
	// Journey returns a journey and its next step. It returns domain.ErrNotFound if
	// the journey does not exist, and activation.ErrExpired after its time limit.
	Journey(ctx context.Context, id domain.JourneyID) (domain.Journey, domain.Step, error)
	// Open returns the next step of a journey that was just read. It returns
	// activation.ErrExpired after its time limit.
	Open(j domain.Journey) (domain.Step, error)
	// Step returns the next step of a journey.
	Step(j domain.Journey) domain.Step
	// Methods that change a journey update it to its stored state, also when they
	// refuse.
	Extend(ctx context.Context, j *domain.Journey) error
	Resend(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error
	ResendBySMS(ctx context.Context, j *domain.Journey, lang domain.Lang, client string) error
	OffersSMS(j domain.Journey) bool
	RemoveSecond(ctx context.Context, login, accountID string, lang domain.Lang) error
	// PreferSecond makes the second address the first one.
	PreferSecond(ctx context.Context, login, accountID string, lang domain.Lang) error
	OffersPhone(p domain.Person) bool
	ChangePhone(ctx context.Context, c activation.ChangeOfPhone) (domain.Journey, error)
	RemovePhone(ctx context.Context, login, accountID string, lang domain.Lang) error
	ResendAt(j domain.Journey) time.Time
	Prove(ctx context.Context, j *domain.Journey, typed, client string, session ...domain.SessionRow) error
	Verify(ctx context.Context, j *domain.Journey, a activation.Answers) error
	RequiredProofs(j domain.Journey) (birthDate, number bool)
	// ProofsLeft returns how many wrong second proofs the journey can still bear.
	ProofsLeft(ctx context.Context, j domain.Journey) (int, error)
	CharterFor(j domain.Journey, lang domain.Lang) (domain.Charter, error)
	Accept(ctx context.Context, j *domain.Journey, sha256 string, lang domain.Lang) error
	// Pass records that the page of a step was read that asks for nothing else.
	Pass(ctx context.Context, j *domain.Journey, step domain.Step) error
	// PersonOf returns the person of an identified journey. From the password step on
	// the login is reserved.
	PersonOf(ctx context.Context, j domain.Journey) (domain.Person, error)
	Phrases(p domain.Person, lang domain.Lang, n int) ([]activation.Phrase, error)
	Rules(j domain.Journey) activation.PasswordRules
	// Fragments returns the folded parts of a person's data that a password may not
	// contain, for the page's script.
	Fragments(p domain.Person) []string
	// Judge returns every rule that a password breaks, as ChoosePassword would.
	Judge(ctx context.Context, j domain.Journey, password secret.Text) ([]domain.Finding, error)
	// ChoosePasskey orders an account without a password, PasskeyOptions returns the
	// browser's options for its passkey, and AddPasskey takes the device's answer.
	ChoosePasskey(ctx context.Context, j *domain.Journey) error
	PasskeyOptions(ctx context.Context, j domain.Journey) ([]byte, error)
	AddPasskey(ctx context.Context, j *domain.Journey, answer []byte, label string) error
	ChoosePassword(ctx context.Context, j *domain.Journey, password, confirmation secret.Text) error
	FirstLogin(ctx context.Context, login, accountID string) error
	// PasskeyAnswered records the answer to the offer of a passkey after the first
	// login.
	PasskeyAnswered(ctx context.Context, login, accountID string, answer domain.EventKind, lang domain.Lang) error
	// ListsFactors reports whether FactorsOf can answer.
	ListsFactors() bool
	// FactorsOf returns the factors of a person's account.
	FactorsOf(ctx context.Context, p domain.Person) (domain.HeldFactors, error)
	// CheckDrop returns the factors that deleting one factor deletes, or a
	// *domain.Refusal.
	CheckDrop(p domain.Person, held domain.HeldFactors, id string) ([]domain.Factor, error)
	RenameFactor(ctx context.Context, p domain.Person, id, typed string) error
	// RemoveFactor removes a factor. done is false if the removal is still to come.
	RemoveFactor(ctx context.Context, p domain.Person, id string, lang domain.Lang) (done bool, err error)
	// FactorAdded records a factor that was added on a page of Keycloak.
	FactorAdded(ctx context.Context, login, accountID string, kind domain.FactorKind, lang domain.Lang) error
	// FactorLater records that a person declined a second factor for now.
	FactorLater(ctx context.Context, p domain.Person) error
	// Reader returns the person of an account, and whether the acceptance of the
	// charter in force is missing. It returns domain.ErrNotFound if the portal did
	// not create the account.
	Reader(ctx context.Context, login, accountID string) (p domain.Person, owes bool, err error)
	CharterOf(p domain.Person, lang domain.Lang) (domain.Charter, error)
	AcceptAgain(ctx context.Context, login, accountID, sha256 string, lang domain.Lang) error
}

// Texts returns published charters by their hashes, or domain.ErrNotFound.
type Texts interface {
	CharterText(ctx context.Context, sha256 string) (domain.Charter, error)
}
