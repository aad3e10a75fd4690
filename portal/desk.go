package portal

import (
	"errors"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// DeskPage is drawn by templates/desk.html, GET and POST /activation/guichet
// field: code. The page is the same for every visitor: it asks for no address, so
// that it reveals nothing about one.
type DeskPage struct {
	Ongoing string // address of the step of a journey under way; empty: none
	Minutes int    // life of a code
}

var deskFields = codeFields

func (p *Portal) showDesk(c *gin.Context) error { return p.drawDesk(c, nil) }

func (p *Portal) drawDesk(c *gin.Context, r *domain.Refusal) error {
	view, ongoing, err := p.firstPage(c, "desk.title")
	if err != nil {
		return err
	}
	return p.answer(c, "desk", view.With(DeskPage{Ongoing: ongoing, Minutes: int(domain.DeskLife.Minutes())}), r, "code")
}

// enterDesk begins a journey with a desk code, after an operator checked an identity
// card.
func (p *Portal) enterDesk(c *gin.Context) error {
	form, about, err := p.firstForm(c, pathDesk, deskFields)
	if err != nil {
		return err
	}
	if entered, err := p.site.TakeLeft(c, form, plainCode(form["code"])); err != nil {
		return err
	} else if entered {
		return web.SeeOther(pathCode)
	}
	j, err := p.Service.EnterDesk(c.Request.Context(), form["code"], p.site.Lang(c), p.site.ClientKey(c))
	var r *domain.Refusal
	if errors.As(err, &r) {
		return p.drawDesk(c, r)
	}
	if err != nil {
		return err
	}
	if err := p.enter(c, j, about, form["code"]); err != nil {
		return err
	}
	return web.SeeOther(p.pageOf(j, p.Service.Step(j)).path)
}
