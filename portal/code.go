package portal

import (
	"context"
	"math"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// CodePage is drawn by templates/code.html, GET and POST /activation/identification
// field: code; resend by POST /activation/renvoi, or /activation/renvoi-sms
type CodePage struct {
	Address   string // as asked for
	Minutes   int    // life of the code
	ResendIn  int    // seconds until the resend is possible; 0: now
	ResendAt  time.Time
	TriesLeft int
	Blocked   bool // tries are spent; ResendAt / RetryAt says when it goes on
	RetryAt   time.Time
	SMS       bool // a code by SMS is offered, whether or not there is a number
}

// viaSMS is the value of resentMark after a code by SMS.
const viaSMS = "sms"

var codeFields = []web.Field{{Name: "code", Max: 8000}}

var codeSamples = []any{CodePage{}, codeSample, codeSample} // one for each flow

var codeSample = CodePage{
	Address: "a@exemple.fr", Minutes: 10, ResendIn: 60, ResendAt: sampleTime, TriesLeft: 2, Blocked: true, RetryAt: sampleTime, SMS: true,
}

// resentMark in the address makes the code page say that a code was sent again.
const resentMark = "renvoye"

func (p *Portal) codePage(v *visit) error {
	if sent := v.Request.URL.Query()[resentMark]; len(sent) > 0 {
		v.notice = "code.resent"
		if sent[0] == viaSMS && p.Service.OffersSMS(v.journey) {
			v.notice = "code.resent.sms"
		}
	}
	return p.showCode(v, nil)
}

func (p *Portal) showCode(v *visit, r *domain.Refusal) error {
	j, now := v.journey, p.Now()
	page := CodePage{
		Address: j.Address.Display(), Minutes: int(domain.CodeLife.Minutes()),
		ResendAt: p.Service.ResendAt(j), TriesLeft: max(0, domain.MaxTries-j.Code.Tries), SMS: p.Service.OffersSMS(j),
	}
	if life := j.Code.ExpiresAt.Sub(j.Code.SentAt); life > 0 {
		page.Minutes = int(math.Round(life.Minutes()))
	}
	page.ResendIn = max(0, int(math.Ceil(page.ResendAt.Sub(now).Seconds())))
	if r != nil && r.Reason == domain.ReasonCodeBlocked {
		page.Blocked, page.RetryAt = true, r.Retry
	}
	return v.show("code", page, r, "code")
}

// prove compares the typed digits. After a right code the session gets a new id, so
// that an id that another person saw is worth nothing.
func (p *Portal) prove(v *visit, form web.Form) error {
	_, digits := domain.CleanDigits(form["code"])
	if _, long := domain.CleanLongCode(form["code"]); long && !digits && v.journey.Purpose != domain.PurposeAddress {
		return v.outcome(p.beginLong(v.Context, v.journey.ID, form["code"]), func(r *domain.Refusal) error { return p.showCode(v, r) })
	}
	ctx := v.Request.Context()
	var session *web.Renewal
	var rows []domain.SessionRow
	if v.journey.Purpose != domain.PurposeAddress {
		renewal, left, err := p.entered(v.Context, v.journey, v.journey.ID, form["code"])
		if err != nil {
			return err
		}
		session, rows = renewal, []domain.SessionRow{left, renewal.Row}
	}
	err := p.evenly(v.Context, func() error {
		return p.Service.Prove(ctx, &v.journey, form["code"], p.site.ClientKey(v.Context), rows...)
	})
	if err == nil && session == nil {
		return p.contactProven(v.Context, v.journey)
	}
	if err == nil {
		if err := session.Done(); err != nil {
			return err
		}
	}
	return v.outcome(err, func(r *domain.Refusal) error { return p.showCode(v, r) })
}

// entered returns the session of a journey that a code opens, and the row that a second
// press of the same form needs if the answer is lost. about is that of the form's token.
func (p *Portal) entered(c *gin.Context, j domain.Journey, about domain.JourneyID, code string) (session *web.Renewal, left domain.SessionRow, err error) {
	old, err := p.site.Session(c)
	if err != nil {
		return nil, left, err
	}
	if session, err = p.prepareSession(c, j); err != nil {
		return nil, left, err
	}
	left, err = p.site.LeftRow(old.ID, string(about), plainCode(code), map[string]string{keyJourney: string(j.ID)}, j.ExpiresAt)
	return session, left, err
}

// enter stores the session of a journey that a code has opened. The row for a second press
// is written first: the code is used, so that only this row leads on if the other one
// cannot be written.
func (p *Portal) enter(c *gin.Context, j domain.Journey, about domain.JourneyID, code string) error {
	session, left, err := p.entered(c, j, about, code)
	if err != nil {
		return err
	}
	return session.Save(left)
}

// plainCode returns a code of any kind without what may be typed around it.
func plainCode(typed string) string {
	for _, read := range []func(string) (string, bool){domain.CleanDigits, domain.CleanDeskCode, domain.CleanLongCode} {
		if code, ok := read(typed); ok {
			return code
		}
	}
	return ""
}

// resend requests another code by mail; the page shows how long to wait before the next
// one.
func (p *Portal) resend(v *visit, _ web.Form) error {
	return p.sendAgain(v, p.Service.Resend, pathCode+"?"+resentMark)
}

// resendBySMS requests another code by SMS.
func (p *Portal) resendBySMS(v *visit, _ web.Form) error {
	return p.sendAgain(v, p.Service.ResendBySMS, pathCode+"?"+resentMark+"="+viaSMS)
}

func (p *Portal) sendAgain(v *visit, send func(context.Context, *domain.Journey, domain.Lang, string) error, done string) error {
	ctx := v.Request.Context()
	err := p.evenly(v.Context, func() error { return send(ctx, &v.journey, p.site.Lang(v.Context), p.site.ClientKey(v.Context)) })
	if err == nil {
		return web.SeeOther(done)
	}
	return v.outcome(err, func(r *domain.Refusal) error { return p.showCode(v, r) })
}
