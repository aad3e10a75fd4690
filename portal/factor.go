package portal

import (
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
)

// StopFactorPage is drawn by templates/stopfactor.html, GET and POST
// /compte/second-facteur/pas-moi/:droit, the address in the notice that a second factor
// will be removed. The GET changes nothing, since mail scanners open it.
type StopFactorPage struct {
	State string // open, done or late
	Due   time.Time
}

var stopFactorSamples = []any{StopFactorPage{State: changeOpen, Due: sampleTime}, StopFactorPage{State: changeDone}, StopFactorPage{State: changeLate}}

func (p *Portal) showStopFactor(c *gin.Context) error {
	r, err := p.Service.NoticedFactor(c.Request.Context(), c.Param("droit"))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawStopFactor(c, r)
}

func (p *Portal) drawStopFactor(c *gin.Context, r domain.FactorRemoval) error {
	page, title := StopFactorPage{State: changeLate, Due: r.DueAt}, "stopfactor.late.title"
	switch {
	case r.IsOpen():
		page.State, title = changeOpen, "stopfactor.title"
	case r.State == domain.FactorStopped:
		page.State, title = changeDone, "stopfactor.done.title"
	}
	return p.drawNotice(c, stopFactorPath(c), "stopfactor", title, page)
}

// stopFactor stops the removal that the notice was about. A second press shows the same
// page.
func (p *Portal) stopFactor(c *gin.Context) error {
	if _, _, err := p.firstForm(c, stopFactorPath(c), nil); err != nil {
		return err
	}
	r, err := p.Service.StopFactor(c.Request.Context(), c.Param("droit"))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawStopFactor(c, r)
}

func stopFactorPath(c *gin.Context) string { return activation.FactorPath + c.Param("droit") }
