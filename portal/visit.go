package portal

import (
	"errors"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/sessions"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// The keys of a session's values.
const (
	keyJourney = web.KeyJourney
	keySubject = "subject"
	keyLogin   = "login"
	keyAccount = "account"
	keyName    = "name"
	keyClaims  = "claims"
	keyIDToken = "id_token"
	// keyAuthTime is when the user last authenticated at the provider, in RFC 3339.
	keyAuthTime = "auth_time"
)

// visit is one request of a browser that has a journey.
type visit struct {
	*gin.Context
	portal  *Portal
	journey domain.Journey
	step    domain.Step
	notice  string // message key of a friendly line above the page
}

// visit reads the session and its journey. A session without a journey is
// redirected to the request page; ErrNotFound means that the session has ended.
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
		return nil, web.SeeOther(pathRequest + "?" + lostMark)
	}
	v := &visit{Context: c, portal: p}
	v.journey, v.step, err = p.journeyOf(c, session)
	if web.SessionValue(session, keySubject) != "" && (errors.Is(err, domain.ErrNotFound) || errors.Is(err, activation.ErrExpired)) {
		// The change of address has expired; the login goes on.
		return nil, web.SeeOther(pathContact)
	}
	return v, err
}

// journeyOf returns the journey that a session names, and its next step.
func (p *Portal) journeyOf(c *gin.Context, session *sessions.Session) (domain.Journey, domain.Step, error) {
	if j, ok := web.SessionJourney(session); ok {
		step, err := p.Service.Open(j)
		return j, step, err
	}
	return p.Service.Journey(c.Request.Context(), domain.JourneyID(web.SessionValue(session, keyJourney)))
}

func (v *visit) read(id domain.JourneyID) (err error) {
	v.journey, v.step, err = v.portal.Service.Journey(v.Request.Context(), id)
	return err
}

// path returns the path of the journey's own page.
func (v *visit) path() string { return v.portal.pageOf(v.journey, v.step).path }

// read returns a handler that shows the page which choose returns. If choose
// returns nil it redirects to the journey's own page.
func (p *Portal) read(choose func(*visit) func(*visit) error) func(*gin.Context) error {
	return func(c *gin.Context) error {
		v, err := p.visit(c)
		if err != nil {
			return err
		}
		if h := choose(v); h != nil {
			return h(v)
		}
		return web.SeeOther(v.path())
	}
}

// write returns a handler that reads a form and runs the act which choose
// returns. If choose returns nil it redirects to the journey's own page.
func (p *Portal) write(fields []web.Field, choose func(*visit) func(*visit, web.Form) error) func(*gin.Context) error {
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
			// A second press whose first one renewed the session. If its answer came,
			// the browser has the new cookie by now, and the page of the code reads
			// it. If not, the same code enters once more. A client without either is
			// told there that the session has ended.
			if c.FullPath() == pathCode {
				if _, err := p.site.TakeLeft(c, form, plainCode(form["code"])); err != nil {
					return err
				}
			}
			return web.SeeOther(pathCode)
		}
		v, err := p.visit(c)
		if err != nil {
			return err
		}
		if err := p.site.CheckToken(c, form, string(v.journey.ID), v.path()); err != nil {
			return err
		}
		if h := choose(v); h != nil {
			return h(v, form)
		}
		return web.SeeOther(v.path())
	}
}

// outcome answers an act that left v.journey in its stored state. It redirects to
// the journey's page if the act was done or the step has changed, and calls again
// to show the same page if the act was refused.
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
		return web.SeeOther(v.path())
	}
	return again(r)
}

// show draws a page of the journey. r is the refusal of its act, or nil; field is
// the form field that an error points to by default.
func (v *visit) show(page string, data any, r *domain.Refusal, field string) error {
	words := wordsOf(v.journey.Purpose)
	if v.journey.Address.IsPhone() {
		words = "phone."
	}
	view := v.portal.site.View(v.Context, words+page+".title")
	dress(&view, v.journey.Purpose)
	view.Words = words
	view.Step = v.portal.pageOf(v.journey, v.step).bar
	if view.Path == "/" { // an act without a page of its own
		view.Path = v.path()
	}
	if v.notice != "" {
		view.Notice = view.T(v.notice)
	}
	view.SessionEnds = v.portal.sessionEnds(v.journey)
	v.Header(sessionLeft, strconv.Itoa(view.SessionLeft()))
	var err error
	if view.Token, err = v.portal.site.Token(v.Context, string(v.journey.ID)); err != nil {
		return err
	}
	return v.portal.answer(v.Context, page, view.With(data), r, field)
}

// sessionLeft is the response header with the seconds until the journey ends if the
// student does nothing.
const sessionLeft = "X-Session-Left"

// sessionEnds returns when the journey expires if the student does nothing. A GET
// request does not count.
func (p *Portal) sessionEnds(j domain.Journey) time.Time {
	ends := j.SeenAt.Add(p.Idle)
	if j.ExpiresAt.Before(ends) {
		return j.ExpiresAt
	}
	return ends
}
