package portal

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
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
	if err := p.mayFreeze(c); err != nil {
		return err
	}
	return p.drawFreeze(c, "freeze.title", FreezePage{})
}

func (p *Portal) drawFreeze(c *gin.Context, title string, page FreezePage) error {
	view, _, err := p.firstPage(c, title)
	if err != nil {
		return err
	}
	view.Step = 0
	view.Path = freezePath(c)
	return p.answer(c, "freeze", view.With(page), nil, "")
}

// freeze stops the recovery of the account that the notice was about.
func (p *Portal) freeze(c *gin.Context) error {
	if _, err := p.firstForm(c, freezePath(c), nil); err != nil {
		return err
	}
	err := p.Service.Freeze(c.Request.Context(), c.Param("droit"))
	if errors.Is(err, domain.ErrNotFound) {
		return p.mayFreeze(c)
	}
	if err != nil {
		return err
	}
	return p.drawFreeze(c, "freeze.done.title", FreezePage{Done: true})
}

// mayFreeze answers a token that is not one of a notice like an address that does not
// exist.
func (p *Portal) mayFreeze(c *gin.Context) error {
	err := p.Service.MayFreeze(c.Param("droit"))
	if errors.Is(err, domain.ErrNotFound) {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	return err
}

func freezePath(c *gin.Context) string { return activation.FreezePath + c.Param("droit") }
