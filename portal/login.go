package portal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/web"
)

// A login under way is kept in a sealed cookie of its own, named after its state, so
// that two tabs do not overwrite each other and a prefetch writes no row. The browser
// keeps it longer than the state is valid: an answer that is too late is then told
// from an answer to a login of another browser.
const (
	stateCookie = "sso"
	stateKept   = 24 * time.Hour
	statesKept  = 4 // logins under way in one browser; the oldest are dropped
)

// againCookie marks that a login was begun again because its answer had no valid
// state. A second such answer within againLife is shown as an error.
const (
	againCookie = "encore"
	againLife   = time.Minute
)

// underway is the state of a login that was begun.
type underway struct {
	sso.State
	expected
	Charter bool   // the charter comes after the login
	Passkey bool   // Keycloak offers a passkey after the login
	Mine    bool   // the page of the account comes after the login
	Action  string // the change of a way to log in that Keycloak offers after the login, by its name in actions; empty: none
	Level   bool   // a login with a second factor was asked for
	Offer   bool   // the page of second factors comes after the login
	Factor  string // the id of the factor whose page comes after the login; empty: none
}

// expected is the account that was just activated, which a login is begun for. The
// zero value stands for any account.
type expected struct {
	Login   string
	Account string // its id in Keycloak
	Address string // its university address
}

// expectedCookie keeps the expected account for a login that is begun again after the
// session of the activation has ended: the login page was open for too long, or the
// provider ended the session of another account first.
const (
	expectedCookie = "attendu"
	expectedLife   = 5 * time.Minute
)

// passkeys is an SSO that can offer a passkey after a login. A CAS server is none.
type passkeys interface {
	PasskeyURL(ctx context.Context, hint, lang string) (string, sso.State, error)
}

// thenCharter in the address of the login leads to the charter after it.
const thenCharter = "charte"

// anyAccount in the address of the login accepts an account other than the one that
// was just activated.
const anyAccount = "autre"

// noOffer in the address of the login leaves out the offer of a passkey.
const noOffer = "sans-cle"

// entLife is the life of the session at the stand-in ENT, as long as Keycloak's own
// longest session (10 hours by default).
const entLife = 10 * time.Hour

// stateName returns the name of the cookie of a login.
func stateName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return stateCookie + "-" + hex.EncodeToString(sum[:8])
}

// login redirects to the single sign-on. In the session of a finished activation it
// fills in the new identifier, and the login that comes back must be that account's.
// No address of the portal holds the identifier.
func (p *Portal) login(c *gin.Context) error {
	if p.SSO == nil {
		return web.SeeOther(p.EntURL)
	}
	person, err := p.justActivated(c)
	if err != nil {
		return err
	}
	wanted := expectedOf(person)
	if earlier := (expected{}); p.site.TakeSealed(c, expectedCookie, &earlier) && person.Login == "" {
		wanted = earlier
	}
	_, anyone := c.GetQuery(anyAccount)
	factor, mine := c.GetQuery(thenAccount)
	action := p.action(c)
	if anyone || mine || action != "" {
		person, wanted = domain.Person{}, expected{}
	}
	_, raised := c.GetQuery(levelField)
	raises, can := p.SSO.(leveller)
	level := can && action == "" && (raised || mine && p.sessionNeedsFactor(c))
	begin, offers := p.SSO.AuthURL, p.offersPasskey(c, person)
	switch {
	case level:
		begin = func(ctx context.Context, hint, lang string) (string, sso.State, error) {
			return raises.LevelURL(ctx, mine && !raised, hint, lang)
		}
	case action != "":
		begin = func(ctx context.Context, hint, lang string) (string, sso.State, error) {
			return p.SSO.(actor).ActionURL(ctx, actions[action], hint, lang)
		}
	case mine:
		begin = p.SSO.FreshAuthURL
	case offers:
		begin = p.SSO.(passkeys).PasskeyURL
	}
	to, state, err := begin(c.Request.Context(), wanted.Login, string(p.site.Lang(c)))
	if err != nil {
		return ssoError(err)
	}
	_, charter := c.GetQuery(thenCharter)
	p.site.DropSealed(c, stateCookie+"-", statesKept-1)
	begun := underway{State: state, expected: wanted, Charter: charter, Passkey: offers && !mine && !level && action == "", Level: level, Offer: p.offersFactor(c, person), Mine: mine || action != "", Action: action}
	if isFactor(factor) {
		begun.Factor = factor
	}
	if err := p.site.PutSealed(c, stateName(state.State), begun, stateKept); err != nil {
		return err
	}
	return web.SeeOther(to)
}

