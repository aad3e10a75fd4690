package portal

import (
	"errors"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// LongPage is drawn by templates/long.html, GET and POST /activation/code-long
// field: code. It is the same for every address: none is asked for.
type LongPage struct {
	Ongoing string // address of the step of a journey under way; empty: none
}

func (p *Portal) showLong(c *gin.Context) error { return p.drawLong(c, nil) }

func (p *Portal) drawLong(c *gin.Context, r *domain.Refusal) error {
	view, ongoing, err := p.firstPage(c, "long.title")
	if err != nil {
		return err
	}
	return p.answer(c, "long", view.With(LongPage{Ongoing: ongoing}), r, "code")
}

// enterLong begins a journey in the browser of the mailbox's holder.
func (p *Portal) enterLong(c *gin.Context) error {
	form, about, err := p.firstForm(c, pathLong, codeFields)
	if err != nil {
		return err
	}
	if entered, err := p.site.TakeLeft(c, form, plainCode(form["code"])); err != nil {
		return err
	} else if entered {
		return web.SeeOther(pathCode)
	}
	err = p.beginLong(c, about, form["code"])
	var r *domain.Refusal
	if errors.As(err, &r) {
		return p.drawLong(c, r)
	}
	return err
}

// beginLong begins a journey with a long code and leads to its first step.
func (p *Portal) beginLong(c *gin.Context, about domain.JourneyID, typed string) error {
	j, err := p.Service.EnterLong(c.Request.Context(), typed, p.site.Lang(c), p.site.ClientKey(c))
	if err != nil {
		return err
	}
	if err := p.enter(c, j, about, typed); err != nil {
		return err
	}
	return web.SeeOther(p.pageOf(j, p.Service.Step(j)).path)
}
