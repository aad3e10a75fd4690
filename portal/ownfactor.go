package portal

import (
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/portal/web"
)

// pathFactors is the path under which each passkey and second factor of the account has
// its page.
const pathFactors = pathAccount + "/connexion"

// removalFresh is how long after the last authentication a factor may be renamed or
// removed. It is shorter than accountFresh: the removal of a factor weakens the account.
const removalFresh = 5 * time.Minute

// FactorList is the part of the page of the account that lists passkeys and second
// factors.
type FactorList struct {
	Listed bool // the store of accounts lists factors
	Away   bool // it does not answer now
	Barred bool // the portal must not change this account
	List   []FactorLine
}

// FactorLine is one passkey or second factor.
type FactorLine struct {
	domain.Factor
	URL string // of its page
}

func lineOf(f domain.Factor) FactorLine { return FactorLine{f, pathFactors + "/" + f.ID} }

// FactorPage is drawn by templates/factor.html, GET /compte/connexion/:moyen
// fields: nom, sent to POST /compte/connexion/:moyen/nom; removed by POST
// /compte/connexion/:moyen/retirer
type FactorPage struct {
	FactorLine
	Typed   string        // the name as typed, kept on an error
	Refused domain.Reason // why the factor cannot be removed; empty: it can
	Codes   bool          // recovery codes go with it
	AddKey  bool          // the profile offers passkeys
}

var factorFields = []web.Field{{Name: "nom", Max: 200}}

var factorSamples = []any{
	FactorPage{FactorLine: FactorLine{Factor: domain.Factor{Kind: domain.FactorOther}}},
	FactorPage{FactorLine: everyFactor().List[0], Typed: "Téléphone", Codes: true},
	FactorPage{FactorLine: everyFactor().List[1], Refused: domain.ReasonFactorOnly, AddKey: true},
	FactorPage{FactorLine: everyFactor().List[2], Refused: domain.ReasonFactorRequired},
	FactorPage{FactorLine: everyFactor().List[3], Refused: domain.ReasonFactorFrozen},
}

// everyFactor is sample data with a factor of each kind.
func everyFactor() FactorList {
	list := FactorList{Listed: true}
	for i, kind := range domain.FactorKinds() {
		f := domain.Factor{ID: "00000000-0000-4000-8000-000000000000", Kind: kind, Label: "Mon téléphone", Left: 9, AddedAt: sampleTime}
		if i > 1 {
			f = domain.Factor{ID: f.ID, Kind: kind, Device: "YubiKey 5"}
		}
		list.List = append(list.List, lineOf(f))
	}
	return list
}

// factorID is the form of the id of a credential in Keycloak.
var factorID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func isFactor(id string) bool { return factorID.MatchString(id) }

// factors fills the list of the page of the account. A store of accounts that does not
// answer leaves the rest of the page as it is.
func (p *Portal) factors(c *gin.Context, person domain.Person, list *FactorList) domain.HeldFactors {
	if list.Listed = p.Service.ListsFactors(); !list.Listed {
		return domain.HeldFactors{}
	}
	held, err := p.Service.FactorsOf(c.Request.Context(), person)
	var barred *domain.AccountBarred
	switch {
	case errors.As(err, &barred):
		list.Barred = true
	case err != nil:
		list.Away = true
		p.site.Log(c).Warn("the factors of an account were not read", "cause", err.Error())
	}
	for _, f := range held.List {
		list.List = append(list.List, lineOf(f))
	}
	return held
}

// ownFactor returns the logged-in person, the factor of the address and the account's
// factors. A factor that is no longer there leads back to the page of the account.
func (p *Portal) ownFactor(c *gin.Context) (person domain.Person, subject string, held domain.HeldFactors, f domain.Factor, err error) {
	if person, subject, err = p.factorOwner(c); err != nil {
		return person, "", held, f, err
	}
	held, err = p.Service.FactorsOf(c.Request.Context(), person)
	if err != nil {
		return person, "", held, f, factorsAway(err)
	}
	f, has := held.Find(c.Param("moyen"))
	if !has {
		return person, "", held, f, p.toAccount(c, outcomeFactorGone)
	}
	return person, subject, held, f, nil
}