// action returns the name of the change that the address of the login asks for, or an
// empty string.
func (p *Portal) action(c *gin.Context) string {
	if _, can := p.SSO.(actor); !can {
		return ""
	}
	if name := c.Query(actionField); actions[name] != "" {
		return name
	}
	return ""
}

// offersPasskey reports whether a login offers a passkey: the first login of an account
// that was just activated, if its profile offers one. A link that asks for no offer is
// where the visitor is led after Keycloak refused to make one.
func (p *Portal) offersPasskey(c *gin.Context, person domain.Person) bool {
	_, can := p.SSO.(passkeys)
	_, without := c.GetQuery(noOffer)
	profile, _ := p.profile(person.Profile)
	return can && !without && profile.Credential.PasskeyAfterLogin() && person.FirstLoginAt.IsZero()
}

// justActivated returns the person of the session's finished activation, or the zero
// Person if there is none.
func (p *Portal) justActivated(c *gin.Context) (domain.Person, error) {
	j, at, err := p.ongoing(c)
	if err != nil || at != pathSuccess {
		return domain.Person{}, err
	}
	return p.Service.PersonOf(c.Request.Context(), j)
}

func expectedOf(p domain.Person) expected {
	return expected{Login: p.Login, Account: p.AccountID, Address: p.UniversityAddress}
}

// is reports whether an identity is that of the expected account. Providers name an account by its
// identifier, by its university address or by Keycloak's id.
func (e expected) is(who sso.Identity) bool {
	return e.Login == "" || domain.SameLogin(who.Login, e.Login) || e.Address != "" && domain.SameLogin(who.Login, e.Address) || who.Account != "" && who.Account == e.Account
}

// belongs reports whether an identity is that of the account for which the login was
// begun, or of the account that was activated in this browser since then.
func (p *Portal) belongs(c *gin.Context, begun underway, who sso.Identity) (bool, error) {
	if begun.is(who) {
		return true, nil
	}
	person, err := p.justActivated(c)
	now := expectedOf(person)
	return now.Login != "" && now.is(who), err
}

// loggedIn is the address that the provider redirects to. It is the one GET that
// changes something, as the protocol requires: it is guarded by the state in the
// visitor's browser, and spends that state.
func (p *Portal) loggedIn(c *gin.Context) error {
	if p.SSO == nil {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	var begun underway
	query := c.Request.URL.Query()
	if !p.site.TakeSealed(c, stateName(query.Get("state")), &begun) {
		return p.loginAgain(c, underway{}, sso.ErrState)
	}
	who, err := p.SSO.Exchange(c.Request.Context(), begun.State, query)
	if err != nil {
		return p.loginFailed(c, begun, query, err)
	}
	p.site.TakeSealed(c, againCookie, new(bool)) // after an answer, a later login may be begun again
	belongs, err := p.belongs(c, begun, who)
	if err != nil {
		return err
	}
	if !belongs {
		return p.showOther(c, begun, who)
	}
	err = p.Service.FirstLogin(c.Request.Context(), who.Login, who.Account)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		// The login succeeded; only its record in the store failed.
		p.site.Log(c).Error("first login not recorded", "cause", err.Error())
	}
	hasPasskey := begun.Passkey && sso.ActionAnswer(query) == sso.AnswerSuccess
	if begun.Passkey {
		p.passkeyAnswered(c, who, sso.ActionAnswer(query))
	}
	if begun.Action != "" {
		answer := sso.ActionAnswer(query)
		if kind := addedBy[begun.Action]; kind != "" && answer == sso.AnswerSuccess {
			if err := p.Service.FactorAdded(c.Request.Context(), who.Login, who.Account, kind, p.site.Lang(c)); err != nil {
				p.site.Log(c).Error("an added factor was not recorded", "cause", err.Error())
			}
		}
		if err := p.changed(c, answer); err != nil {
			return err
		}
	}
	begun.Offer = begun.Offer && !hasPasskey
	if err := p.raise(c, begun, who); err != nil {
		return err
	}
	charter := !begun.Mine && (begun.Charter || p.owes(c, who))
	offer := begun.Offer && !charter
	if p.EntURL != "" && !charter && !begun.Mine && !offer {
		if err := p.site.EndSession(c); err != nil {
			return err
		}
		return web.SeeOther(p.EntURL)
	}
	if err := p.openSession(c, who); err != nil {
		return err
	}
	switch {
	case offer:
		return web.SeeOther(pathSecondFactor)
	case begun.Factor != "":
		return web.SeeOther(pathFactors + "/" + begun.Factor)
	case begun.Mine:
		return web.SeeOther(pathAccount)
	case charter:
		return web.SeeOther(pathRenewal)
	}
	return web.SeeOther(pathEnt)
}

