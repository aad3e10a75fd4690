package portal

import (
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

func (p *Portal) showOther(c *gin.Context, begun underway, who sso.Identity) error {
	if err := p.site.KeepInSession(c, map[string]string{keyIDToken: who.IDToken.Reveal()}); err != nil {
		return err
	}
	j, _, err := p.ongoing(c)
	if err != nil {
		return err
	}
	view := p.site.View(c, "other.title")
	if view.Token, err = p.site.Token(c, string(j.ID)); err != nil {
		return err
	}
	view.Path = pathLogin
	return p.answer(c, "other", view.With(OtherPage{
		Activated: begun.Login, Open: who.Login, Name: who.Name, GoOn: pathLogin + "?" + anyAccount,
	}), nil, "")
}

// changeAccount ends the provider's session of the other account. The provider leads
// back to the first page, which leads on to the login.
func (p *Portal) changeAccount(v *visit, _ web.Form) error {
	session, err := p.site.Session(v.Context)
	if err != nil {
		return err
	}
	to := p.SSO.LogoutURL(v.Request.Context(), secret.New(web.SessionValue(session, keyIDToken)), p.site.Base()+"/")
	if to == "" {
		return web.SeeOther(pathLogin)
	}
	if err := p.site.PutSealed(v.Context, changeCookie, true, changeLife); err != nil {
		return err
	}
	return web.SeeOther(to)
}
