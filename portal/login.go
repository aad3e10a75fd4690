package portal

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/web"
)

// stateCookie keeps a login under way. It is no row, so that a link or a
// prefetch of the login writes nothing.
const stateCookie = "sso"

// underway is a login that was begun, and whether it leads to the charter.
type underway struct {
	sso.State
	Charter bool
}

// thenCharter in the address of the login leads to the charter after it.
const thenCharter = "charte"

// entLife is how long the stand-in ENT keeps somebody, in step with Keycloak's
// own longest session (10 hours by default).
const entLife = 10 * time.Hour

// login leads to the single sign-on, with the new identifier filled in where
// the session is that of a finished activation. Nothing of it stands in the
// portal's own addresses.
func (p *Portal) login(c *gin.Context) error {
	if p.SSO == nil {
		return web.SeeOther(p.EntURL)
	}
	hint, err := p.loginHint(c)
	if err != nil {
		return err
	}
	to, state, err := p.SSO.AuthURL(c.Request.Context(), hint, string(p.site.Lang(c)))
	if err != nil {
		return ssoError(err)
	}
	_, charter := c.GetQuery(thenCharter)
	if err := p.site.PutSealed(c, stateCookie, underway{state, charter}, sso.StateLife); err != nil {
		return err
	}
	return web.SeeOther(to)
}

func (p *Portal) loginHint(c *gin.Context) (string, error) {
	j, at, err := p.ongoing(c)
	if err != nil || at != pathSuccess {
		return "", err
	}
	person, err := p.Service.Behind(c.Request.Context(), j)
	return person.Login, err
}

// loggedIn is where the provider sends the visitor back to. The one GET that
// does something, as the protocol wants it: the state in the visitor's own
// browser guards it, and is spent.
func (p *Portal) loggedIn(c *gin.Context) error {
	if p.SSO == nil {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	var begun underway
	if !p.site.TakeSealed(c, stateCookie, &begun) {
		return ssoError(sso.ErrState)
	}
	who, err := p.SSO.Exchange(c.Request.Context(), begun.State, c.Request.URL.Query())
	if err != nil {
		return ssoError(err)
	}
	err = p.Service.FirstLogin(c.Request.Context(), who.Login, who.Account)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		// The login itself is good; only our record of it is not.
		p.site.Log(c).Error("first login not recorded", "cause", err.Error())
	}
	charter := begun.Charter || p.owes(c, who)
	if p.EntURL != "" && !charter {
		if err := p.site.EndSession(c); err != nil {
			return err
		}
		return web.SeeOther(p.EntURL)
	}
	claims, err := json.Marshal(who.Claims)
	if err != nil {
		return err
	}
	err = p.site.RenewSession(c, map[string]string{
		keySubject: who.Subject, keyLogin: who.Login, keyAccount: who.Account, keyName: who.Name, keyClaims: string(claims),
		keyIDToken: who.IDToken.Reveal(), // the row is sealed; the logout needs it
	}, entLife)
	if err != nil {
		return err
	}
	if charter {
		return web.SeeOther(pathRenewal)
	}
	return web.SeeOther(pathEnt)
}

// owes tells whether somebody who logs in is to be asked for the charter first.
// A record of ours that cannot be read does not keep them from their workspace.
func (p *Portal) owes(c *gin.Context, who sso.Identity) bool {
	_, owes, err := p.Service.Reader(c.Request.Context(), who.Login, who.Account)
	if err != nil && !errors.Is(err, domain.ErrNotFound) {
		p.site.Log(c).Error("charter owed is not known", "cause", err.Error())
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

// logout ends our session and then the provider's.
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
