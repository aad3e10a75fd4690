package portal

import (
	"html/template"
	"time"

	"entree/activation"
)

// The typed data of each page; the template of the same name draws it.

// WelcomePage, templates/welcome.html, GET /
type WelcomePage struct{ Profiles []ProfileChoice }

// ProfileChoice is one kind of people on the welcome page and in the form.
type ProfileChoice struct {
	Key         string
	Name        string // in the page's language
	ActivateURL string // /activation?profil=etudiant
	LoginURL    string // into the ENT
}

// RequestPage, templates/request.html, GET and POST /activation
// fields: profil (radio), adresse (email)
type RequestPage struct {
	Profiles []ProfileChoice
	Selected string
	Address  string // as typed, kept on an error
	Ongoing  string // address of the step of a journey under way; empty: none
}

// CodePage, templates/code.html, GET and POST /activation/identification
// field: code; resend by POST /activation/renvoi
type CodePage struct {
	Address   string // as asked for
	Minutes   int    // life of the code
	ResendIn  int    // seconds until the resend is possible; 0: now
	ResendAt  time.Time
	TriesLeft int
	Blocked   bool // tries are spent; ResendAt / RetryAt says when it goes on
	RetryAt   time.Time
}

// VerifyPage, templates/verify.html, GET and POST /activation/verification
// fields: naissance (text, day month year in three inputs naissance-jour, naissance-mois, naissance-annee), numero
type VerifyPage struct {
	AsksBirthDate, AsksNumber bool
	Several                   bool // the address belongs to several people
	Staff                     bool // a staff number rather than a student number
	Day, Month, Year, Number  string
	TriesLeft                 int
}

// CharterPage, templates/charter.html, GET and POST /activation/charte
// fields: charte (checkbox "oui"), empreinte (hidden, the hash shown)
type CharterPage struct {
	Title    string
	Version  string
	SHA256   string
	Body     template.HTML
	Contents []Heading // second-level headings, in order
	Minutes  int       // to read it
}

// Heading is an entry of the charter's table of contents.
type Heading struct{ ID, Text string }

// GuidePage, templates/guide.html, GET and POST /activation/entre-mdp
type GuidePage struct {
	Phrases []Phrase
	Rules   PasswordRules
	Example string
}

// Phrase is a suggestion of the generator.
type Phrase struct {
	Text     string   // LesTicketsDeBusForr1CielBleu
	Words    []string // as drawn, accents kept, for the scene to remember it by
	Bits     int
	Strength template.HTML // "environ 3 siècles"
}

// PasswordRules are shown, and ticked by the browser while typing.
type PasswordRules struct {
	Length, Upper, Lower, Digit, Special int // 0: not asked for
	Example                              string
	Personal                             []string // folded fragments of the person's own data, for the browser's tick
}

// PasswordPage, templates/password.html, GET and POST /activation/mot-de-passe
// fields: identifiant (readonly, autocomplete username), mot-de-passe, confirmation
type PasswordPage struct {
	Login   string
	Rules   PasswordRules
	Phrases []Phrase
	Broken  map[string]bool // rules that the last try broke, by Finding.Rule
}

// SuccessPage, templates/success.html, GET /activation/accueil-succes
type SuccessPage struct {
	GivenName string
	Login     string
	Address   string
	EntURL    string // "Accéder à mon ENT"
	Links     []NextLink
}

// NextLink is one of the configured next steps.
type NextLink struct{ Text, Help, URL string }

// WaitingPage, templates/waiting.html, GET /activation/en-cours
type WaitingPage struct {
	GivenName string
	Email     string // where the mail will arrive, masked: j•••@exemple.fr
	Refresh   int    // seconds
	Reference string
}

// ParkedPage, templates/parked.html: a human has to look at it.
type ParkedPage struct{ Reference string }

// EndedPage, templates/ended.html: too many tries.
type EndedPage struct {
	RetryAt time.Time
	Wait    template.HTML // "dans 10 minutes"
}

// EntPage, templates/ent.html, GET /ent: the stand-in of the digital workspace.
type EntPage struct {
	Name   string
	Claims []Claim
}

// Claim is one attribute that a relying party gets.
type Claim struct{ Name, Label, Value string }

// ErrorPage, templates/error.html: 403, 404, 429, 500, 503 and "your session has ended".
type ErrorPage struct {
	Status int
	Key    string // message keys error.<key>.title and error.<key>.text
	Wait   template.HTML
	GoOn   string // where the way goes on
	Label  string // message key of that link
}

var _ activation.Lang
