package portal

import (
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// pathContact is the page on which a person with an account asks for another personal
// address. The code to it is typed on the code page of a journey.
const (
	pathContact     = pathAccount + "/adresse"
	pathContactDone = pathContact + "/faite"
)

// outcomeContact is the outcome of a change of address, for the page of the account.
const outcomeContact = "address"

// ContactPage is drawn by templates/contact.html, GET and POST /compte/adresse
// field: adresse
type ContactPage struct {
	Current string // the address in use; empty: none
	Address string // as typed, kept on an error
}

var contactFields = []web.Field{{Name: "adresse", Max: 1024}}

// TakeBackPage is drawn by templates/takeback.html, GET and POST
// /compte/adresse/pas-moi/:droit, the address in the notice of a change of address. The
// GET changes nothing, since mail scanners open it. The page never shows the new
// address: a stranger may read the old mailbox.
type TakeBackPage struct {
	State     string // open, done, late or final
	At, Until time.Time
}

// The states of a change on its page.
const (
	changeOpen  = "open"
	changeDone  = "done"  // it was taken back
	changeLate  = "late"  // its seven days are over
	changeFinal = "final" // an operator set another address
)

var (
	contactSamples  = []any{ContactPage{}, ContactPage{Current: "jeanne@exemple.fr", Address: "j@exemple.fr"}}
	takeBackSamples = []any{
		TakeBackPage{State: changeOpen, At: sampleTime, Until: sampleTime}, TakeBackPage{State: changeDone, At: sampleTime},
		TakeBackPage{State: changeLate, At: sampleTime, Until: sampleTime}, TakeBackPage{State: changeFinal, At: sampleTime},
	}
)

// changeOfAddress is the table of the pages of the flow [domain.PurposeAddress]. A
// right code completes it, so it neither waits nor is parked.
func (p *Portal) changeOfAddress() []flowPage {
	ended := flowPage{path: pathCode, show: p.showEnded, name: "ended", samples: endedSamples}
	pages := []flowPage{
		{step: domain.StepCode, path: pathCode, show: p.codePage, act: p.prove, fields: codeFields, name: "code", samples: codeSamples},
		{step: domain.StepDone, path: pathContactDone, show: p.contactDone, name: "account", samples: accountSamples},
	}
	for _, step := range []domain.Step{domain.StepEnded, domain.StepWaiting, domain.StepParked} {
		ended.step = step
		pages = append(pages, ended)
	}
	return pages
}

func (p *Portal) showContact(c *gin.Context) error {
	person, subject, err := p.owner(c)
	if err != nil {
		return err
	}
	return p.drawContact(c, person, subject, ContactPage{}, nil)
}

func (p *Portal) drawContact(c *gin.Context, person domain.Person, subject string, page ContactPage, r *domain.Refusal) error {
	view := p.site.View(c, "contact.title")
	page.Current = person.Email.Display()
	var err error
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "contact", view.With(page), r, "adresse")
}

// askContact begins a change of address. The journey is kept beside the login, so that
// the page of the account is at hand afterwards.
func (p *Portal) askContact(c *gin.Context) error {
	form, person, subject, err := p.ownForm(c, pathContact, p.owner, contactFields...)
	if err != nil {
		return err
	}
	j, err := p.Service.ChangeAddress(c.Request.Context(), activation.ChangeOfAddress{
		Login: person.Login, AccountID: person.AccountID, Address: form["adresse"], Lang: p.site.Lang(c),
	})
	if r, refused := refusal(err); refused {
		return p.drawContact(c, person, subject, ContactPage{Address: form["adresse"]}, r)
	}
	if err != nil {
		return missing(err)
	}
	return p.toCode(c, j)
}

// ownForm reads the form of a page of the account at a path. owner returns the logged-in
// person and the subject of the form's token, or an error.
func (p *Portal) ownForm(c *gin.Context, path string, owner func(*gin.Context) (domain.Person, string, error), fields ...web.Field) (form web.Form, person domain.Person, subject string, err error) {
	if form, err = web.ReadForm(c, fields...); err != nil {
		return form, person, "", err
	}
	if person, subject, err = owner(c); err != nil {
		return form, person, "", err
	}
	return form, person, subject, p.site.CheckToken(c, form, subject, path)
}

// toCode keeps a journey beside the login and redirects to the page of its code.
func (p *Portal) toCode(c *gin.Context, j domain.Journey) error {
	if err := p.site.KeepInSession(c, map[string]string{keyJourney: string(j.ID)}); err != nil {
		return err
	}
	return web.SeeOther(pathCode)
}

// leaveContact drops the journey of a change of address from the session, which stays
// logged in.
func (p *Portal) leaveContact(c *gin.Context) error {
	return p.site.KeepInSession(c, map[string]string{keyJourney: ""})
}

// contactProven ends a change of address or telephone whose code was right. The page of
// the account tells it.
func (p *Portal) contactProven(c *gin.Context, j domain.Journey) error {
	if err := p.leaveContact(c); err != nil {
		return err
	}
	outcome := outcomeContact
	switch {
	case j.Address.IsPhone():
		outcome = outcomePhone
	case j.Second:
		outcome = outcomeSecond
	}
	return p.toAccount(c, outcome)
}

// contactDone redirects to the page of the account, which shows the new address.
func (p *Portal) contactDone(*visit) error { return web.SeeOther(pathAccount) }

func (p *Portal) showTakeBack(c *gin.Context) error {
	change, open, err := p.Service.NoticedChange(c.Request.Context(), c.Param("droit"))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawTakeBack(c, change, open)
}

func (p *Portal) drawTakeBack(c *gin.Context, change domain.ContactChange, open bool) error {
	page := TakeBackPage{State: changeLate, At: change.At, Until: change.Until}
	switch {
	case open:
		page.State = changeOpen
	case change.Closed == domain.ClosedTakenBack:
		page.State = changeDone
	case change.Closed == domain.ClosedOperator:
		page.State = changeFinal
	}
	title := "takeback." + page.State + ".title"
	if open {
		title = "takeback.title"
	}
	return p.drawNotice(c, takeBackPath(c), "takeback", title, page)
}

// takeBack puts the old address in use again. A second press shows the same page.
func (p *Portal) takeBack(c *gin.Context) error {
	if _, _, err := p.firstForm(c, takeBackPath(c), nil); err != nil {
		return err
	}
	change, err := p.Service.TakeBack(c.Request.Context(), c.Param("droit"), p.site.Lang(c))
	if err != nil {
		return noSuchNotice(err)
	}
	return p.drawTakeBack(c, change, false)
}

func takeBackPath(c *gin.Context) string { return activation.TakeBackPath + c.Param("droit") }
