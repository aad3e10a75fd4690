package portal

import (
	"context"

	"github.com/gin-gonic/gin"

	"entree/internal/activation"
	"entree/internal/domain"
	"entree/portal/web"
)

// pathSecond is the page on which a person with an account gives a second personal
// address. The code to it is typed on the code page of a journey of
// [domain.PurposeAddress].
const (
	pathSecond       = pathContact + "/seconde"
	pathSecondRemove = pathSecond + "/retirer"
	pathSecondFirst  = pathSecond + "/principale"
)

// The outcomes of a change of the second address, for the page of the account.
const (
	outcomeSecond   = "second"
	outcomeNoSecond = "second_removed"
	outcomeFirst    = "second_first"
)

// SecondPage is drawn by templates/second.html, GET and POST /compte/adresse/seconde
// field: adresse; removed by POST /compte/adresse/seconde/retirer, made the first address
// by POST /compte/adresse/seconde/principale
type SecondPage struct {
	First, Current string // the addresses in use; empty: none. Without a first one, no other second one can be given.
	Address        string // as typed, kept on an error
}

var secondSamples = []any{SecondPage{First: "jeanne@exemple.fr"}, SecondPage{Current: "j@exemple.fr"}, SecondPage{First: "jeanne@exemple.fr", Current: "j@exemple.fr", Address: "j@"}}

func (p *Portal) showSecond(c *gin.Context) error {
	person, subject, err := p.secondOwner(c)
	if err != nil {
		return err
	}
	return p.drawSecond(c, person, subject, SecondPage{}, nil)
}

// secondOwner is owner for people who have an address. The others are redirected to the
// page on which they give a first one.
func (p *Portal) secondOwner(c *gin.Context) (person domain.Person, subject string, err error) {
	person, subject, err = p.owner(c)
	if err == nil && person.Email == "" && person.Second() == "" {
		err = web.SeeOther(pathContact)
	}
	return person, subject, err
}

func (p *Portal) drawSecond(c *gin.Context, person domain.Person, subject string, page SecondPage, r *domain.Refusal) error {
	view := p.site.View(c, "second.title")
	page.First, page.Current = person.Email.Display(), person.Second().Display()
	var err error
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "second", view.With(page), r, "adresse")
}

// askSecond begins a change of the second address.
func (p *Portal) askSecond(c *gin.Context) error {
	form, person, subject, err := p.ownForm(c, pathSecond, p.secondOwner, contactFields...)
	if err != nil {
		return err
	}
	if person.Email == "" { // the first address comes first
		return web.SeeOther(pathContact)
	}
	j, err := p.Service.ChangeAddress(c.Request.Context(), activation.ChangeOfAddress{
		Login: person.Login, AccountID: person.AccountID, Address: form["adresse"], Second: true, Lang: p.site.Lang(c),
	})
	if r, refused := refusal(err); refused {
		return p.drawSecond(c, person, subject, SecondPage{Address: form["adresse"]}, r)
	}
	if err != nil {
		return missing(err)
	}
	return p.toCode(c, j)
}

func (p *Portal) removeSecond(c *gin.Context) error {
	return p.moveSecond(c, p.Service.RemoveSecond, outcomeNoSecond)
}

func (p *Portal) preferSecond(c *gin.Context) error {
	return p.moveSecond(c, p.Service.PreferSecond, outcomeFirst)
}

// moveSecond performs an act that needs no code, and redirects to the page of the
// account, which tells the outcome.
func (p *Portal) moveSecond(c *gin.Context, act func(ctx context.Context, login, accountID string, lang domain.Lang) error, outcome string) error {
	_, person, _, err := p.ownForm(c, pathSecond, p.secondOwner)
	if err != nil {
		return err
	}
	if err := act(c.Request.Context(), person.Login, person.AccountID, p.site.Lang(c)); err != nil {
		return missing(err)
	}
	return p.toAccount(c, outcome)
}
