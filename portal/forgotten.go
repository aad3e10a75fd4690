package portal

import (
	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
)

// showForgotten shows the first page of a recovery, drawn by templates/request.html:
// GET and POST /mot-de-passe-oublie.
func (p *Portal) showForgotten(c *gin.Context) error {
	selected := c.Query("profil")
	if _, ok := p.profile(selected); !ok {
		selected = ""
	}
	return p.drawRequest(c, domain.PurposeRecover, RequestPage{Selected: selected}, nil)
}

// askRecovery begins a recovery. Like request it answers the same for every address.
func (p *Portal) askRecovery(c *gin.Context) error { return p.ask(c, domain.PurposeRecover) }

// FreezePage is drawn by templates/freeze.html, GET and POST
// /mot-de-passe-oublie/pas-moi/:droit, the address in the notice of a new password.
// The GET changes nothing, since mail scanners open it.
type FreezePage struct{ Done bool }

func (p *Portal) showFreeze(c *gin.Context) error {
	if err := p.Service.MayFreeze(c.Param("droit")); err != nil {
		return noSuchNotice(err)
	}
	return p.drawFreeze(c, "freeze.title", FreezePage{})
}

func (p *Portal) drawFreeze(c *gin.Context, title string, page FreezePage) error {
	return p.drawNotice(c, freezePath(c), "freeze", title, page)
}

// freeze stops the recovery of the account that the notice was about.
func (p *Portal) freeze(c *gin.Context) error {
	if _, _, err := p.firstForm(c, freezePath(c), nil); err != nil {
		return err
	}
	if err := p.Service.Freeze(c.Request.Context(), c.Param("droit")); err != nil {
		return noSuchNotice(err)
	}
	return p.drawFreeze(c, "freeze.done.title", FreezePage{Done: true})
}

func freezePath(c *gin.Context) string { return activation.FreezePath + c.Param("droit") }
