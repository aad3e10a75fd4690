package portal

import (
	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// pathPhone is the page on which a person with an account gives another telephone. The
// code to it is typed on the code page of a journey of [domain.PurposeAddress].
const (
	pathPhone       = pathAccount + "/telephone"
	pathPhoneRemove = pathPhone + "/retirer"
)

// The outcomes of a change of telephone, for the page of the account.
const (
	outcomePhone   = "phone"
	outcomeNoPhone = "phone_removed"
)

// PhonePage is drawn by templates/phone.html, GET and POST /compte/telephone
// field: telephone; removed by POST /compte/telephone/retirer
type PhonePage struct {
	Current string // the number in use, as it is written; empty: none
	Number  string // as typed, kept on an error
}

var (
	phoneFields  = []web.Field{{Name: "telephone", Max: 200}}
	phoneSamples = []any{PhonePage{}, PhonePage{Current: "06\u00a012\u00a034\u00a056\u00a042", Number: "06 12"}}
)

func (p *Portal) showPhone(c *gin.Context) error {
	person, subject, err := p.phoneOwner(c)
	if err != nil {
		return err
	}
	return p.drawPhone(c, person, subject, PhonePage{}, nil)
}

// phoneOwner is owner for people who can have a telephone.
func (p *Portal) phoneOwner(c *gin.Context) (person domain.Person, subject string, err error) {
	person, subject, err = p.owner(c)
	if err == nil && !p.Service.OffersPhone(person) {
		err = missing(domain.ErrNotFound)
	}
	return person, subject, err
}

func (p *Portal) drawPhone(c *gin.Context, person domain.Person, subject string, page PhonePage, r *domain.Refusal) error {
	view := p.site.View(c, "phone.title")
	page.Current = person.Mobile().Display()
	var err error
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "phone", view.With(page), r, "telephone")
}

// askPhone begins a change of telephone.
func (p *Portal) askPhone(c *gin.Context) error {
	form, person, subject, err := p.ownForm(c, pathPhone, p.phoneOwner, phoneFields...)
	if err != nil {
		return err
	}
	j, err := p.Service.ChangePhone(c.Request.Context(), activation.ChangeOfPhone{
		Login: person.Login, AccountID: person.AccountID, Number: form["telephone"], Lang: p.site.Lang(c),
	})
	if r, refused := refusal(err); refused {
		return p.drawPhone(c, person, subject, PhonePage{Number: form["telephone"]}, r)
	}
	if err != nil {
		return missing(err)
	}
	return p.toCode(c, j)
}

// removePhone puts the telephone out of use.
func (p *Portal) removePhone(c *gin.Context) error {
	_, person, _, err := p.ownForm(c, pathPhone, p.phoneOwner)
	if err != nil {
		return err
	}
	if err := p.Service.RemovePhone(c.Request.Context(), person.Login, person.AccountID, p.site.Lang(c)); err != nil {
		return missing(err)
	}
	return p.toAccount(c, outcomeNoPhone)
}
