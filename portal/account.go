package portal

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/sso"
	"entree/portal/web"
)

// The page on which a person with an account sees what the portal stores and what can
// be changed.
const (
	pathAccount  = "/compte"
	pathMyData   = pathAccount + "/donnees"
	pathSessions = pathAccount + "/sessions"
)

// accountFresh is how long after the last authentication the page of the account may
// be read. A browser that is left open shows it for no longer.
const accountFresh = 15 * time.Minute

// Accounts is what a person with an account reads, takes along and ends.
type Accounts interface {
	Events(ctx context.Context, p domain.PersonID) ([]domain.Event, error)
	// Evidence returns the person's acceptances, and the text of each.
	Evidence(ctx context.Context, p domain.PersonID) ([]domain.Acceptance, []domain.Charter, error)
	// Export returns all data about the person as JSON.
	Export(ctx context.Context, p domain.PersonID, at time.Time) ([]byte, error)
	// ContactChanges returns the changes of the person's address, oldest first.
	ContactChanges(ctx context.Context, p domain.PersonID) ([]domain.ContactChange, error)
	// EndSessions ends the account's sessions at the single sign-on.
	EndSessions(ctx context.Context, p domain.Person) error
}

// AccountPage is drawn by templates/account.html, GET /compte
type AccountPage struct {
	Person   domain.Person
	Profile  string // the profile's name in the page's language
	Contacts []domain.Contact
	// TakeBackUntil is until when the old address can take the last change back; zero:
	// it cannot.
	TakeBackUntil time.Time
	Charters      []AcceptedCharter // the newest first
	Story         []StoryLine       // the newest first
	Changes       []AccountChange
	Factors       FactorList
	KeepPassword  bool // passkeys are offered, and Wi-Fi and workstations ask for the password
	LacksPassword bool // they ask for a password, and the account has none
	Sessions      bool // the page offers to end the sessions
	Phone         bool // the profile offers SMS
	GoOn          string
}

// AcceptedCharter is a text that the person accepted.
type AcceptedCharter struct {
	Title, Version, URL string
	At                  time.Time
}

// StoryLine is something that happened to the account.
type StoryLine struct {
	At  time.Time
	Key string // message key account.story.…
}

// AccountChange leads to a page on which a way to log in is changed.
type AccountChange struct{ Key, URL string } // message key account.change.…

// actionField in the address of the login names the change that Keycloak's pages offer
// after it.
const actionField = "changer"

// actions maps the changes of the page to Keycloak's actions.
var actions = map[string]string{
	"mot-de-passe": "UPDATE_PASSWORD", "application": "CONFIGURE_TOTP", "codes-de-secours": "CONFIGURE_RECOVERY_AUTHN_CODES",
	"cle": "webauthn-register-passwordless", "cle-de-securite": "webauthn-register",
}

// addedBy maps the changes of the page that add a factor to its kind.
var addedBy = map[string]domain.FactorKind{
	"application": domain.FactorTOTP, "codes-de-secours": domain.FactorCodes, "cle": domain.FactorPasskey, "cle-de-securite": domain.FactorKey,
}

// actor is an SSO that can change a way to log in after a login. A CAS server is none.
type actor interface {
	ActionURL(ctx context.Context, action, hint, lang string) (string, sso.State, error)
}

// outcomeCookie holds the outcome of a change until the page of the account shows it.
const outcomeCookie = "compte"

// toAccount redirects to the page of the account, which tells an outcome.
func (p *Portal) toAccount(c *gin.Context, outcome string) error {
	if err := p.site.PutSealed(c, outcomeCookie, outcome, time.Minute); err != nil {
		return err
	}
	return web.SeeOther(pathAccount)
}

// takeOutcome shows the outcome of a change on the next page, once.
func (p *Portal) takeOutcome(c *gin.Context, view *web.View) {
	var outcome string
	if p.site.TakeSealed(c, outcomeCookie, &outcome) {
		view.Notice = view.T("account.outcome." + outcome)
	}
}

// thenAccount in the address of the login leads to the page of the account after it.
const thenAccount = "compte"

