package portal

import (
	"time"

	"github.com/gin-gonic/gin"

	"entree/portal/web"
)

// evenStep is longer than these acts take on a machine that is not overloaded, and too
// short to be noticed.
const evenStep = 25 * time.Millisecond

// evenly does an act whose duration depends on whether an address is known (S14). It
// returns at a multiple of evenStep after the request came, so that the microseconds of
// reading a person or a longer journey cannot be measured from outside.
func (p *Portal) evenly(c *gin.Context, act func() error) error {
	err := act()
	if p.Pause != nil {
		p.Pause(c.Request.Context(), evenStep-p.Now().Sub(web.Began(c))%evenStep)
	}
	return err
}