// factorOwner is owner after a login of the last minutes, for the page of a factor.
func (p *Portal) factorOwner(c *gin.Context) (domain.Person, string, error) {
	id := c.Param("moyen")
	if !isFactor(id) || !p.Service.ListsFactors() {
		return domain.Person{}, "", &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	return p.ownerSince(c, removalFresh, underway{Mine: true, Factor: id}.onward(pathLogin))
}

// factorsAway returns the error page for a store of accounts that does not answer.
func factorsAway(err error) error {
	return &web.Error{Status: http.StatusServiceUnavailable, Key: "factors", Cause: err, GoOn: pathAccount, Label: "error.try_again"}
}

// The outcomes of a change of a factor, for the page of the account.
const (
	outcomeFactorGone    = "factor_gone" // it was removed before
	outcomeFactorRemoved = "factor_removed"
	outcomeFactorPending = "factor_pending" // the removal is still to come
	outcomeFactorRenamed = "factor_renamed"
)

func (p *Portal) showFactor(c *gin.Context) error { return p.drawFactor(c, "", nil, "") }

// drawFactor shows the page of a factor, with the reasons of r at a field. An empty field
// means the whole page.
func (p *Portal) drawFactor(c *gin.Context, typed string, r *domain.Refusal, field string) error {
	person, subject, held, f, err := p.ownFactor(c)
	if err != nil {
		return err
	}
	page := FactorPage{FactorLine: lineOf(f), Typed: f.Label}
	if r != nil && typed != "" {
		page.Typed = typed
	}
	profile, _ := p.profile(person.Profile)
	page.AddKey = profile.Credential.Passkeys()
	gone, err := p.Service.CheckDrop(person, held, f.ID)
	if stays, refused := refusal(err); refused {
		page.Refused = stays.Reason
	} else if err != nil {
		return err
	}
	page.Codes = len(gone) > 1
	view := p.site.View(c, "factor.title")
	view.Path = page.URL
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "factor", view.With(page), r, field)
}

// renameFactor changes the name of a factor.
func (p *Portal) renameFactor(c *gin.Context) error {
	return p.changeFactor(c, "nom", factorFields, func(person domain.Person, id string, form web.Form) (string, error) {
		return outcomeFactorRenamed, p.Service.RenameFactor(c.Request.Context(), person, id, form["nom"])
	})
}

// removeFactor removes a factor.
func (p *Portal) removeFactor(c *gin.Context) error {
	return p.changeFactor(c, "", nil, func(person domain.Person, id string, _ web.Form) (string, error) {
		done, err := p.Service.RemoveFactor(c.Request.Context(), person, id, p.site.Lang(c))
		if done {
			return outcomeFactorRemoved, err
		}
		return outcomeFactorPending, err
	})
}

// changeFactor reads a form of the page of a factor and calls act, which returns the
// outcome to tell. A refusal is shown at field.
func (p *Portal) changeFactor(c *gin.Context, field string, fields []web.Field, act func(domain.Person, string, web.Form) (string, error)) error {
	id := c.Param("moyen")
	form, person, _, err := p.ownForm(c, pathFactors+"/"+id, p.factorOwner, fields...)
	if err != nil {
		return err
	}
	outcome, err := act(person, id, form)
	r, refused := refusal(err)
	switch {
	case refused:
		return p.drawFactor(c, form["nom"], r, field)
	case errors.Is(err, domain.ErrNotFound): // another press, or another browser, was first
		return p.toAccount(c, outcomeFactorGone)
	case err != nil:
		return factorsAway(err)
	}
	return p.toAccount(c, outcome)
}