// storyKinds are the events that the page tells the person.
var storyKinds = []domain.EventKind{
	domain.EventAccountCreated, domain.EventAccountAdopted, domain.EventFirstLogin, domain.EventPasskeyAdded, domain.EventCharterAccepted,
	domain.EventRecoveryRequested, domain.EventPasswordReplaced, domain.EventRecoveryRefused, domain.EventRecoveryFrozen,
	domain.EventAddressWrong, domain.EventSecondWrong, domain.EventPersonChanged, domain.EventDeskProven,
	domain.EventContactRequested, domain.EventContactChanged, domain.EventContactBack,
	domain.EventSecondRequested, domain.EventSecondChanged,
	domain.EventPhoneRequested, domain.EventPhoneChanged,
	domain.EventFactorAdded, domain.EventFactorDropped, domain.EventFactorRemoved,
}

const storyLines = 30

var accountSamples = []any{AccountPage{GoOn: pathEnt}, AccountPage{
	Person: domain.Person{SecondEmail: "j@exemple.fr"}, Contacts: []domain.Contact{{Value: "j@exemple.fr"}}, GoOn: pathEnt,
}, AccountPage{
	Person:  domain.Person{GivenName: "Jeanne", FamilyName: "Martin", Number: "22502142", BirthDate: "2004-03-17", Cohort: "L1", Email: "jeanne@exemple.fr", SecondEmail: "j@exemple.fr", Login: "o22502142", UniversityAddress: "jeanne.martin@etu.exemple.fr", ActivatedAt: sampleTime, RecoveryFrozenAt: sampleTime},
	Profile: "Étudiant", Contacts: []domain.Contact{{Value: "jeanne@exemple.fr", FailedAt: sampleTime}, {Value: "j@exemple.fr"}, {Channel: domain.ChannelSMS, Value: "+33612345642"}},
	TakeBackUntil: sampleTime, Charters: []AcceptedCharter{{"Charte", "2026-09", "/charte/0", sampleTime}},
	Factors: everyFactor(), Story: everyStoryLine(), Changes: everyChange(), Sessions: true, KeepPassword: true, LacksPassword: true, Phone: true, GoOn: pathEnt,
}}

// everyStoryLine and everyChange are sample data with every message of the page.
func everyStoryLine() (out []StoryLine) {
	for _, kind := range storyKinds {
		out = append(out, StoryLine{sampleTime, "account.story." + string(kind)})
	}
	return out
}

func everyChange() (out []AccountChange) {
	for _, name := range slices.Sorted(maps.Keys(actions)) {
		out = append(out, AccountChange{"account.change." + name, pathLogin + "?" + actionField + "=" + name})
	}
	return out
}

// owner returns the person whose account is logged in, and the subject that the forms
// of the page are bound to. A visitor whose last authentication is too old is
// redirected to the login.
func (p *Portal) owner(c *gin.Context) (person domain.Person, subject string, err error) {
	return p.ownerSince(c, accountFresh, pathLogin+"?"+thenAccount)
}

