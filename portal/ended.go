package portal

import (
	"html/template"
	"net/http"
	"strconv"
	"time"

	"entree/internal/domain"
	"entree/portal/web"
)

// EndedPage is drawn by templates/ended.html: too many tries, or the person's
// enrolment has changed.
type EndedPage struct {
	Revoked bool
	// Overtaken says that a newer password was chosen in another recovery.
	Overtaken bool
	RetryAt   time.Time
	Wait      template.HTML // "dans 10 minutes"
}

var endedSamples = []any{EndedPage{}, EndedPage{RetryAt: sampleTime, Wait: "dans 10 minutes"}, EndedPage{Revoked: true}, EndedPage{Overtaken: true}}

func (p *Portal) showEnded(v *visit) error {
	page := EndedPage{Revoked: v.journey.Revoked, Overtaken: v.journey.Overtaken, RetryAt: v.journey.RetryAt}
	if page.RetryAt.After(p.Now()) {
		page.Wait = p.site.Wait(p.site.View(v.Context, ""), page.RetryAt)
	}
	return v.show("ended", page, nil, "")
}

// restart ends the session, except that of a login. The journey stays in the store until it expires.
func (p *Portal) restart(v *visit, _ web.Form) error {
	if v.journey.Purpose == domain.PurposeAddress {
		if err := p.leaveContact(v.Context); err != nil {
			return err
		}
		switch {
		case v.journey.Address.IsPhone():
			return web.SeeOther(pathPhone)
		case v.journey.Second:
			return web.SeeOther(pathSecond)
		}
		return web.SeeOther(pathContact)
	}
	if err := p.site.EndSession(v.Context); err != nil {
		return err
	}
	return web.SeeOther(firstPath(v.journey.Purpose))
}

// extend postpones the end of the journey at the student's request (WCAG 2.2,
// 2.2.1). The response to a script contains the remaining seconds; a form redirects
// to its page.
func (p *Portal) extend(v *visit, _ web.Form) error {
	if err := p.Service.Extend(v.Request.Context(), &v.journey); err != nil {
		return err
	}
	if dest := v.GetHeader("Sec-Fetch-Dest"); dest == "" || dest == "document" {
		return web.SeeOther(p.pageOf(v.journey, p.Service.Step(v.journey)).path)
	}
	v.Header(sessionLeft, strconv.Itoa(web.SecondsUntil(p.sessionEnds(v.journey), p.Now())))
	v.Status(http.StatusNoContent)
	return nil
}
