package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"entree/internal/domain"
	"entree/internal/sso"
	"entree/portal/web"
)

// The pages of second factors: after the first login, and before a login that must have
// one.
const (
	pathSecondFactor = pathAccount + "/second-facteur"
	pathChoice       = pathLogin + "/second-facteur"
)

// The fields in the address of the login that ask for a second factor, and for the page
// of second factors after it.
const (
	levelField = "niveau"
	offerField = "offre"
)

// leveller is an SSO that can ask for a second factor. A CAS server cannot.
type leveller interface {
	LevelURL(ctx context.Context, fresh bool, hint, lang string) (string, sso.State, error)
}

// SecondFactorPage is drawn by templates/secondfactor.html, GET and POST /compte/second-facteur, and
// GET /connexion/second-facteur
// field: choix (plus-tard or continuer)
type SecondFactorPage struct {
	State    string // choose, codes, done or passkey
	Required bool   // the student cannot go on without one
	Choices  []FactorChoice
}

// The states of the page.
const (
	factorChoose = "choose"
	factorCodes  = "codes" // there is a second factor; recovery codes are offered
	factorDone   = "done"
	factorBoth   = "passkey" // a passkey, which is both factors
)

// FactorChoice leads to the page of Keycloak that registers a factor.
type FactorChoice struct{ Key, URL string } // message keys secondfactor.Key.title and secondfactor.Key.what

var secondFactorFields = []web.Field{{Name: "choix", Max: 20, Optional: true}}

var secondFactorSamples = []any{
	SecondFactorPage{State: factorChoose, Choices: everyChoice()}, SecondFactorPage{State: factorChoose, Required: true, Choices: everyChoice()},
	SecondFactorPage{State: factorCodes, Choices: everyChoice()}, SecondFactorPage{State: factorDone}, SecondFactorPage{State: factorBoth},
}

func everyChoice() []FactorChoice {
	return []FactorChoice{{"cle", pathLogin}, {"application", pathLogin}, {"cle-de-securite", pathLogin}, {"codes-de-secours", pathLogin}}
}

// onward returns an address with fields, and with those by which a further login leads to
// the same page as this one.
func (u underway) onward(path string, fields ...string) string {
	if u.Mine {
		field := thenAccount
		if u.Factor != "" {
			field += "=" + url.QueryEscape(u.Factor)
		}
		fields = append(fields, field)
	}
	if u.Charter {
		fields = append(fields, thenCharter)
	}
	if u.Offer {
		fields = append(fields, offerField)
	}
	if len(fields) == 0 {
		return path
	}
	return path + "?" + strings.Join(fields, "&")
}

// offersFactor reports whether the page of second factors comes after a login: the first
// one of an account that was just activated, if its profile asks for second factors, or
// one that the page itself began.
func (p *Portal) offersFactor(c *gin.Context, person domain.Person) bool {
	if _, asked := c.GetQuery(offerField); asked {
		return true
	}
	_, can := p.SSO.(actor)
	profile, _ := p.profile(person.Profile)
	return can && profile.Factors.Asks() && person.FirstLoginAt.IsZero() && p.Service.ListsFactors()
}

// needsFactor reports whether the profile of an account requires a second factor. An
// account that the portal did not make needs none. The store is read only if some profile
// requires second factors: other portals must not depend on it at each login.
func (p *Portal) needsFactor(c *gin.Context, login, account string) (domain.Person, bool, error) {
	if !slices.ContainsFunc(p.Profiles, func(f domain.Profile) bool { return f.Factors == domain.FactorsRequired }) {
		return domain.Person{}, false, nil
	}
	person, _, err := p.Service.Reader(c.Request.Context(), login, account)
	if errors.Is(err, domain.ErrNotFound) {
		return person, false, nil
	}
	profile, _ := p.profile(person.Profile)
	return person, profile.Factors == domain.FactorsRequired, err
}

// sessionNeedsFactor reports whether the logged-in person needs a second factor. It
// returns false on an error, which a later page reports.
func (p *Portal) sessionNeedsFactor(c *gin.Context) bool {
	session, err := p.site.Session(c)
	if err != nil || web.SessionValue(session, keyLogin) == "" {
		return false
	}
	_, needs, err := p.needsFactor(c, web.SessionValue(session, keyLogin), web.SessionValue(session, keyAccount))
	return err == nil && needs
}