// ownerSince is owner with another limit of the age of the last authentication, and the
// address of the login.
func (p *Portal) ownerSince(c *gin.Context, fresh time.Duration, login string) (person domain.Person, subject string, err error) {
	if p.Accounts == nil {
		return person, "", &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	name, account, subject, err := p.reader(c, thenAccount)
	if err != nil {
		return person, "", err
	}
	session, err := p.site.Session(c)
	if err != nil {
		return person, "", err
	}
	at, err := time.Parse(time.RFC3339, web.SessionValue(session, keyAuthTime))
	if age := p.Now().Sub(at); err != nil || age >= fresh || age < -fresh {
		return person, "", web.SeeOther(login)
	}
	person, _, err = p.Service.Reader(c.Request.Context(), name, account)
	return person, subject, missing(err)
}

func (p *Portal) showAccount(c *gin.Context) error {
	person, subject, err := p.owner(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	page := AccountPage{Person: person, Contacts: person.Contacts(), Phone: p.Service.OffersPhone(person), Sessions: p.EndsSessions, GoOn: p.workspace()}
	held := p.factors(c, person, &page.Factors)
	page.Changes = p.changes(person, held)
	profile, _ := p.profile(person.Profile)
	if profile.PasswordElsewhere && profile.Credential.Passkeys() {
		page.LacksPassword = len(held.List) > 0 && !held.HasPassword
		page.KeepPassword = !page.LacksPassword
	}
	page.Profile = cmp.Or(profile.Names[p.site.Lang(c)], profile.Names[domain.French])
	addresses, err := p.Accounts.ContactChanges(ctx, person.ID)
	if err != nil {
		return err
	}
	if n := len(addresses); n > 0 && addresses[n-1].MayTakeBack(p.Now()) {
		page.TakeBackUntil = addresses[n-1].Until
	}
	acceptances, texts, err := p.Accounts.Evidence(ctx, person.ID)
	if err != nil {
		return err
	}
	for i, a := range slices.Backward(acceptances) {
		page.Charters = append(page.Charters, AcceptedCharter{Title: texts[i].Title, Version: a.Version, URL: pathRenewal + "/" + a.SHA256, At: a.At})
	}
	events, err := p.Accounts.Events(ctx, person.ID)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(events) {
		if slices.Contains(storyKinds, e.Kind) && len(page.Story) < storyLines {
			page.Story = append(page.Story, StoryLine{e.At, "account.story." + string(e.Kind)})
		}
	}
	view := p.site.View(c, "account.title")
	p.takeOutcome(c, &view)
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "account", view.With(page), nil, "")
}

// changes returns the ways to log in that a person can change. Keycloak's pages change
// them, except a password that is kept elsewhere. Recovery codes are offered to an
// account with a second factor only: alone they would be asked for at every login.
func (p *Portal) changes(person domain.Person, held domain.HeldFactors) (out []AccountChange) {
	_, can := p.SSO.(actor)
	add := func(name, url string) { out = append(out, AccountChange{"account.change." + name, url}) }
	action := func(name string) { add(name, pathLogin+"?"+actionField+"="+name) }
	switch {
	case p.ChangePassword != "":
		add("mot-de-passe", p.ChangePassword)
	case can && !p.InDirectory:
		action("mot-de-passe")
	default:
		add("mot-de-passe", pathForgotten)
	}
	if !can {
		return out
	}
	profile, _ := p.profile(person.Profile)
	if profile.Credential.Passkeys() {
		action("cle")
	}
	action("application")
	if profile.Factors.Asks() {
		action("cle-de-securite")
	}
	if held.HasSecond() {
		action("codes-de-secours")
	}
	return out
}

// exportAccount sends all data about the person as a file (GDPR, articles 15 and 20).
func (p *Portal) exportAccount(c *gin.Context) error {
	person, _, err := p.owner(c)
	if err != nil {
		return err
	}
	raw, err := p.Accounts.Export(c.Request.Context(), person.ID, p.Now())
	if err != nil {
		return err
	}
	c.Header("Content-Disposition", `attachment; filename="mes-donnees.json"`)
	c.Data(http.StatusOK, "application/json; charset=utf-8", raw)
	return nil
}

// endSessions ends the sessions of the account on every device, and this one.
func (p *Portal) endSessions(c *gin.Context) error {
	_, person, _, err := p.ownForm(c, pathAccount, p.owner)
	if err != nil {
		return err
	}
	if !p.EndsSessions {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	if err := p.Accounts.EndSessions(c.Request.Context(), person); err != nil {
		return &web.Error{Status: http.StatusServiceUnavailable, Key: "sessions", Cause: err, GoOn: pathAccount, Label: "error.try_again"}
	}
	if err := p.site.EndSession(c); err != nil {
		return err
	}
	return web.SeeOther("/")
}

// changed keeps the outcome of a change for the page of the account.
func (p *Portal) changed(c *gin.Context, answer sso.Answer) error {
	if answer == sso.AnswerNone {
		return nil
	}
	return p.site.PutSealed(c, outcomeCookie, string(answer), time.Minute)
}

// unchanged redirects to the page of the account if the provider refused to begin a
// change: the realm has no such action.
func (p *Portal) unchanged(c *gin.Context, cause error) error {
	p.site.Log(c).Warn("Keycloak has no such action; see realm check", "cause", cause.Error())
	return p.toAccount(c, string(sso.AnswerError))
}
