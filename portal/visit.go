package portal

import (
	"errors"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// What a session keeps.
const (
	keyJourney = "journey"
	keySubject = "subject"
	keyLogin   = "login"
	keyAccount = "account"
	keyName    = "name"
	keyClaims  = "claims"
	keyIDToken = "id_token"
)

// visit is one request of somebody who has a journey.
type visit struct {
	*gin.Context
	portal  *Portal
	journey domain.Journey
	step    domain.Step
	notice  string // message key of a friendly line above the page
}

// visit reads the session and its journey. Without one the way begins at the
// request; one that ended is said to have ended.
func (p *Portal) visit(c *gin.Context) (*visit, error) {
	session, err := p.site.Session(c)
	if err != nil {
		return nil, err
	}
	id := web.SessionValue(session, keyJourney)
	switch {
	case web.SessionGone(session):
		return nil, domain.ErrNotFound
	case id == "":
		return nil, web.SeeOther(pathRequest)
	}
	v := &visit{Context: c, portal: p}
	return v, v.read(domain.JourneyID(id))
}

func (v *visit) read(id domain.JourneyID) (err error) {
	v.journey, v.step, err = v.portal.Service.Journey(v.Request.Context(), id)
	return err
}

// page serves h at the given steps and leads to the journey's own step at any
// other.
func (p *Portal) page(h func(*visit) error, at ...domain.Step) func(*gin.Context) error {
	return func(c *gin.Context) error {
		v, err := p.visit(c)
		if err != nil {
			return err
		}
		if !slices.Contains(at, v.step) {
			return web.SeeOther(stepPath[v.step])
		}
		return h(v)
	}
}

// act reads a form and does h with it, at the given steps only.
func (p *Portal) act(h func(*visit, web.Form) error, fields []web.Field, at ...domain.Step) func(*gin.Context) error {
	return func(c *gin.Context) error {
		form, err := web.ReadForm(c, fields...)
		if err != nil {
			return err
		}
		session, err := p.site.Session(c)
		if err != nil {
			return err
		}
		if web.SessionGone(session) {
			// A second press whose first one renewed the session: by now the
			// browser has the new cookie. Nothing is done here, and whoever has
			// no new cookie reads there that the session has ended.
			return web.SeeOther(pathCode)
		}
		v, err := p.visit(c)
		if err != nil {
			return err
		}
		if err := p.site.CheckToken(c, form, string(v.journey.ID), stepPath[v.step]); err != nil {
			return err
		}
		if !slices.Contains(at, v.step) {
			return web.SeeOther(stepPath[v.step])
		}
		return h(v, form)
	}
}

// outcome ends an act, which left the journey as it is now: onward where it was
// done or its step is over, the same page again where it was refused.
func (v *visit) outcome(err error, again func(*domain.Refusal) error) error {
	var r *domain.Refusal
	if err != nil && !errors.As(err, &r) {
		return err
	}
	before := v.step
	if r != nil && r.Reason == domain.ReasonStep { // another press came first
		if err := v.read(v.journey.ID); err != nil {
			return err
		}
	}
	v.step = v.portal.Service.Step(v.journey)
	if r == nil || r.Reason == domain.ReasonStep || v.step != before {
		return web.SeeOther(stepPath[v.step])
	}
	return again(r)
}

// The step bar's numbers; the request page, which has no journey, is 1 too.
var barStep = map[domain.Step]int{
	domain.StepCode: 1, domain.StepVerify: 1, domain.StepCharter: 2, domain.StepGuide: 3,
	domain.StepPassword: 3, domain.StepWaiting: 3, domain.StepParked: 3, domain.StepDone: 4,
}

// show draws a page of the journey; r, where there is one, says why its act was
// refused, and field is what the page is about.
func (v *visit) show(page string, data any, r *domain.Refusal, field string) error {
	view := v.portal.site.View(v.Context, page+".title")
	view.Step = barStep[v.step]
	if view.Path == "/" { // an act without a page of its own
		view.Path = stepPath[v.step]
	}
	if v.notice != "" {
		view.Notice = view.T(v.notice)
	}
	view.SessionEnds = v.portal.sessionEnds(v.journey)
	var err error
	if view.Token, err = v.portal.site.Token(v.Context, string(v.journey.ID)); err != nil {
		return err
	}
	return v.portal.answer(v.Context, page, view.With(data), r, field)
}

// sessionEnds is when a journey ends if nothing is done. Only acts count, since
// a GET changes nothing.
func (p *Portal) sessionEnds(j domain.Journey) time.Time {
	ends := j.SeenAt.Add(p.Idle)
	if j.ExpiresAt.Before(ends) {
		return j.ExpiresAt
	}
	return ends
}
