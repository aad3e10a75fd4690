package portal

import (
	"context"
	"time"
)

// evenStep is longer than these acts take on a machine that is not overloaded, and too
// short to be noticed.
const evenStep = 25 * time.Millisecond

// evenly does an act whose duration depends on whether an address is known (S14). It
// returns at a multiple of evenStep after its call, so that the microseconds of reading
// a person cannot be measured from outside.
func (p *Portal) evenly(ctx context.Context, act func() error) error {
	from := p.Now()
	err := act()
	if p.Pause != nil {
		p.Pause(ctx, evenStep-p.Now().Sub(from)%evenStep)
	}
	return err
}
