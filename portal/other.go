package portal

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/secret"
	"entree/internal/sso"
	"entree/portal/web"
)

// OtherPage is drawn by templates/other.html, GET /connexion/retour: the single
// sign-on logged in another account than the one that was just activated, as on a
// computer that siblings share.
type OtherPage struct {
	Activated string // identifier of the account that was activated
	Open      string // identifier of the account that is logged in
	Name      string // its name, as the provider displays it
	GoOn      string // address that accepts the other account
}

// changeCookie marks that the provider's logout leads on to a new login.
const changeCookie = "changer"

const changeLife = 5 * time.Minute

// keyExpected holds, as JSON, the account that a login was expected to lead to, after
// the provider returned another person's.
const keyExpected = "expected"

func (p *Portal) showOther(c *gin.Context, begun underway, who sso.Identity) error {
	wanted, err := json.Marshal(begun.expected)
	if err != nil {
		return err
	}
	session, err := p.site.Session(c)
	if err != nil {
		return err
	}
	values := map[string]string{keyIDToken: who.IDToken.Reveal(), keyExpected: string(wanted)}
	if web.SessionEnds(session).IsZero() { // the session of the activation has ended
		err = p.site.RenewSession(c, values, changeLife)
	} else {
		err = p.site.KeepInSession(c, values)
	}
	if err != nil {
		return err
	}
	view := p.site.View(c, "other.title")
	if view.Token, err = p.site.Token(c, string(wanted)); err != nil {
		return err
	}
	view.Path = pathLogin
	return p.answer(c, "other", view.With(OtherPage{
		Activated: begun.Login, Open: who.Login, Name: who.Name, GoOn: pathLogin + "?" + anyAccount,
	}), nil, "")
}

// changeAccount ends the provider's session of the other account. The provider leads
// back to the first page, which leads on to the login of the expected account.
func (p *Portal) changeAccount(c *gin.Context) error {
	form, err := web.ReadForm(c)
	if err != nil {
		return err
	}
	session, err := p.site.Session(c)
	if err != nil {
		return err
	}
	raw := web.SessionValue(session, keyExpected)
	if err := p.site.CheckToken(c, form, raw, pathLogin); err != nil {
		return err
	}
	if raw == "" { // no page of this session names another account
		return web.SeeOther(pathLogin)
	}
	var wanted expected
	if err := json.Unmarshal([]byte(raw), &wanted); err != nil {
		return fmt.Errorf("expected account of the session: %w", err)
	}
	if err := p.site.PutSealed(c, expectedCookie, wanted, expectedLife); err != nil {
		return err
	}
	to := p.SSO.LogoutURL(c.Request.Context(), secret.New(web.SessionValue(session, keyIDToken)), p.site.Base()+"/")
	if to == "" {
		return web.SeeOther(pathLogin)
	}
	if err := p.site.PutSealed(c, changeCookie, true, changeLife); err != nil {
		return err
	}
	return web.SeeOther(to)
}