// raise returns nil if a login has the level that the person's profile requires.
// Otherwise it leads to a login with a second factor; an account without one first sees
// the choice. A login without the level, although it was asked for, is refused.
func (p *Portal) raise(c *gin.Context, begun underway, who sso.Identity) error {
	if _, can := p.SSO.(leveller); !can || who.Level == sso.LevelFactor {
		return nil
	}
	person, needs, err := p.needsFactor(c, who.Login, who.Account)
	if err != nil || !needs {
		return err
	}
	if begun.Level {
		p.site.Log(c).Error("Keycloak did not ask for a second factor that was requested; see realm check", "acr", who.Level)
		return &web.Error{Status: http.StatusBadGateway, Key: "sso_level", GoOn: pathLogin, Label: "error.try_again"}
	}
	if begun.Login != "" {
		if err := p.site.PutSealed(c, expectedCookie, begun.expected, expectedLife); err != nil {
			return err
		}
	}
	held, err := p.Service.FactorsOf(c.Request.Context(), person)
	if err == nil && !held.HasSecond() && !slices.Contains(held.Kinds(), domain.FactorPasskey) {
		return web.SeeOther(begun.onward(pathChoice))
	}
	return web.SeeOther(begun.onward(pathLogin, levelField))
}

// showChoice is the choice of a second factor before the first login with one. The page
// needs no session of the portal: its links begin logins.
func (p *Portal) showChoice(c *gin.Context) error {
	if _, can := p.SSO.(leveller); !can {
		return &web.Error{Status: http.StatusNotFound, Key: "not_found"}
	}
	begun := underway{}
	begun.Factor, begun.Mine = c.GetQuery(thenAccount)
	if !isFactor(begun.Factor) {
		begun.Factor = ""
	}
	_, begun.Charter = c.GetQuery(thenCharter)
	_, begun.Offer = c.GetQuery(offerField)
	view := p.site.View(c, "secondfactor.title")
	view.Path, view.Query = pathChoice, c.Request.URL.Query()
	p.takeOutcome(c, &view)
	action := func(name string) FactorChoice {
		return FactorChoice{name, begun.onward(pathLogin, actionField+"="+name)}
	}
	page := SecondFactorPage{State: factorChoose, Required: true}
	if slices.ContainsFunc(p.Profiles, func(f domain.Profile) bool { return f.Factors == domain.FactorsRequired && f.Credential.Passkeys() }) {
		page.Choices = append(page.Choices, action("cle")) // a passkey is both factors
	}
	// The flow with levels registers a code app.
	page.Choices = append(page.Choices, FactorChoice{"application", begun.onward(pathLogin, levelField)}, action("cle-de-securite"))
	return p.site.Render(c, http.StatusOK, "secondfactor", view.With(page))
}

// showSecondFactor offers a second factor after the first login, and recovery codes beside it.
func (p *Portal) showSecondFactor(c *gin.Context) error {
	person, subject, err := p.owner(c)
	if err != nil {
		return err
	}
	profile, _ := p.profile(person.Profile)
	if _, can := p.SSO.(actor); !can || !profile.Factors.Asks() || !p.Service.ListsFactors() {
		return web.SeeOther(pathAccount)
	}
	held, err := p.Service.FactorsOf(c.Request.Context(), person)
	if err != nil { // the offer is not worth an error
		p.site.Log(c).Warn("the factors of an account were not read", "cause", err.Error())
		return p.toWorkspace(c)
	}
	link := func(name string) FactorChoice {
		return FactorChoice{name, pathLogin + "?" + actionField + "=" + name + "&" + offerField}
	}
	page := SecondFactorPage{State: factorDone}
	kinds := held.Kinds()
	switch {
	case !held.HasSecond() && slices.Contains(kinds, domain.FactorPasskey):
		page.State = factorBoth
	case !held.HasSecond():
		page.State, page.Choices = factorChoose, []FactorChoice{link("application"), link("cle-de-securite")}
	case !slices.Contains(kinds, domain.FactorCodes):
		page.State, page.Choices = factorCodes, []FactorChoice{link("codes-de-secours")}
	}
	view := p.site.View(c, "secondfactor.title")
	p.takeOutcome(c, &view)
	if view.Token, err = p.site.Token(c, subject); err != nil {
		return err
	}
	return p.answer(c, "secondfactor", view.With(page), nil, "")
}

// leaveSecondFactor records an offer that was declined for now, and leads on to the ENT.
func (p *Portal) leaveSecondFactor(c *gin.Context) error {
	form, person, _, err := p.ownForm(c, pathSecondFactor, p.owner, secondFactorFields...)
	if err != nil {
		return err
	}
	if form["choix"] == "plus-tard" {
		if err := p.Service.FactorLater(c.Request.Context(), person); err != nil {
			p.site.Log(c).Error("a declined second factor was not recorded", "cause", err.Error())
		}
	}
	return p.toWorkspace(c)
}

// toWorkspace leads to the ENT. The session of the portal ends where the ENT has its own.
func (p *Portal) toWorkspace(c *gin.Context) error {
	if p.EntURL != "" {
		if err := p.site.EndSession(c); err != nil {
			return err
		}
	}
	return web.SeeOther(p.workspace())
}