// openSession begins the session of a logged-in person on the pages of the portal.
func (p *Portal) openSession(c *gin.Context, who sso.Identity) error {
	claims, err := json.Marshal(who.Claims)
	if err != nil {
		return err
	}
	return p.site.RenewSession(c, map[string]string{
		keySubject: who.Subject, keyLogin: who.Login, keyAccount: who.Account, keyName: who.Name, keyClaims: string(claims),
		keyIDToken:  who.IDToken.Reveal(), // the row is sealed; the logout needs it
		keyAuthTime: who.AuthTime.Format(time.RFC3339),
	}, entLife)
}

// loginFailed answers after the exchange with the provider failed. If the provider
// refuses the action or the offer of a passkey that the login began with, the realm has
// no such action: the visitor goes on without it.
func (p *Portal) loginFailed(c *gin.Context, begun underway, query url.Values, err error) error {
	isRefused := errors.Is(err, sso.ErrToken) && query.Has("error")
	switch {
	case errors.Is(err, sso.ErrState):
		return p.loginAgain(c, begun, err)
	case isRefused && begun.Action != "":
		return p.unchanged(c, err)
	case isRefused && begun.Passkey:
		p.site.Log(c).Warn("Keycloak offers no passkeys; see realm check", "cause", err.Error())
		return web.SeeOther(pathLogin + "?" + noOffer)
	}
	return ssoError(err)
}

// passkeyAnswered records the answer to the offer of a passkey. The login succeeded
// with each answer.
func (p *Portal) passkeyAnswered(c *gin.Context, who sso.Identity, answer sso.Answer) {
	kind, answered := map[sso.Answer]domain.EventKind{
		sso.AnswerSuccess: domain.EventPasskeyAdded, sso.AnswerCancelled: domain.EventPasskeyLater, sso.AnswerError: domain.EventPasskeyFailed,
	}[answer]
	if !answered {
		return
	}
	if err := p.Service.PasskeyAnswered(c.Request.Context(), who.Login, who.Account, kind, p.site.Lang(c)); err != nil {
		p.site.Log(c).Error("answer to the offer of a passkey not recorded", "cause", err.Error())
	}
}

// loginAgain begins the login again if its answer has no valid state: a right password
// may have been typed on a page that was open for too long. It does so once, and only
// in a browser that keeps cookies.
func (p *Portal) loginAgain(c *gin.Context, begun underway, cause error) error {
	if len(c.Request.Cookies()) == 0 || p.site.TakeSealed(c, againCookie, new(bool)) {
		return ssoError(cause)
	}
	if err := p.site.PutSealed(c, againCookie, true, againLife); err != nil {
		return err
	}
	switch {
	case begun.Mine:
		return web.SeeOther(begun.onward(pathLogin))
	case begun.Login != "":
		if err := p.site.PutSealed(c, expectedCookie, begun.expected, expectedLife); err != nil {
			return err
		}
	}
	return web.SeeOther(pathLogin)
}

// owes reports whether the account must accept the charter before it goes on. If the
// store cannot answer, the login goes on.
func (p *Portal) owes(c *gin.Context, who sso.Identity) bool {
	_, owes, err := p.Service.Reader(c.Request.Context(), who.Login, who.Account)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		p.site.Log(c).Error("it is unknown whether a charter must be accepted", "cause", err.Error())
	}
	return err == nil && owes
}

func ssoError(err error) error {
	e := &web.Error{Status: sso.Status(err), Key: "sso_stale", Cause: err, GoOn: pathLogin, Label: "error.try_again"}
	switch e.Status {
	case http.StatusForbidden:
		e.Key = "sso_denied"
	case http.StatusServiceUnavailable:
		e.Key = "sso"
	}
	return e
}

// logout ends the portal's session, then the provider's.
func (p *Portal) logout(c *gin.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	session, err := p.site.Session(c)
	if err != nil {
		return err
	}
	subject := web.SessionValue(session, keySubject)
	if subject == "" {
		return web.SeeOther("/") // logged out before, by another press
	}
	if err := p.site.CheckToken(c, form, subject, pathEnt); err != nil {
		return err
	}
	idToken := secret.New(web.SessionValue(session, keyIDToken))
	if err := p.site.EndSession(c); err != nil {
		return err
	}
	if p.SSO != nil {
		if to := p.SSO.LogoutURL(c.Request.Context(), idToken, p.site.Base()+"/"); to != "" {
			return web.SeeOther(to)
		}
	}
	return web.SeeOther("/")
}
